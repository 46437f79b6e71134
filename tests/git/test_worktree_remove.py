"""Removing a worktree never loses work that nobody agreed to lose."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.errors import NotFound, Unsafe
from gitcoord.git import worktree
from gitcoord.git.repo import discover
from tests.support import Scratch


@pytest.fixture
def linked(scratch: Scratch) -> Scratch:
    """A clean worktree for task 15 whose commits are all merged."""
    repo = discover(str(scratch.path), os.environ)
    return Scratch(Path(worktree.add(repo, worktree.plan_path(repo, None, "15"), "coord/15").path))


def remove(scratch: Scratch, path: Path, *, force: bool = False) -> worktree.Removed:
    return worktree.remove(discover(str(scratch.path), os.environ), str(path), force=force)


def test_a_clean_and_merged_one_goes_and_its_branch_stays(scratch: Scratch, linked: Scratch) -> None:
    removed = remove(scratch, linked.path)
    assert not linked.path.exists()
    assert (removed.branch, removed.inside, removed.missing) == ("coord/15", False, False)
    assert scratch.git("branch", "--list", "coord/15").strip() == "coord/15"


@pytest.mark.parametrize("kind", ["untracked", "unstaged", "staged", "intent", "deleted", "hidden by settings"])
def test_uncommitted_work_is_kept(scratch: Scratch, linked: Scratch, kind: str) -> None:
    if kind == "deleted":
        (linked.path / "README.md").unlink()
    elif kind == "unstaged":
        (linked.path / "README.md").write_text("edited\n")
    else:
        (linked.path / "new").write_text("mine\n")
    if kind == "staged":
        linked.git("add", "new")
    if kind == "intent":
        linked.git("add", "-N", "new")
    if kind == "hidden by settings":
        linked.git("config", "status.showUntrackedFiles", "no")
    with pytest.raises(Unsafe, match="uncommitted") as caught:
        remove(scratch, linked.path)
    assert caught.value.fields["files"] in (("new",), ("README.md",))
    assert linked.path.exists()
    assert remove(scratch, linked.path, force=True).branch == "coord/15"
    assert not linked.path.exists()


def test_unpushed_commits_are_kept_until_they_are_merged_or_pushed(scratch: Scratch, linked: Scratch) -> None:
    linked.commit("work", {"a": "1\n"})
    linked.commit("more work", {"b": "1\n"})
    with pytest.raises(Unsafe, match="2 unpushed commits"):
        remove(scratch, linked.path)
    scratch.git("merge", "-q", "coord/15")
    remove(scratch, linked.path)


def test_pushed_commits_are_safe(make_scratch: Callable[..., Scratch], scratch: Scratch, linked: Scratch) -> None:
    hub = make_scratch("hub", "--bare")
    scratch.git("remote", "add", "origin", str(hub.path))
    linked.commit("work", {"a": "1\n"})
    linked.git("push", "-q", "origin", "coord/15")
    remove(scratch, linked.path)
    assert not linked.path.exists()


def test_an_operation_in_progress_is_not_cut_off(scratch: Scratch, linked: Scratch) -> None:
    linked.git("bisect", "start")
    with pytest.raises(Unsafe, match="a bisect in progress"):
        remove(scratch, linked.path)
    assert linked.path.exists()


def test_ignored_files_do_not_count(scratch: Scratch) -> None:
    scratch.commit("rules", {".gitignore": ".env\n", ".worktreeinclude": ".env\n"})
    (scratch.path / ".env").write_text("KEY=1")
    repo = discover(str(scratch.path), os.environ)
    added = worktree.add(repo, worktree.plan_path(repo, None, "15"), "coord/15")
    assert added.copied == (".env",)
    remove(scratch, Path(added.path))
    assert not Path(added.path).exists()


def test_from_inside_it_works_and_is_said(linked: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    (linked.path / "deep").mkdir()
    monkeypatch.chdir(linked.path / "deep")
    removed = worktree.remove(discover(".", os.environ), str(linked.path))
    assert removed.inside
    assert not linked.path.exists()


def test_the_main_worktree_and_strangers_are_refused(scratch: Scratch, linked: Scratch, tmp_path: Path) -> None:
    with pytest.raises(Unsafe, match="main worktree"):
        remove(linked, scratch.path, force=True)
    with pytest.raises(NotFound):
        remove(scratch, tmp_path / "elsewhere", force=True)


def test_a_lock_of_the_users_own_is_respected_even_by_force(scratch: Scratch, linked: Scratch) -> None:
    scratch.git("worktree", "lock", "--reason", "on a stick", str(linked.path))
    with pytest.raises(Unsafe, match="on a stick"):
        remove(scratch, linked.path, force=True)
    assert linked.path.exists()


def test_a_missing_one_is_forgotten_unless_work_was_staged(scratch: Scratch, linked: Scratch) -> None:
    (linked.path / "new").write_text("x")
    linked.git("add", "new")
    linked.path.rename(scratch.path.parent / "away")
    with pytest.raises(Unsafe, match="staged"):
        remove(scratch, linked.path)
    (scratch.path.parent / "away").rename(linked.path)
    linked.git("reset", "-q")
    linked.path.rename(scratch.path.parent / "away")
    assert remove(scratch, linked.path).missing
    assert len(worktree.list_worktrees(discover(str(scratch.path), os.environ))) == 1


def test_a_link_to_a_worktree_is_that_worktree(scratch: Scratch, linked: Scratch, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(linked.path)
    remove(scratch, tmp_path / "link")
    assert not linked.path.exists()


@pytest.fixture
def with_submodule(make_scratch: Callable[..., Scratch]) -> Scratch:
    """A repository with a checked-out submodule that has one of its own."""
    leaf, inner, outer = (make_scratch(name) for name in ("leaf", "inner", "outer"))
    inner.git("submodule", "--quiet", "add", str(leaf.path), "leaf")
    inner.git("commit", "-q", "-m", "leaf")
    outer.git("submodule", "--quiet", "add", str(inner.path), "libs/in ner")
    outer.git("commit", "-q", "-m", "inner")
    outer.git("submodule", "--quiet", "update", "--init", "--recursive")
    return outer


def test_submodules_come_along_without_the_network(with_submodule: Scratch, tmp_path: Path) -> None:
    for name in ("inner", "leaf"):
        (tmp_path / name).rename(tmp_path / f"{name} is off line")
    repo = discover(str(with_submodule.path), os.environ)
    before = with_submodule.user_state()
    added = worktree.add(repo, worktree.plan_path(repo, None, "15"), "coord/15")
    assert added.notices == ()
    here = Scratch(Path(added.path))
    assert (here.path / "libs/in ner/leaf/README.md").exists()
    assert here.git("status", "--porcelain") == ""
    assert Scratch(here.path / "libs/in ner").git("remote", "get-url", "origin") == str(tmp_path / "inner")
    assert with_submodule.user_state() == before


def test_a_submodule_that_cannot_be_had_is_a_notice(with_submodule: Scratch, tmp_path: Path) -> None:
    new = Scratch(with_submodule.path / "libs/in ner").commit("only here", {"x": "1\n"})
    with_submodule.git("commit", "-q", "-am", "move on")
    modules = with_submodule.path / ".git" / "modules" / "libs" / "in ner"
    (modules / "objects" / new[:2] / new[2:]).unlink()
    repo = discover(str(with_submodule.path), os.environ)
    added = worktree.add(repo, worktree.plan_path(repo, None, "15"), "coord/15")
    assert len(added.notices) == 1
    assert "submodule libs/in ner is not checked out" in added.notices[0]


def test_submodules_that_are_not_initialised_stay_so(with_submodule: Scratch, tmp_path: Path) -> None:
    with_submodule.git("clone", "-q", str(with_submodule.path), str(tmp_path / "plain"))
    repo = discover(str(tmp_path / "plain"), os.environ)
    added = worktree.add(repo, worktree.plan_path(repo, None, "15"), "coord/15")
    assert added.notices == ()
    assert not list((Path(added.path) / "libs/in ner").iterdir())


def test_one_with_clean_submodules_goes_and_one_with_work_in_them_stays(with_submodule: Scratch) -> None:
    repo = discover(str(with_submodule.path), os.environ)
    path = Path(worktree.add(repo, worktree.plan_path(repo, None, "15"), "coord/15").path)
    sub = Scratch(path / "libs/in ner")
    (sub.path / "draft").write_text("mine")
    with pytest.raises(Unsafe, match="uncommitted"):
        remove(with_submodule, path)
    (sub.path / "draft").unlink()
    sub.git("switch", "-q", "-c", "work")
    sub.commit("in the submodule", {"x": "1\n"})
    sub.git("switch", "-q", "--detach", "HEAD~1")
    with pytest.raises(Unsafe, match="1 unpushed commit"):
        remove(with_submodule, path)
    sub.git("branch", "-q", "-D", "work")
    remove(with_submodule, path)
    assert not path.exists()


def test_what_no_snapshot_can_keep_is_not_removed_by_force_either(with_submodule: Scratch) -> None:
    repo = discover(str(with_submodule.path), os.environ)
    path = Path(worktree.add(repo, worktree.plan_path(repo, None, "15"), "coord/15").path)
    sub = Scratch(path / "libs/in ner")
    (sub.path / "draft").write_text("mine")
    with pytest.raises(Unsafe, match="libs/in ner"):
        remove(with_submodule, path, force=True)
    sub.commit("in the submodule", {"draft": "mine"})
    with pytest.raises(Unsafe, match="1 unpushed submodule commits"):
        remove(with_submodule, path, force=True)
    sub.git("reset", "-q", "--hard", "HEAD~1")
    nested = Scratch.create(path / "nested")
    with pytest.raises(Unsafe, match="nested/"):
        remove(with_submodule, path, force=True)
    nested.path.rename(with_submodule.path / "nested")
    (path / "draft").write_text("mine")
    remove(with_submodule, path, force=True)
    assert not path.exists()


def test_a_hostile_gitmodules_leads_nowhere(with_submodule: Scratch, tmp_path: Path) -> None:
    text = (with_submodule.path / ".gitmodules").read_text()
    evil = '[submodule "../../evil"]\n\tpath = evil\n\turl = --upload-pack=touch ' + str(tmp_path / "canary") + "\n"
    with_submodule.commit("evil", {".gitmodules": text + evil})
    repo = discover(str(with_submodule.path), os.environ)
    added = worktree.add(repo, worktree.plan_path(repo, None, "15"), "coord/15")
    assert not (tmp_path / "canary").exists()
    assert not (Path(added.path) / "evil").exists()
