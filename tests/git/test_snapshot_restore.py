"""Restoring brings back the files and what of them was staged, or refuses and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gitcoord.errors import Conflict, Corrupt, NewerFormat, Unsafe
from gitcoord.git import snapshot
from tests.git.snapshots import files, open_repo, restore, standing, taken, twin
from tests.git.test_snapshot_take import make_a_mess
from tests.support import Scratch, git_version


def conflicted(scratch: Scratch) -> None:
    """A merge that stopped: both changed, and each side deleted what the other changed."""
    scratch.commit("base", {"f": "base\n", "theirs gone": "1\n", "ours gone": "1\n"})
    scratch.git("switch", "-q", "-c", "other")
    scratch.git("rm", "-q", "theirs gone")
    scratch.commit("theirs", {"f": "theirs\n", "ours gone": "2\n", "g": "new\n"})
    scratch.git("switch", "-q", "main")
    scratch.git("rm", "-q", "ours gone")
    scratch.commit("ours", {"f": "ours\n", "theirs gone": "2\n"})
    scratch.git("merge", "other", check=False)


# -- the whole way ------------------------------------------------------------------------------------------------


def test_everything_comes_back_with_the_same_split(scratch: Scratch) -> None:
    make_a_mess(scratch)
    found = taken(scratch)
    other = twin(scratch)
    restored = restore(other, found.oid)
    assert standing(other) == standing(scratch)
    assert files(other) == files(scratch)
    assert (restored.changed, restored.carried_over, restored.notices) == (True, False, ())
    assert {*restored.kinds.staged} == {*found.kinds.staged}
    assert {*restored.kinds.unstaged, *restored.kinds.untracked} == {*found.kinds.unstaged, *found.kinds.untracked}
    assert str(snapshot.describe(open_repo(other), found.oid).kinds) == str(restored.kinds)


def test_it_comes_back_in_another_clone(scratch: Scratch, tmp_path: Path) -> None:
    make_a_mess(scratch)
    conflicted_before = scratch.git("rev-parse", "HEAD")
    scratch.git("update-ref", "refs/coord/rescue/15", taken(scratch).oid)
    scratch.git("clone", "-q", str(scratch.path), str(tmp_path / "clone"))
    clone = Scratch(tmp_path / "clone")
    clone.git("fetch", "-q", "origin", "refs/coord/rescue/15:refs/coord/rescue/15")
    restore(clone, clone.git("rev-parse", "refs/coord/rescue/15"))
    assert standing(clone) == standing(scratch)
    assert clone.git("rev-parse", "HEAD") == conflicted_before
    assert clone.git("fsck", "--no-progress") == ""


def test_a_conflict_comes_back_as_a_conflict(scratch: Scratch) -> None:
    conflicted(scratch)
    found = taken(scratch)
    other = twin(scratch)
    restored = restore(other, found.oid)
    assert standing(other) == standing(scratch)
    assert files(other) == files(scratch)
    assert restored.kinds.conflicted == ("f", "ours gone", "theirs gone")
    assert restored.notices == ("a merge was in progress: its files are here, the merge itself is not",)


def test_before_the_first_commit(tmp_path: Path, make_scratch: Callable[..., Scratch]) -> None:
    bare = make_scratch("hub", "--bare")
    for name in ("giver", "receiver"):
        bare.git("clone", "-q", str(bare.path), str(tmp_path / name))
    giver, receiver = Scratch(tmp_path / "giver"), Scratch(tmp_path / "receiver")
    for name in ("staged", "loose", "intent"):
        (giver.path / name).write_text(f"{name}\n")
    giver.git("add", "staged")
    giver.git("add", "-N", "intent")
    giver.git("push", "-q", "origin", f"{taken(giver).oid}:refs/coord/rescue/1")
    receiver.git("fetch", "-q", "origin", "refs/coord/rescue/1:refs/coord/rescue/1")
    restore(receiver, receiver.git("rev-parse", "refs/coord/rescue/1"))
    assert standing(receiver) == standing(giver)
    assert receiver.git("symbolic-ref", "HEAD") == "refs/heads/main"


@pytest.mark.parametrize(
    "name",
    [b"new\nline", b"-rf", b"\xff\xfe latin", "日本 ü".encode(), b" lead and trail ", b'quo"te\t', b":(top)x", b"*"],
)
def test_odd_names_come_back_in_every_kind(scratch: Scratch, name: bytes) -> None:
    def place(prefix: bytes) -> str:
        return os.fsdecode(os.path.join(os.fsencode(scratch.path), prefix, name))

    for prefix in (b"tracked", b"staged", b"intent", b"loose"):
        os.makedirs(os.path.dirname(place(prefix)))
        Path(place(prefix)).write_bytes(prefix)
        if prefix == b"tracked":
            scratch.git("add", "--", "tracked")
            scratch.git("commit", "-q", "-m", "tracked")
            Path(place(prefix)).write_bytes(b"changed")
    scratch.git("add", "--", "staged")
    scratch.git("add", "-N", "--", "intent")
    other = twin(scratch)
    restore(other, taken(scratch).oid)
    assert files(other) == files(scratch)
    assert standing(other) == standing(scratch)


@pytest.mark.parametrize("change", ["file to directory", "directory to file", "file to link", "link to file", "swap"])
def test_changes_of_kind_come_back(scratch: Scratch, change: str) -> None:
    scratch.commit("files", {"a/b/c": "1\n", "file": "2\n"})
    (scratch.path / "link").symlink_to("file")
    scratch.git("add", "link")
    scratch.git("commit", "-q", "-m", "link")
    path = scratch.path
    if change == "file to directory":
        (path / "file").unlink()
        (path / "file" / "deep").mkdir(parents=True)
        (path / "file" / "deep" / "x").write_text("3\n")
    if change in ("directory to file", "swap"):
        (path / "a" / "b" / "c").unlink()
        (path / "a" / "b").rmdir()
        (path / "a").rmdir()
        (path / "a").write_text("now a file\n")
    if change == "swap":
        (path / "file").unlink()
        (path / "file").mkdir()
        (path / "file" / "b").write_text("now a directory\n")
        scratch.git("add", "-A")
        (path / "a").unlink()
        (path / "a").symlink_to("file")
    if change == "file to link":
        (path / "file").unlink()
        (path / "file").symlink_to("nowhere")
    if change == "link to file":
        (path / "link").unlink()
        (path / "link").write_text("no link\n")
    other = twin(scratch)
    restore(other, taken(scratch).oid)
    assert files(other) == files(scratch)
    assert standing(other) == standing(scratch)


def test_a_sparse_giver_and_a_full_receiver_and_the_other_way_round(scratch: Scratch) -> None:
    scratch.commit("more", {"in/a": "1\n", "out/b": "1\n", "out/c": "1\n"})
    full = twin(scratch)
    scratch.git("sparse-checkout", "set", "--cone", "in")
    (scratch.path / "in" / "a").write_text("2\n")
    restore(full, taken(scratch).oid)
    assert standing(full) == standing(scratch)
    assert (full.path / "out" / "b").exists()
    full.git("reset", "-q", "--hard")
    (full.path / "out" / "b").write_text("2\n")
    (full.path / "out" / "new").write_text("3\n")
    full.git("add", "out/b")
    (full.path / "out" / "b").write_text("4\n")
    scratch.git("reset", "-q", "--hard")
    restore(scratch, taken(full).oid)
    assert (scratch.path / "out" / "b").read_text() == "4\n"
    assert not (scratch.path / "out" / "c").exists()
    assert standing(scratch) == standing(full)


def test_filters_and_line_endings_survive(scratch: Scratch) -> None:
    scratch.git("config", "filter.rot.clean", "tr a-z b-za")
    scratch.git("config", "filter.rot.smudge", "tr b-za a-z")
    scratch.commit("rules", {".gitattributes": "*.rot filter=rot\n*.dos eol=crlf\n", "a.dos": "1\n"})
    (scratch.path / "a.dos").write_bytes(b"1\r\n2\r\n")
    (scratch.path / "x.rot").write_bytes(b"abc\n")
    other = twin(scratch)
    restore(other, taken(scratch).oid)
    assert (other.path / "a.dos").read_bytes() == b"1\r\n2\r\n"
    assert (other.path / "x.rot").read_bytes() == b"abc\n"
    assert standing(other) == standing(scratch)


def test_a_submodules_move_is_said(make_scratch: Callable[..., Scratch]) -> None:
    inner, outer = make_scratch("inner"), make_scratch("outer")
    outer.git("submodule", "--quiet", "add", str(inner.path), "sub")
    outer.git("commit", "-q", "-m", "sub")
    moved = Scratch(outer.path / "sub").commit("moved on", {"x": "1\n"})
    other = twin(outer)
    restored = restore(other, taken(outer).oid)
    assert restored.notices == (f"submodule sub was at {moved}; it is not checked out here",)


@pytest.mark.parametrize("option", ["--object-format=sha256", "--ref-format=reftable"])
def test_other_repository_formats(make_scratch: Callable[..., Scratch], option: str) -> None:
    if "reftable" in option and git_version() < (2, 45):
        pytest.skip("this git has no reftable")
    scratch = make_scratch("repo", option)
    make_a_mess(scratch)
    other = twin(scratch)
    restore(other, taken(scratch).oid)
    assert standing(other) == standing(scratch)


# -- again, and where it is already -------------------------------------------------------------------------------


@pytest.mark.parametrize("mess", [make_a_mess, conflicted])
def test_where_it_lies_already_nothing_changes(scratch: Scratch, mess: Callable[[Scratch], None]) -> None:
    mess(scratch)
    found = taken(scratch)
    before = (files(scratch), standing(scratch), (scratch.path / ".git" / "index").read_bytes())
    assert not restore(scratch, found.oid).changed
    assert (files(scratch), standing(scratch), (scratch.path / ".git" / "index").read_bytes()) == before


@pytest.mark.parametrize("mess", [make_a_mess, conflicted])
def test_cut_short_between_the_files_and_the_index_it_is_finished(
    scratch: Scratch, mess: Callable[[Scratch], None]
) -> None:
    mess(scratch)
    found = taken(scratch)
    other = twin(scratch)
    other.git("read-tree", "-m", "-u", "HEAD", found.oid)
    assert restore(other, found.oid).changed
    assert standing(other) == standing(scratch)
    assert not restore(other, found.oid).changed


def test_an_empty_snapshot_restores_nothing(make_scratch: Callable[..., Scratch]) -> None:
    scratch = make_scratch("repo")
    Scratch.create(scratch.path / "nested")
    found = taken(scratch)
    other = twin(scratch)
    restore(other, found.oid)
    assert standing(other) == [""]


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dirt", ["untracked", "unstaged", "staged", "operation"])
def test_a_worktree_with_work_in_it_is_refused(scratch: Scratch, dirt: str) -> None:
    make_a_mess(scratch)
    found = taken(scratch)
    other = twin(scratch)
    if dirt == "untracked":
        (other.path / "own").write_text("mine\n")
    if dirt in ("unstaged", "staged"):
        (other.path / "README.md").write_text("mine\n")
    if dirt == "staged":
        other.git("add", "README.md")
    if dirt == "operation":
        other.git("bisect", "start")
    before = (files(other), standing(other))
    with pytest.raises(Unsafe) as caught:
        restore(other, found.oid)
    assert (files(other), standing(other)) == before
    if dirt != "operation":
        assert len(caught.value.fields["files"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["same name", "as a directory", "above it", "a link above it"])
def test_ignored_files_in_the_way_are_not_overwritten(scratch: Scratch, tmp_path: Path, where: str) -> None:
    (scratch.path / "deep").mkdir()
    (scratch.path / "deep" / "x.local").write_text("theirs\n")
    found = taken(scratch)
    other = twin(scratch)
    (scratch.path / ".git" / "info" / "exclude").write_text("*.local\ndeep\n")
    if where == "same name":
        (other.path / "deep").mkdir()
        (other.path / "deep" / "x.local").write_text("mine\n")
    elif where == "as a directory":
        (other.path / "deep" / "x.local").mkdir(parents=True)
        (other.path / "deep" / "x.local" / "inside.local").write_text("mine\n")
    elif where == "above it":
        (other.path / "deep").write_text("mine\n")
    else:
        (tmp_path / "outside").mkdir()
        (other.path / "deep").symlink_to(tmp_path / "outside")
    before = files(other)
    with pytest.raises(Unsafe, match=r"deep/x\.local"):
        restore(other, found.oid)
    assert files(other) == before
    assert not (tmp_path / "outside" / "x.local").exists()


# -- on another commit --------------------------------------------------------------------------------------------


def test_work_is_carried_over_to_a_later_commit(scratch: Scratch) -> None:
    scratch.commit("files", {"f": "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "g": "g\n"})
    other = twin(scratch)
    (scratch.path / "f").write_text("one\n2\n3\n4\n5\n6\n7\n8\n9\n")
    scratch.git("add", "f")
    (scratch.path / "g").write_text("unstaged\n")
    (scratch.path / "new").write_text("untracked\n")
    other.commit("meanwhile", {"f": "1\n2\n3\n4\n5\n6\n7\n8\nnine\n", "h": "h\n"})
    restored = restore(other, taken(scratch).oid)
    assert restored.carried_over
    assert (other.path / "f").read_text() == "one\n2\n3\n4\n5\n6\n7\n8\nnine\n"
    assert other.git("status", "--porcelain").splitlines() == ["M  f", " M g", "?? new"]
    assert not restore(other, taken(scratch).oid).changed


def test_work_from_a_branch_that_went_elsewhere_brings_only_itself(scratch: Scratch) -> None:
    scratch.commit("files", {"f": "f\n"})
    other = twin(scratch)
    scratch.commit("not to be carried", {"committed": "x\n"})
    (scratch.path / "f").write_text("changed\n")
    other.commit("elsewhere", {"h": "h\n"})
    restore(other, taken(scratch).oid)
    assert other.git("status", "--porcelain") == " M f"
    assert not (other.path / "committed").exists()


def test_work_that_does_not_fit_is_refused_with_a_way_to_get_at_it(scratch: Scratch) -> None:
    other = twin(scratch)
    (scratch.path / "README.md").write_text("mine\n")
    (scratch.path / "new").write_text("x\n")
    found = taken(scratch)
    other.commit("meanwhile", {"README.md": "theirs\n"})
    before = (files(other), standing(other))
    with pytest.raises(Conflict) as caught:
        restore(other, found.oid)
    assert caught.value.fields["files"] == ("README.md",)
    assert (files(other), standing(other)) == before
    show, take_one = (part.strip("'").split() for part in caught.value.hint.split("'")[1::2])
    assert "+mine" in other.git(*show[1:])
    other.git(*(word if word != "PATH" else "new" for word in take_one[1:]))
    assert (other.path / "new").read_text() == "x\n"


def test_a_conflict_does_not_travel_to_another_commit(scratch: Scratch) -> None:
    conflicted(scratch)
    found = taken(scratch)
    other = twin(scratch)
    other.commit("meanwhile", {"h": "h\n"})
    with pytest.raises(Conflict):
        restore(other, found.oid)
    assert standing(other) == [""]


# -- hostile snapshots --------------------------------------------------------------------------------------------


def forge(scratch: Scratch, tree: str, *, index: str | None = None, state: str | None = None, end: str = "") -> str:
    """A snapshot with these trees, made by hand."""
    base = scratch.git("rev-parse", "HEAD")
    above = ["-p", base]
    said = [f"Coord-Snapshot: 1\nCoord-Base: {base}"]
    inner = list(above)
    if state is not None:
        made = scratch.git("commit-tree", state, "-m", "state")
        inner += ["-p", made]
    staged = scratch.git("commit-tree", index or f"{base}^{{tree}}", *inner, "-m", "index")
    said.append(f"Coord-Index: {staged}")
    if state is not None:
        said.append(f"Coord-State: {made}")
    return scratch.git("commit-tree", tree, *above, "-p", staged, "-m", "x\n\n" + "\n".join(said) + end)


def evil_tree(scratch: Scratch, *path: str, mode: str = "100755") -> str:
    """A tree that git itself would not make: ``path`` leads to an executable file."""
    blob = scratch.git("hash-object", "-w", "--stdin", stdin="#!/bin/sh\ntouch canary\n")
    entry = f"{mode} {path[-1]}".encode() + b"\0" + bytes.fromhex(blob)
    for name in reversed(path[:-1]):
        entry = f"40000 {name}".encode() + b"\0" + bytes.fromhex(_tree(scratch, entry))
    return _tree(scratch, entry)


def _tree(scratch: Scratch, data: bytes) -> str:
    (scratch.path.parent / "object").write_bytes(data)
    done = scratch.git("hash-object", "-t", "tree", "-w", "--literally", str(scratch.path.parent / "object"))
    (scratch.path.parent / "object").unlink()
    return done


EVIL = [
    (".git", "hooks", "post-checkout"),
    ("..", "escaped"),
    (".GIT", "config"),
    ("a", ".git", "config"),
    ("git~1", "x"),
]


@pytest.mark.parametrize("path", EVIL, ids="/".join)
@pytest.mark.parametrize("where", ["tree", "index", "state"])
def test_paths_into_gits_own_files_or_out_of_the_worktree_are_refused(
    scratch: Scratch, path: tuple[str, ...], where: str
) -> None:
    good = scratch.git("rev-parse", "HEAD^{tree}")
    bad = evil_tree(scratch, *(("1", *path) if where == "state" else path))
    before = (files(scratch), standing(scratch), sorted((scratch.path / ".git" / "hooks").iterdir()))
    oid = forge(
        scratch,
        bad if where == "tree" else good,
        index=bad if where == "index" else None,
        state=bad if where == "state" else None,
    )
    with pytest.raises(Corrupt):
        restore(scratch, oid)
    assert (files(scratch), standing(scratch), sorted((scratch.path / ".git" / "hooks").iterdir())) == before
    assert not (scratch.path.parent / "escaped").exists()


def test_nothing_is_written_through_a_link_that_the_same_snapshot_brings(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    blob = bytes.fromhex(scratch.git("hash-object", "-w", "--stdin", stdin="x"))
    link = bytes.fromhex(scratch.git("hash-object", "-w", "--stdin", stdin=str(tmp_path / "outside")))
    inner = bytes.fromhex(_tree(scratch, b"100644 escaped\0" + blob))
    oid = forge(scratch, _tree(scratch, b"120000 a\0" + link + b"40000 a\0" + inner))
    with suppress(Corrupt):
        restore(scratch, oid)
    assert not list((tmp_path / "outside").iterdir())


def test_a_snapshot_with_a_missing_file_is_refused_before_anything_is_written(scratch: Scratch) -> None:
    (scratch.path / "a").write_text("a\n")
    (scratch.path / "b").write_text("b\n")
    oid = taken(scratch).oid
    gone = scratch.git("rev-parse", f"{oid}:b")
    (scratch.path / ".git" / "objects" / gone[:2] / gone[2:]).unlink()
    for name in ("a", "b"):
        (scratch.path / name).unlink()
    with pytest.raises(Corrupt, match="missing"):
        restore(scratch, oid)
    assert standing(scratch) == [""]


def test_only_what_has_the_shape_of_a_snapshot_is_taken_for_one(scratch: Scratch) -> None:
    head, tree = scratch.git("rev-parse", "HEAD"), scratch.git("rev-parse", "HEAD^{tree}")
    (scratch.path / "new").write_text("x")
    good = taken(scratch).oid
    (scratch.path / "new").unlink()
    for oid in (
        head,
        tree,
        scratch.git("rev-parse", "HEAD:README.md"),
        "0" * 40,
        "HEAD",
        "--all",
        "",
        good[:12],
        good + "\n",
    ):
        with pytest.raises(Corrupt):
            restore(scratch, oid)
        with pytest.raises(Corrupt):
            snapshot.describe(open_repo(scratch), oid)
    body = scratch.git("cat-file", "commit", good)
    for old, new in [
        (f"parent {head}\n", ""),
        (f"Coord-Base: {head}\n", ""),
        ("Coord-Snapshot: 1\n", ""),
        ("Coord-Snapshot: 1", "Coord-Snapshot: one"),
        (head, "--output=canary"),
        (head, tree),
    ]:
        assert old in body
        forged = scratch.git(
            "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=body.replace(old, new)
        )
        with pytest.raises(Corrupt):
            restore(scratch, forged)
    newer = body.replace("Coord-Snapshot: 1", "Coord-Snapshot: 2")
    with pytest.raises(NewerFormat):
        restore(scratch, scratch.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=newer))
    assert standing(scratch) == [""]
    assert not (scratch.path / "canary").exists()


def test_replace_refs_change_nothing(scratch: Scratch) -> None:
    (scratch.path / "new").write_text("mine\n")
    oid = taken(scratch).oid
    (scratch.path / "new").write_text("replaced\n")
    other = taken(scratch).oid
    (scratch.path / "new").unlink()
    scratch.git("replace", f"{oid}^{{tree}}", f"{other}^{{tree}}")
    restore(scratch, oid)
    assert (scratch.path / "new").read_text() == "mine\n"


# -- telling snapshots apart --------------------------------------------------------------------------------------


def test_the_same_work_is_recognised(scratch: Scratch) -> None:
    repo = open_repo(scratch)
    (scratch.path / "new").write_text("x")
    first = taken(scratch)
    second = taken(scratch, first.oid)
    assert first.oid != second.oid
    assert snapshot.same_work(repo, first.oid, second.oid)
    scratch.git("add", "new")
    assert not snapshot.same_work(repo, first.oid, taken(scratch).oid)


def test_describe_counts_what_a_conflict_holds(scratch: Scratch) -> None:
    conflicted(scratch)
    (scratch.path / "README.md").write_text("edited\n")
    described = snapshot.describe(open_repo(scratch), taken(scratch).oid)
    assert str(described.kinds) == "1 staged, 1 unstaged, 3 conflicted"
    assert described.operation == "merge"
