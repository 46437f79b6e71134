"""Notes of the writers: which ref locks a swap of ours is about to take, and what it will write into them.

A lock file does not say who made it, so a killed writer's would have to be left alone for as long as any git program
might need: a quarter of an hour in which nobody can have that ref. With a note it is known to be ours, and with nobody
of ours inside a swap (see ``writelock``) it is known to be left over. One small file per store, written in place: two
system calls a swap. Losing a note costs time, never correctness.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from gitcoord.store.files import lock_path
from gitcoord.store.writelock import open_folder

_FOLDER = "writers"
_END = b"\0"
_LARGEST = 1 << 16  # a bulk of thousands of refs goes without a note


class Lock(msgspec.Struct, frozen=True):
    """A ref lock of ours: what it will hold (nothing where it is only verified), and which file it is, if known."""

    ref: str
    oid: str
    inode: int = 0
    mtime_ns: int = 0

    def line(self) -> str:
        return f"{self.ref} {self.oid or '-'} {self.inode} {self.mtime_ns}\n"


def seen(common: str, ref: str, oid: str) -> Lock:
    """The lock on ``ref`` as it is right after we have taken it."""
    info = os.lstat(lock_path(common, ref))
    return Lock(ref, oid, info.st_ino, info.st_mtime_ns)


class Notes:
    """This writer's own note file, made when it first writes; ``with`` it around a swap. For one thread."""

    def __init__(self, common: str) -> None:
        self._common = common
        self._path = ""
        self._fd = -1
        self._size = 0

    def add(self, *locks: Lock) -> None:
        """Note ``locks`` beside what this swap has noted so far."""
        data = "".join(lock.line() for lock in locks).encode("utf-8", "surrogateescape")
        if self._size + len(data) < _LARGEST and self._open():
            os.pwrite(self._fd, data + _END, self._size)
            self._size += len(data)

    def _open(self) -> bool:
        """Whether there is a file to write into: not where the directory is another user's."""
        if self._fd < 0:
            folder = os.path.join(self._common, "coord", _FOLDER)
            handle = open_folder(folder)
            if handle is None:
                return False
            self._path = os.path.join(folder, f"{os.getpid()}-{os.urandom(4).hex()}")
            try:
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
                self._fd = os.open(os.path.basename(self._path), flags, 0o600, dir_fd=handle)
            finally:
                os.close(handle)
        return True

    def __enter__(self) -> Notes:
        return self

    def __exit__(self, *_: object) -> None:
        """The swap is over and its locks are gone."""
        self._size = 0
        if self._fd >= 0:
            os.pwrite(self._fd, _END, 0)

    def close(self) -> None:
        """Take the note file away."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            try:
                os.unlink(self._path)
            except FileNotFoundError:
                pass  # a recovery has cleaned up


def noted(common: str, path: str) -> str | None:
    """The note file that says that the lock at ``path``, as it is now, is one of ours."""
    for note in _files(common):
        for lock in _locks(note):
            if lock_path(common, lock.ref) == path and _is(lock, path):
                return note
    return None


def _is(lock: Lock, path: str) -> bool:
    """Whether the file at ``path`` is ``lock``: by what is in it, which nobody else writes, or when empty by inode."""
    try:
        info = os.lstat(path)
        if info.st_size == 0:
            return (info.st_ino, info.st_mtime_ns) == (lock.inode, lock.mtime_ns)
        with open(path, "rb") as file:
            return file.read(len(lock.oid) + 2) == f"{lock.oid}\n".encode()
    except OSError:
        return False


def _locks(note: str) -> Iterator[Lock]:
    try:
        with open(note, "rb") as file:
            data = file.read(_LARGEST)
    except OSError:
        return
    for line in data.partition(_END)[0].decode("utf-8", "surrogateescape").split("\n"):
        words = line.split(" ")
        if len(words) == 4 and words[2].isdigit() and words[3].isdigit():
            yield Lock(words[0], "" if words[1] == "-" else words[1], int(words[2]), int(words[3]))


def _files(common: str) -> list[str]:
    folder = os.path.join(common, "coord", _FOLDER)
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def tidy(common: str, used: str) -> None:
    """Remove the note ``used`` in a recovery, and those whose writers are gone. For the holder of the write lock."""
    for note in _files(common):
        pid = os.path.basename(note).partition("-")[0]
        if note == used or not (pid.isdigit() and _alive(int(pid))):
            try:
                os.unlink(note)
            except FileNotFoundError:
                pass


def _alive(pid: int) -> bool:
    """Whether a process has this number. A wrong answer (another container's) costs a note or leaves one lying."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True
