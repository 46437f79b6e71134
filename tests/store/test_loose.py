"""Loose objects that we write ourselves: Git takes them for its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitcoord.store import loose
from gitcoord.store.objects import Obj, make
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
