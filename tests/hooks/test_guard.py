"""HK08: the commit guard. What it stops and says, what passes it, and that a broken one stops nobody."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcoord.core import names
from gitcoord.errors import Held
from tests.faults.support import process
from tests.hooks.guarded import Guarded, allowed, blocked, commit, git, stage
from tests.hooks.support import write_hook
from tests.support import Scratch, without_gitcoord_on_path


@pytest.fixture
def guarded(scratch: Scratch) -> Iterator[Guarded]:
    made = Guarded.found(scratch)
    yield made
    made.office.close()


# -- what it stops ---------------------------------------------------------------------------------------------------


def test_hk08_guard_semantics_a_path_that_another_live_session_locked_is_not_committed(guarded: Guarded) -> None:
    ann = guarded.office.hire("ann")
    _ben, tree = guarded.worker("ben", "15")
    ann.lock(["src/**", "README.md"], path=True, reason="refactor")
    said = blocked(tree, "src/a.py", "README.md", "docs/x.md").splitlines()
    assert said[0] == "git coord: commit stopped: 2 offences"
    assert said[1:] == [
        "  README.md is locked by ann with 'README.md': refactor - git coord lock '/README.md' --wait 10m",
        "  src/a.py is locked by ann with 'src/**': refactor - git coord lock '/src/a.py' --wait 10m",
    ]
    tree.git("reset", "-q", "src/a.py", "README.md")
    allowed(tree)


def test_hk08_guard_semantics_the_step_it_names_works(guarded: Guarded) -> None:
    ann = guarded.office.hire("ann")
    _ben, tree = guarded.worker("ben", "15")
    ann.lock(["src/"])
    hint = blocked(tree, "src/it's [a] b.py").splitlines()[1].partition(" - ")[2]
    words = shlex.split(hint)
    assert words == ["git", "coord", "lock", "/src/it's \\[a] b.py", "--wait", "10m"]
    ann.unlock()
    assert tree.coord(*words[2:]).code == 0
    with pytest.raises(Held):
        ann.lock(["src/it's [[]a] b.py"])
    allowed(tree)


def test_hk08_guard_semantics_ones_own_locks_names_and_what_is_no_longer_in_force_stop_nothing(
    guarded: Guarded,
) -> None:
    ben, tree = guarded.worker("ben", "15")
    ben.lock(["src/**"])
    allowed(tree, "src/a.py")
    ben.unlock()
    guarded.office.hire("cat").lock(["src"])  # a name, no path
    allowed(tree, "src/a.py")
    with process() as agent:
        guarded.office.hire("ann", pid=agent.pid).lock(["src/**"])
        blocked(tree, "src/b.py")
    allowed(tree, "src/b.py")


def test_hk08_guard_semantics_who_has_no_session_is_stopped_too(guarded: Guarded) -> None:
    guarded.office.hire("ann").lock(["src/**"])
    blocked(guarded.main, "src/a.py")


def test_hk08_guard_semantics_a_worktree_whose_claim_was_taken_over_commits_no_more(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "a")
    ann = guarded.office.hire("ann")
    ann.takeover("15", reason="hangs", force=True, token=1, worktree=False)
    [_head, line] = blocked(tree, "b").splitlines()
    assert line == (
        "  this worktree's claim of 15 (token 1) was taken over: it is at token 2, held by ann"
        " - your work is safe where it is; see 'git coord log --task 15'"
    )
    assert (tree.path / "b").exists()


def test_hk08_guard_semantics_a_released_claim_stops_nothing(guarded: Guarded) -> None:
    ben, tree = guarded.worker("ben", "15")
    ben.release("15")
    allowed(tree, "a")


def test_hk08_guard_semantics_deletions_and_both_names_of_a_rename_count(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "src/a.py")
    guarded.office.hire("ann").lock(["src/"])
    tree.git("mv", "src/a.py", "b.py")
    ran = commit(tree)
    assert "src/a.py is locked" in ran.err
    tree.git("reset", "-q", "--hard")
    tree.git("rm", "-q", "src/a.py")
    assert commit(tree).code == 1


def test_hk08_guard_semantics_the_first_commit_of_all_is_judged(make_scratch: object, tmp_path: Path) -> None:
    path = tmp_path / "new"
    path.mkdir()
    tree = Scratch(path)
    tree.git("init", "-q")
    guarded = Guarded.found(tree)
    guarded.office.hire("ann").lock(["src/"])
    stage(tree, "src/a.py")
    assert commit(tree).code == 1
    tree.git("rm", "-q", "--cached", "src/a.py")
    stage(tree, "b.py")
    assert commit(tree).code == 0
    guarded.office.close()


# -- the index that is meant -----------------------------------------------------------------------------------------


def test_hk08_guard_semantics_a_partial_commit_is_judged_by_what_it_commits(guarded: Guarded) -> None:
    """Git builds an index of its own for it, and exports its name to the hook."""
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "src/a.py", "free.py")
    guarded.office.hire("ann").lock(["src/"])
    stage(tree, "src/a.py", "free.py")
    assert commit(tree, "free.py").code == 0
    assert commit(tree, "src/a.py").code == 1
    assert tree.git("status", "--porcelain") == "M  src/a.py"  # the real index is as it was


def test_hk08_guard_semantics_commit_all_and_interactive_leave_the_index_as_they_found_it(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "src/a.py")
    guarded.office.hire("ann").lock(["src/"])
    (tree.path / "src" / "a.py").write_text("changed\n")
    index = Path(tree.git("rev-parse", "--path-format=absolute", "--git-path", "index"))
    before = index.read_bytes()
    assert commit(tree, "-a").code == 1
    assert index.read_bytes() == before
    assert tree.git("status", "--porcelain") == " M src/a.py"


def test_hk08_guard_semantics_an_exported_git_dir_means_its_repository(guarded: Guarded, tmp_path: Path) -> None:
    _ben, tree = guarded.worker("ben", "15")
    guarded.office.hire("ann").lock(["src/"])
    stage(tree, "src/a.py")
    elsewhere = Scratch.create(tmp_path / "elsewhere")
    env = {"GIT_DIR": tree.git("rev-parse", "--absolute-git-dir"), "GIT_WORK_TREE": str(tree.path)}
    ran = commit(elsewhere, env=env)
    assert (ran.code, "src/a.py is locked" in ran.err) == (1, True)


# -- merges ----------------------------------------------------------------------------------------------------------


def merge_in_conflict(guarded: Guarded) -> Scratch:
    """ben's worktree in the middle of a merge of main, with a conflict in ``both.py`` alone."""
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "both.py", "src/mine.py")
    main = guarded.main
    stage(main, "both.py", "src/theirs.py")
    assert commit(main).code == 0
    assert git(tree, "merge", "main").code == 1
    guarded.office.hire("ann").lock(["src/", "locked.py"], path=True)
    (tree.path / "both.py").write_text("resolved\n")
    tree.git("add", "both.py")
    return tree


def test_hk08_guard_semantics_a_merge_is_judged_by_what_it_changes_itself(guarded: Guarded) -> None:
    tree = merge_in_conflict(guarded)
    assert "src/theirs.py" in tree.git("diff", "--cached", "--name-only", "HEAD")
    ran = commit(tree)
    assert ran.code == 0, ran.err


def test_hk08_guard_semantics_what_a_merge_adds_of_its_own_is_judged(guarded: Guarded) -> None:
    tree = merge_in_conflict(guarded)
    stage(tree, "locked.py", "src/theirs.py")
    said = commit(tree).err
    assert "locked.py is locked" in said
    assert "src/theirs.py is locked" in said
    assert "both.py" not in said


# -- warn and off ----------------------------------------------------------------------------------------------------


def test_hk08_guard_semantics_warn_says_it_and_lets_it_pass_and_off_says_nothing(guarded: Guarded) -> None:
    guarded.office.hire("ann").lock(["src/"])
    guarded.main.git("config", "coord.guard", "warn")
    said = allowed(guarded.main, "src/a.py")
    assert said.startswith("git coord: commit not stopped (coord.guard = warn): 1 offence\n  src/a.py is locked by ann")
    guarded.main.git("config", "coord.guard", "off")
    assert allowed(guarded.main, "src/b.py") == ""


def test_hk08_guard_semantics_many_offences_are_counted_not_all_listed(guarded: Guarded) -> None:
    guarded.office.hire("ann").lock(["src/"])
    said = blocked(guarded.main, *(f"src/{number}.py" for number in range(30))).splitlines()
    assert (len(said), said[0], said[-1]) == (
        22,
        "git coord: commit stopped: 30 offences",
        "  and 10 more: git coord check --staged",
    )


def test_hk08_guard_semantics_a_hostile_reason_is_shown_harmless(guarded: Guarded) -> None:
    guarded.office.hire("ann").lock(["src/"], reason="\x1b]0;x\x07\nblock\u202e")
    said = blocked(guarded.main, "src/a.py")
    assert len(said.splitlines()) == 2
    assert "\x1b" not in said
    assert "\u202e" not in said


# -- what passes it --------------------------------------------------------------------------------------------------


def test_hk08_guard_semantics_the_bypass_list(guarded: Guarded) -> None:
    """What Git does without asking pre-commit, or is told not to ask: the README lists it."""
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "src/a.py")
    base = tree.git("rev-parse", "HEAD")
    main = guarded.main
    stage(main, "src/theirs.py")
    assert commit(main).code == 0
    guarded.office.hire("ann").lock(["src/"])
    blocked(tree, "src/a.py")
    assert commit(tree, "--no-verify").code == 0
    tip = tree.git("rev-parse", "HEAD")
    for command in (
        ["rebase", "-q", "main"],
        ["reset", "-q", "--hard", base],
        ["cherry-pick", tip],
        ["revert", "--no-edit", "HEAD"],
        ["merge", "-q", "--no-edit", "main"],  # without a conflict
    ):
        ran = git(tree, *command)
        assert ran.code == 0, ran.err
    tree.git("commit-tree", "-p", "HEAD", "-m", "by hand", "HEAD^{tree}")


# -- broken, missing, fine -------------------------------------------------------------------------------------------

BROKEN = {
    "missing": None,
    "a traceback": "import nothing_of_that_name",
    "exit 1": "raise SystemExit(1)",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "says other words": "print('blocked')",
    "says nothing": "",
}


@pytest.mark.parametrize("how", BROKEN)
def test_hk08_guard_semantics_a_broken_or_missing_gitcoord_stops_nobody(
    guarded: Guarded, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded.office.hire("ann").lock(["src/"])
    code = BROKEN[how]
    if code is None:
        guarded.launcher.unlink()
        without_gitcoord_on_path(monkeypatch)
    else:
        guarded.launcher.write_text(f"#!{sys.executable}\n{code}\n")
    allowed(guarded.main, "src/a.py")


def test_hk08_guard_semantics_state_that_cannot_be_read_stops_nobody_and_is_said(guarded: Guarded) -> None:
    guarded.office.hire("ann").lock(["src/"])
    guarded.office.plant(names.LOCKS, b'{"path":"')
    said = allowed(guarded.main, "src/a.py")
    assert said.startswith("git coord: this could not be checked, and goes ahead: refs/coord/locks/table")
    guarded.main.git("config", "coord.guard", "sometimes")
    assert "goes ahead" in allowed(guarded.main, "src/b.py")


def test_hk08_guard_semantics_without_state_or_outside_of_our_hands_nothing_happens(guarded: Guarded) -> None:
    guarded.office.hire("ann").lock(["src/"])
    for ref in guarded.office.refs():
        guarded.main.git("update-ref", "-d", ref)
    assert allowed(guarded.main, "src/a.py") == ""


def test_hk08_guard_semantics_the_hook_that_was_there_goes_first_and_may_refuse(
    guarded: Guarded, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    guarded.main.git("config", "coord.guard", "off")
    path = guarded.main.path / ".git" / "hooks" / "pre-commit"
    if not path.exists():
        pytest.skip("hooks by configuration run beside hook files")
    write_hook(Path(f"{path}.gitcoord-chained"), f'#!/bin/sh\necho "${{0##*/}}" >>"{log}"\nexit $(cat status)\n')
    (guarded.main.path / "status").write_text("7")
    stage(guarded.main, "src/a.py")
    assert commit(guarded.main).code == 1  # git turns every refusal into 1
    (guarded.main.path / "status").write_text("0")
    assert commit(guarded.main).code == 0
    assert log.read_text().split() == ["pre-commit", "pre-commit"]
