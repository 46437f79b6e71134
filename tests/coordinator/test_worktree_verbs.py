"""Worktree verbs, and the worktrees of claims: made again where they are missing, never removed with work in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitcoord.errors import Exists, GitFailed, NotFound, NotHolder, Unsafe, Usage
from gitcoord.git import claimfile
from tests.faults.support import Office
from tests.support import Scratch


def test_a_worktree_that_was_deleted_is_made_again_by_claiming_again(office: Office) -> None:
    ann = office.hire("ann")
    path = str(ann.claim("15").task.worktree)
    shutil.rmtree(path)
    again = ann.claim("15")
    assert (again.changed, again.task.worktree, again.task.token) == (False, path, 1)
    assert office.coord(at=path).whoami().id == ann.wanted


def test_the_path_shown_is_one_that_git_lists_whatever_the_record_says(office: Office, scratch: Scratch) -> None:
    """``cd "$(git coord claim 15 --path)"``: a record is display text, and anybody who can push writes one."""
    ann = office.hire("ann")
    path = ann.claim("15").task.worktree
    record = office.task("15")
    record["worktrees"] = {ann.host: "/etc"}
    office.plant("refs/coord/tasks/15", record)
    assert ann.claim("15").task.worktree == path


def test_a_claim_whose_worktree_cannot_be_made_is_given_back(office: Office, scratch: Scratch) -> None:
    ann = office.hire("ann")
    (scratch.path / ".worktrees").write_text("a file in the way\n")
    with pytest.raises(GitFailed):
        ann.claim("15")
    task = office.task("15")
    assert (task["state"], task["claim"], task["token"], task["worktrees"]) == ("pending", None, 1, {})
    assert task["reason"].startswith("its worktree could not be made")
    (scratch.path / ".worktrees").unlink()
    assert ann.claim("15").task.token == 2


@pytest.mark.parametrize("branch", ["-x", "--force", "@{-1}", "a..b", "refs/heads/x", "HEAD", "a b", "x.lock"])
def test_a_branch_name_that_is_none_leaves_the_task_unclaimed(office: Office, branch: str) -> None:
    with pytest.raises(Usage):
        office.hire("ann").claim("15", branch=branch)
    assert office.task("15")["claim"] is None


def test_a_branch_that_is_checked_out_elsewhere_is_left_alone(office: Office) -> None:
    ann = office.hire("ann")
    with pytest.raises(Unsafe) as refusal:
        ann.claim("15", branch="main")
    assert refusal.value.fields["path"] == str(office.scratch.path)
    assert "refs/coord/tasks/15" not in office.refs()


def test_the_base_and_the_branch_can_be_chosen(office: Office, scratch: Scratch) -> None:
    first = scratch.git("rev-parse", "HEAD")
    scratch.commit("second", {"b.txt": "b\n"})
    path = str(office.hire("ann").claim("15", base=first, branch="feature/x").task.worktree)
    assert Scratch(Path(path)).git("rev-parse", "HEAD") == first
    assert Scratch(Path(path)).git("branch", "--show-current") == "feature/x"
    with pytest.raises(NotFound):
        office.hire("ben").claim("16", base="no-such-commit")
    assert office.task("16")["claim"] is None


def test_a_claim_made_inside_a_worktree_starts_from_the_main_branch(office: Office, scratch: Scratch) -> None:
    ann = office.hire("ann")
    path = str(ann.claim("15").task.worktree)
    Scratch(Path(path)).commit("own", {"own.txt": "x\n"})
    other = office.coord(ann.wanted, at=path).claim("16").task
    assert other.base == "main"
    assert not Path(str(other.worktree), "own.txt").exists()
    assert str(other.worktree) == str(scratch.path / ".worktrees" / "16")


# -- done, remove ---------------------------------------------------------------------------------------------------


def test_done_removes_a_worktree_only_when_nothing_is_lost(office: Office, scratch: Scratch) -> None:
    ann = office.hire("ann")
    work = Scratch(Path(str(ann.claim("15").task.worktree)))
    work.commit("own", {"own.txt": "x\n"})
    with pytest.raises(Unsafe) as refusal:
        ann.done("15", remove_worktree=True)
    assert refusal.value.fields["unpushed"] == 1
    assert office.task("15")["state"] == "claimed"
    scratch.git("merge", "-q", "--no-edit", "coord/15")
    (work.path / "new.txt").write_text("x\n")
    with pytest.raises(Unsafe):
        ann.done("15", remove_worktree=True)
    (work.path / "new.txt").unlink()
    finished = ann.done("15", remove_worktree=True, pr="https://example.org/pr/1", summary="s")
    assert (finished.worktree_removed, work.path.exists()) == (True, False)
    assert office.task("15")["worktrees"] == {}
    result = finished.task.result
    assert result is not None
    assert (result.status, result.pr, result.commit) == (
        "passed",
        "https://example.org/pr/1",
        scratch.git("rev-parse", "coord/15"),
    )


def test_done_says_whether_the_worktree_could_go(office: Office) -> None:
    ann = office.hire("ann")
    work = Scratch(Path(str(ann.claim("15").task.worktree)))
    assert ann.done("15").removable
    path = str(ann.claim("16").task.worktree)
    Scratch(Path(path)).commit("own", {"own.txt": "x\n"})
    finished = ann.done("16", status="failed")
    assert (finished.removable, finished.task.state) == (False, "failed")
    assert work.path.is_dir()


def test_remove_refuses_work_and_with_force_rescues_it_first(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    path = Path(str(ann.claim("15").task.worktree))
    with pytest.raises(Unsafe, match="in use by a live session"):
        ben.worktree_remove("15")
    (path / "new.txt").write_text("precious\n")
    with pytest.raises(Unsafe, match="uncommitted"):
        ann.worktree_remove("15")
    removed = ann.worktree_remove("15", force=True)
    assert (removed.path, path.exists()) == (str(path), False)
    assert office.scratch.git("show", f"{removed.rescued}:new.txt") == "precious"
    assert office.scratch.git("branch", "--list", "coord/15") != ""
    with pytest.raises(NotFound):
        ann.worktree_remove("15")


def test_the_main_worktree_is_never_removed(office: Office, scratch: Scratch) -> None:
    for force in (False, True):
        with pytest.raises(Unsafe):
            office.hire("ann").worktree_remove(str(scratch.path), force=force)
    assert (scratch.path / "README.md").exists()


# -- list, create, adopt --------------------------------------------------------------------------------------------


def test_worktrees_are_listed_with_what_they_serve(office: Office) -> None:
    ann = office.hire("ann")
    path = Path(str(ann.claim("15").task.worktree))
    (path / "new.txt").write_text("x\n")
    main, work = ann.worktrees()
    assert (main.main, main.task, main.dirty) == (True, None, False)
    assert (work.path, work.task, work.session_name, work.dirty, work.missing) == (str(path), "15", "ann", True, False)
    shutil.rmtree(path)
    assert ann.worktrees()[1].missing


def test_a_worktree_is_created_for_a_claim_that_has_none(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    made = ann.worktree_create("15")
    assert (made.task, made.session, made.branch) == ("15", ann.wanted, "coord/15")
    with pytest.raises(Exists):
        ann.worktree_create("15")
    with pytest.raises(NotHolder):
        office.hire("ben").worktree_create("15")


def test_a_worktree_made_by_hand_is_adopted(office: Office, scratch: Scratch, tmp_path: Path) -> None:
    scratch.git("worktree", "add", "-q", "-b", "mine", str(tmp_path / "by hand"))
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    with pytest.raises(NotHolder):
        ben.worktree_adopt(str(tmp_path / "by hand"), "15")
    adopted = ann.worktree_adopt(str(tmp_path / "by hand"), "15")
    assert (adopted.task, adopted.session, adopted.branch) == ("15", ann.wanted, "mine")
    assert (office.task("15")["branch"], office.task("15")["worktrees"]) == ("mine", {ann.host: adopted.path})
    assert office.coord(at=tmp_path / "by hand").progress(percent=1).id == "15"
    ben.claim("16", worktree=False)
    with pytest.raises(Unsafe, match="another live session"):
        ben.worktree_adopt(str(tmp_path / "by hand"), "16")
    with pytest.raises(NotFound):
        ann.worktree_adopt(str(tmp_path / "nowhere"), "15")


def test_the_note_of_a_worktree_follows_the_newest_claim_of_its_owner(office: Office) -> None:
    ann = office.hire("ann")
    path = str(ann.claim("15").task.worktree)
    ann.release("15")
    ann.claim("15", worktree=False)
    ann.claim("15")
    note = claimfile.read(str(office.scratch.path / ".git/worktrees/15"))
    assert note == claimfile.ClaimFile("15", str(ann.wanted), 2)
    assert office.coord(at=path).progress(percent=3).token == 2
