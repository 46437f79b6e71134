"""Objects as bytes, compared with what git makes of the same."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.errors import Corrupt
from gitcoord.store.base import Blob, Commit, Ident
from gitcoord.store.objects import build, commit_bytes, commit_header, make, pack, parse_commit, tree_entry
from tests.store.kit import init_options
from tests.support import Scratch

TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize("kind", ["plumbing", "plumbing-sha256"])
def test_ids_are_gits_ids(make_scratch: Callable[..., Scratch], kind: str) -> None:
    scratch = make_scratch("repo", *init_options(kind))
    object_format = scratch.git("rev-parse", "--show-object-format")
    assert make("blob", b"hello\n", object_format).oid == scratch.git("hash-object", "--stdin", stdin="hello\n")


@pytest.mark.parametrize("size", [0, 15, 16, 2047, 2048, 300_000])
def test_a_pack_of_any_size_is_one_that_git_unpacks(scratch: Scratch, size: int) -> None:
    objects = build(Commit(b"x" * size, "subject", Ident("A", "a@b", 1)), None, "sha1")
    data = pack([*objects, *objects], "sha1")
    subprocess.run(["git", "unpack-objects", "-q", "--strict"], input=data, cwd=scratch.path, check=True)
    assert scratch.git("cat-file", "-s", f"{objects[-1].oid}:record.json") == str(size)


def test_a_blob_alone_is_one_object() -> None:
    assert [obj.kind for obj in build(Blob(b"beat"), None, "sha1")] == ["blob"]


@pytest.mark.parametrize(
    ("name", "email", "line"),
    [
        ("Ada", "ada@example.org", "Ada <ada@example.org>"),
        ("", "", "unknown <>"),
        (" .Ada, ", " ada@x;", "Ada <ada@x>"),
        ("A <b>\r\n\tC", "<a@b>", "A b C <a@b>"),
        ("\udcff", "x", "? <x>"),
    ],
)
def test_what_becomes_of_a_name(name: str, email: str, line: str) -> None:
    data = commit_bytes(TREE, (), Ident(name, email, 5), "m")
    assert commit_header(data, "author") == f"{line} 5 +0000"
    assert commit_header(data, "committer") == f"{line} 0 +0000"


@given(
    name=st.text(max_size=30),
    email=st.text(max_size=30),
    when=st.integers(0, 2**37),
    offset=st.integers(-14 * 60, 14 * 60),
    message=st.text(max_size=200),
)
def test_any_author_and_message_stay_inside_their_places(
    name: str, email: str, when: int, offset: int, message: str
) -> None:
    data = commit_bytes(TREE, ("1" * 40,), Ident(name, email, when, offset), message)
    entry = parse_commit("2" * 40, data)
    assert data.partition(b"\n\n")[0].count(b"\n") == 3
    assert (entry.parent, entry.author.when, entry.author.offset) == ("1" * 40, when, offset)
    clean = message.replace("\0", "").rstrip("\n").encode("utf-8", "replace").decode()
    assert entry.message == clean


@given(st.binary(max_size=200))
def test_hostile_trees_and_commits_are_corrupt_and_nothing_else(data: bytes) -> None:
    try:
        tree_entry(data, "record.json", 20)
    except Corrupt:
        pass
    try:
        parse_commit("1" * 40, data)
    except Corrupt:
        pass


def test_an_entry_is_found_among_others(scratch: Scratch) -> None:
    scratch.commit("more", {"a": "1", "record.json": "2", "z": "3"})
    raw = subprocess.run(["git", "cat-file", "tree", "HEAD^{tree}"], cwd=scratch.path, capture_output=True, check=True)
    assert tree_entry(raw.stdout, "record.json", 20) == scratch.git("rev-parse", "HEAD:record.json")
    assert tree_entry(raw.stdout, "record", 20) is None
    with pytest.raises(Corrupt):
        tree_entry(raw.stdout[:-1], "none", 20)
