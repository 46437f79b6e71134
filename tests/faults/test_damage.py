"""Damaged, foreign and newer state, above the stores: corrupt is never free, and the doctor loses nothing readable.

FAULTS CR10 and HI03.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.errors import CoordError, Corrupt, Held, NewerFormat, NotInitialised
from tests.faults.support import Office
from tests.support import Scratch

TASK = "refs/coord/tasks/15"
Harm = Callable[[Scratch, str], None]
Act = Callable[[], object]


def empty(scratch: Scratch, ref: str) -> None:
    (scratch.path / ".git" / ref).write_bytes(b"")


def garbage(scratch: Scratch, ref: str) -> None:
    (scratch.path / ".git" / ref).write_bytes(b"\0" * 41)


def dangling(scratch: Scratch, ref: str) -> None:
    (scratch.path / ".git" / ref).write_text("1234567890123456789012345678901234567890\n")


def a_tree(scratch: Scratch, ref: str) -> None:
    (scratch.path / ".git" / ref).write_text(scratch.git("rev-parse", "HEAD^{tree}") + "\n")


def a_tag(scratch: Scratch, ref: str) -> None:
    scratch.git("tag", "-a", "-m", "m", "lost")
    (scratch.path / ".git" / ref).write_text(scratch.git("rev-parse", "lost") + "\n")
    scratch.git("update-ref", "-d", "refs/tags/lost")


def a_users_commit(scratch: Scratch, ref: str) -> None:
    (scratch.path / ".git" / ref).write_text(scratch.git("rev-parse", "HEAD") + "\n")


def to_main(scratch: Scratch, ref: str) -> None:
    (scratch.path / ".git" / ref).write_text("ref: refs/heads/main\n")


def to_nowhere(scratch: Scratch, ref: str) -> None:
    (scratch.path / ".git" / ref).write_text("ref: refs/heads/nowhere\n")


def not_json(scratch: Scratch, ref: str) -> None:
    Office(scratch).plant(ref, b"\xff{")


def somebody_elses(scratch: Scratch, ref: str) -> None:
    Office(scratch).plant(ref, {**Office(scratch).task("15"), "id": "16"})


HARM = (empty, garbage, dangling, a_tree, a_tag, a_users_commit, to_main, to_nowhere, not_json, somebody_elses)


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("store", ["libgit", "plumbing"])
def test_cr10_a_corrupt_task_is_never_free_and_is_mended_without_loss(scratch: Scratch, store: str, harm: Harm) -> None:
    office = Office.found(scratch, store=store)
    ann = office.hire("ann")
    ann.claim("14", worktree=False)
    ann.claim("15", worktree=False)
    ann.release("15")
    ann.claim("15", worktree=False)
    mine = scratch.user_state()
    harm(scratch, TASK)
    ben = office.hire("ben")
    acts: list[Act] = [
        lambda: ben.claim("15", worktree=False),
        lambda: ben.task_show("15"),
        lambda: ann.progress("15", percent=1),
        lambda: ann.done("15"),
        lambda: ben.task_add("again", id="15"),
    ]
    for act in acts:
        with pytest.raises(Corrupt) as error:
            act()
        assert error.value.exit == 7
    assert [task.id for task in ben.ready()] == []
    assert ["15" in notice.message for notice in ben.notices if notice.code == "corrupt"] == [True]
    assert [item.message for item in ben.status().attention if item.code == "corrupt"] == [f"{TASK} cannot be read"]
    assert [check.status for check in ben.doctor() if TASK in check.message] == ["problem"]
    fixed = [check for check in ben.doctor(fix=True) if TASK in check.message]
    assert [check.status for check in fixed] == ["fixed"]
    kept = Path(fixed[0].message.rpartition(" ")[2])
    assert kept.is_file()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert scratch.user_state() == mine
    scratch.git("gc", "-q")
    scratch.git("log", "--all", "-1")
    again = ben.claim("15", worktree=False)
    assert again.created
    assert again.task.token > 2  # the token that was lost is not given again
    assert ann.progress("14", percent=1).token == 1  # what was readable goes on
    assert ann.claim("17", worktree=False).task.token > 2
    office.close()


def test_cr10_what_a_corrupt_session_holds_is_not_free(office: Office) -> None:
    """Whether it lives cannot be told, so it does; also to those who take whatever is next."""
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    dangling(office.scratch, f"refs/coord/sessions/{ann.wanted}")
    assert ben.ready() == []
    with pytest.raises(CoordError) as error:
        ben.claim(next=True, worktree=False)
    assert error.value.code == "nothing-ready"
    acts: list[Act] = [
        lambda: ben.claim("15", worktree=False),
        lambda: ben.takeover("15", reason="r", worktree=False),
        lambda: ben.task_cancel("15", reason="r"),
    ]
    for act in acts:
        with pytest.raises(Corrupt):
            act()
    assert ben.task_show("15").in_force
    assert [task.in_force for task in ben.task_list()] == [True]
    assert ben.cleanup().freed == ()
    assert office.task("15")["claim"]["session"] == ann.wanted
    ben.doctor(fix=True)
    assert ben.claim("15", worktree=False).task.token > 1


@pytest.mark.parametrize("harm", [empty, dangling, to_main, a_tree])
def test_cr10_a_corrupt_heartbeat_only_delays(office: Office, harm: Harm) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    harm(office.scratch, f"refs/coord/heartbeats/{ann.wanted}")
    with pytest.raises(Held):
        ben.claim("15", worktree=False)
    assert {view.name: view.shown for view in ben.sessions()} == {"ann": "active", "ben": "active"}
    assert [check.status for check in ben.doctor(fix=True) if "heartbeats" in check.message] == ["fixed"]
    assert ann.heartbeat().written
    assert ann.progress("15", percent=1)


@pytest.mark.parametrize("harm", [empty, dangling, to_main, not_json])
def test_cr10_the_repositorys_own_record_can_be_lost_and_no_token_comes_again(office: Office, harm: Harm) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    harm(office.scratch, "refs/coord/meta/repo")
    with pytest.raises(Corrupt):
        ann.claim("16", worktree=False)
    with pytest.raises(Corrupt):
        ann.status()
    assert [check.status for check in ann.doctor() if "meta/repo" in check.message] == ["problem", "problem"]
    ann.doctor(fix=True)
    assert office.record("refs/coord/meta/repo")["epoch"] == 2
    assert ann.claim("16", worktree=False).task.token > 1 << 20


def test_cr10_a_repository_whose_record_was_deleted_begins_a_new_epoch_however_it_is_mended(office: Office) -> None:
    ann = office.hire("ann")
    mends: list[Act] = [lambda: ann.init(hooks=False), lambda: ann.doctor(fix=True)]
    for epoch, mend in enumerate(mends, start=2):
        ann.claim(f"task-{epoch}", worktree=False)
        office.scratch.git("update-ref", "-d", "refs/coord/meta/repo")
        with pytest.raises(NotInitialised):
            ann.status()
        assert [check.message for check in ann.doctor() if check.name == "state"] == ["refs/coord/meta/repo is lost"]
        mend()
        assert office.record("refs/coord/meta/repo")["epoch"] == epoch


def test_cr10_a_rescue_snapshot_whose_objects_are_gone_is_reported(office: Office) -> None:
    """It makes the user's `git gc` fail; a snapshot that is whole is never touched."""
    office.scratch.git("update-ref", "refs/coord/rescue/whole", "HEAD")
    dangling(office.scratch, "refs/coord/rescue/15")
    (check,) = [check for check in office.coord().doctor(fix=True) if "rescue" in check.message]
    assert (check.status, "rescue/15" in check.message) == ("fixed", True)
    assert "refs/coord/rescue/whole" in office.refs()
    office.scratch.git("gc", "-q")


# -- newer formats and kinds ----------------------------------------------------------------------------------------


def test_hi03_a_newer_record_is_shown_and_never_written(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    oid = office.plant(TASK, {**office.task("15"), "v": 2, "novelty": {"x": [1]}})
    assert ann.task_show("15").id == "15"
    assert [task.id for task in ann.task_list()] == ["15"]
    assert ann.status().claims[0].id == "15"
    acts: list[Act] = [
        lambda: ann.progress("15", percent=1),
        lambda: ann.release("15"),
        lambda: ann.done("15"),
        lambda: ann.task_edit("15", title="t"),
        lambda: ann.handoff("15", note="n"),
        lambda: office.hire("ben").takeover("15", reason="r", force=True, token=1, worktree=False),
    ]
    for act in acts:
        with pytest.raises(NewerFormat) as error:
            act()
        assert error.value.exit == 7
    ann.doctor(fix=True)
    assert office.refs()[TASK] == oid


def test_hi03_a_newer_record_that_does_not_fit_is_left_alone_by_the_doctor(office: Office) -> None:
    """It is not corrupt; but as nobody here can tell who holds it, it counts as held."""
    ann = office.hire("ann")
    oid = office.plant(TASK, {"v": 3, "id": "15", "title": {"now": "an object"}})
    with pytest.raises(NewerFormat):
        ann.claim("15", worktree=False)
    with pytest.raises(NewerFormat):
        ann.task_show("15")
    checks = [check for check in ann.doctor(fix=True) if TASK in check.message]
    assert [(check.status, check.hint) for check in checks] == [("warning", "upgrade gitcoord to work with it")]
    assert office.refs()[TASK] == oid
    assert office.record("refs/coord/meta/repo")["epoch"] == 1


def test_hi03_a_repository_of_a_newer_format_can_be_looked_at(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    office.plant("refs/coord/meta/repo", {**office.record("refs/coord/meta/repo"), "v": 2})
    before = office.refs()
    assert [task.id for task in ann.status().claims] == ["15"]
    assert ann.task_show("15").id == "15"
    assert [notice.code for notice in ann.notices] == ["newer-format"]
    ann.keep_alive()
    acts: list[Act] = [
        lambda: ann.claim("16", worktree=False),
        lambda: ann.start("x"),
        lambda: ann.release("15"),
        lambda: ann.handoff("15", note="n"),
        lambda: ann.task_add("t"),
    ]
    for act in acts:
        with pytest.raises(NewerFormat):
            act()
    assert office.refs() == before


def test_hi03_forward_compat_unknown_fields_survive_what_an_older_gitcoord_does(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    record = office.task("15")
    office.plant(TASK, {**record, "novelty": {"x": [1]}, "claim": {**record["claim"], "strength": "quorum"}})
    ann.progress("15", percent=40)
    found = office.task("15")
    assert (found["novelty"], found["claim"]["strength"]) == ({"x": [1]}, "quorum")
    ann.release("15")
    assert office.task("15")["novelty"] == {"x": [1]}


def test_hi03_kinds_of_refs_that_are_not_known_are_ignored_and_kept(office: Office) -> None:
    ann = office.hire("ann")
    refs = ("refs/coord/votes/15", "refs/coord/zz", "refs/coord/tasks-v2/15/deep")
    for ref in refs:
        office.scratch.git("update-ref", ref, "HEAD")
    ann.claim("15", worktree=False)
    assert [check.status for check in ann.doctor(fix=True) if check.name == "refs"] == ["ok"]
    ann.cleanup()
    assert not [item for item in ann.status().attention if item.code == "corrupt"]
    assert set(refs) <= office.refs().keys()
