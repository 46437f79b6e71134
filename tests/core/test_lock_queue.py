"""Waiting for locks: first come, first served; the dead block nobody; and what holds after any events whatever."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.core.lock_events import Acquire, AnyLockEvent, Drop, Lapse, Leave, LockEvent, Release, ReleaseAll, Renew
from gitcoord.core.lock_events import Wait as Queue
from gitcoord.core.locking import MAX_WAITERS, step
from gitcoord.core.locks import CONFLICT, EMPTY, Facts, LockTable, Waiter, meet, waits
from gitcoord.core.model import Boot, Process
from gitcoord.errors import CoordError, Held, WrongState
from tests.core.lock_support import ANN, AT, BEN, CAT, LIVE, acquire, after, holders, on, queue, refused, release


def waiting(table: LockTable) -> list[tuple[str, int]]:
    return [(waiter.session, waiter.ticket) for waiter in table.waiters]


def test_waiters_are_served_in_the_order_of_their_tickets() -> None:
    table = after(acquire(ANN, "a"), queue(BEN, "a"), queue(CAT, "a"), release(ANN, "a"))
    assert waiting(table) == [(BEN, 1), (CAT, 2)]
    error = refused(Held, table, acquire(CAT, "a"))
    assert (error.fields["holder"], error.fields["waiting"]) == (BEN, True)
    refused(Held, table, acquire(ANN, "a"))
    table = after(acquire(BEN, "a"), table=table)
    assert waiting(table) == [(CAT, 2)]
    table = after(release(BEN, "a"), acquire(CAT, "a"), table=table)
    assert (waiting(table), holders(table)) == ([], [("a", "exclusive", CAT, 3)])


def test_a_waiter_holds_back_only_what_it_wants() -> None:
    table = after(acquire(ANN, "a"), queue(BEN, "a", "src/**"))
    refused(Held, table, acquire(CAT, "src/x.py"))
    assert len(after(acquire(CAT, "b", "/docs/x"), table=table).locks) == 3


def test_those_who_share_do_not_pass_one_who_waits_alone() -> None:
    table = after(acquire(ANN, "a", mode="shared"), queue(BEN, "a"))
    refused(Held, table, acquire(CAT, "a", mode="shared"))
    table = after(acquire(ANN, "a"), queue(BEN, "a", mode="shared"), queue(CAT, "a", mode="shared"))
    table = after(release(ANN, "a"), acquire(CAT, "a", mode="shared"), acquire(BEN, "a", mode="shared"), table=table)
    assert waiting(table) == []


@pytest.mark.parametrize("facts", [Facts(live=frozenset({CAT})), Facts(live=LIVE.live, over=frozenset({1}))])
def test_a_dead_waiter_or_one_whose_time_is_up_blocks_nobody(facts: Facts) -> None:
    table = after(acquire(ANN, "a"), queue(BEN, "a"), release(ANN, "a"))
    assert holders(after(acquire(CAT, "a"), table=table, facts=facts)) == [("a", "exclusive", CAT, 2)]


def test_a_holders_upgrade_does_not_queue_behind_one_who_waits_for_that_holder() -> None:
    table = after(acquire(ANN, "a", mode="shared"), queue(BEN, "a"), acquire(ANN, "a"))
    assert holders(table) == [("a", "exclusive", ANN, 2)]
    assert waiting(table) == [(BEN, 1)]


def test_a_place_in_the_queue_is_good_for_a_part_and_for_a_weaker_mode() -> None:
    table = after(acquire(ANN, "a"), queue(BEN, "a", "b"), queue(CAT, "a"), release(ANN, "a"))
    table = after(acquire(BEN, "a", mode="shared"), table=table)
    assert waiting(table) == [(BEN, 1), (CAT, 2)]  # it still waits for the rest
    assert waiting(after(acquire(BEN, "a", "b"), table=table)) == [(CAT, 2)]


def test_a_place_is_not_good_for_more_than_was_asked() -> None:
    table = after(acquire(ANN, "a"), queue(BEN, "a", mode="shared"), queue(CAT, "a"), release(ANN, "a"))
    refused(Held, table, acquire(BEN, "a"))
    assert holders(after(acquire(BEN, "a", mode="shared"), table=table)) == [("a", "shared", BEN, 2)]


def test_waiting_again_keeps_the_place_and_waiting_after_time_is_up_takes_a_new_one() -> None:
    table = after(acquire(ANN, "a"), queue(BEN, "a"), queue(CAT, "a"))
    assert after(queue(BEN, "a"), table=table) is table
    over = msgspec.structs.replace(LIVE, over=frozenset({1}))
    assert waiting(after(queue(BEN, "a"), table=table, facts=over)) == [(CAT, 2), (BEN, 3)]


def test_there_is_nothing_to_wait_for_when_nothing_stands_in_the_way() -> None:
    refused(WrongState, EMPTY, queue(ANN, "a"))
    refused(WrongState, after(acquire(ANN, "a")), queue(ANN, "a"))
    assert len(after(acquire(ANN, "a"), queue(BEN, "a"), release(ANN, "a"), queue(CAT, "a")).waiters) == 2


def test_a_waiter_carries_what_tells_that_it_is_gone() -> None:
    process = Process(pid=4711, start="99", ns="pid:[1]")
    event = Queue(at=AT, session=BEN, wants=on("a"), ttl=30.0, mark=Boot(id="b", at=5.0), host="h", process=process)
    waiter = after(acquire(ANN, "a"), event).waiters[0]
    assert (waiter.process, waiter.host, waiter.mark, waiter.ttl) == (process, "h", Boot(id="b", at=5.0), 30.0)


def test_leaving_gives_up_one_place_or_all() -> None:
    table = after(acquire(ANN, "a", "b"), queue(BEN, "a"), queue(BEN, "b"), queue(CAT, "a"))
    assert waiting(after(Leave(at=AT, session=BEN, wants=on("a")), table=table)) == [(BEN, 2), (CAT, 3)]
    assert waiting(after(Leave(at=AT, session=BEN), table=table)) == [(CAT, 3)]
    assert after(Leave(at=AT, session=BEN, wants=on("x")), table=table) is table


def test_the_queue_does_not_grow_without_end_and_the_dead_make_room() -> None:
    waiters = tuple(
        Waiter(ticket=n, session=CAT, wants=on(f"n{n}"), mode="exclusive", since=AT, ttl=9.0)
        for n in range(1, MAX_WAITERS + 1)
    )
    table = msgspec.structs.replace(after(acquire(ANN, "a")), waiters=waiters, next_ticket=MAX_WAITERS + 1)
    refused(WrongState, table, queue(BEN, "a"))
    table = after(queue(BEN, "a"), table=table, facts=Facts(live=frozenset({ANN, BEN})))
    assert waiting(table) == [(BEN, MAX_WAITERS + 1)]


# --- whatever happens -------------------------------------------------------------------------------------------------

sessions = st.sampled_from([ANN, BEN, CAT])
some_targets = st.lists(
    st.sampled_from(["a", "b", "src/**", "src/a.py", "*.py", "/docs/"]), min_size=1, max_size=3
).map(lambda texts: on(*texts))
modes = st.sampled_from(["exclusive", "shared"])
tokens = st.integers(1, 12)
lapses = st.lists(st.builds(Lapse, token=tokens, why=st.just("dead")), max_size=3).map(tuple)
events = st.one_of(
    st.builds(
        Acquire, at=st.just(AT), session=sessions, wants=some_targets, mode=modes, ttl=st.sampled_from([None, 9.0])
    ),
    st.builds(Queue, at=st.just(AT), session=sessions, wants=some_targets, mode=modes, ttl=st.just(9.0)),
    st.builds(Release, at=st.just(AT), session=sessions, targets=some_targets),
    st.builds(Renew, at=st.just(AT), session=sessions, targets=st.just(()) | some_targets),
    st.builds(ReleaseAll, at=st.just(AT), session=sessions),
    st.builds(Leave, at=st.just(AT), session=sessions),
    st.builds(
        Drop,
        at=st.just(AT),
        lapses=st.lists(st.builds(Lapse, token=tokens, why=st.just("dead")), max_size=3).map(tuple),
    ),
)
some_facts = st.builds(
    Facts,
    live=st.frozensets(sessions, min_size=2),
    delay=st.dictionaries(sessions, st.sampled_from([0.0, 30.0]), max_size=1),
    lapsed=st.frozensets(tokens, max_size=2),
    over=st.frozensets(tokens, max_size=2),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(events, some_facts), max_size=25))
def test_no_two_holders_tokens_only_grow_and_refusals_change_nothing(history: list[tuple[LockEvent, Facts]]) -> None:
    table: LockTable | None = None
    for event, facts in history:
        before = table or EMPTY
        copy = msgspec.json.encode(before)
        again = msgspec.json.decode(msgspec.json.encode(event), type=AnyLockEvent)
        try:
            table = step(table, event, facts)
        except CoordError as refusal:
            with pytest.raises(type(refusal)):
                step(before, again, facts)
        else:
            assert step(before, again, facts) == table  # replaying the trailer comes to the same
            check_grant(before, table, facts)
        assert msgspec.json.encode(before) == copy


def check_grant(before: LockTable, table: LockTable, facts: Facts) -> None:
    for one, other in itertools.combinations(table.locks, 2):
        assert (
            one.session == other.session or (one.mode, other.mode) not in CONFLICT or not meet(one.target, other.target)
        )
    granted = [lock for lock in table.locks if lock.token >= before.next_token]
    assert [lock.token for lock in granted] == list(range(before.next_token, table.next_token))
    assert len({lock.token for lock in table.locks}) == len(table.locks)
    held = {(lock.session, lock.target) for lock in before.locks}
    for lock, waiter in itertools.product(granted, before.waiters):
        mine = [it.ticket for it in before.waiters if it.session == lock.session]
        if waits(waiter, facts) and waiter.session != lock.session and (lock.session, lock.target) not in held:
            passed = (waiter.mode, lock.mode) in CONFLICT and any(meet(lock.target, it) for it in waiter.wants)
            assert not passed or min(mine, default=table.next_ticket) < waiter.ticket
