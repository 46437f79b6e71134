"""What is asked ahead is what ``discover`` finds by asking Git step by step, or it is no answer at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.git import ahead
from gitcoord.git.repo import Repo, discover, look_ahead
from tests.support import Scratch

Make = Callable[..., Scratch]


def linked(scratch: Scratch, name: str = "linked ü") -> Path:
    path = scratch.path.parent / name
    scratch.git("worktree", "add", "-q", "-b", "other", str(path))
    return path


def both(start: Path) -> tuple[Repo, Repo]:
    """The repository by its two roads, with the settings read."""
    place = os.path.realpath(start)
    slow = discover(place, os.environ)
    look_ahead(place, os.environ)
    quick = discover(place, os.environ)
    assert ahead._asked == {}
    return quick, slow


def was_quick(repo: Repo) -> bool:
    return repo.common in ahead._settings


def assert_alike(quick: Repo, slow: Repo) -> None:
    for field in ("common", "git_dir", "top", "bare", "object_format", "env"):
        assert getattr(quick, field) == getattr(slow, field), field
    assert quick.settings().out == slow.settings().out
    assert not was_quick(slow)


@pytest.mark.parametrize("where", ["main", "below", "linked", "below linked", "sha256", "moved link", "set"])
def test_the_ordinary_places_are_found_in_one_question(make_scratch: Make, where: str) -> None:
    scratch = make_scratch("a repo", *(["--object-format=sha256"] if where == "sha256" else []))
    start = scratch.path
    if "linked" in where:
        start = linked(scratch)
    if "below" in where:
        start = start / "x" / "y"
        start.mkdir(parents=True)
    if where == "moved link":
        here = linked(scratch)
        scratch.git("worktree", "move", str(here), str(scratch.path / "inside"))
        start = scratch.path / "inside"
    if where == "set":
        scratch.git("config", "coord.hub", "origin")
        scratch.git("config", "coord.branch", "two\nlines = =")
        scratch.git("config", "--add", "user.name", "Local Ada")
    quick, slow = both(start)
    assert was_quick(quick)
    assert_alike(quick, slow)


@pytest.mark.parametrize(
    "where", ["in .git", "bare", "bare inside", "submodule", "separate", "worktree set", "own config"]
)
def test_the_others_are_asked_about_as_always(make_scratch: Make, where: str) -> None:
    scratch = make_scratch()
    start = scratch.path
    if where == "in .git":
        start = scratch.path / ".git" / "refs"
    elif where == "bare":
        start = make_scratch("hub", "--bare").path
    elif where == "bare inside":
        start = make_scratch("repo/hub", "--bare").path
    elif where == "submodule":
        scratch.git("submodule", "--quiet", "add", str(make_scratch("other").path), "sub")
        start = scratch.path / "sub"
    elif where == "separate":
        start = make_scratch("apart", f"--separate-git-dir={scratch.path.parent / 'elsewhere.git'}").path
    elif where == "worktree set":
        scratch.git("config", "core.worktree", str(make_scratch("tree").path))
    else:
        scratch.git("config", "extensions.worktreeConfig", "true")
    quick, slow = both(start)
    assert not was_quick(quick)
    assert_alike(quick, slow)


@pytest.mark.parametrize("damage", ["no HEAD", "a HEAD of nonsense", "no objects", "empty"])
def test_what_looks_like_a_repository_and_is_none_hides_no_other(scratch: Scratch, damage: str) -> None:
    """Git goes on upwards from a broken ``.git``; whoever took it for one would work in the wrong repository."""
    inner = scratch.path / "inner"
    shutil.copytree(scratch.path / ".git", inner / ".git")
    if damage == "no HEAD":
        (inner / ".git" / "HEAD").unlink()
    elif damage == "a HEAD of nonsense":
        (inner / ".git" / "HEAD").write_text("nonsense\n")
    elif damage == "no objects":
        shutil.rmtree(inner / ".git" / "objects")
    else:
        shutil.rmtree(inner / ".git")
        (inner / ".git").mkdir()
    quick, slow = both(inner)
    assert not was_quick(quick)
    assert quick.top == slow.top == str(scratch.path)


def test_a_link_to_a_git_directory_is_asked_about(scratch: Scratch) -> None:
    start = scratch.path.parent / "by link"
    start.mkdir()
    (start / ".git").symlink_to(scratch.path / ".git")
    quick, slow = both(start)
    assert not was_quick(quick)
    assert_alike(quick, slow)


def test_settings_that_nobody_took_are_not_those_of_a_later_look(scratch: Scratch) -> None:
    look_ahead(str(scratch.path), os.environ)
    discover(str(scratch.path), os.environ)
    scratch.git("config", "coord.ttl", "45m")
    assert b"coord.ttl\n45m" in discover(str(scratch.path), os.environ).settings().out


def test_what_git_tells_every_hook_moves_nothing(make_scratch: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch, other = make_scratch("repo"), make_scratch("other")
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
    monkeypatch.setenv("GIT_PREFIX", "x/")
    quick, slow = both(scratch.path)
    assert was_quick(quick)
    assert_alike(quick, slow)


@pytest.mark.parametrize("named", ["main", "main by a relative path", "linked"])
def test_the_git_directory_in_which_a_hook_stands_is_no_news(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    start = linked(scratch) if named == "linked" else scratch.path
    git_dir = Scratch(start).git("rev-parse", "--absolute-git-dir")
    monkeypatch.setenv("GIT_DIR", ".git" if "relative" in named else git_dir)
    monkeypatch.chdir(start)
    quick, slow = both(start)
    assert was_quick(quick)
    assert_alike(quick, slow)
    below = start / "below"
    below.mkdir()  # where Git, told of the directory alone, takes this for the top
    monkeypatch.chdir(below)
    monkeypatch.setenv("GIT_DIR", git_dir)
    look_ahead(str(below), os.environ)
    assert ahead.answer(str(below)) is None


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES", "GIT_COMMON_DIR"])
def test_variables_that_decide_the_place_are_left_to_git(
    make_scratch: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    scratch, other = make_scratch("repo"), make_scratch("other")
    monkeypatch.setenv(name, str(other.path / ".git" if name.endswith("DIR") else other.path))
    if name == "GIT_COMMON_DIR":
        monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    quick, slow = both(scratch.path)
    assert not was_quick(quick)
    assert_alike(quick, slow)


def test_an_owner_whom_git_does_not_trust_is_no_answer(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """``safe.directory`` is Git's to judge, and its judgement is heard. The variable is Git's own, for such tests."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    look_ahead(str(scratch.path), os.environ)
    assert ahead.answer(str(scratch.path)) is None


def test_a_relative_start_or_one_behind_a_link_is_not_asked_ahead(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scratch.path)
    link = scratch.path.parent / "link"
    link.symlink_to(scratch.path)
    for start in (".", "", "..", str(link)):
        look_ahead(start, os.environ)
        assert ahead.answer(start) is None
    assert discover(str(link), os.environ).top == str(scratch.path)


def test_outside_of_every_repository_nothing_is_asked(tmp_path: Path) -> None:
    look_ahead(str(tmp_path), os.environ)
    assert ahead._asked == {}
