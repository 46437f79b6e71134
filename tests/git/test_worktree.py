"""Worktrees are named, listed, made and hidden as promised, in every kind of repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.core import names
from gitcoord.errors import Exists, GitFailed, NotFound, Unsafe, Usage, WrongState
from gitcoord.git import worktree
from gitcoord.git.repo import Repo, discover
from tests.support import Scratch


def open_repo(scratch: Scratch) -> Repo:
    return discover(str(scratch.path), os.environ)


def add(scratch: Scratch, name: str = "15", branch: str = "coord/15", base: str | None = None) -> worktree.Added:
    repo = open_repo(scratch)
    return worktree.add(repo, worktree.plan_path(repo, None, name), branch, base)


# -- where it goes ------------------------------------------------------------------------------------------------


def test_a_worktree_goes_below_the_main_one_even_when_asked_from_a_linked_one(scratch: Scratch) -> None:
    linked = Scratch(Path(add(scratch).path))
    (linked.path / "deep").mkdir()
    for place in (scratch, linked, Scratch(linked.path / "deep")):
        assert worktree.plan_path(open_repo(place), None, "16") == str(scratch.path / ".worktrees" / "16")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("trees/{task}", "{top}/trees/15"),
        ("../{repo}-{task}", "{above}/repo-15"),
        ("/srv/{repo}/{task}/tree", "/srv/repo/15/tree"),
        ("trees", "{top}/trees/15"),
        ("~/trees", "{home}/trees/15"),
    ],
)
def test_the_template_decides_where(scratch: Scratch, template: str, expected: str) -> None:
    wanted = expected.format(top=scratch.path, above=scratch.path.parent, home=os.environ["HOME"])
    assert worktree.plan_path(open_repo(scratch), template, "15") == wanted


@pytest.mark.parametrize("key", ["../x", "a/b", "", ".", "..", "a..b", "-x", "A", "a\n", "/etc"])
def test_only_a_safe_key_becomes_part_of_a_path(scratch: Scratch, key: str) -> None:
    with pytest.raises(ValueError, match="not a safe key"):
        worktree.plan_path(open_repo(scratch), None, key)


@pytest.mark.parametrize("task", ["15", "../../etc", "Fix Login", "a/b", "über", "con", "x" * 300, "-rf", "a+b"])
def test_the_key_of_any_task_name_is_safe(scratch: Scratch, task: str) -> None:
    path = worktree.plan_path(open_repo(scratch), None, names.key(task))
    assert os.path.dirname(path) == str(scratch.path / ".worktrees")


@pytest.mark.parametrize(
    ("bare", "expected"),
    [("project.git", "project.worktrees/15"), ("project", "project.worktrees/15"), (".bare", ".worktrees/15")],
)
def test_a_bare_repository_keeps_its_worktrees_outside(
    make_scratch: Callable[..., Scratch], tmp_path: Path, bare: str, expected: str
) -> None:
    repo = open_repo(make_scratch(bare, "--bare"))
    assert worktree.plan_path(repo, None, "15") == str(tmp_path / expected)


def test_a_bare_repository_gives_and_lists_worktrees(make_scratch: Callable[..., Scratch], tmp_path: Path) -> None:
    origin = make_scratch("origin")
    origin.git("clone", "-q", "--bare", str(origin.path), str(tmp_path / "b.git"))
    bare = open_repo(Scratch(tmp_path / "b.git"))
    added = worktree.add(bare, worktree.plan_path(bare, None, "15"), "coord/15")
    main, linked = worktree.list_worktrees(discover(added.path, os.environ))
    assert (main.bare, main.main, main.branch) == (True, True, None)
    assert (linked.path, linked.branch, linked.git_dir) == (added.path, "coord/15", added.git_dir)
    assert worktree.plan_path(discover(added.path, os.environ), None, "16") == str(tmp_path / "b.worktrees" / "16")


def test_a_submodule_and_a_separate_git_dir_know_their_main_worktree(
    make_scratch: Callable[..., Scratch], tmp_path: Path
) -> None:
    outer = make_scratch("outer")
    outer.git("submodule", "--quiet", "add", str(make_scratch("inner").path), "sub")
    sub = Scratch(outer.path / "sub")
    linked = Scratch(Path(add(sub).path))
    assert worktree.list_worktrees(open_repo(linked))[0].path == str(sub.path)
    assert linked.path == sub.path / ".worktrees" / "15"
    separate = Scratch.create(tmp_path / "apart", f"--separate-git-dir={tmp_path / 'elsewhere.git'}")
    assert worktree.list_worktrees(open_repo(separate))[0].path == str(separate.path)


# -- what its branch is called ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "title", "expected"),
    [
        ("15", "Fix the login", "coord/15-fix-the-login"),
        ("15", "", "coord/15"),
        ("15", "15", "coord/15"),
        ("15", "#15: Fix the login", "coord/15-fix-the-login"),
        ("15", "日本語", "coord/15"),
        ("fix-login", "Fix login", "coord/fix-login"),
        ("a.b", "x..y.lock", "coord/a.b-x-y-lock"),
        ("15", "w" * 90, "coord/15-" + "w" * 40),
    ],
)
def test_the_branch_reads_well(task: str, title: str, expected: str) -> None:
    assert worktree.branch_name(task, title) == expected


@pytest.mark.parametrize(
    ("template", "title", "expected"),
    [
        ("work/{task}/{slug}", "Fix it", "work/15/fix-it"),
        ("work/{task}/{slug}", "", "work/15"),
        ("{slug}", "Fix it", "fix-it/15"),
        ("t{task}", "Fix it", "t15"),
    ],
)
def test_the_branch_template_decides(template: str, title: str, expected: str) -> None:
    assert worktree.branch_name("15", title, template) == expected


@pytest.mark.parametrize(
    "task", ["../../x", "@{-1}", "a b~1^:?*[\\", "x.lock", "-d", "refs/heads/main", "\x7f", "ß" * 99]
)
def test_git_accepts_every_branch_name(scratch: Scratch, task: str) -> None:
    scratch.git("check-ref-format", "--branch", worktree.branch_name(task, f"{task} and more"))


@pytest.mark.parametrize("branch", ["-d", "@{-1}", "a..b", "a b", "x.lock", "HEAD", "refs/heads/x", "", "a/.b", "a~1"])
def test_what_is_no_branch_name_never_reaches_git(scratch: Scratch, branch: str) -> None:
    before = scratch.user_state()
    with pytest.raises(Usage):
        add(scratch, branch=branch)
    assert scratch.user_state() == before
    assert not (scratch.path / ".worktrees").exists()


@pytest.mark.parametrize("branch", ["feature/x.y", "Ünïcode", "a@b", "release-1.0"])
def test_a_branch_name_of_the_users_own_is_taken_literally(scratch: Scratch, branch: str) -> None:
    assert Scratch(Path(add(scratch, branch=branch).path)).git("symbolic-ref", "--short", "HEAD") == branch


# -- making it ----------------------------------------------------------------------------------------------------


def test_a_new_worktree_has_its_own_branch_and_changes_nothing_else(scratch: Scratch) -> None:
    before = scratch.user_state()
    added = add(scratch)
    assert scratch.user_state() == before
    here = Scratch(Path(added.path))
    assert here.git("symbolic-ref", "--short", "HEAD") == "coord/15"
    assert (here.path / "README.md").read_text() == "hello\n"
    assert (added.created_branch, added.reused, added.notices) == (True, False, ())
    assert added.git_dir == here.git("rev-parse", "--absolute-git-dir")
    assert not list((scratch.path / ".git" / "coord" / "adding").iterdir())


def test_the_base_is_what_was_asked_for_or_head_of_the_callers_worktree(scratch: Scratch) -> None:
    first = scratch.git("rev-parse", "HEAD")
    scratch.commit("second", {"a": "1\n"})
    asked = Scratch(Path(add(scratch, "1", "one", first).path))
    assert asked.git("rev-parse", "HEAD") == first
    own = asked.commit("third", {"b": "1\n"})
    assert Scratch(Path(add(asked, "2", "two").path)).git("rev-parse", "HEAD") == own


def test_a_branch_from_a_remote_one_gets_no_upstream(make_scratch: Callable[..., Scratch], tmp_path: Path) -> None:
    origin = make_scratch("origin")
    origin.git("clone", "-q", str(origin.path), str(tmp_path / "clone"))
    clone = Scratch(tmp_path / "clone")
    before = clone.user_state()["config"]
    add(clone, base="origin/main")
    assert clone.user_state()["config"] == before


def test_an_existing_branch_is_checked_out_as_it_is(scratch: Scratch) -> None:
    tip = scratch.git("rev-parse", "HEAD")
    scratch.git("branch", "coord/15")
    scratch.commit("later", {"a": "1\n"})
    added = add(scratch)
    assert (added.created_branch, added.reused) == (False, False)
    assert Scratch(Path(added.path)).git("rev-parse", "HEAD") == tip


def test_a_worktree_that_is_there_is_reused_with_what_lies_in_it(scratch: Scratch) -> None:
    first = add(scratch)
    (Path(first.path) / "draft").write_text("mine")
    second = add(scratch)
    assert second.reused
    assert (Path(second.path) / "draft").read_text() == "mine"


def test_a_branch_that_is_checked_out_elsewhere_is_refused_and_the_error_says_where(scratch: Scratch) -> None:
    first = add(scratch)
    with pytest.raises(Exists, match="checked out in") as caught:
        add(scratch, "16", "coord/15")
    assert caught.value.fields["path"] == first.path
    with pytest.raises(Exists) as caught:
        add(scratch, "16", "main")
    assert caught.value.fields["path"] == str(scratch.path)


def test_a_path_that_serves_another_branch_is_refused(scratch: Scratch) -> None:
    add(scratch)
    with pytest.raises(Exists, match="is the worktree of branch coord/15"):
        add(scratch, "15", "other")
    assert scratch.git("branch", "--list", "other") == ""


def test_unknown_files_at_the_path_are_left_alone(scratch: Scratch) -> None:
    place = scratch.path / ".worktrees" / "15"
    place.mkdir(parents=True)
    (place / "notes").write_text("mine")
    with pytest.raises(Unsafe):
        add(scratch)
    assert (place / "notes").read_text() == "mine"
    (place / "notes").unlink()
    assert add(scratch).created_branch  # an empty directory is in nobody's way


def test_a_bad_base_is_named(scratch: Scratch) -> None:
    for base in ("nowhere", "--detach", "-f"):
        with pytest.raises(NotFound, match=base):
            add(scratch, base=base)
    assert scratch.git("branch", "--list", "coord/15") == ""


def test_a_repository_without_a_commit_says_so(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "new"], check=True)
    with pytest.raises(WrongState, match="no commit yet"):
        add(Scratch(tmp_path / "new"))


def test_a_missing_directory_is_reported_and_made_again(scratch: Scratch) -> None:
    added = add(scratch)
    Path(added.path).rename(scratch.path / "moved away")
    found = worktree.find(open_repo(scratch), added.path)
    assert found is not None
    assert found.missing
    assert found.prunable is not None
    again = add(scratch)
    assert (again.reused, again.created_branch) == (False, False)
    assert (Path(again.path) / "README.md").exists()


def test_a_missing_directory_with_staged_work_is_not_forgotten(scratch: Scratch) -> None:
    added = add(scratch)
    here = Scratch(Path(added.path))
    (here.path / "new").write_text("staged")
    here.git("add", "new")
    here.path.rename(scratch.path.parent / "moved")
    with pytest.raises(Unsafe, match="staged"):
        add(scratch)
    scratch.git("worktree", "repair", str(scratch.path.parent / "moved"))
    assert Scratch(scratch.path.parent / "moved").git("diff", "--cached", "--name-only") == "new"


def test_a_failing_post_checkout_hook_does_not_spoil_the_worktree(scratch: Scratch) -> None:
    hook = scratch.path / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\necho no luck >&2\nexit 3\n")
    hook.chmod(0o755)
    added = add(scratch)
    assert (added.created_branch, added.reused) == (True, False)
    assert any("post-checkout" in notice and "no luck" in notice for notice in added.notices)
    assert (Path(added.path) / "README.md").exists()


def test_a_failing_git_is_reported_and_tried_again_later(scratch: Scratch) -> None:
    scratch.git("branch", "coord")  # so that refs/heads/coord/15 cannot be
    with pytest.raises(GitFailed, match="coord/15"):
        add(scratch)
    scratch.git("branch", "-m", "coord", "other")
    assert add(scratch).created_branch


@pytest.mark.parametrize("directory", ["with space", "ünï-日本", "it's $HOME; `id`", "-dash"])
def test_odd_paths_work(make_scratch: Callable[..., Scratch], directory: str) -> None:
    odd = make_scratch(directory)
    added = add(odd)
    found = worktree.find(open_repo(odd), added.path)
    assert found is not None
    assert (found.branch, found.git_dir, found.missing) == ("coord/15", added.git_dir, False)
    assert odd.git("status", "--porcelain") == ""


def test_a_sparse_checkout_of_the_caller_is_carried_along(scratch: Scratch) -> None:
    scratch.commit("more", {"in/a": "1\n", "out/b": "1\n"})
    scratch.git("sparse-checkout", "set", "--cone", "in")
    here = Scratch(Path(add(scratch).path))
    assert (here.path / "in" / "a").exists()
    assert not (here.path / "out").exists()
    assert here.git("status", "--porcelain") == ""


def test_many_worktrees_at_once(scratch: Scratch) -> None:
    code = (
        "import os, sys; from gitcoord.git import repo, worktree\n"
        "r = repo.discover('.', os.environ)\n"
        "worktree.add(r, worktree.plan_path(r, None, sys.argv[1]), 'coord/' + sys.argv[1])\n"
    )
    running = [
        subprocess.Popen(["python", "-c", code, str(n)], cwd=scratch.path, stderr=subprocess.PIPE) for n in range(8)
    ]
    assert [(process.wait(), process.communicate()[1]) for process in running] == [(0, b"")] * 8
    assert {item.branch for item in worktree.list_worktrees(open_repo(scratch))} == {"main"} | {
        f"coord/{n}" for n in range(8)
    }
    assert (scratch.path / ".git/info/exclude").read_text().count("/.worktrees/") == 1


# -- hiding it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"", b"*.tmp\n", b"*.tmp", b"\r\n# x\r\n", b"/.worktrees\n\n\n"])
def test_worktrees_are_hidden_once_and_unhiding_restores_the_bytes(scratch: Scratch, content: bytes | None) -> None:
    repo = open_repo(scratch)
    exclude = scratch.path / ".git" / "info" / "exclude"
    exclude.unlink()
    if content is not None:
        exclude.write_bytes(content)
        exclude.chmod(0o640)
    path = worktree.plan_path(repo, None, "15")
    assert worktree.hide(repo, path)
    assert not worktree.hide(repo, path)
    assert scratch.git("check-ignore", ".worktrees/15") == ".worktrees/15"
    assert worktree.hide(repo, worktree.plan_path(repo, "my [trees]/{task}", "15"))
    assert scratch.git("check-ignore", "my [trees]/15") == "my [trees]/15"
    assert worktree.unhide(repo)
    assert not worktree.unhide(repo)
    assert (exclude.read_bytes() if exclude.exists() else None) == content
    if content is not None:
        assert exclude.stat().st_mode & 0o777 == 0o640


def test_the_users_own_lines_survive_unhiding(scratch: Scratch) -> None:
    repo = open_repo(scratch)
    exclude = scratch.path / ".git" / "info" / "exclude"
    exclude.write_text("before")
    worktree.hide(repo, worktree.plan_path(repo, None, "15"))
    exclude.write_text(exclude.read_text() + "after\n")
    worktree.unhide(repo)
    assert exclude.read_text() == "before\nafter\n"


def test_a_line_that_the_user_wrote_is_enough(scratch: Scratch) -> None:
    repo = open_repo(scratch)
    exclude = scratch.path / ".git" / "info" / "exclude"
    exclude.write_text("/.worktrees/\n")
    assert not worktree.hide(repo, worktree.plan_path(repo, None, "15"))
    assert not worktree.unhide(repo)
    assert exclude.read_text() == "/.worktrees/\n"


def test_a_worktree_outside_needs_no_hiding(scratch: Scratch) -> None:
    repo = open_repo(scratch)
    assert not worktree.hide(repo, worktree.plan_path(repo, "../{task}", "15"))
