"""Lock rules: the tables, what each event does, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from gitcoord.core.lock_events import (
    Acquire,
    Drop,
    Lapse,
    Leave,
    LockEvent,
    Mode,
    Release,
    ReleaseAll,
    Renew,
    Target,
    target,
)
from gitcoord.core.locking import GRANT, MAX_LOCKS, MAX_WANTS, step
from gitcoord.core.locks import (
    CONFLICT,
    EMPTY,
    Facts,
    Lock,
    LockTable,
    displaced,
    left,
    own,
)
from gitcoord.core.model import Boot
from gitcoord.errors import Ended, Held, NotHolder, StaleToken, Usage, WrongState
from tests.core.lock_support import ANN, AT, BEN, BOTH, CAT, LIVE, acquire, after, holders, on, queue, refused, release

# --- taking -----------------------------------------------------------------------------------------------------------


def test_a_free_lock_is_granted_with_the_next_token() -> None:
    table = after(acquire(ANN, "deploy", reason="release 2.0", ttl=60.0))
    assert holders(table) == [("deploy", "exclusive", ANN, 1)]
    assert table.next_token == 2
    assert (table.locks[0].reason, table.locks[0].ttl, table.locks[0].since) == ("release 2.0", 60.0, AT)


@pytest.mark.parametrize(("held", "wanted"), list(itertools.product(BOTH, BOTH)))
@pytest.mark.parametrize(("first", "second"), [("deploy", "deploy"), ("src/**", "src/a.py"), ("*.py", "src/")])
def test_two_sessions_conflict_as_the_table_says(held: Mode, wanted: Mode, first: str, second: str) -> None:
    table = after(acquire(ANN, first, mode=held))
    ask = acquire(BEN, second, mode=wanted)
    if (held, wanted) in CONFLICT:
        refused(Held, table, ask)
    else:
        assert len(after(ask, table=table).locks) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [("deploy", "deploy2"), ("/src/a/**", "/src/b/**"), ("/a.py", "/a.md"), ("deploy", "Deploy"), ("a", "/a")],
)
def test_what_has_nothing_in_common_does_not_conflict(first: str, second: str) -> None:
    assert len(after(acquire(ANN, first), acquire(BEN, second)).locks) == 2


@pytest.mark.parametrize(("mine", "wanted"), list(GRANT))
def test_asking_again_is_what_the_table_says(mine: Mode | None, wanted: Mode) -> None:
    before = after(acquire(ANN, "a/**", mode=mine)) if mine else EMPTY
    table = after(acquire(ANN, "a/**", mode=wanted), table=before)
    if GRANT[(mine, wanted)] == "keep":
        assert table is before
    else:
        assert holders(table) == [("a/**", wanted, ANN, before.next_token)]


def test_an_upgrade_is_refused_while_somebody_else_shares() -> None:
    table = after(acquire(ANN, "db", mode="shared"), acquire(BEN, "db", mode="shared"))
    assert refused(Held, table, acquire(ANN, "db")).fields["holder"] == BEN
    table = after(release(BEN, "db"), acquire(ANN, "db"), table=table)
    assert holders(table) == [("db", "exclusive", ANN, 3)]


def test_several_are_taken_all_or_none() -> None:
    table = after(acquire(BEN, "b"))
    refused(Held, table, acquire(ANN, "a", "b", "src/**"))
    table = after(release(BEN, "b"), acquire(ANN, "a", "b", "src/**", "a"), table=table)
    assert holders(table) == [("a", "exclusive", ANN, 2), ("b", "exclusive", ANN, 3), ("src/**", "exclusive", ANN, 4)]


def test_what_one_holds_of_a_set_is_kept_and_only_the_rest_is_new() -> None:
    table = after(acquire(ANN, "a"), acquire(ANN, "b", "a"))
    assert holders(table) == [("a", "exclusive", ANN, 1), ("b", "exclusive", ANN, 2)]


def test_a_session_does_not_conflict_with_itself() -> None:
    assert len(after(acquire(ANN, "src/**"), acquire(ANN, "src/a.py")).locks) == 2


def test_a_refusal_names_the_holder_the_reason_and_what_to_do() -> None:
    table = after(acquire(ANN, "deploy", reason="release 2.0"))
    error = refused(Held, table, acquire(BEN, "x", "deploy"))
    assert (error.code, error.exit) == ("held", 1)
    assert error.message == f"'deploy' is locked by {ANN} (release 2.0)"
    assert "--wait" in error.hint
    assert error.fields == {
        "name": "deploy",
        "holder": ANN,
        "token": 1,
        "since": AT,
        "reason": "release 2.0",
        "mode": "exclusive",
        "wanted": "deploy",
    }


def test_a_refused_pattern_shows_a_path_that_both_match() -> None:
    table = after(acquire(ANN, "src/**/*.py"))
    error = refused(Held, table, acquire(BEN, "/src/api/"))
    assert error.fields["witness"] == "src/api/a.py"
    assert "both match src/api/a.py" in error.message


def test_a_stored_pattern_that_cannot_be_read_keeps_everybody_out_until_its_holder_is_gone() -> None:
    odd = Lock(target=Target(path="[new-syntax"), mode="exclusive", session=ANN, token=7, since=AT)
    table = LockTable(locks=(odd,), next_token=8)
    refused(Held, table, acquire(BEN, "src/a.py"))
    assert holders(after(acquire(BEN, "src/a.py"), table=table, facts=Facts(live=frozenset({BEN})))) == [
        ("src/a.py", "exclusive", BEN, 8)
    ]


@pytest.mark.parametrize(
    "event",
    [
        acquire(ANN),
        Acquire(at=AT, session=ANN, wants=tuple(Target(name=f"n{n}") for n in range(MAX_WANTS + 1))),
        Acquire(at=AT, session=ANN, wants=(Target(path="../x"),)),
        Acquire(at=AT, session=ANN, wants=(Target(name="-x"),)),
        acquire(ANN, "a", ttl=0.0),
        acquire(ANN, "a", ttl=float("nan")),
        acquire(ANN, "a", ttl=1e9),
        acquire(ANN, "a", reason="x" * 1001),
        Renew(at=AT, session=ANN, ttl=-1.0),
        Renew(at=AT, session=ANN, targets=on("mine"), tokens=(1, 2)),
        Release(at=AT, session=ANN, targets=()),
        queue(ANN, "theirs", ttl=0.0),
        queue(ANN, "theirs", ttl=float("inf")),
    ],
)
def test_absurd_events_are_usage_errors(event: LockEvent) -> None:
    refused(Usage, after(acquire(ANN, "mine"), acquire(BEN, "theirs")), event)


@pytest.mark.parametrize("text", ["", " a", "a ", "-x", "a\nb", "a\x1b[0m", "a\u202eb", "x" * 201])
def test_a_name_that_would_mislead_is_refused(text: str) -> None:
    with pytest.raises(Usage):
        target(text, path=False)


def test_a_target_is_a_name_or_a_pattern_but_not_both() -> None:
    for fields in ({}, {"name": "a", "path": "b"}):
        with pytest.raises(ValueError, match="on a name or on a path"):
            Target(**fields)


def test_the_table_does_not_grow_without_end() -> None:
    full = LockTable(
        locks=tuple(
            Lock(target=Target(name=f"n{n}"), mode="exclusive", session=ANN, token=n + 1, since=AT)
            for n in range(MAX_LOCKS)
        ),
        next_token=MAX_LOCKS + 1,
    )
    assert "cleanup" in refused(WrongState, full, acquire(BEN, "one more")).hint


@pytest.mark.parametrize("event", [acquire(ANN, "a"), queue(ANN, "a"), Renew(at=AT, session=ANN)])
def test_a_session_that_is_not_live_gets_nothing(event: LockEvent) -> None:
    refused(Ended, after(acquire(BEN, "a")), event, Facts(live=frozenset({BEN})))


# --- giving back ------------------------------------------------------------------------------------------------------


def test_release_gives_back_all_or_none() -> None:
    table = after(acquire(ANN, "a", "b"), acquire(BEN, "c"))
    error = refused(NotHolder, table, release(ANN, "a", "c"))
    assert (error.fields["name"], error.fields["holder"]) == ("c", BEN)
    assert holders(after(release(ANN, "a", "b"), table=table)) == [("c", "exclusive", BEN, 3)]


def test_release_all_takes_the_session_off_the_table_and_only_it() -> None:
    table = after(acquire(ANN, "a", "b"), acquire(BEN, "c"), queue(ANN, "c"), queue(CAT, "c"))
    table = after(ReleaseAll(at=AT, session=ANN), table=table)
    assert holders(table) == [("c", "exclusive", BEN, 3)]
    assert [waiter.session for waiter in table.waiters] == [CAT]
    assert after(ReleaseAll(at=AT, session=ANN), table=table) is table


def test_at11_a_token_of_an_earlier_grant_opens_nothing() -> None:
    table = after(acquire(ANN, "a"), release(ANN, "a"), acquire(BEN, "a"), release(BEN, "a"), acquire(ANN, "a"))
    assert holders(table) == [("a", "exclusive", ANN, 3)]
    refused(StaleToken, table, release(ANN, "a", tokens=(1,)))
    refused(StaleToken, table, Renew(at=AT, session=ANN, targets=on("a"), tokens=(1,), ttl=60.0))
    refused(StaleToken, table, release(BEN, "a", tokens=(2,)))
    refused(NotHolder, table, release(BEN, "a"))
    assert after(release(ANN, "a", tokens=(3,)), table=table).locks == ()


def test_a_token_is_never_given_twice_even_when_the_table_is_lost() -> None:
    table = after(acquire(ANN, "a"), release(ANN, "a"), acquire(ANN, "a"), ReleaseAll(at=AT, session=ANN))
    assert (table.locks, table.next_token) == ((), 3)
    lost = after(acquire(ANN, "a"), facts=Facts(live=LIVE.live, floor=41))
    assert holders(lost) == [("a", "exclusive", ANN, 42)]


# --- life of a lock ---------------------------------------------------------------------------------------------------


def test_a_lock_dies_with_its_session() -> None:
    before = after(acquire(ANN, "a", "src/**"))
    table = after(acquire(BEN, "src/x"), table=before, facts=Facts(live=frozenset({BEN})))
    assert holders(table) == [("a", "exclusive", ANN, 1), ("src/x", "exclusive", BEN, 3)]
    assert [lock.target.text for lock in displaced(before, table)] == ["src/**"]


def test_a_lock_dies_with_its_ttl() -> None:
    table = after(acquire(ANN, "a", ttl=60.0))
    refused(Held, table, acquire(BEN, "a"))
    lapsed = msgspec.structs.replace(LIVE, lapsed=frozenset({1}))
    assert holders(after(acquire(BEN, "a"), table=table, facts=lapsed)) == [("a", "exclusive", BEN, 2)]
    assert holders(after(acquire(ANN, "a"), table=table, facts=lapsed)) == [("a", "exclusive", ANN, 2)]


def test_le11_a_lock_of_a_session_that_fell_silent_waits_out_the_delay() -> None:
    table = after(acquire(ANN, "a"))
    error = refused(Held, table, acquire(BEN, "a"), Facts(live=frozenset({BEN}), delay={ANN: 41.26}))
    assert error.fields["retry_after"] == 41.3
    assert "free in 41 s" in error.message
    assert len(after(acquire(BEN, "a"), table=table, facts=Facts(live=frozenset({BEN}), delay={ANN: 0.0})).locks) == 1


def test_the_ttl_is_counted_on_the_machine_that_set_it_or_from_when_we_saw_it() -> None:
    mark = Boot(id="boot-1", at=100.0)
    lock = after(acquire(ANN, "a", ttl=60.0, mark=mark)).locks[0]
    assert left(lock, Boot(id="boot-1", at=130.0), 0.0) == 30.0
    assert left(lock, Boot(id="boot-1", at=999.0), 0.0) == 0.0
    assert left(lock, Boot(id="boot-2", at=999.0), 20.0) == 40.0
    assert left(lock, Boot(id="boot-1", at=99.0), 20.0) == 40.0  # before its own mark: a cloned boot id
    assert left(lock, None, 60.0) == 0.0
    assert left(after(acquire(ANN, "a")).locks[0], None, 1e9) is None


def test_renewing_moves_the_ttl_and_never_the_token() -> None:
    later = Boot(id="boot-1", at=150.0)
    before = after(acquire(ANN, "a", ttl=60.0, mark=Boot(id="boot-1", at=100.0)), acquire(ANN, "b"), acquire(BEN, "c"))
    table = after(Renew(at=AT, session=ANN, mark=later), table=before)
    assert [(lock.token, lock.ttl, lock.mark, lock.renewals) for lock in table.locks] == [
        (1, 60.0, later, 1),
        (2, None, None, 0),
        (3, None, None, 0),
    ]
    assert after(Renew(at=AT, session=BEN, mark=later), table=table) is table
    longer = own(after(Renew(at=AT, session=ANN, targets=on("b"), ttl=90.0), table=table), ANN, on("b")[0])
    assert longer is not None
    assert longer.ttl == 90.0
    refused(NotHolder, table, Renew(at=AT, session=ANN, targets=on("c")))


def test_dropping_clears_what_is_out_of_force_and_nothing_else() -> None:
    table = after(acquire(ANN, "a"), acquire(BEN, "b"), queue(CAT, "a"))
    drop = Drop(at=AT, lapses=(Lapse(token=1, why="dead"), Lapse(token=99, why="ended")))
    refused(Held, table, drop)
    refused(Held, table, drop, Facts(live=frozenset({BEN, CAT}), delay={ANN: 5.0}))
    table = after(drop, table=table, facts=Facts(live=frozenset({BEN})))
    assert holders(table) == [("b", "exclusive", BEN, 2)]
    assert table.waiters == ()
    assert after(drop, table=table) is table


@pytest.mark.parametrize("event", [Leave(at=AT, session=ANN), ReleaseAll(at=AT, session=ANN), Drop(at=AT)])
def test_nothing_to_do_on_no_table_is_no_change(event: LockEvent) -> None:
    assert step(None, event, LIVE) is EMPTY
