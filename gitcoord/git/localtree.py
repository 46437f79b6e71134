"""A private directory as a whole: what is in it, read without leaving it, and taken away without leaving it.

Owns one habit: a symbolic link is a thing of its own. It is listed, and it is unlinked; nothing is ever read, written
or deleted on its other side. Names are compared as bytes would be, so that two runs see the same order.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import stat

from gitcoord.errors import GitFailed
from gitcoord.git import localfile
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

_CHUNK = 1 << 20
_PATIENCE = 20  # with those who empty the same trash


class Item(msgspec.Struct, frozen=True):
    """Something below a directory: its name relative to that, its kind, and for a link where it points."""

    name: str
    kind: str  # file, link, folder, other
    size: int = 0
    touched: float = 0.0
    target: str = ""


def items(top: str) -> Iterator[Item]:
    """Everything below ``top``, folders before what is in them, by name."""
    left = [""]
    while left:
        folder = left.pop()
        try:
            found = sorted(os.listdir(os.path.join(top, folder)), key=os.fsencode)
        except OSError:
            continue  # gone meanwhile, or not ours to look into: its name was listed
        below = []
        for name in found:
            item = _item(top, os.path.join(folder, name))
            if item is None:
                continue
            yield item
            if item.kind == "folder":
                below.append(item.name)
        left += reversed(below)


def _item(top: str, name: str) -> Item | None:
    path = os.path.join(top, name)
    try:
        seen = os.lstat(path)
        target = os.readlink(path) if stat.S_ISLNK(seen.st_mode) else ""
    except OSError:
        return None
    kind = "link" if target else "folder" if stat.S_ISDIR(seen.st_mode) else "file"
    if kind == "file" and not stat.S_ISREG(seen.st_mode):
        kind = "other"
    return Item(name, kind, seen.st_size if kind == "file" else 0, seen.st_mtime, target)


def read(top: str, name: str, limit: int) -> bytes | None:
    """The content of a regular file below ``top``, reached without a link on the way; None for anything else."""
    here = top
    for part in name.split(os.sep)[:-1]:
        here = os.path.join(here, part)
        if os.path.islink(here):
            return None
    try:
        fd = os.open(os.path.join(top, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > limit:
            return None
        with open(fd, "rb", closefd=False) as file:
            return file.read(limit)
    except OSError:
        return None
    finally:
        os.close(fd)


def remove(top: str, trash: str, *, shred: bool) -> int:
    """Take ``top`` away, all of it or nothing: first it moves into ``trash``, where it is found by nobody.

    What a killed removal left there goes with the next one. ``shred`` overwrites every file first; how many it had to
    leave, because they have a second name elsewhere. Raises GitFailed.
    """
    if os.path.islink(top) or not os.path.isdir(top):
        raise GitFailed(f"{top} is no directory of its own")
    aside = os.path.join(trash, f"{os.urandom(8).hex()}{'.shred' if shred else ''}")
    try:
        os.rename(top, aside)
        return sum(_empty(os.path.join(trash, name), shred=name.endswith(".shred")) for name in os.listdir(trash))
    except OSError as error:
        raise GitFailed(f"{top} cannot be removed: {error.strerror}: {error.filename}") from None


def _empty(path: str, *, shred: bool) -> int:
    """Empty and remove a directory in the trash, perhaps while somebody else does; how many files were not shredded."""
    left = 0
    for _attempt in range(_PATIENCE):
        try:
            for item in items(path):
                if item.kind == "folder":
                    os.chmod(os.path.join(path, item.name), 0o700)  # before it is looked into
                elif shred and item.kind == "file":
                    left += not _overwrite(os.path.join(path, item.name))
            shutil.rmtree(path)  # goes by descriptors: a link put in its way is not followed
        except FileNotFoundError:
            if os.path.lexists(path):
                continue
        break
    return left


def _overwrite(path: str) -> bool:
    """Zeros over a file's content, on its way to the disk; False for one in use under another name, or closed to us."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        seen = os.fstat(fd)
        if seen.st_nlink > 1 or not stat.S_ISREG(seen.st_mode):
            return False
        for start in range(0, seen.st_size, _CHUNK):
            os.pwrite(fd, bytes(min(_CHUNK, seen.st_size - start)), start)
        os.fsync(fd)
        return True
    finally:
        os.close(fd)


def create(paths: Sequence[str], write: Callable[[BinaryIO], object]) -> str | None:
    """Make a file with what ``write`` gives it, whole, mode 0600, under the first of ``paths`` that is free.

    Or has exactly that content already; which it was, None when all are taken. Raises GitFailed.
    """
    temporary = localfile.new_name(paths[0])
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            write(file)
            file.flush()
            os.fsync(fd)
        return next((path for path in paths if _placed(temporary, path)), None)
    except OSError as error:
        raise GitFailed(f"{paths[0]} cannot be written: {error.strerror}") from None
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def _placed(temporary: str, path: str) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return not os.path.islink(path) and filecmp.cmp(temporary, path, shallow=False)
    return True
