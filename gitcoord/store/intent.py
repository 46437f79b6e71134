"""Notes of the writers: which refs a swap of ours is about to lock, when, and what it will write.

A lock file does not say who made it, so a killed writer's would have to be left alone for as long as any git program
might need: a quarter of an hour in which nobody can have that ref. With a note it is known to be ours, and with nobody
of ours inside a swap (see ``writelock``) it is known to be left over. One small file per store, written in place: two
system calls a swap. Losing a note costs time, never correctness.
"""

from __future__ import annotations

import os
import time

from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import Change, Commit
from gitcoord.store.files import lock_path
from gitcoord.store.writelock import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FOLDER = "writers"
_END = b"\0"
_LARGEST = 1 << 16  # a bulk of thousands of refs goes without a note
_DIGITS = 20  # of a time in nanoseconds
# From the note to the creation of a lock, as the file system's coarse clock (a tick, 10 ms at most) sees it.
_EARLIEST_NS, _LATEST_NS = -20_000_000, 50_000_000
# On a strained machine it takes longer: 60 ms were seen between two locks of one swap, with 8 writers on 2 cores. Then
# others are given that time too before their lock is taken for ours.
_STRAINED_NS = 1_000_000_000


class Note(msgspec.Struct, frozen=True):
    """One ref that a swap is about to lock, and when. ``oid`` is what its lock will hold: "" where it is only verified.

    ``unique``: nobody but the writer knows of that oid; so it is with a new commit, not with a blob.
    """

    ref: str
    oid: str
    unique: bool
    at_ns: int

    def line(self) -> str:
        return f"{self.ref} {self.oid or '-'} {int(self.unique)} {self.at_ns}\n"


class Notes:
    """This writer's own note file, made when it first writes; ``with`` it around a swap. For one thread."""

    def __init__(self, common: str) -> None:
        self._common = common
        self._path = ""
        self._fd = -1

    def write(self, changes: Iterable[Change], new: Mapping[str, str]) -> None:
        """Note the refs of ``changes``, which are going to be locked now; ``new`` holds the oids they will get."""
        now = time.time_ns()
        notes = (Note(c.ref, new.get(c.ref, ""), isinstance(c.new, Commit), now) for c in changes)
        data = "".join(note.line() for note in notes).encode("utf-8", "surrogateescape")
        if len(data) < _LARGEST and self._open():
            os.pwrite(self._fd, data + _END, 0)

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
        if self._fd >= 0:
            os.pwrite(self._fd, _END, 0)

    def leave(self) -> None:
        """The swap is over but may have left locks: git was killed. Keep the note for whoever meets them."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

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
    return next((file for file in _files(common) if path in left_locks(common, file)), None)


def left_locks(common: str, file: str) -> list[str]:
    """The locks that the writer of this note file made and that are still there."""
    return [path for note in _notes(file) if _is(note, path := lock_path(common, note.ref))]


def _is(note: Note, path: str) -> bool:
    """Whether the lock at ``path`` is the noted one.

    It is when it holds an oid that only its writer knew. A lock that is still empty, or holds an oid that others may
    write too, is taken for it when it was made right after the note: its writer died in those milliseconds, or it
    would have cleared the note.
    """
    try:
        info = os.lstat(path)
        with open(path, "rb") as file:
            held = file.read(len(note.oid) + 2)
    except OSError:
        return False
    delay = info.st_mtime_ns - note.at_ns
    right_after = _EARLIEST_NS <= delay <= _LATEST_NS
    if not right_after and 0 < delay <= _STRAINED_NS:
        right_after = time.time_ns() - info.st_mtime_ns > _STRAINED_NS
    if held == f"{note.oid}\n".encode():
        return note.unique or right_after
    return not held and right_after


def _notes(path: str) -> Iterator[Note]:
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST)
    except OSError:
        return
    for line in data.partition(_END)[0].decode("utf-8", "surrogateescape").split("\n"):
        words = line.split(" ")
        if len(words) == 4 and words[3].isascii() and words[3].isdigit() and len(words[3]) < _DIGITS:
            yield Note(words[0], words[1].strip("-"), words[2] == "1", int(words[3]))


def _files(common: str) -> list[str]:
    folder = os.path.join(common, "coord", _FOLDER)
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def tidy(common: str, used: str) -> None:
    """Remove the note ``used`` in a recovery, and those whose writers are gone. For the holder of the write lock."""
    for file in _files(common):
        pid = os.path.basename(file).partition("-")[0]
        # A note of the dead stays while a lock is left that only it accounts for: several may have been killed.
        if file == used or not ((pid.isdigit() and _alive(int(pid))) or left_locks(common, file)):
            try:
                os.unlink(file)
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
