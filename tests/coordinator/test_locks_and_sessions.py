"""Locks among the rest: they end with their session, show where people look, and come together with a claim."""

from __future__ import annotations

import pytest

from gitcoord.core import names
from gitcoord.errors import Ended, GitFailed, Held, Unsafe
from tests.faults.support import DELAY, TTL, FakeClock, Office, process


def test_a_session_shows_what_it_has_locked(office: Office) -> None:
    ann = office.hire("ann")
    assert ann.whoami().locks == ()
    ann.lock(["deploy", "src/**"])
    assert ann.whoami().locks == ("deploy", "src/**")
    assert [session.locks for session in ann.sessions()] == [("deploy", "src/**")]


def test_status_shows_every_lock_and_a_table_that_cannot_be_read(office: Office) -> None:
    ann = office.hire("ann")
    ann.lock(["deploy"], reason="release")
    assert [(lock.name, lock.session_name) for lock in ann.status().locks] == [("deploy", "ann")]
    office.plant(names.LOCKS, b"garbage")
    status = ann.status()
    assert status.locks == ()
    assert [item.code for item in status.attention] == ["corrupt"]
    assert names.LOCKS in status.attention[0].message


def test_end_refuses_with_held_locks_and_lists_them(office: Office) -> None:
    ann = office.hire("ann")
    ann.lock(["deploy", "src/**"])
    with pytest.raises(Unsafe, match="ann still locks deploy, src/") as refusal:
        ann.end()
    assert refusal.value.fields["locks"] == ["deploy", "src/**"]
    assert refusal.value.hint == "git coord unlock --all"
    assert len(ann.locks()) == 2


@pytest.mark.parametrize("how", [{"force": True}, {"handoff": "the rest"}])
def test_an_end_by_force_or_with_a_handoff_gives_the_locks_back(office: Office, how: dict[str, object]) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["deploy"])
    assert ann.end(**how).unlocked == ("deploy",)  # type: ignore[arg-type]
    assert ben.locks() == []
    assert ben.lock(["deploy"]).token == 2


def test_an_expired_session_shows_no_locks_and_holds_none(office: Office) -> None:
    with process() as agent:
        ann = office.hire("ann", pid=agent.pid)
        ann.lock(["deploy"])
    ben = office.hire("ben")
    assert [lock.in_force for lock in ben.locks()] == [False]
    ben.lock(["deploy"])
    assert [session.locks for session in ben.sessions(all=True) if session.id == ann.wanted] == [()]
    with pytest.raises(Ended):
        ann.lock(["other"])


def test_cleanup_drops_the_locks_of_the_gone_and_those_that_ran_out(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.lock(["hers"])
    ben.lock(["short"], ttl=60)
    ben.lock(["his"])
    clock.move(TTL + 2 * DELAY)
    ben.heartbeat()
    assert ben.cleanup(dry_run=True).unlocked == ("hers", "short")
    assert len(ben.locks()) == 3
    assert ben.cleanup().unlocked == ("hers", "short")
    assert [lock.name for lock in ben.locks()] == ["his"]
    assert timed.events(names.LOCKS)[-1]["lapses"][0]["why"] == "expired"
    assert ben.cleanup().unlocked == ()


def test_a_lock_within_the_lock_delay_survives_a_cleanup(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.lock(["hers"])
    clock.move(TTL + 1)
    ben.heartbeat()
    assert ben.cleanup().unlocked == ()
    with pytest.raises(Held):
        ben.lock(["hers"])
    clock.move(DELAY)
    assert ben.lock(["hers"]).changed


def test_a_waiter_that_is_gone_is_swept_up_too(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["deploy"])
    waiting = office.scratch.start_coord("--session", str(ben.wanted), "lock", "deploy", "--wait", "10m")
    while not office.record(names.LOCKS)["waiters"]:
        assert waiting.poll() is None
    waiting.kill()
    waiting.communicate()
    ann.cleanup()
    assert office.record(names.LOCKS)["waiters"] == []


def test_a_successor_locks_again_what_nobody_has_taken(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.lock(["kept"], shared=True, reason="why")
    ann.lock(["taken", "short"])
    ann.lock(["brief"], ttl=60)
    clock.move(TTL + 2 * DELAY)
    ben.heartbeat()
    ben.lock(["taken"])  # which expires ann
    resumed = timed.coord().resume(str(ann.wanted), bind=False)
    assert resumed.locked == resumed.session.locks == ("kept", "short")
    [kept] = [lock for lock in ben.locks() if lock.name == "kept" and lock.in_force]
    assert (kept.session, kept.mode, kept.reason, kept.token) == (resumed.session.id, "shared", "why", 6)


def test_a_successor_does_not_wait_out_the_lock_delay(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann")
    ann.lock(["db"])
    clock.move(TTL + 1)
    timed.hire("ben").cleanup()
    with pytest.raises(Held):
        timed.hire("cat").lock(["db"])
    assert timed.coord().resume(str(ann.wanted), bind=False).locked == ("db",)


# -- claim and lock together -----------------------------------------------------------------------------------------


def test_a_claim_takes_its_locks_in_the_same_swap(office: Office) -> None:
    ann = office.hire("ann")
    grant = ann.claim("15", worktree=False, lock=["src/**", "db"])
    assert [(lock.path or lock.name, lock.token) for lock in grant.locks] == [("src/**", 1), ("db", 2)]
    assert ann.whoami().locks == ("src/**", "db")
    record = office.record(names.LOCKS)["locks"][0]
    assert (record["task"], record["claim"], record["reason"]) == ("15", 1, "task 15")
    ann.release("15")
    assert ann.whoami().locks == ("src/**", "db")  # they stay until they are given back


def test_a_lock_that_is_held_keeps_the_task_free_and_a_task_that_is_held_the_lock(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["src/**"])
    before = office.refs()
    for claim in ({"id": "15"}, {"next": True}):
        ben.task_add("t", id="t") if "next" in claim else None
        with pytest.raises(Held, match="locked by ann"):
            ben.claim(worktree=False, lock=["src/a.py"], **claim)
    assert "refs/coord/tasks/15" not in office.refs()
    assert office.refs()[names.LOCKS] == before[names.LOCKS]
    ann.claim("16", worktree=False)
    with pytest.raises(Held, match="16 is held by ann"):
        ben.claim("16", worktree=False, lock=["docs/"])
    assert office.refs()[names.LOCKS] == before[names.LOCKS]


def test_claiming_again_with_locks_takes_what_is_missing(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    grant = ann.claim("15", worktree=False, lock=["src/**"])
    assert (grant.changed, [lock.path for lock in grant.locks]) == (False, ["src/**"])
    again = ann.claim("15", worktree=False, lock=["src/**"])
    assert again.locks[0].token == grant.locks[0].token


def test_what_the_dead_held_is_taken_by_one_claim_and_they_expire_once(office: Office) -> None:
    with process() as agent:
        ann = office.hire("ann", pid=agent.pid)
        ann.claim("15", worktree=False, lock=["src/**"])
    ben = office.hire("ben")
    grant = ben.claim("15", worktree=False, lock=["src/a.py"])
    assert (grant.taken_from_name, grant.task.token, [lock.token for lock in grant.locks]) == ("ann", 2, [2])
    assert [event["type"] for event in office.events(f"refs/coord/sessions/{ann.wanted}")] == ["start", "expire"]


def test_locks_are_given_back_when_the_worktree_cannot_be_made(office: Office) -> None:
    ann = office.hire("ann")
    ann.lock(["mine"])
    (office.scratch.path / ".worktrees").write_text("in the way")
    with pytest.raises(GitFailed):
        ann.claim("15", lock=["mine", "src/**"])
    assert ann.task_show("15").claim is None
    assert [lock.name for lock in ann.locks()] == ["mine"]  # what was held before is held still


def test_the_command_line_claims_and_locks(office: Office) -> None:
    scratch = office.scratch
    assert scratch.coord("start", "ann").code == 0
    ran = scratch.coord("claim", "15", "--no-worktree", "--lock", "src/**", "--lock", "db")
    assert ran.out.splitlines()[-1] == "  locked src/**, db"
    answer = scratch.coord("claim", "15", "--no-worktree", "--lock", "db", "--json").result
    assert [lock["name"] for lock in answer["locks"]] == ["db"]
    assert "src/**" in scratch.coord("status").out
    assert "locks     src/**, db\n" in scratch.coord("whoami").out
