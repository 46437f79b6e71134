"""Lock verbs: all or none, one holder, gone with their session, and a fair queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.core import names
from gitcoord.errors import Corrupt, Ended, Held, NoSession, NotHolder, TimedOut, Usage
from tests.faults.support import DELAY, TTL, FakeClock, Office, foreign, process


def refused(coord: Coordinator, *wants: str, **options: bool) -> Held:
    """Lock in vain; the refusal."""
    with pytest.raises(Held) as refusal:
        coord.lock(wants, **options)  # type: ignore[arg-type]
    return refusal.value


def held(coord: Coordinator) -> list[tuple[str, str | None, int]]:
    """Every lock: what it is on, whose it is, its token."""
    return [(lock.name or lock.path or "", lock.session_name, lock.token) for lock in coord.locks()]


# -- taking and giving back ------------------------------------------------------------------------------------------


def test_locks_are_granted_together_each_with_a_token(office: Office) -> None:
    ann = office.hire("ann")
    got = ann.lock(["deploy", "src/**"], reason="release")
    assert [(lock.name, lock.path, lock.token) for lock in got.locks] == [("deploy", None, 1), (None, "src/**", 2)]
    assert (got.token, got.guarantee, got.changed) == (2, "local", True)
    assert all((lock.reason, lock.session_name, lock.in_force) == ("release", "ann", True) for lock in got.locks)


def test_one_that_is_taken_refuses_all_and_says_by_whom_why_and_what_to_do(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["src/**"], reason="refactor")
    before = office.refs()[names.LOCKS]
    refusal = refused(ben, "free", "src/a.py")
    assert "'src/**' is locked by ann" in refusal.message
    assert "refactor" in refusal.message
    assert "--wait" in refusal.hint
    fields = refusal.fields
    assert (fields["holder"], fields["holder_name"], fields["token"]) == (ann.wanted, "ann", 1)
    assert (fields["witness"], fields["reason"]) == ("src/a.py", "refactor")
    assert fields["since"]
    assert fields["heartbeat_age"] is not None
    assert office.refs()[names.LOCKS] == before


def test_locking_what_one_holds_changes_nothing(office: Office) -> None:
    ann = office.hire("ann")
    first = ann.lock(["db"])
    before = office.refs()
    again = ann.lock(["db"], reason="again")
    assert (again.changed, again.locks) == (False, first.locks)
    assert office.refs() == before


def test_shared_locks_stand_side_by_side_and_keep_an_exclusive_one_out(office: Office) -> None:
    ann, ben, cat = office.hire("ann"), office.hire("ben"), office.hire("cat")
    ann.lock(["db"], shared=True)
    ben.lock(["db"], shared=True)
    refused(cat, "db")
    ben.unlock()
    assert ann.lock(["db"]).locks[0].mode == "exclusive"  # an upgrade, now that ann is alone
    refused(cat, "db", shared=True)


def test_a_bare_word_is_a_pattern_only_with_path(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["Makefile"])
    ben.lock(["Makefile"], path=True)
    assert [(lock.name, lock.path) for lock in ann.locks()] == [("Makefile", None), (None, "Makefile")]
    assert ben.unlock(["Makefile"])[0].path == "Makefile"  # as it was locked
    assert ann.unlock(["Makefile"])[0].name == "Makefile"


def test_unlocking_takes_those_named_or_all_or_the_only_one(office: Office) -> None:
    ann = office.hire("ann")
    ann.lock(["a", "b", "c", "d"])
    assert [lock.name for lock in ann.unlock(["b", "a"])] == ["a", "b"]
    with pytest.raises(Usage):
        ann.unlock()
    assert [lock.name for lock in ann.unlock(all=True)] == ["c", "d"]
    assert ann.unlock(all=True) == []
    with pytest.raises(NotHolder):
        ann.unlock()
    ann.lock(["e"])
    assert [lock.name for lock in ann.unlock()] == ["e"]


def test_only_the_holder_unlocks_and_all_or_none(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["a"])
    ben.lock(["b"])
    with pytest.raises(NotHolder) as refusal:
        ben.unlock(["b", "a"])
    assert refusal.value.fields["holder"] == ann.wanted
    assert held(ann) == [("a", "ann", 1), ("b", "ben", 2)]


def test_tokens_grow_with_every_grant_and_are_never_used_again(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    for coord, token in ((ann, 1), (ben, 2), (ann, 3)):
        assert coord.lock(["db"]).token == token
        coord.unlock()


@pytest.mark.parametrize("wants", [[], [""], ["-x"], ["a\nb"], ["/"], ["../x"], ["!x/"], ["a//b"]])
def test_what_names_no_lock_is_refused(office: Office, wants: list[str]) -> None:
    with pytest.raises(Usage):
        office.hire("ann").lock(wants)


def test_nobody_locks_without_a_live_session(office: Office) -> None:
    with pytest.raises(NoSession):
        office.coord().lock(["db"])
    ann = office.hire("ann")
    ann.end()
    with pytest.raises(Ended):
        ann.lock(["db"])


def test_the_history_explains_itself(office: Office) -> None:
    ann = office.hire("ann")
    ann.lock(["db", "docs/*.md"], reason="why")
    ann.unlock(["db"])
    subjects = office.scratch.git("log", "--format=%s", names.LOCKS).splitlines()
    assert subjects == ["unlock db by ann", "lock db, docs/*.md by ann, token 2"]
    assert [event["type"] for event in office.events(names.LOCKS)] == ["lock", "unlock"]


# -- a lock lives as long as its session, or its ttl -----------------------------------------------------------------


def test_a_dead_holders_lock_is_taken_at_once_and_its_session_expires_in_the_same_swap(office: Office) -> None:
    with process() as agent:
        ann = office.hire("ann", pid=agent.pid)
        ann.lock(["db"])
        ben = office.hire("ben")
        refused(ben, "db")
    got = ben.lock(["db"])
    assert got.notices[0].code == "taken-over"
    assert "ann" in got.notices[0].message
    assert office.record(f"refs/coord/sessions/{ann.wanted}")["state"] == "expired"
    with pytest.raises(Ended):
        ann.unlock()


def test_a_silent_holders_lock_is_free_after_the_ttl_and_the_lock_delay(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.lock(["db"])
    clock.move(TTL + 1)
    refusal = refused(ben, "db")
    assert 0 < float(str(refusal.fields["retry_after"])) <= DELAY
    clock.move(DELAY)
    assert ben.lock(["db"]).changed
    assert timed.record(f"refs/coord/sessions/{ann.wanted}")["ending"]["how"] == "observed"


def test_a_silent_holder_that_acts_again_still_holds_what_nobody_took(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.lock(["db"])
    clock.move(TTL + 2 * DELAY)
    assert not ann.lock(["db"]).changed
    ann.heartbeat()
    refused(ben, "db")


def test_what_is_not_in_force_is_listed_as_free(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann")
    ann.lock(["db"])
    clock.move(TTL + DELAY)
    assert [lock.in_force for lock in timed.hire("ben").locks()] == [False]


def test_a_ttl_ends_the_lock_though_its_holder_lives_and_asking_again_renews_it(
    timed: Office, clock: FakeClock
) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    first = ann.lock(["db"], ttl=100)
    clock.move(90)
    again = ann.lock(["db"], ttl=100)
    assert (again.changed, again.token) == (True, first.token)  # renewed: the same grant
    clock.move(90)
    refused(ben, "db")
    clock.move(11)
    assert ben.lock(["db"]).token == 2
    assert timed.record(f"refs/coord/sessions/{ann.wanted}")["state"] == "live"
    with pytest.raises(NotHolder):
        ann.unlock(["db"])


def test_another_machines_ttl_is_counted_from_when_it_was_first_seen(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann", clock=foreign())
    ann.lock(["db"], ttl=100)
    ben = timed.hire("ben")
    refused(ben, "db")
    clock.move(99)
    refused(ben, "db")
    clock.move(2)
    assert ben.lock(["db"]).changed


# -- corrupt is never free -------------------------------------------------------------------------------------------


def test_a_table_that_cannot_be_read_grants_nothing(office: Office) -> None:
    ann = office.hire("ann")
    office.plant(names.LOCKS, b"garbage")
    for verb in (lambda: ann.lock(["db"]), lambda: ann.unlock(all=True), ann.locks):
        with pytest.raises(Corrupt):
            verb()


def test_a_holder_that_cannot_be_read_keeps_its_lock_and_nobody_elses(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["db"])
    office.plant(f"refs/coord/sessions/{ann.wanted}", b"garbage")
    refused(ben, "db")
    assert ben.lock(["other"]).changed


def test_a_pattern_that_this_gitcoord_cannot_read_counts_as_everything(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["docs/"])
    record = office.record(names.LOCKS)
    record["locks"][0]["target"]["path"] = "!new/syntax"
    office.plant(names.LOCKS, record)
    refused(ben, "src/**")


# -- waiting ---------------------------------------------------------------------------------------------------------


def in_background(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    answer: list[object] = []

    def run() -> None:
        try:
            answer.append(work())
        except BaseException as error:
            answer.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answer


def queue_of(coord: Coordinator) -> tuple[str, ...]:
    return coord.locks()[0].waiting


def until_queued(coord: Coordinator, *waiters: str) -> None:
    deadline = time.monotonic() + 10
    while queue_of(coord) != waiters:
        assert time.monotonic() < deadline, queue_of(coord)
        time.sleep(0.01)


def test_waiters_get_their_turn_in_the_order_they_came(office: Office) -> None:
    ann, ben, cat = office.hire("ann"), office.hire("ben"), office.hire("cat")
    ann.lock(["db"])
    first, bens = in_background(lambda: ben.lock(["db"], wait=20))
    until_queued(ann, "ben")
    second, cats = in_background(lambda: cat.lock(["db"], wait=20))
    until_queued(ann, "ben", "cat")
    ann.unlock()
    assert refused(ann, "db").fields["holder"] in (ben.wanted, cat.wanted)  # it queues like everybody
    first.join(20)
    assert [name for _what, name, _token in held(ann)] == ["ben"], bens
    office.coord(ben.wanted).unlock()
    second.join(20)
    assert [name for _what, name, _token in held(ann)] == ["cat"], cats
    assert queue_of(ann) == ()


def test_a_deadline_ends_the_waiting_and_leaves_the_queue(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["db"], reason="release")
    with pytest.raises(TimedOut, match="locked by ann") as late:
        ben.lock(["db"], wait=0.2)
    assert late.value.fields["holder"] == ann.wanted
    assert office.record(names.LOCKS)["waiters"] == []


def test_ctrl_c_leaves_the_queue(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["db"])

    def interrupt(seconds: float) -> None:
        assert queue_of(ann) == ("ben",)
        raise KeyboardInterrupt

    monkeypatch.setattr(ben.clock, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ben.lock(["db"], wait=20)
    assert office.record(names.LOCKS)["waiters"] == []


def test_a_dead_waiter_blocks_nobody(office: Office) -> None:
    ann, cat = office.hire("ann"), office.hire("cat")
    ann.lock(["db"])
    waiting = office.scratch.start_coord("--session", str(office.hire("ben").wanted), "lock", "db", "--wait", "10m")
    until_queued(ann, "ben")
    waiting.kill()
    waiting.communicate()
    ann.unlock()
    assert cat.lock(["db"]).changed


def test_a_holder_that_dies_makes_way_for_who_waits(office: Office) -> None:
    with process() as agent:
        ann, ben = office.hire("ann", pid=agent.pid), office.hire("ben")
        ann.lock(["db"])
        thread, answer = in_background(lambda: ben.lock(["db"], wait=20))
        until_queued(office.coord(), "ben")
    thread.join(20)
    assert held(ben) == [("db", "ben", 2)], answer


# -- check -----------------------------------------------------------------------------------------------------------


def test_check_lists_what_others_hold_and_lets_ones_own_pass(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["src/**", "*.md"], reason="refactor")
    assert ann.check(["src/a.py", "README.md"]).free
    assert ben.check(["lib/a.py"]).paths == ("lib/a.py",)
    with pytest.raises(Held) as refusal:
        ben.check(["lib/a.py", "src/a.py", "docs/x.md", "docs/"])
    found = msgspec.to_builtins(refusal.value.fields["paths"])
    assert [(item["path"], item["lock"]["path"]) for item in found] == [
        ("src/a.py", "src/**"),
        ("docs/x.md", "*.md"),
        ("docs/", "*.md"),
    ]
    with pytest.raises(Held):
        office.coord().check(["src/a.py"])  # nobody in particular: all locks are others'


def test_check_sees_what_is_staged(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["src/"])
    src = office.scratch.path / "src"
    src.mkdir()
    (src / "a.py").write_text("x")
    assert ben.check(staged=True).free
    office.scratch.git("add", "src/a.py")
    with pytest.raises(Held):
        ben.check(staged=True)
    assert ann.check(staged=True).free


def test_check_needs_something_to_look_at(office: Office) -> None:
    with pytest.raises(Usage):
        office.coord().check()
