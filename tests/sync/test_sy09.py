"""Five clones, one hub, a bad network, any order of work: no seed may break what is promised. FAULTS SY09.

The faults that are put in on purpose show that the simulation would find what it is there to find.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from gitcoord.coordinator import base, liveness, turns
from gitcoord.core import merge, names, task
from gitcoord.store import hub_push as deciding
from gitcoord.store.base import Change
from gitcoord.sync import hub, joining
from tests.sync import simulation
from tests.sync.sim_truth import Violation
from tests.sync.sim_wire import Hub

QUICK, STEPS = 500, 60
NIGHTLY = 10_000
PARTS = 10


def worlds(seeds: range, steps: int) -> None:
    for seed in seeds:
        simulation.run(seed, steps)


@pytest.mark.parametrize("part", range(PARTS))
def test_sy09_sim_partition_fuzz(part: int) -> None:
    size = QUICK // PARTS
    worlds(range(part * size, (part + 1) * size), STEPS)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(100))
def test_sy09_no_seed_of_a_night_breaks_a_promise(part: int) -> None:
    size = NIGHTLY // 100
    worlds(range(part * size, (part + 1) * size), simulation.STEPS)


@pytest.mark.parametrize("seed", [6, 17, 50])
def test_sy09_a_refusal_is_told_although_the_process_died_or_the_line_broke(seed: int) -> None:
    worlds(range(seed, seed + 1), simulation.STEPS)


@pytest.mark.parametrize("seed", [1406, 1531])
def test_sy09_a_claim_after_a_death_between_fetch_and_merge_brings_no_session_back(seed: int) -> None:
    worlds(range(seed, seed + 1), simulation.STEPS)


@pytest.mark.parametrize("seed", [1289, 1370])
def test_sy09_an_older_heartbeat_is_never_put_back(seed: int) -> None:
    worlds(range(seed, seed + 1), simulation.STEPS)


@pytest.mark.parametrize("seed", [22, 39, 91, 97, 106])
def test_sy09_nobody_is_written_off_who_was_heard_of_at_the_hub(seed: int) -> None:
    worlds(range(seed, seed + 1), simulation.STEPS)


def test_sy09_a_seed_is_always_the_same_run() -> None:
    assert simulation.run(3, STEPS).log == simulation.run(3, STEPS).log


# -- faults that must be found ----------------------------------------------------------------------------------------

Break = Callable[[pytest.MonkeyPatch], None]


def _a_hub_that_compares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Hub.__init__

    def careless(self: Hub, *args: Any) -> None:
        found(self, *args)
        self.compares = False

    monkeypatch.setattr(Hub, "__init__", careless)


def _a_merge_that_keeps_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def ours(self: Any, plan: Any, ref: str, mine: str, theirs: str) -> None:
        """As if only we had moved."""

    monkeypatch.setattr(joining.Joining, "_record", ours)


def _a_merge_that_takes_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "replay", lambda ref, theirs, ours, known: [])


def _a_token_that_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    granted = task._granted

    def same(record: Any, event: Any, facts: Any) -> Any:
        after = granted(record, event, facts)
        assert after.claim is not None
        token = max(record.token, 1)
        return msgspec.structs.replace(after, token=token, claim=msgspec.structs.replace(after.claim, token=token))

    monkeypatch.setattr(task, "_granted", same)


def _a_lost_answer_that_counts_as_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding.Decider, "_find_out", lambda *args: None)


def _a_counter_that_every_clone_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(coord: base.Base, decide: Any, what: str, *, exclusive: bool = False) -> Any:
        return coord.transact(decide)

    monkeypatch.setattr("gitcoord.coordinator.sharing.in_turn", alone)
    assert turns.in_turn is not alone


def _a_claim_decided_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from gitcoord.coordinator import arbiter

    monkeypatch.setattr(arbiter, "at_hub", lambda coord, decide, limit: coord.loop(coord.store, decide, limit=limit))


def _an_expiry_that_moves_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    def unmoved(self: Any, sid: str) -> Change:
        beat = self._beat_of(sid)
        return Change(names.heartbeat_ref(sid), beat.oid if beat else None, None)

    monkeypatch.setattr(liveness.Liveness, "_last_beat", unmoved)


def _a_clone_that_writes_off_those_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = liveness.Liveness.expiry_if_dead

    def at_once(self: Any, *args: Any) -> Any:
        before, self.asking = self.asking, True
        try:
            return judged(self, *args)
        finally:
            self.asking = before

    monkeypatch.setattr(liveness.Liveness, "expiry_if_dead", at_once)


def _a_provisional_claim_that_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "unasked", lambda sides, refs: {})


FAULTS: Mapping[Break, range] = {
    _a_hub_that_compares_nothing: range(20),
    _a_merge_that_keeps_ours: range(20),
    _a_merge_that_takes_theirs: range(20),
    _a_token_that_does_not_grow: range(20),
    _a_lost_answer_that_counts_as_a_yes: range(60),
    _a_counter_that_every_clone_counts_alone: range(20),
    _a_claim_decided_here: range(20),
}
"""By one of which seeds each has to be found."""

RARE: Mapping[Break, range] = {
    _an_expiry_that_moves_no_heartbeat: range(600),
    _a_clone_that_writes_off_those_elsewhere: range(600),
    _a_provisional_claim_that_asks_nobody: range(2000),
}
"""Those that take longer to be found than one waits for; ``test_silence`` has them each by itself."""


def found(fault: Break, monkeypatch: pytest.MonkeyPatch, seeds: range) -> None:
    fault(monkeypatch)
    with pytest.raises(Violation, match=r"again with: python -m tests\.sync\.simulation \d+"):
        worlds(seeds, simulation.STEPS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_sy09_the_simulation_finds(fault: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    found(fault, monkeypatch, FAULTS[fault])


@pytest.mark.nightly
@pytest.mark.parametrize("fault", RARE, ids=lambda fault: fault.__name__.strip("_"))
def test_sy09_the_simulation_finds_in_the_long_run(fault: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    found(fault, monkeypatch, RARE[fault])
