"""Loose objects, written and read as Git does it: a few small ones without a process of Git's (2.5 ms of a command).

A file of its own, complete (and on disk, when durable) before it gets its name, never written to again. Where Git would
do something particular (a shared repository's modes, a fan-out of its own, objects in packs or elsewhere, large or
damaged ones) this says no, and Git is asked.
"""

from __future__ import annotations

import os
import zlib

from gitcoord.errors import Corrupt
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store import durable as sync
from gitcoord.store.base import PAYLOAD
from gitcoord.store.objects import FILE, commit_header, tree_item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.store.objects import Obj

_SMALL = 1 << 16
"""Bytes, on disk and unpacked, up to which an object is read here."""

_TRIES = 5
_SHARED = 0o2020
"""Set-group-id or group-writable: ``core.sharedRepository`` is at work, and its modes are Git's business."""


def write(common: str, objects: Sequence[Obj], *, durable: bool) -> bool:
    """Write ``objects`` into the repository at ``common``; False, and none is, where Git should. Raises OSError."""
    root = os.path.join(common, "objects")
    if os.stat(root).st_mode & _SHARED or os.name != "posix":
        return False
    for item in objects:
        _write(root, item, durable=durable)
    if durable:
        sync.sync_objects(common, [item.oid for item in objects])
    return True


def _write(root: str, item: Obj, *, durable: bool) -> None:
    folder, name = os.path.join(root, item.oid[:2]), item.oid[2:]
    path = os.path.join(folder, name)
    data = zlib.compress(f"{item.kind} {len(item.data)}\0".encode() + item.data, 1)
    for left in range(_TRIES - 1, -1, -1):
        try:
            os.utime(path)  # it is there: young again, so that no `git gc` takes it for garbage
            return
        except OSError:
            pass  # it is not; or another user's, and then a second copy in its place does no harm
        try:
            _place(folder, path, data, durable=durable)
            return
        except FileNotFoundError:
            # A concurrent `git gc` removes directories that have become empty, also under our hands.
            if not left:
                raise


def _place(folder: str, path: str, data: bytes, *, durable: bool) -> None:
    try:
        os.mkdir(folder)
    except FileExistsError:
        pass
    # Named as Git names its own, so that `git gc` clears up after a writer that was killed here.
    temporary = os.path.join(folder, f"tmp_obj_{os.urandom(6).hex()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o444)
    try:
        with open(fd, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            if durable:
                os.fsync(fd)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def payload(common: str, oid: str) -> bytes | None:
    """The payload of the record commit or blob ``oid``; None where Git should be asked."""
    kind, data = _read(common, oid)
    if kind == "commit":
        tree = commit_header(data, "tree")
        kind, data = _read(common, tree) if tree is not None else ("", b"")
        try:
            item = tree_item(data, PAYLOAD, len(oid) // 2) if kind == "tree" else None
        except Corrupt:
            return None
        kind, data = _read(common, item[1]) if item is not None and item[0] == FILE else ("", b"")
    return data if kind == "blob" else None


def _read(common: str, oid: str) -> tuple[str, bytes]:
    """Kind and content of a loose object; no kind where there is none that is small and whole."""
    try:
        fd = os.open(f"{common}/objects/{oid[:2]}/{oid[2:]}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            packed = os.read(fd, _SMALL)
        finally:
            os.close(fd)
        unpack = zlib.decompressobj()
        data = unpack.decompress(packed, _SMALL)
    except (OSError, zlib.error):
        return "", b""
    head, _, content = data.partition(b"\0")
    kind, _, size = head.partition(b" ")
    if not unpack.eof or size != str(len(content)).encode():
        return "", b""
    return kind.decode("ascii", "replace"), content
