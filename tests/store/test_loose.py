"""Loose objects that we write and read ourselves: Git takes them for its own, and we take Git's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.git.repo import discover
from gitcoord.store import loose
from gitcoord.store.objects import Obj, make
from gitcoord.store.plumbing import PlumbingStore
from tests.support import Scratch


def blob(text: str) -> Obj:
    return make("blob", text.encode(), "sha1")


def common(scratch: Scratch) -> str:
    return str(scratch.path / ".git")


def place(scratch: Scratch, item: Obj) -> Path:
    return scratch.path / ".git" / "objects" / item.oid[:2] / item.oid[2:]


@pytest.mark.parametrize("durable", [False, True])
def test_git_reads_what_was_written(scratch: Scratch, durable: bool) -> None:
    items = [blob("one\n"), blob("x" * 100_000), make("tree", b"", "sha1")]
    assert loose.write(common(scratch), items, durable=durable)
    assert scratch.git("cat-file", "-p", items[0].oid) == "one"
    assert len(scratch.git("cat-file", "-p", items[1].oid)) == 100_000
    assert scratch.git("cat-file", "-t", items[2].oid) == "tree"
    scratch.git("fsck", "--strict")
    assert place(scratch, items[0]).stat().st_mode & 0o777 == 0o444 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_one_that_is_there_stays_and_is_young_again(scratch: Scratch) -> None:
    item = blob("again\n")
    loose.write(common(scratch), [item], durable=False)
    path = place(scratch, item)
    before = path.read_bytes()
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    assert loose.write(common(scratch), [item], durable=False)
    assert path.stat().st_ino == inode
    assert path.read_bytes() == before
    assert path.stat().st_mtime > 1


def test_where_git_has_modes_of_its_own_it_is_asked(scratch: Scratch) -> None:
    shared = scratch.path.parent / "shared"
    subprocess.run(["git", "init", "-q", "--shared=group", str(shared)], check=True)
    item = blob("mine\n")
    assert not loose.write(str(shared / ".git"), [item], durable=False)
    assert list((shared / ".git" / "objects").glob("??/*")) == []


def test_a_writer_that_cannot_leaves_nothing_behind(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device")

    item = blob("late\n")
    monkeypatch.setattr(os, "rename", refused)
    with pytest.raises(OSError, match="No space left"):
        loose.write(common(scratch), [item], durable=False)
    assert list(place(scratch, item).parent.iterdir()) == []


def test_the_folder_of_an_object_may_vanish_under_our_hands(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """``git gc`` removes a fan-out directory between our making it and our writing into it."""
    item = blob("raced\n")
    real, left = os.mkdir, [2]

    def made_and_gone(path: str, *more: int) -> None:
        real(path, *more)
        if left[0]:
            left[0] -= 1
            os.rmdir(path)

    monkeypatch.setattr(os, "mkdir", made_and_gone)
    assert loose.write(common(scratch), [item], durable=False)
    assert scratch.git("cat-file", "-p", item.oid) == "raced"


def test_what_a_killed_writer_left_is_cleared_by_git(scratch: Scratch) -> None:
    folder = scratch.path / ".git" / "objects" / "ab"
    folder.mkdir(exist_ok=True)
    left = folder / "tmp_obj_0123456789ab"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    scratch.git("prune", "--expire=1.day.ago")
    assert not left.exists()


def record_commit(scratch: Scratch, payload: str = '{"v": 1}\n', mode: str = "100644") -> str:
    """A commit whose tree holds ``payload``, made by Git alone."""
    blob = scratch.git("hash-object", "-w", "--stdin", stdin=payload)
    tree = scratch.git("mktree", stdin=f"{mode} blob {blob}\trecord.json\n")
    return scratch.git("commit-tree", tree, "-m", "a record")


@pytest.mark.parametrize("payload", ["", '{"v": 1}\n', "ä" * 9_000])
def test_what_git_wrote_is_read(scratch: Scratch, payload: str) -> None:
    oid = record_commit(scratch, payload)
    assert loose.payload(common(scratch), oid) == payload.encode()
    assert loose.payload(common(scratch), scratch.git("rev-parse", f"{oid}:record.json")) == payload.encode()


def test_sha256_is_read_too(make_scratch: Callable[..., Scratch]) -> None:
    scratch = make_scratch("long", "--object-format=sha256")
    assert loose.payload(common(scratch), record_commit(scratch)) == b'{"v": 1}\n'


def test_what_only_git_can_tell_is_left_to_git(scratch: Scratch) -> None:
    """In a pack, too large, of another kind, not a plain file, or damaged: no answer, and no error either."""
    ask = common(scratch)
    assert loose.payload(ask, record_commit(scratch, "x" * (1 << 17))) is None
    assert loose.payload(ask, record_commit(scratch, mode="120000")) is None
    assert loose.payload(ask, scratch.git("rev-parse", "HEAD")) is None
    assert loose.payload(ask, scratch.git("rev-parse", "HEAD^{tree}")) is None
    assert loose.payload(ask, "0" * 40) is None
    good = record_commit(scratch, "whole\n")
    path = scratch.path / ".git" / "objects" / good[:2] / good[2:]
    data = path.read_bytes()
    for damaged in (b"", data[:-1], data[: len(data) // 2], b"\0" + data[1:], zlib.compress(b"commit 3\0ab")):
        path.unlink()
        path.write_bytes(damaged)
        assert loose.payload(ask, good) is None
    path.write_bytes(data)
    assert loose.payload(ask, good) == b"whole\n"
    scratch.git("update-ref", "refs/coord/x", good)
    scratch.git("repack", "-adq")
    scratch.git("prune-packed")
    assert loose.payload(ask, good) is None


def test_a_small_file_that_unpacks_to_much_is_not_unpacked(scratch: Scratch) -> None:
    bomb = b"blob 1000000000\0" + b"\0" * 50_000_000
    oid = hashlib.sha1(bomb).hexdigest()
    path = scratch.path / ".git" / "objects" / oid[:2] / oid[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(bomb))
    assert path.stat().st_size < 1 << 16
    assert loose.payload(common(scratch), oid) is None


@pytest.mark.parametrize("packed", [False, True])
def test_a_store_reads_both_where_they_are(scratch: Scratch, packed: bool) -> None:
    oids = {name: record_commit(scratch, f"{name}\n") for name in ("one", "two")}
    for name, oid in oids.items():
        scratch.git("update-ref", f"refs/coord/tasks/{name}", oid)
        if packed and name == "one":
            scratch.git("repack", "-adq")
    store = PlumbingStore(discover(str(scratch.path), os.environ))
    found = store.read([f"refs/coord/tasks/{name}" for name in oids])
    assert {ref: snapshot.payload for ref, snapshot in found.items() if snapshot is not None} == {
        f"refs/coord/tasks/{name}": f"{name}\n".encode() for name in oids
    }
    store.close()
