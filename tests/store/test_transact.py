"""The one loop: decides anew every round, backs off with jitter, gives up in time and says what was in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from gitcoord.errors import Contended, Held
from gitcoord.store.base import Busy, Change, Lost
from gitcoord.store.memory import MemoryStore
from gitcoord.store.transact import Plan, transact
from tests.store.changes import T1, create, update


class FakeClock:
    """Time that passes only in sleeps, and a little with every look."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        self.now += 0.0001
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


class FixedRng:
    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


class Unlucky(MemoryStore):
    """A store in which the first swaps meet an obstacle (a store fault, not a mock of Git)."""

    def __init__(self, *obstacles: Exception) -> None:
        super().__init__()
        self.obstacles = list(obstacles)
        self.swaps = 0

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        self.swaps += 1
        if self.obstacles:
            raise self.obstacles.pop(0)
        return super().swap(changes)


def test_the_result_is_that_of_the_decision_that_went_through() -> None:
    store = Unlucky(Lost(T1), Busy(T1))
    rounds: list[int] = []

    def decide() -> Plan[int]:
        rounds.append(len(rounds))
        return Plan([create(T1)], rounds[-1])

    assert transact(store, decide, clock=FakeClock(), rng=FixedRng()) == 2
    assert rounds == [0, 1, 2]


def test_a_decision_without_changes_writes_nothing() -> None:
    store = Unlucky()
    assert transact(store, lambda: Plan((), "nothing to do"), clock=FakeClock(), rng=FixedRng()) == "nothing to do"
    assert store.swaps == 0


def test_a_lost_race_is_decided_again_from_what_is_there_now() -> None:
    store = MemoryStore()
    rival = [create(T1, "rival")]

    def decide() -> Plan[str]:
        found = store.read([T1])[T1]
        if rival:
            store.swap([rival.pop()])
        return Plan([update(T1, found.oid if found else None, "mine")], found.payload.decode() if found else "absent")

    assert transact(store, decide, clock=FakeClock(), rng=FixedRng()) == "rival"


def test_a_refusal_ends_the_loop() -> None:
    store = Unlucky(Lost(T1))
    answers = [Plan([create(T1)], None)]

    def decide() -> Plan[None]:
        if answers:
            return answers.pop()
        raise Held("15 is held")

    with pytest.raises(Held):
        transact(store, decide, clock=FakeClock(), rng=FixedRng())
    assert store.swaps == 1


@pytest.mark.parametrize(("chance", "first"), [(0.0, 0.001), (1.0, 0.004)])
def test_the_first_pause_is_one_to_four_milliseconds(chance: float, first: float) -> None:
    clock = FakeClock()
    transact(Unlucky(Lost(T1)), lambda: Plan([create(T1)], None), clock=clock, rng=FixedRng(chance))
    assert clock.naps == [pytest.approx(first)]


def test_pauses_double_up_to_a_ceiling() -> None:
    clock = FakeClock()
    transact(Unlucky(*[Lost(T1)] * 9), lambda: Plan([create(T1)], None), clock=clock, rng=FixedRng(1.0))
    assert clock.naps == [pytest.approx(0.001 * pause) for pause in (4, 8, 16, 32, 64, 128, 128, 128, 128)]


@pytest.mark.parametrize(
    ("obstacle", "says"),
    [
        (Lost(T1), "kept changing"),
        (Busy(T1), "was locked by others"),
        (Busy(T1, "/repo/.git/refs/coord/tasks/t1.lock"), "/repo/.git/refs/coord/tasks/t1.lock"),
    ],
)
def test_it_gives_up_after_the_limit_and_says_what_was_in_the_way(obstacle: Exception, says: str) -> None:
    clock = FakeClock()
    store = Unlucky(*[obstacle] * 1000)
    with pytest.raises(Contended, match=says) as contended:
        transact(store, lambda: Plan([create(T1)], None), clock=clock, rng=FixedRng(), limit=2.0)
    assert 2.0 <= clock.now < 2.1
    assert contended.value.exit == 3
    assert contended.value.fields["ref"] == T1


def test_where_every_try_takes_long_there_are_some_all_the_same() -> None:
    """Of two seconds a crowded machine can let four tries go by, none of which says that others keep winning."""
    clock = FakeClock()

    def slowly() -> Plan[None]:
        clock.now += 1.0
        return Plan([create(T1)], None)

    store = Unlucky(*[Lost(T1)] * 7)
    transact(store, slowly, clock=clock, rng=FixedRng(), limit=2.0)
    assert store.swaps == 8
    store = Unlucky(*[Lost(T1)] * 100)
    with pytest.raises(Contended, match=r"8 races lost in [89] s"):
        transact(store, slowly, clock=clock, rng=FixedRng(), limit=2.0)
