"""Taking a rescue snapshot keeps everything and touches nothing; plain Git can read what was kept."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.errors import GitFailed, NotFound
from gitcoord.git import snapshot
from gitcoord.git.repo import discover
from tests.git.snapshots import ADA, files, open_repo, take, taken
from tests.support import Scratch


def tree_of(scratch: Scratch, commit: str) -> list[str]:
    return scratch.git("ls-tree", "-r", "--name-only", "-z", commit).rstrip("\0").split("\0")


def all_state(scratch: Scratch) -> dict[str, object]:
    """Everything a snapshot must leave alone, to the byte."""
    git_dir = Path(scratch.git("rev-parse", "--absolute-git-dir"))
    index = git_dir / "index"
    return {
        **scratch.user_state(),
        "index bytes": index.read_bytes() if index.exists() else None,
        "index time": index.stat().st_mtime_ns if index.exists() else None,
        "git dir": sorted(entry.name for entry in git_dir.iterdir() if entry.name != "coord"),
        "files": files(scratch),
        "all refs": scratch.git("for-each-ref"),
        "reflog": scratch.git("reflog"),
    }


def make_a_mess(scratch: Scratch) -> None:
    """One of everything."""
    scratch.commit(
        "files",
        {
            name: f"{name}\n"
            for name in ("staged", "unstaged", "both", "gone", "rm", "cached", "run", "to/dir", "moved", "again")
        },
    )
    path = scratch.path
    for name in ("staged", "both", "unstaged"):
        (path / name).write_text(f"{name} changed\n")
    scratch.git("add", "staged", "both")
    (path / "both").write_text("changed again\n")
    (path / "gone").unlink()
    scratch.git("rm", "-q", "rm")
    scratch.git("rm", "-q", "--cached", "cached")
    (path / "run").chmod(0o755)
    scratch.git("mv", "moved", "moved here")
    (path / "to" / "dir").unlink()
    (path / "to").rmdir()
    (path / "to").symlink_to("both")
    (path / "new").write_text("staged new\n")
    scratch.git("add", "new")
    (path / "intent").write_text("only announced\n")
    scratch.git("rm", "-q", "--cached", "again")
    scratch.git("add", "-N", "intent", "again")
    (path / "deep" / "er").mkdir(parents=True)
    (path / "deep" / "er" / "untracked").write_text("untracked\n")
    (path / "empty").mkdir()


def test_a_clean_worktree_gives_none(scratch: Scratch) -> None:
    assert take(scratch) is None
    scratch.commit("rules", {".gitignore": "*.o\n"})
    (scratch.path / "x.o").write_text("ignored")
    os.utime(scratch.path / "README.md", (1, 1))
    assert take(scratch) is None


def test_the_users_state_is_the_same_to_the_byte(scratch: Scratch) -> None:
    (scratch.path / "README.md").write_text("stashed\n")
    scratch.git("stash")
    make_a_mess(scratch)
    before = all_state(scratch)
    assert take(scratch) is not None
    assert all_state(scratch) == before
    assert list((scratch.path / ".git" / "coord" / "tmp").iterdir()) == []
    assert scratch.git("fsck", "--no-progress", "--no-dangling") == ""


def test_the_kinds_are_told_apart(scratch: Scratch) -> None:
    make_a_mess(scratch)
    kinds = taken(scratch).kinds
    assert set(kinds.staged) == {"staged", "both", "rm", "cached", "new", "moved", "moved here", "again"}
    assert set(kinds.unstaged) == {"both", "unstaged", "gone", "run", "intent", "to/dir", "again"}
    assert set(kinds.untracked) == {"deep/er/untracked", "cached", "to"}
    assert str(kinds) == "8 staged, 7 unstaged, 3 untracked"


def test_the_commit_holds_the_worktree_the_index_and_the_previous_one(scratch: Scratch) -> None:
    make_a_mess(scratch)
    head = scratch.git("rev-parse", "HEAD")
    first = taken(scratch)
    (scratch.path / "later").write_text("later\n")
    second = taken(scratch, first.oid)
    base, index, previous = scratch.git("rev-parse", f"{second.oid}^@").split()
    assert (base, previous) == (head, first.oid)
    assert scratch.git("show", f"{second.oid}:both") == "changed again"
    assert scratch.git("show", f"{index}:both") == "both changed"
    in_tree, in_index = tree_of(scratch, second.oid), tree_of(scratch, index)
    assert {"new", "intent", "deep/er/untracked", "cached", "to", "later"} <= set(in_tree)
    assert not {"gone", "rm", "to/dir", "moved"} & set(in_tree)
    assert "gone" in in_index
    assert not {"rm", "cached", "intent", "later"} & set(in_index)
    assert scratch.git("ls-tree", second.oid, "run").startswith("100755")
    assert scratch.git("ls-tree", second.oid, "to").startswith("120000")


def test_plain_git_reads_it_and_takes_files_out_of_it(scratch: Scratch) -> None:
    make_a_mess(scratch)
    oid = taken(scratch).oid
    scratch.git("update-ref", "refs/coord/rescue/15", oid)
    scratch.git("reset", "-q", "--hard")
    assert "only announced" in scratch.git("diff", f"{oid}^", oid)
    scratch.git("checkout", "-q", oid, "--", "deep")
    assert (scratch.path / "deep/er/untracked").read_text() == "untracked\n"
    scratch.git("gc", "-q", "--prune=now")
    assert scratch.git("show", f"{oid}:unstaged") == "unstaged changed"


def test_the_commit_says_who_when_and_what_and_sorts_below_the_history(scratch: Scratch) -> None:
    (scratch.path / "new").write_text("x")
    oid = taken(scratch).oid
    assert scratch.git("log", "-1", "--format=%an <%ae> %aI %ct %ci", oid) == (
        "Ada Example <ada@example.org> 2026-11-20T14:03:11+01:00 0 1970-01-01 00:00:00 +0000"
    )
    assert scratch.git("log", "-1", "--format=%B", oid).startswith(
        "rescue 15\n\nOn main: 1 untracked.\n\nCoord-Snapshot"
    )


@pytest.mark.parametrize(
    "message", ["", "nul\0l", "surrogate \udcff", "fake\n\nCoord-Index: 0\nCoord-Snapshot: 9", "#x"]
)
def test_any_message_will_do(scratch: Scratch, message: str) -> None:
    (scratch.path / "new").write_text("x")
    found = take(scratch, message=message)
    assert found is not None
    assert snapshot.describe(open_repo(scratch), found.oid).kinds.untracked == ("new",)


def test_a_change_within_the_tick_of_the_last_add_is_seen(scratch: Scratch) -> None:
    """Git's racy case: same size, same time as in the index. A copied index must keep the index's own time."""
    tick = (1_700_000_000, 1_700_000_000)
    place = scratch.path / "racy"
    scratch.git("config", "core.trustctime", "false")
    place.write_text("aaaa\n")
    os.utime(place, tick)
    scratch.git("add", "racy")
    scratch.git("commit", "-q", "-m", "racy")
    place.write_text("bbbb\n")
    for changed in (place, scratch.path / ".git" / "index"):
        os.utime(changed, tick)
    (scratch.path / "other").write_text("x")
    assert scratch.git("show", f"{taken(scratch).oid}:racy") == "bbbb"


@pytest.mark.parametrize(
    "name",
    [b"new\nline", b"-rf", b"\xff\xfe latin", "日本 ü".encode(), b" lead and trail ", b'quo"te\t', b":(top)x", b"*"],
)
def test_odd_names_are_kept(scratch: Scratch, name: bytes) -> None:
    place = Path(os.fsdecode(os.path.join(os.fsencode(scratch.path), name)))
    place.write_bytes(b"odd")
    found = taken(scratch)
    assert os.fsencode(found.kinds.untracked[0]) == name
    listed = subprocess.run(["git", "ls-tree", "-z", "--name-only", found.oid], cwd=scratch.path, capture_output=True)
    assert name in listed.stdout.split(b"\0")


def test_before_the_first_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "new"], check=True)
    scratch = Scratch(tmp_path / "new")
    assert take(scratch) is None
    (scratch.path / "staged").write_text("1\n")
    (scratch.path / "loose").write_text("2\n")
    assert taken(scratch).kinds.untracked == ("loose", "staged")
    scratch.git("add", "staged")
    found = taken(scratch)
    assert (found.base, found.branch) == (None, "main")
    assert tree_of(scratch, found.oid) == ["loose", "staged"]
    assert tree_of(scratch, f"{found.oid}^1") == ["staged"]


def test_a_conflict_is_kept_with_all_its_sides(scratch: Scratch) -> None:
    scratch.commit("base", {"f": "base\n", "theirs gone": "1\n", "ours gone": "1\n"})
    scratch.git("switch", "-q", "-c", "other")
    scratch.git("rm", "-q", "theirs gone")
    scratch.commit("theirs", {"f": "theirs\n", "ours gone": "2\n"})
    scratch.git("switch", "-q", "main")
    scratch.git("rm", "-q", "ours gone")
    scratch.commit("ours", {"f": "ours\n", "theirs gone": "2\n"})
    scratch.git("merge", "other", check=False)
    found = taken(scratch)
    assert set(found.kinds.conflicted) == {"f", "theirs gone", "ours gone"}
    assert found.operation == "merge"
    assert "<<<<<<<" in scratch.git("show", f"{found.oid}:f")
    index = f"{found.oid}^2"
    assert scratch.git("show", f"{index}:f") == "ours"
    state = f"{index}^2"
    assert [scratch.git("show", f"{state}:{stage}/f") for stage in (1, 2, 3)] == ["base", "ours", "theirs"]
    assert "2/ours gone" not in tree_of(scratch, state)


def test_a_sparse_checkout_does_not_look_like_deletions(scratch: Scratch) -> None:
    scratch.commit("more", {"in/a": "1\n", "out/b": "1\n"})
    for extra in ([], ["--sparse-index"]):
        scratch.git("sparse-checkout", "set", "--cone", *extra, "in")
        (scratch.path / "in" / "a").write_text("2\n")
        found = taken(scratch)
        assert tree_of(scratch, found.oid) == ["README.md", "in/a", "out/b"]
        assert scratch.git("diff", "--name-only", f"{found.oid}^", found.oid) == "in/a"


@pytest.mark.parametrize("setting", ["core.splitIndex", "core.untrackedCache", "core.fsmonitor", "feature.manyFiles"])
def test_index_extensions_are_left_as_they_are(scratch: Scratch, setting: str) -> None:
    scratch.git("config", setting, "true" if setting != "core.fsmonitor" else str(scratch.path / "no-monitor"))
    scratch.git("config", "splitIndex.sharedIndexExpire", "now")
    make_a_mess(scratch)
    scratch.git("status")
    before = all_state(scratch)
    found = taken(scratch)
    assert all_state(scratch) == before
    assert scratch.git("show", f"{found.oid}:unstaged") == "unstaged changed"
    assert scratch.git("status", "--porcelain") != ""


def test_filters_and_line_endings_go_through_git(scratch: Scratch) -> None:
    scratch.git("config", "filter.rot.clean", "tr a-z b-za")
    scratch.git("config", "filter.rot.smudge", "tr b-za a-z")
    scratch.commit("rules", {".gitattributes": "*.rot filter=rot\n"})
    scratch.git("config", "core.autocrlf", "true")
    scratch.git("config", "core.safecrlf", "true")
    (scratch.path / "x.rot").write_bytes(b"abc\r\n")
    (scratch.path / "mixed").write_bytes(b"a\r\nb\nc\r\n")
    found = taken(scratch)
    assert scratch.git("show", f"{found.oid}:x.rot") == "bcd"
    assert scratch.git("show", f"{found.oid}:mixed") == "a\nb\nc"


def test_hooks_do_not_run(scratch: Scratch, tmp_path: Path) -> None:
    for name in ("post-index-change", "pre-commit", "post-commit", "reference-transaction"):
        hook = scratch.path / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/{name}'\n")
        hook.chmod(0o755)
    make = scratch.path / "new"
    make.write_text("x")
    assert take(scratch) is not None
    assert [entry.name for entry in tmp_path.iterdir()] == ["repo"]


def test_a_submodules_move_is_kept_and_its_inside_is_named(make_scratch: Callable[..., Scratch]) -> None:
    inner, outer = make_scratch("inner"), make_scratch("outer")
    outer.git("submodule", "--quiet", "add", str(inner.path), "sub")
    outer.git("commit", "-q", "-m", "sub")
    sub = Scratch(outer.path / "sub")
    (sub.path / "README.md").write_text("inside\n")
    found = taken(outer)
    assert (found.left_out, str(found.kinds)) == (("sub",), "nothing")
    moved = sub.commit("moved on", {"x": "1\n"})
    found = taken(outer)
    assert found.kinds.unstaged == ("sub",)
    assert moved in outer.git("ls-tree", found.oid, "sub")
    assert moved not in outer.git("ls-tree", f"{found.oid}^2", "sub")


def test_nested_repositories_are_named_and_not_swallowed(scratch: Scratch) -> None:
    Scratch.create(scratch.path / "nested")
    subprocess.run(["git", "init", "-q", scratch.path / "empty nested"], check=True)
    scratch.git("worktree", "add", "-q", "trees/15")
    (scratch.path / "new").write_text("x")
    found = taken(scratch)
    assert found.left_out == ("empty nested/", "nested/", "trees/15/")
    assert found.kinds.untracked == ("new",)
    assert tree_of(scratch, found.oid) == ["README.md", "new"]
    assert "'nested/'" in scratch.git("log", "-1", "--format=%B", found.oid)


def test_a_file_that_cannot_be_read_stops_it(scratch: Scratch) -> None:
    if os.getuid() == 0:  # root reads everything: a clean filter that fails stands in
        scratch.git("config", "filter.broken.clean", "false")
        scratch.git("config", "filter.broken.required", "true")
        (scratch.path / ".git" / "info" / "attributes").write_text("secret filter=broken\n")
    (scratch.path / "secret").write_text("x")
    (scratch.path / "secret").chmod(0)
    before = files(scratch) if os.getuid() == 0 else None
    with pytest.raises(GitFailed):
        take(scratch)
    assert before is None or files(scratch) == before


def test_variables_that_hooks_export_do_not_mislead_it(
    scratch: Scratch, make_scratch: Callable[..., Scratch], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_scratch("other")
    linked = Scratch(scratch.path.parent / "linked")
    scratch.git("worktree", "add", "-q", str(linked.path))
    (linked.path / "mine").write_text("x")
    (other.path / "not mine").write_text("x")
    before = (all_state(other), all_state(scratch), all_state(linked))
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", str(scratch.path / ".git" / "worktrees" / "linked"))
        patch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
        patch.setenv("GIT_WORK_TREE", str(linked.path))
        patch.setenv("GIT_OBJECT_DIRECTORY", str(scratch.path / ".git" / "objects"))
        repo = discover(str(linked.path), os.environ)
        found = snapshot.take(repo, str(linked.path), message="m", author=ADA)
    assert found is not None
    assert found.kinds.untracked == ("mine",)
    assert (all_state(other), all_state(scratch), all_state(linked)) == before
    assert tree_of(scratch, found.oid) == ["README.md", "mine"]


def test_a_lock_on_the_index_does_not_stop_it(scratch: Scratch) -> None:
    (scratch.path / "new").write_text("x")
    (scratch.path / ".git" / "index.lock").write_bytes(b"somebody's")
    assert taken(scratch).kinds.untracked == ("new",)
    assert (scratch.path / ".git" / "index.lock").read_bytes() == b"somebody's"


def test_identity_comes_from_the_caller_alone(scratch: Scratch) -> None:
    (Path(os.environ["HOME"]) / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n[commit]\n\tgpgSign = true\n")
    (scratch.path / "new").write_text("x")
    assert scratch.git("log", "-1", "--format=%cn", taken(scratch).oid) == "Ada Example"


def test_settings_from_the_environment_survive(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.excludesFile")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(scratch.path.parent / "excludes"))
    (scratch.path.parent / "excludes").write_text("secret\n")
    (scratch.path / "secret").write_text("x")
    (scratch.path / "new").write_text("x")
    assert taken(scratch).kinds.untracked == ("new",)


def test_it_is_on_disk_when_asked_to_be_durable(scratch: Scratch) -> None:
    (scratch.path / "new").write_text("x")
    found = snapshot.take(open_repo(scratch), str(scratch.path), message="m", author=ADA, durable=True)
    assert found is not None
    assert scratch.git("show", f"{found.oid}:new") == "x"


@pytest.mark.parametrize("kind", ["sha256", "reftable"])
def test_other_repository_formats(make_scratch: Callable[..., Scratch], kind: str) -> None:
    option = "--object-format=sha256" if kind == "sha256" else "--ref-format=reftable"
    try:
        scratch = make_scratch("repo", option)
    except AssertionError:
        pytest.skip(f"this git has no {kind}")
    make_a_mess(scratch)
    assert str(taken(scratch).kinds) == "8 staged, 7 unstaged, 3 untracked"


def test_what_is_no_worktree_is_refused(scratch: Scratch) -> None:
    (scratch.path / "sub").mkdir()
    (scratch.path / "sub" / "new").write_text("x")
    with pytest.raises(NotFound):
        snapshot.take(open_repo(scratch), str(scratch.path / "sub"), message="m", author=ADA)
