"""What counts as work that would be lost, and that looking never changes anything."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from gitcoord.errors import NotFound
from gitcoord.git import safety
from gitcoord.git.repo import discover
from tests.support import Scratch, git_version


def inspect(scratch: Scratch, base: str | None = None) -> safety.WorktreeState:
    return safety.inspect(discover(str(scratch.path), os.environ), str(scratch.path), base)


def conflict(scratch: Scratch) -> None:
    """Two branches that change the same line; main is checked out."""
    scratch.git("switch", "-q", "-c", "other")
    scratch.commit("theirs", {"README.md": "theirs\n"})
    scratch.git("switch", "-q", "main")
    scratch.commit("ours", {"README.md": "ours\n"})


def test_a_clean_worktree_is_clean(scratch: Scratch) -> None:
    state = inspect(scratch)
    assert (state.dirty, state.clean, state.operation, state.files) == (False, True, None, ())
    assert (state.head, state.branch) == (scratch.git("rev-parse", "HEAD"), "main")


def test_each_kind_of_change_is_told_apart(scratch: Scratch) -> None:
    conflict(scratch)
    scratch.commit("more", {"staged": "1\n", "both": "1\n", "unstaged": "1\n", "gone": "1\n", "sp ace\nline": "1\n"})
    scratch.git("merge", "other", check=False)
    for name in ("staged", "both", "sp ace\nline"):
        (scratch.path / name).write_text("2\n")
        scratch.git("add", name)
    for name in ("both", "unstaged"):
        (scratch.path / name).write_text("3\n")
    (scratch.path / "gone").unlink()
    (scratch.path / "new dir").mkdir()
    (scratch.path / "new dir" / "file").write_text("4\n")
    state = inspect(scratch)
    assert set(state.staged) == {"staged", "both", "sp ace\nline"}
    assert set(state.unstaged) == {"both", "unstaged", "gone"}
    assert state.untracked == ("new dir/",)
    assert state.conflicted == ("README.md",)
    assert state.operation == "merge"
    assert not state.clean


def test_ignored_files_are_no_work(scratch: Scratch) -> None:
    scratch.commit("rules", {".gitignore": "*.o\n"})
    (scratch.path / "x.o").write_text("built")
    assert inspect(scratch).clean


@pytest.mark.parametrize(
    ("setting", "value"), [("status.showUntrackedFiles", "no"), ("status.renames", "copies"), ("status.short", "true")]
)
def test_settings_hide_nothing(scratch: Scratch, setting: str, value: str) -> None:
    scratch.git("config", setting, value)
    (scratch.path / "new").write_text("x")
    assert inspect(scratch).untracked == ("new",)


@pytest.mark.parametrize("operation", ["merge", "rebase", "cherry-pick", "revert", "am", "bisect"])
@pytest.mark.parametrize("refs", ["files", "reftable"])
def test_an_operation_in_progress_is_named(make_scratch: Callable[..., Scratch], refs: str, operation: str) -> None:
    if refs == "reftable" and git_version() < (2, 45):
        pytest.skip("this git has no reftable")
    scratch = make_scratch("repo", *(["--ref-format=reftable"] if refs == "reftable" else []))
    conflict(scratch)
    if operation == "bisect":
        scratch.git("bisect", "start")
    elif operation == "am":
        patch = scratch.git("format-patch", "--stdout", "-1", "other")
        scratch.git("am", check=False, stdin=patch + "\n")
    elif operation == "revert":
        scratch.git("revert", "--no-edit", "HEAD~1", check=False)
    else:
        scratch.git(operation, "other", check=False)
    assert inspect(scratch).operation == operation


def test_looking_writes_nothing_not_even_a_refreshed_index(scratch: Scratch) -> None:
    index = scratch.path / ".git" / "index"
    os.utime(scratch.path / "README.md", (1, 1))  # a plain 'git status' would now refresh the index
    before = (index.read_bytes(), index.stat().st_mtime_ns, sorted((scratch.path / ".git").iterdir()))
    inspect(scratch)
    assert (index.read_bytes(), index.stat().st_mtime_ns, sorted((scratch.path / ".git").iterdir())) == before


def test_it_works_while_somebody_holds_the_index_lock(scratch: Scratch) -> None:
    (scratch.path / ".git" / "index.lock").write_bytes(b"")
    assert inspect(scratch).clean


def test_commits_count_as_unpushed_until_they_are_somewhere_else(make_scratch: Callable[..., Scratch]) -> None:
    hub, scratch = make_scratch("hub", "--bare"), make_scratch("repo")
    scratch.git("remote", "add", "origin", str(hub.path))
    assert inspect(scratch).unpushed == 1
    scratch.git("push", "-q", "origin", "main")
    scratch.git("switch", "-q", "-c", "work")
    scratch.commit("one", {"a": "1\n"})
    tip = scratch.commit("two", {"a": "2\n"})
    assert (inspect(scratch).unpushed, inspect(scratch).merged_or_pushed) == (2, False)
    assert inspect(scratch, "HEAD~1").unpushed == 1
    assert inspect(scratch, tip).merged_or_pushed
    scratch.git("branch", "copy")
    assert inspect(scratch).merged_or_pushed
    scratch.git("switch", "-q", "--detach")
    scratch.commit("three", {"a": "3\n"})
    assert inspect(scratch).unpushed == 1


@pytest.mark.parametrize("base", ["nowhere", "--all", "-n0", "0" * 40, "a..b", ""])
def test_a_useless_base_is_ignored(scratch: Scratch, base: str) -> None:
    assert inspect(scratch, base).unpushed == 1


def test_before_the_first_commit_there_is_nothing_unpushed(make_scratch: Callable[..., Scratch]) -> None:
    bare = make_scratch("bare", "--bare")
    bare.git("clone", "-q", str(bare.path), str(bare.path.parent / "empty"))
    scratch = Scratch(bare.path.parent / "empty")
    (scratch.path / "new").write_text("x")
    scratch.git("add", "new")
    state = inspect(scratch)
    assert (state.head, state.branch, state.unpushed, state.staged) == (None, "main", 0, ("new",))


def test_a_directory_that_is_no_worktree_is_refused(scratch: Scratch) -> None:
    (scratch.path / "sub").mkdir()
    with pytest.raises(NotFound):
        safety.inspect(discover(str(scratch.path), os.environ), str(scratch.path / "sub"))


def test_exported_variables_do_not_mislead_it(
    scratch: Scratch, make_scratch: Callable[..., Scratch], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_scratch("other")
    (scratch.path / "new").write_text("x")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    repo = discover(str(other.path), os.environ)
    assert safety.inspect(repo, str(scratch.path)).untracked == ("new",)
