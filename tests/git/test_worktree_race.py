"""Another ``git worktree add`` that has just begun: Git itself dies of what it finds there, and we wait a moment."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitcoord.errors import GitFailed
from gitcoord.git.repo import discover
from gitcoord.git.worktree_add import add
from gitcoord.git.worktree_list import list_worktrees
from tests.support import Scratch


def begun(scratch: Scratch) -> Path:
    """What ``git worktree add`` has written before it fills in ``commondir``; that file."""
    scratch.git("worktree", "add", "-q", "../other")
    file = scratch.path / ".git/worktrees/other/commondir"
    file.write_text("")
    return file


@contextmanager
def going_on(file: Path) -> Iterator[None]:
    """The other one writes its file a little later."""

    def fill() -> None:
        time.sleep(0.05)
        file.write_text("../..\n")

    other = threading.Thread(target=fill)
    other.start()
    try:
        yield
    finally:
        other.join()


def test_git_itself_dies_of_it(scratch: Scratch) -> None:
    begun(scratch)
    with pytest.raises(AssertionError, match="commondir"):
        scratch.git("worktree", "list")


def test_listing_waits_for_the_other_one(scratch: Scratch) -> None:
    repo = discover(str(scratch.path), os.environ)
    with going_on(begun(scratch)):
        assert len(list_worktrees(repo)) == 2


def test_adding_waits_for_the_other_one(scratch: Scratch) -> None:
    repo = discover(str(scratch.path), os.environ)
    with going_on(begun(scratch)):
        added = add(repo, str(scratch.path / "../mine"), "mine")
    assert Scratch(Path(added.path)).git("branch", "--show-current") == "mine"


def test_one_that_was_left_so_is_complained_about(scratch: Scratch) -> None:
    repo = discover(str(scratch.path), os.environ)
    begun(scratch)
    with pytest.raises(GitFailed, match="commondir"):
        list_worktrees(repo)
