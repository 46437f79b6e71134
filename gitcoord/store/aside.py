"""Loose objects that nobody needs any more, put aside: out of the files of their own, into one pack that looks old.

Git keeps an unreachable object for two weeks, and before it had cruft packs (2.41) as a file of its own; from some
6,700 of those on, each ``git gc --auto`` complains of them. Whether an object is unreachable only Git can say: a ref,
an index, a tree or a reflog may lead to it. So nothing is deleted here. The objects are copied into a pack, their own
files go, and the pack's file gets a time so long ago that Git's two weeks are over: the next gc that rewrites packs
(by itself from 50 on) leaves out what nothing leads to, and keeps the rest. Whoever writes one of them again makes the
pack young again; so does Git; but a gc that looked just before drops it all the same. So this is for what is old and
never written again, as heartbeats are. Must not know refs, nor what is in the objects.
"""

from __future__ import annotations

import os
import stat
import zlib

from gitcoord.git.localfile import read_all
from gitcoord.git.repo import OFFLINE
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store import durable
from gitcoord.store.objects import Obj, make, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from gitcoord.git.repo import Repo

LONG_AGO = 946_684_800
"""The time that the pack gets: the first second of the year 2000. None at all would be "never expires" to Git."""

_SMALL = 160
"""Bytes on disk up to which a file is looked into: heartbeats take 50 to 115."""
_UNPACKED = 300
_FOLDERS = 256
_SAMPLE = "17"
"""The folder by which Git, too, estimates how many loose objects there are."""


def loose_about(common: str) -> int:
    """About how many loose objects there are, as ``git gc --auto`` estimates it: from one of 256 folders."""
    try:
        return len(os.listdir(os.path.join(common, "objects", _SAMPLE))) * _FOLDERS
    except OSError:
        return 0


def put_aside(
    repo: Repo,
    is_spent: Callable[[bytes], bool],
    *,
    before: float,
    kept: Container[str] = (),
    least: int,
    most: int,
) -> int:
    """Put aside loose blobs last written before ``before`` (seconds since the epoch) that ``is_spent``; how many.

    Only small ones of the user's own are looked at. Those in ``kept`` stay. Nothing happens where there are fewer than
    ``least``; at most ``most`` at once. Raises OSError, GitFailed.
    """
    seen = list(_small(repo.common, before))
    found: dict[str, tuple[str, int, Obj]] = {}
    for path, written in seen if len(seen) >= least else ():
        item = _blob(path, repo.object_format)
        if item is not None and item.oid not in kept and is_spent(item.data):
            found[item.oid] = path, written, item
            if len(found) == most:
                break
    if len(found) < max(1, least) or not _pack(repo, [item for _, _, item in found.values()]):
        return 0
    return sum(_unlink(path, written) for path, written, _ in found.values())


def _small(common: str, before: float) -> Iterator[tuple[str, int]]:
    """Path and time (ns) of every small file of ours below ``objects`` that was written before ``before``."""
    me = os.geteuid() if hasattr(os, "geteuid") else 0  # Windows knows no owners and says 0
    for number in range(_FOLDERS):
        try:
            entries = os.scandir(os.path.join(common, "objects", f"{number:02x}"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        with entries:
            for entry in entries:
                try:
                    info = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # a gc is at work
                plain = stat.S_ISREG(info.st_mode) and info.st_uid == me
                if plain and info.st_size <= _SMALL and info.st_mtime < before:
                    yield entry.path, info.st_mtime_ns


def _blob(path: str, object_format: str) -> Obj | None:
    """The blob in the file ``path``; None unless it is one, whole, and its name is that of its content."""
    packed = read_all(path, _SMALL)
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(packed or b"", _UNPACKED)
    except zlib.error:
        return None
    head, _, content = data.partition(b"\0")
    if not unpack.eof or unpack.unused_data or head != b"blob %d" % len(content):
        return None
    item = make("blob", content, object_format)
    folder, name = os.path.split(path)
    return item if item.oid == os.path.basename(folder) + name else None


def _pack(repo: Repo, objects: list[Obj]) -> bool:
    """Write them into a pack of their own that looks old; whether it is there, on disk."""
    data = pack(objects, repo.object_format)
    done = repo.git(*durable.options(True), "index-pack", "--stdin", input=data, env=OFFLINE, check=False)
    name = done.text.rpartition("\t")[2]
    if done.code != 0 or not name:
        return False
    durable.sync_objects(repo.common, [])
    try:
        os.utime(os.path.join(repo.common, "objects", "pack", f"pack-{name}.pack"), (LONG_AGO, LONG_AGO))
    except FileNotFoundError:
        return False  # a gc has taken it apart already, and left alone what has a file of its own
    return True


def _unlink(path: str, written: int) -> bool:
    """Remove the file, unless somebody has written the object again since it was seen."""
    try:
        if os.lstat(path).st_mtime_ns != written:
            return False
        os.unlink(path)
    except OSError:
        return False  # a gc was faster; or it cannot be, and there are two copies now, as Git too has at times
    return True
