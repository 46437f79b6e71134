"""Maintenance: what was finished long ago goes into the archive, and nothing of it is lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gitcoord.coordinator import Coordinator, maintaining
from gitcoord.core import names
from gitcoord.errors import Exists, WrongState
from tests.faults.support import FakeClock, Office, meanwhile

DAY = 86400.0


def finish(coord: Coordinator, *tasks: str) -> None:
    for task in tasks:
        coord.claim(task, worktree=False)
        coord.done(task)


@pytest.fixture
def old(office: Office) -> Office:
    """An office in which 15 was done by a session that has ended, and 16 is open."""
    ann = office.hire("ann")
    finish(ann, "15")
    ann.event("note", "so long", task="15")
    ann.end()
    office.hire("bob").task_add("Next", id="16", after=["15"])
    return office


def test_finished_tasks_and_ended_sessions_leave_their_refs(old: Office) -> None:
    before = old.refs()
    made = old.coord().maintain(older_than=0)
    assert (made.tasks, made.sessions, made.removed) == (("15",), 1, 4)
    assert made.live == len(old.refs()) == len(before) - 4 + 1
    assert old.scratch.git("for-each-ref", "refs/coord/tasks/15") == ""


def test_what_is_archived_is_shown_listed_and_logged_as_before(old: Office) -> None:
    coord = old.coord()
    task, log, whole = coord.task_show("15"), coord.log(task="15"), coord.log(all=True)
    sessions = [view.id for view in coord.sessions(all=True)]
    coord.maintain(older_than=0)
    fresh = old.coord()
    assert fresh.task_show("15") == task
    assert fresh.log(task="15") == log
    assert {event.type for event in log} == {"claim", "done", "note"}
    assert [event for event in fresh.log(all=True) if event.type not in ("found-archive", "fold")] == whole
    assert "claim" not in {event.type for event in fresh.log()}
    assert "claim" in {event.type for event in fresh.log(since=30 * DAY)}
    assert [view.id for view in fresh.sessions(all=True)] == sessions
    assert {view.id for view in fresh.task_list(all=True)} == {"15", "16"}
    assert [view.id for view in fresh.task_list(state="done")] == ["15"]
    assert [view.id for view in fresh.task_list()] == ["16"]
    assert fresh.status().archived == 1


def test_a_dependency_that_is_archived_is_done(old: Office) -> None:
    old.coord().maintain(older_than=0)
    fresh = old.hire("cid")
    assert [view.id for view in fresh.ready()] == ["16"]
    assert fresh.task_show("16").blocked_by == ()
    assert fresh.claim(next=True, worktree=False).task.id == "16"


def test_an_archived_task_is_refused_as_a_finished_one(old: Office) -> None:
    cid = old.hire("cid")
    old.coord().maintain(older_than=0)
    with pytest.raises(WrongState, match="done"):
        cid.claim("15", worktree=False)
    with pytest.raises(Exists):
        cid.task_add("Again", id="15")
    with pytest.raises(Exists):
        cid.task_add_many([{"title": "x", "id": "17"}, {"title": "Again", "id": "15"}])
    assert "refs/coord/tasks/17" not in old.refs()


def test_a_task_reopened_out_of_the_archive_goes_on_with_its_history_and_token(old: Office) -> None:
    tip = old.refs()["refs/coord/tasks/15"]
    old.coord().maintain(older_than=0)
    cid = old.hire("cid")
    assert cid.task_edit("15", reopen=True).state == "pending"
    assert cid.claim("15", worktree=False).task.token == 2
    chain = old.scratch.git("rev-list", "refs/coord/tasks/15").split()
    assert tip in chain
    cid.done("15")
    cid.maintain(older_than=0)
    assert old.coord().task_show("15").token == 2
    assert [event.type for event in old.coord().log(task="15")].count("claim") == 2


def test_an_old_ref_that_somebody_put_back_is_not_archived_over_the_newer(old: Office) -> None:
    first = old.refs()["refs/coord/tasks/15"]
    old.coord().maintain(older_than=0)
    cid = old.hire("cid")
    cid.task_edit("15", reopen=True)
    finish(cid, "15")
    cid.maintain(older_than=0)
    old.scratch.git("update-ref", "refs/coord/tasks/15", first)
    coord = old.coord()
    coord.maintain(older_than=0)
    assert any(notice.code == "set-back" for notice in coord.notices)
    old.scratch.git("update-ref", "-d", "refs/coord/tasks/15")
    assert old.coord().task_show("15").token == 2


def test_gc_prunes_nothing_of_what_was_archived(old: Office) -> None:
    shown = old.coord().task_show("15")
    old.coord().maintain(older_than=0)
    old.scratch.git("gc", "-q", "--prune=now")
    assert old.coord().task_show("15") == shown
    assert len(old.coord().log(task="15")) == 3
    old.scratch.git("fsck", "--strict")


def test_only_what_was_finished_long_enough_ago_goes(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann")
    finish(ann, "early")
    clock.move(6 * DAY)
    bob = timed.hire("bob")
    finish(bob, "late")
    clock.move(2 * DAY)
    assert timed.hire("cid").maintain(dry_run=True).tasks == ("early",)
    assert "refs/coord/tasks/early" in timed.refs()
    assert timed.hire("cid").maintain().tasks == ("early",)
    assert "refs/coord/tasks/late" in timed.refs()
    timed.scratch.git("config", "coord.archiveAfter", "1d")
    assert timed.hire("cid").maintain().tasks == ("late",)


def test_what_is_not_finished_stays_and_so_do_sessions_that_it_names(office: Office) -> None:
    ann, bob = office.hire("ann"), office.hire("bob")
    for task in ("held", "offered", "review", "failed"):
        ann.claim(task, worktree=False)
    ann.handoff("offered", note="n")
    ann.done("review", review=True)
    ann.done("failed", status="failed")
    ann.release("held")
    bob.claim("held", worktree=False)
    office.silence(str(bob.wanted), 1e7)
    office.silence(str(ann.wanted), 1e7)
    office.coord().cleanup()
    before = set(office.refs())
    made = office.coord().maintain(older_than=0)
    assert made.tasks == ("failed",)
    assert made.sessions == 1  # bob's claim was put back; ann has an open offer
    assert before - set(office.refs()) == {
        "refs/coord/tasks/failed",
        f"refs/coord/sessions/{bob.wanted}",
        f"refs/coord/heartbeats/{bob.wanted}",
    }


def test_a_failed_task_can_be_claimed_out_of_the_archive(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    ann.done("15", status="failed")
    ann.maintain(older_than=0)
    grant = ann.claim("15", worktree=False)
    assert (grant.task.token, grant.task.attempts, grant.created) == (2, 2, False)


def test_an_ended_session_can_be_resumed_out_of_the_archive(old: Office) -> None:
    ann = next(view.id for view in old.coord().sessions(all=True) if view.name == "ann")
    old.coord().maintain(older_than=0)
    assert old.coord().resume(ann, bind=False).session.resumed_from == ann


def test_maintaining_again_changes_nothing(old: Office) -> None:
    old.coord().maintain(older_than=0)
    before = old.refs()
    made = old.coord().maintain(older_than=0)
    assert (made.tasks, made.sessions, made.removed) == ((), 0, 0)
    assert old.refs() == before


def test_the_archive_is_readable_with_plain_git(old: Office) -> None:
    old.coord().maintain(older_than=0)
    pages = old.scratch.git("ls-tree", "-r", "--name-only", names.ARCHIVE).splitlines()
    page = next(path for path in pages if path.startswith("tasks/"))
    key, oid = old.scratch.git("show", f"{names.ARCHIVE}:{page}").split()
    assert key == "15"
    assert '"state":"done"' in old.scratch.git("show", f"{oid}:record.json")
    assert oid in old.scratch.git("rev-list", names.ARCHIVE).split()


def test_the_users_refs_and_files_stay_as_they_were(old: Office) -> None:
    old.scratch.git("branch", "feature/x")
    old.scratch.git("tag", "v1")
    before = old.scratch.user_state()
    old.coord().maintain(older_than=0)
    assert old.scratch.user_state() == before
    assert (old.scratch.path / ".git" / "packed-refs").exists()


def test_somebodys_lock_on_packed_refs_is_told_of_and_left_alone(old: Office) -> None:
    coord = old.coord()
    old.scratch.git("pack-refs", "--all")
    lock = old.scratch.path / ".git" / "packed-refs.lock"
    lock.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maintaining, "LIMIT", 0.3)
        made = coord.maintain(older_than=0)
    assert not made.packed
    assert {notice.code for notice in coord.notices} >= {"not-packed"}
    assert any(str(lock) in notice.message for notice in coord.notices)
    assert lock.exists()
    lock.unlink()
    assert old.coord().task_show("15").state == "done"
    assert old.coord().maintain(older_than=0).removed == 4


@pytest.mark.parametrize(
    "point",
    ["after_objects:kill", "before_ref:kill", "after_ref:kill", "between_fold_and_delete:kill", "before_ref@2:kill"],
)
def test_a_killed_maintain_loses_nothing_and_the_next_one_finishes(old: Office, point: str) -> None:
    shown, log = old.coord().task_show("15"), old.coord().log(task="15")
    done = old.scratch.coord("maintain", "--older-than", "0s", env={"GITCOORD_FAILPOINT": point})
    assert done.code == -9
    assert old.coord().task_show("15") == shown
    assert old.coord().log(task="15") == log
    with pytest.raises(WrongState):
        old.hire("cid").claim("15", worktree=False)
    old.scratch.coord("maintain", "--older-than", "0s")
    assert "refs/coord/tasks/15" not in old.refs()
    assert old.coord().task_show("15") == shown
    old.scratch.git("fsck", "--strict")


def test_reopened_between_the_archive_and_the_deletion_it_stays(old: Office) -> None:
    old.scratch.coord("maintain", "--older-than", "0s", env={"GITCOORD_FAILPOINT": "between_fold_and_delete:kill"})
    old.coord().task_edit("15", reopen=True)
    old.coord().maintain(older_than=0)
    assert old.task("15")["state"] == "pending"


def test_two_at_once_and_eight_that_claim(office: Office) -> None:
    """Whatever comes first: every task is done by one claim a token, and every finished one is somewhere."""
    boss = office.hire("boss")
    boss.task_add_many([{"title": "t", "id": f"t{n}"} for n in range(40)])
    script = (
        "import os,sys\nfrom gitcoord.coordinator import Coordinator\nfrom gitcoord.errors import CoordError\n"
        "c=Coordinator.open('.', dict(os.environ)); c.wanted=c.start('w', bind=False).id\n"
        "while True:\n    try:\n        g=c.claim(next=True, worktree=False); c.done(g.task.id)\n"
        "    except CoordError as e:\n        if e.code=='nothing-ready': break\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script], cwd=office.scratch.path) for _ in range(8)]
    keepers = []
    while any(worker.poll() is None for worker in workers):
        keepers = [office.scratch.start_coord("maintain", "--older-than", "0s") for _ in range(2)]
        for keeper in keepers:
            out, err = keeper.communicate()
            assert keeper.returncode == 0, out + err
    assert [worker.wait() for worker in workers] == [0] * 8
    office.coord().maintain(older_than=0)
    found = office.coord().task_list(all=True)
    assert {view.id for view in found} == {f"t{n}" for n in range(40)}
    assert {(view.state, view.token) for view in found} == {("done", 1)}
    assert office.scratch.git("for-each-ref", "refs/coord/tasks/") == ""


def test_a_name_that_is_archived_meanwhile_is_not_made_anew(office: Office) -> None:
    """A claim decides that 15 is new; before its swap 15 is made, done and archived by others."""
    ann, bob = office.hire("ann"), office.hire("bob")

    def others() -> None:
        finish(bob, "15")
        bob.maintain(older_than=0)

    with meanwhile(ann, others), pytest.raises(WrongState):
        ann.claim("15", worktree=False)
    assert "refs/coord/tasks/15" not in office.refs()


def test_the_doctor_says_when_there_are_many_refs(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from gitcoord.coordinator import doctor

    assert "size" not in {check.name for check in office.coord().doctor()}
    monkeypatch.setattr(doctor, "MANY_REFS", 3)
    office.hire("ann").task_add_many([{"title": "t"}] * 5)
    found = {check.name: check.hint for check in office.coord().doctor()}
    assert found["size"] == "git coord maintain --dry-run"
