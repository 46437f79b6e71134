"""`.worktreeinclude` brings ignored files into new worktrees, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from gitcoord.git import worktree
from gitcoord.git.repo import discover
from tests.support import Scratch


def add(scratch: Scratch, name: str = "15") -> worktree.Added:
    repo = discover(str(scratch.path), os.environ)
    return worktree.add(repo, worktree.plan_path(repo, None, name), f"coord/{name}")


def put(scratch: Scratch, files: dict[str, str]) -> None:
    for name, text in files.items():
        place = scratch.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def test_ignored_files_that_it_names_are_copied_with_their_mode(scratch: Scratch) -> None:
    scratch.commit(
        "rules", {".gitignore": ".env*\ncache/\n*.log\n", ".worktreeinclude": ".env*\n!.env.old\ncache/keep/\n"}
    )
    put(scratch, {".env": "KEY=1", ".env.old": "no", "app/.env.local": "KEY=2", "cache/keep/x/y": "1", "cache/no": "1"})
    put(scratch, {"a.log": "no", "bin/.env-run": "#!/bin/sh"})
    (scratch.path / "bin/.env-run").chmod(0o750)
    added = add(scratch)
    here = Path(added.path)
    assert sorted(added.copied) == [".env", "app/.env.local", "bin/.env-run", "cache/keep/x/y"]
    assert (here / ".env").read_text() == "KEY=1"
    assert (here / "bin/.env-run").stat().st_mode & 0o777 == 0o750
    assert not (here / ".env.old").exists()
    assert not (here / "cache/no").exists()
    assert not (here / "a.log").exists()
    assert added.notices == ()
    assert Scratch(here).git("status", "--porcelain") == ""


def test_tracked_and_untracked_files_are_not_copied(scratch: Scratch) -> None:
    scratch.commit("rules", {".worktreeinclude": "*\n", "tracked": "committed"})
    put(scratch, {"tracked": "edited", "untracked": "mine", "another": "mine"})
    added = add(scratch)
    assert (Path(added.path) / "tracked").read_text() == "committed"
    assert not (Path(added.path) / "untracked").exists()
    assert added.copied == ()
    assert added.notices == (".worktreeinclude names another and 1 more, not ignored by Git: not copied",)


def test_other_worktrees_and_nested_repositories_are_not_copied(scratch: Scratch) -> None:
    scratch.commit("rules", {".gitignore": ".env\nnested/\n", ".worktreeinclude": ".env\nnested/\n"})
    put(scratch, {".env": "KEY=1"})
    Scratch.create(scratch.path / "nested")
    put(scratch, {"nested/.env": "no", ".worktrees/half-made/.env": "no"})
    add(scratch, "15")
    added = add(scratch, "16")
    assert added.copied == (".env",)


def test_nothing_is_overwritten(scratch: Scratch) -> None:
    scratch.commit("rules", {".gitignore": "*.local\n", ".worktreeinclude": "*.local\n"})
    scratch.git("branch", "coord/15")
    scratch.git("switch", "-q", "coord/15")
    (scratch.path / "x.local").write_text("the branch's own")
    scratch.git("add", "-f", "x.local")
    scratch.git("commit", "-q", "-m", "tracked there")
    scratch.git("switch", "-q", "main")
    put(scratch, {"x.local": "main's"})
    added = add(scratch)
    assert (Path(added.path) / "x.local").read_text() == "the branch's own"
    assert added.copied == ()


def test_symbolic_links_are_copied_as_links_and_never_followed(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("untouched")
    scratch.commit("rules", {".gitignore": "*.local\nlinkdir\nlink\n", ".worktreeinclude": "*.local\nlinkdir\nlink\n"})
    (scratch.path / "link").symlink_to(tmp_path / "outside" / "secret")
    (scratch.path / "linkdir").symlink_to(tmp_path / "outside")
    added = add(scratch)
    assert (Path(added.path) / "link").is_symlink()
    assert (Path(added.path) / "linkdir").is_symlink()
    assert sorted(added.copied) == ["link", "linkdir"]


def test_a_branch_with_a_link_in_the_way_gets_nothing_written_through_it(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    scratch.commit("rules", {".gitignore": "*.local\n", ".worktreeinclude": "*.local\n"})
    scratch.git("switch", "-q", "-c", "coord/15")
    (scratch.path / "conf").symlink_to(tmp_path / "outside")
    scratch.git("add", "conf")
    scratch.git("commit", "-q", "-m", "a link out")
    scratch.git("switch", "-q", "main")
    put(scratch, {"conf/x.local": "secret"})
    added = add(scratch)
    assert not list((tmp_path / "outside").iterdir())
    assert added.copied == ()
    assert added.notices == ("conf/x.local was not copied: conf is not a directory there",)


def test_odd_names_and_big_files_arrive_whole(scratch: Scratch) -> None:
    scratch.commit("rules", {".gitignore": "odd/\n", ".worktreeinclude": "odd/\n"})
    content = os.urandom(3 << 20)
    (scratch.path / "odd").mkdir()
    for name in (b"new\nline", b"\xff\xfe", b"-x", "日本".encode(), b" space "):
        Path(os.fsdecode(os.path.join(os.fsencode(scratch.path), b"odd", name))).write_bytes(content)
    added = add(scratch)
    assert len(added.copied) == 5
    assert all((Path(added.path) / name).read_bytes() == content for name in added.copied)


def test_from_a_linked_worktree_the_files_still_come_from_the_main_one(scratch: Scratch) -> None:
    scratch.commit("rules", {".gitignore": ".env\n", ".worktreeinclude": ".env\n"})
    put(scratch, {".env": "main's"})
    linked = Scratch(Path(add(scratch).path))
    (linked.path / ".env").write_text("changed here")
    assert (Path(add(linked, "16").path) / ".env").read_text() == "main's"
