"""One file of bytes under ``<common>/coord/cache``: what many records held, so that nobody need read each object.

Rebuildable, and never the truth. A file that is not wholly as it was written (length, checksum), is somebody else's, or
is no plain file counts as none. Must not know what is in it.
"""

from __future__ import annotations

import os
import stat
import zlib

from gitcoord.errors import GitFailed
from gitcoord.git import localfile

MAX_FILE = 64 << 20

_MAGIC = b"gitcoord-cache-2"  # then a checksum and the length of what follows the line


def read(path: str) -> bytes | None:
    """What was written there last; None where the file cannot be relied on."""
    data = _own_file(path)
    if data is None:
        return None
    head, _, body = data.partition(b"\n")
    try:
        magic, check, length = head.split(b" ")
        sound = magic == _MAGIC and int(length) == len(body) and int(check, 16) == zlib.crc32(body)
    except ValueError:
        return None
    return body if sound else None


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


def write(common: str, name: str, data: bytes) -> None:
    """Replace the file. Best effort."""
    head = b"%s %08x %d\n" % (_MAGIC, zlib.crc32(data), len(data))
    if len(data) > MAX_FILE:
        return
    try:
        localfile.write_atomic(os.path.join(localfile.private_dir(common, "coord", "cache"), name), head + data)
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
