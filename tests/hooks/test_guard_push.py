"""The push guard, and the trailers in commit messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hooks.guarded import Guarded, allowed, commit, git, stage
from tests.hooks.support import git_runs_config_hooks, write_hook
from tests.support import Ran, Scratch


@pytest.fixture
def guarded(scratch: Scratch, tmp_path: Path) -> Iterator[Guarded]:
    """With a remote ``origin`` that has main."""
    Scratch.create(tmp_path / "origin", "--bare")
    scratch.git("remote", "add", "origin", str(tmp_path / "origin"))
    scratch.git("push", "-q", "origin", "main")
    made = Guarded.found(scratch)
    yield made
    made.office.close()


def push(tree: Scratch, *args: str) -> Ran:
    return git(tree, "push", "-q", *(args or ("origin", "HEAD")))


def at_origin(guarded: Guarded) -> list[str]:
    """The refs of the remote."""
    lines = guarded.main.git("ls-remote", "origin").splitlines()
    return sorted(line.split("\t")[1] for line in lines if not line.endswith("\tHEAD"))


# -- pushes ----------------------------------------------------------------------------------------------------------


def test_hk08_guard_semantics_a_push_of_what_another_session_locked_is_stopped(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "src/a.py")
    allowed(tree, "docs/x.md")
    guarded.office.hire("ann").lock(["src/"], reason="release")
    ran = push(tree)
    assert ran.code == 1
    assert ran.err.splitlines()[:2] == [
        "git coord: push stopped: 1 offence",
        "  src/a.py is locked by ann with 'src/': release - git coord lock '/src/a.py' --wait 10m",
    ]
    assert at_origin(guarded) == ["refs/heads/main"]
    assert push(tree, "--no-verify", "origin", "HEAD").code == 0


def test_hk08_guard_semantics_only_what_the_remote_does_not_have_is_judged(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "src/a.py")
    assert push(tree).code == 0
    guarded.office.hire("ann").lock(["src/"])
    allowed(tree, "docs/x.md")
    assert push(tree).code == 0
    assert push(tree, "origin", "HEAD:refs/heads/copy").code == 0  # a new name for what is there
    assert push(tree, "origin", ":refs/heads/copy").code == 0  # deleting touches no path


def test_hk08_guard_semantics_a_pushed_merge_is_judged_by_what_it_changes_itself(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "mine.py")
    stage(guarded.main, "src/theirs.py")
    assert commit(guarded.main).code == 0
    assert push(guarded.main, "origin", "main").code == 0
    guarded.office.hire("ann").lock(["src/"])
    tree.git("merge", "-q", "--no-edit", "main")
    assert push(tree).code == 0
    (tree.path / "src" / "theirs.py").write_text("changed in the merge\n")
    tree.git("commit", "-q", "--no-verify", "--amend", "-a", "--no-edit")
    ran = push(tree, "-f", "origin", "HEAD")
    assert (ran.code, "src/theirs.py is locked" in ran.err) == (1, True)


def test_hk08_guard_semantics_a_worktree_whose_claim_was_taken_over_pushes_no_more(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "a")
    guarded.office.hire("ann").takeover("15", reason="hangs", force=True, token=1, worktree=False)
    ran = push(tree)
    assert ran.code == 1
    assert "claim of 15 (token 1) was taken over" in ran.err
    guarded.main.git("config", "coord.guard", "warn")
    assert push(tree).code == 0


def test_hk08_guard_semantics_what_is_private_to_this_clone_is_not_mirrored_away(guarded: Guarded) -> None:
    guarded.office.hire("ann").set("private:notes", "k", "v")
    ran = push(guarded.main, "--mirror", "origin")
    assert ran.code == 1
    assert "is private to this clone" in ran.err
    assert at_origin(guarded) == ["refs/heads/main"]


def test_hk08_guard_semantics_the_push_hook_that_was_there_hears_the_same(guarded: Guarded, tmp_path: Path) -> None:
    if git_runs_config_hooks():
        pytest.skip("hooks by configuration run beside hook files")
    log = tmp_path / "log"
    path = guarded.main.path / ".git" / "hooks" / "pre-push.gitcoord-chained"
    said = f'printf "%s|" "${{0##*/}}" "$@" >>"{log}"\ncat >>"{log}"'
    write_hook(path, f'#!/bin/sh\n{said}\nexit $(cat "{log}.status")\n')
    (tmp_path / "log.status").write_text("3")
    stage(guarded.main, "a")
    commit(guarded.main)
    assert push(guarded.main, "origin", "main").code == 1
    (tmp_path / "log.status").write_text("0")
    assert push(guarded.main, "origin", "main").code == 0
    head = guarded.main.git("rev-parse", "HEAD")
    [once, again] = log.read_text().splitlines()
    assert once == again
    assert once.startswith("pre-push|origin|")
    assert f"refs/heads/main {head} refs/heads/main " in once
    (guarded.main.path / "b").write_text("b")
    guarded.office.hire("ann").lock(["b"], path=True)
    guarded.main.git("add", "b")
    guarded.main.git("commit", "-q", "--no-verify", "-m", "b")
    assert "b is locked by ann" in push(guarded.main, "origin", "main").err  # and so do we


@pytest.mark.parametrize("remote", ["/nowhere", "no such remote"])
def test_hk08_guard_semantics_a_push_that_cannot_work_says_what_git_says(guarded: Guarded, remote: str) -> None:
    guarded.office.hire("ann").lock(["src/"])
    assert "git coord" not in push(guarded.main, remote, "main").err


# -- trailers --------------------------------------------------------------------------------------------------------


def message(tree: Scratch) -> str:
    return tree.git("log", "-1", "--format=%B").rstrip("\n")


@pytest.fixture
def trailing(guarded: Guarded) -> Scratch:
    """A claimed worktree, with trailers switched on."""
    guarded.main.git("config", "coord.trailers", "true")
    guarded.install(trailers=True)
    return guarded.worker("ben", "15")[1]


def test_trailers_name_the_task_and_the_token(trailing: Scratch) -> None:
    stage(trailing, "a")
    assert commit(trailing).code == 0
    assert message(trailing) == "change\n\nCoord-Task: 15\nCoord-Token: 1"


def test_trailers_are_added_once(trailing: Scratch) -> None:
    stage(trailing, "a")
    commit(trailing)
    trailing.git("commit", "-q", "--amend", "--no-edit")
    trailing.git("commit", "-q", "--amend", "-m", "other", "-m", "Signed-off-by: Ada <ada@example.org>")
    assert message(trailing) == "other\n\nSigned-off-by: Ada <ada@example.org>\nCoord-Task: 15\nCoord-Token: 1"
    trailing.git("commit", "-q", "--amend", "--no-edit")
    assert message(trailing).count("Coord-Task: 15") == 1


def test_trailers_follow_what_is_typed_in_an_editor_and_make_no_message_out_of_nothing(trailing: Scratch) -> None:
    stage(trailing, "a")
    assert git(trailing, "commit", "-v", env={"GIT_EDITOR": "true"}).code == 1  # left without a word
    trailing.git("commit", "-q", "-v", env={"GIT_EDITOR": "sed -i '1i typed'"})
    assert message(trailing) == "typed"
    trailing.git("commit", "-q", "-v", "--amend", env={"GIT_EDITOR": "true"})
    assert message(trailing) == "typed\n\nCoord-Task: 15\nCoord-Token: 1"


def test_trailers_leave_alone_what_is_only_copied(trailing: Scratch) -> None:
    stage(trailing, "plain")
    trailing.git("-c", "coord.trailers=false", "commit", "-q", "-m", "plain")
    plain = trailing.git("rev-parse", "HEAD")
    trailing.git("reset", "-q", "--hard", "HEAD~1")
    stage(trailing, "a")
    trailing.git("-c", "coord.trailers=false", "commit", "-q", "-m", "mine")
    for command in (
        ["cherry-pick", plain],
        ["merge", "-q", "--no-ff", "--no-edit", plain],
        ["rebase", "-q", "--force-rebase", "HEAD~2"],
    ):
        ran = git(trailing, *command)
        assert ran.code == 0, ran.err
        assert "Coord-" not in message(trailing)


@pytest.mark.parametrize("task", ["fix it", "a: b", 'quo"ted \\ \\\\ end\\', "日本語", "-x", "$(touch x)", "`x`"])
def test_trailers_name_the_task_as_it_is_called(guarded: Guarded, task: str) -> None:
    guarded.main.git("config", "coord.trailers", "true")
    guarded.install(trailers=True)
    _ben, tree = guarded.worker("ben", task)
    stage(tree, "a")
    assert commit(tree).code == 0
    assert tree.git("log", "-1", "--format=%(trailers:key=Coord-Task,valueonly)").strip() == task


def test_trailers_are_only_for_claimed_worktrees_and_only_where_asked_for(guarded: Guarded, trailing: Scratch) -> None:
    stage(guarded.main, "a")
    assert commit(guarded.main).code == 0
    assert message(guarded.main) == "change"
    guarded.main.git("config", "coord.trailers", "false")
    stage(trailing, "a")
    assert commit(trailing).code == 0
    assert message(trailing) == "change"


def test_the_hook_for_trailers_is_there_only_where_it_is_asked_for(guarded: Guarded) -> None:
    """What a rebase pays for it, whatever it does, is a third of its time."""
    coord = guarded.office.coord()
    assert "prepare-commit-msg" not in [row.event for row in coord.hooks_status()]
    guarded.main.git("config", "coord.trailers", "yes")
    grant = guarded.office.hire("ann").claim("14")
    assert [notice.message for notice in grant.notices] == [
        "coord.trailers is on, and its hook is not installed yet: git coord hooks install"
    ]
    for wanted in (True, False):
        guarded.main.git("config", "coord.trailers", str(wanted).lower())
        coord = guarded.office.coord()
        coord.hooks_install()
        assert [row.fires for row in coord.hooks_status() if row.event == "prepare-commit-msg"] == [True] * wanted
        again = guarded.office.coord()
        assert again.hooks_install() == []
    assert not (guarded.main.path / ".git" / "hooks" / "prepare-commit-msg").exists()
