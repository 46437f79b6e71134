"""What many records held, in one file: ten thousand objects cost the git program half a second, this file 10 ms.

Rebuildable, and never the truth: refs are listed anew each time, what is not in here is read from the objects, and
whoever is about to change a record reads it from there too. A file that is not wholly as it was written (length,
checksum), is somebody else's, or is no plain file counts as none. Must not know records: keys and payloads are bytes.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Mapping

from gitcoord.errors import GitFailed
from gitcoord.git import localfile

MAX_FILE = 64 << 20
MAX_ITEM = 16 << 10
"""Larger payloads are left to the objects; few tasks have a body of that size."""

_MAGIC = b"gitcoord-cache-1"  # then a checksum and the length of the rest; the rest is lines of key, tab, payload


def read(path: str) -> dict[bytes, bytes]:
    """Payloads, without their last newline, by key; nothing where the file cannot be relied on."""
    data = _own_file(path)
    if data is None:
        return {}
    head, _, body = data.partition(b"\n")
    try:
        magic, check, length = head.split(b" ")
        if magic != _MAGIC or int(length) != len(body) or int(check, 16) != zlib.crc32(body):
            return {}
    except ValueError:
        return {}
    items = [line.split(b"\t", 1) for line in body.split(b"\n") if line]
    return {key: payload for key, payload in items}  # noqa: C416 - dict() is slower on lists of lists


def _own_file(path: str) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        private = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
        return os.read(fd, found.st_size) if private and found.st_size <= MAX_FILE else None
    except OSError:
        return None
    finally:
        os.close(fd)


def write(common: str, name: str, payloads: Mapping[bytes, bytes]) -> None:
    """Replace the file by those ``payloads`` that are one line and not too large. Best effort."""
    lines = []
    left = MAX_FILE
    for key, payload in payloads.items():
        line = payload.removesuffix(b"\n")
        if len(line) <= MAX_ITEM and b"\n" not in line and b"\t" not in key:
            left -= len(key) + len(line) + 2
            if left < 0:
                break
            lines.append(key + b"\t" + line + b"\n")
    body = b"".join(lines)
    head = b"%s %08x %d\n" % (_MAGIC, zlib.crc32(body), len(body))
    try:
        localfile.write_atomic(os.path.join(localfile.private_dir(common, "coord", "cache"), name), head + body)
    except (OSError, GitFailed):
        pass  # a full or read-only disk: the next command reads the objects again


def path_of(common: str, name: str) -> str:
    """Where the cache called ``name`` is."""
    return os.path.join(common, "coord", "cache", name)


def drop(common: str) -> None:
    """Remove all caches: one turned out to be wrong."""
    folder = os.path.join(common, "coord", "cache")
    try:
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
    except OSError:
        pass  # there is none, or somebody else is at it too
