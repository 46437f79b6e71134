"""What users and Git do to a repository while it is worked in: move it, maintain it, prune its worktrees.

Nothing may be lost by it, and whatever is in the way is said plainly. (Packing, gc, mirrors and stale locks:
test_packed_refs, test_gc_race, test_atomicity AT04, tests/sync/test_hub SY06, tests/store/test_locks.)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.coordinator import Coordinator
from tests.faults.support import Office
from tests.support import Scratch, git_version


def two_worktrees(office: Office, **settings: str) -> tuple[Scratch, Scratch]:
    """Uncommitted work in one, a commit of its own in the other; both are claimed."""
    for name, value in settings.items():
        office.scratch.git("config", f"coord.{name}", value)
    ann = office.hire("ann")
    one, two = (Scratch(Path(str(ann.claim(task).task.worktree))) for task in ("15", "16"))
    (one.path / "README.md").write_text("changed\n")
    (one.path / "new file").write_text("new\n")
    two.commit("work", {"work": "done\n"})
    return one, two


def opened(path: Path, session: str | None = None) -> Coordinator:
    return Coordinator.open(str(path), dict(os.environ), session=session)


@pytest.mark.parametrize("template", [".worktrees/{task}", "../{repo}-worktrees/{task}"], ids=["inside", "beside"])
def test_a_repository_that_was_moved_with_its_worktrees_goes_on(
    make_scratch: Callable[..., Scratch], tmp_path: Path, template: str
) -> None:
    scratch = make_scratch("town/repo")
    office = Office.found(scratch, store="plumbing")
    one, two = two_worktrees(office, worktreeDir=template)
    before = office.refs()
    office.close()
    there = tmp_path / "another town"
    (tmp_path / "town").rename(there)
    moved = Scratch(there / "repo")
    inside = [there / path.relative_to(tmp_path / "town") for path in (one.path, two.path)]
    with opened(moved.path, "ann") as ann:
        assert dict(Office(moved).refs()) == before
        assert [task.id for task in ann.status().claims] == ["15", "16"]
        found = [check for check in ann.doctor() if "was moved to" in check.message]
        assert [(check.status, check.hint) for check in found] == [("warning", "git coord doctor --fix")] * 2
        assert ann.claim("15").task.worktree == str(inside[0]), "its own place, not a new one where it was"
        assert [check.status for check in ann.doctor(fix=True) if "was moved to" in check.message] == ["fixed"]
        assert [check for check in ann.doctor() if "was moved" in check.message] == []
        assert [view.path for view in ann.worktrees()] == [str(moved.path), *map(str, inside)]
        assert not (tmp_path / "town").exists()
    assert Scratch(inside[0]).git("status", "--porcelain") == ' M README.md\n?? "new file"'
    with opened(inside[1]) as there_too:
        assert there_too.progress(percent=40).id == "16"
        assert there_too.done(remove_worktree=False).task.state == "done"


def test_a_worktree_that_is_only_gone_is_not_taken_for_a_moved_one(scratch: Scratch, tmp_path: Path) -> None:
    """Another directory of that name, or one that belongs to a repository that is still there, is not it."""
    office = Office.found(scratch, store="plumbing")
    one, _ = two_worktrees(office)
    one.path.rename(tmp_path / "15")  # its link leads to where it always led
    ann = office.coord(session="ann")
    assert [check for check in ann.doctor(fix=True) if "was moved" in check.message] == []
    again = ann.claim("15").task.worktree
    assert again == str(one.path)
    assert (tmp_path / "15" / "new file").read_text() == "new\n"
    office.close()


def test_pruning_worktrees_takes_none_that_is_claimed_and_a_deleted_one_is_made_again(scratch: Scratch) -> None:
    office = Office.found(scratch, store="plumbing")
    one, two = two_worktrees(office)
    scratch.git("worktree", "prune", "--expire", "now")
    ann = office.coord(session="ann")
    assert [view.path for view in ann.worktrees()] == [str(scratch.path), str(one.path), str(two.path)]
    with opened(two.path) as inside:
        assert inside.whoami().id == ann.whoami().id
    scratch.git("worktree", "remove", "--force", str(two.path))
    scratch.git("worktree", "prune", "--expire", "now")
    assert ann.progress("16", percent=40).progress is not None
    assert ann.claim("16").task.worktree == str(two.path)
    assert (two.path / "work").read_text() == "done\n", "the branch has what was committed"
    office.close()


@pytest.mark.parametrize("store", ["libgit", "plumbing"])
def test_git_maintenance_takes_nothing_and_stops_nobody(scratch: Scratch, store: str) -> None:
    """Each of its tasks, between the writes of a worker that has the repository open."""
    office = Office.found(scratch, store=store)
    ann = office.hire("ann")
    tasks = ["gc", "commit-graph", "loose-objects", "incremental-repack", "pack-refs"]
    if git_version() >= (2, 51):
        tasks += ["reflog-expire", "worktree-prune", "rerere-gc"]
    for number, task in enumerate(tasks):
        ann.claim(f"t{number}", worktree=False)
        scratch.git("maintenance", "run", "--quiet", f"--task={task}")
        assert ann.progress(f"t{number}", percent=number).token == 1
        ann.set("issue:15", f"k{number}", number)
    mine = {task.id for task in ann.status().claims}
    assert mine == {f"t{number}" for number in range(len(tasks))}
    assert len(ann.log(all=True)) >= 3 * len(tasks)
    assert scratch.git("fsck", "--no-dangling", "--full") == ""
    assert [check.message for check in ann.doctor() if check.status != "ok" and check.name != "hooks"] == []
    office.close()
