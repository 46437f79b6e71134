"""Lock files that a killed writer left behind: found, judged, and removed only where that is provably safe.

Owns the judgement. A ``<ref>.lock`` of a ref of ours is removed when none of our own writers is inside (they hold
the write lock shared, and recovery takes it exclusively) and either a note says that it is ours, or it is older than
any write can last, which covers git's own programs. Under the write lock it is looked at again. Every other lock file
(packed-refs, config, a reftable's list) guards the user's refs too and is only reported.
"""

from __future__ import annotations

import os
import time

from gitcoord.core.names import OURS, TRACKED
from gitcoord.lean import msgspec
from gitcoord.store import intent
from gitcoord.store.trouble import os_failed
from gitcoord.store.writelock import alone

STALE_AFTER = 15 * 60.0
"""Seconds after which nobody can still be in the middle of writing one ref."""

_SUSPICIOUS_AFTER = 0.25  # a swap takes milliseconds; before this, looking for notes would only slow the others down

_REPORTED = ("packed-refs.lock", "config.lock", "HEAD.lock", "shallow.lock", "reftable/tables.list.lock")


class StaleLock(msgspec.Struct, frozen=True):
    """A lock file older than STALE_AFTER: which file exactly (by inode and time), and whether we may remove it."""

    path: str
    age: float
    recoverable: bool
    device: int
    inode: int
    mtime_ns: int


def stale_locks(common: str, now: float | None = None) -> list[StaleLock]:
    """Every leftover lock file of the repository at ``common``. ``now`` is the wall clock, as file times are."""
    now = time.time() if now is None else now
    found = [_look(os.path.join(common, *name.split("/")), now, recoverable=False) for name in _REPORTED]
    for folder, _, names in (item for tree in _trees(common) for item in os.walk(tree)):
        for name in sorted(names):
            if name.endswith(".lock"):
                found.append(_look(os.path.join(folder, name), now, recoverable=True))
    return [lock for lock in found if lock is not None]


def _trees(common: str) -> list[str]:
    """The directories of our refs."""
    return [os.path.join(common, *tree.rstrip("/").split("/")) for tree in (*OURS, TRACKED)]


def _look(path: str, now: float, *, recoverable: bool, after: float = STALE_AFTER) -> StaleLock | None:
    """The lock at ``path`` when it is a plain file and at least ``after`` seconds old."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    age = now - info.st_mtime
    if age < after or not _is_plain(info):
        return None
    return StaleLock(path, age, recoverable, info.st_dev, info.st_ino, info.st_mtime_ns)


def _is_plain(info: os.stat_result) -> bool:
    return info.st_mode & 0o170000 == 0o100000


def recover_lock(common: str, lock: StaleLock, now: float | None = None) -> bool:
    """Remove ``lock`` if it still is that very file, still stale, and no writer of ours is inside; say whether.

    Raises GitFailed when the system does not let us.
    """
    if not lock.recoverable:
        return False
    now = time.time() if now is None else now
    with alone(common) as nobody_inside:
        if not nobody_inside or _look(lock.path, now, recoverable=True) is None:
            return False
        return _remove_exactly(lock)


def _remove_exactly(lock: StaleLock) -> bool:
    """Move the file aside, look whether it is the one that was judged, and only then unlink it.

    A fresh lock can have got the same inode number; its time tells them apart. One that is not ours to remove goes back
    by a hard link, which never replaces anything.
    """
    folder, name = os.path.split(lock.path)
    aside = os.path.join(folder, f".{name.removesuffix('.lock')}.{os.getpid()}.lock")  # git skips such names
    try:
        os.rename(lock.path, aside)
    except FileNotFoundError:
        return False  # its owner was alive after all, and has finished
    except OSError as error:
        raise os_failed(error, lock.path) from None
    info = os.lstat(aside)
    same = (info.st_dev, info.st_ino, info.st_mtime_ns) == (lock.device, lock.inode, lock.mtime_ns)
    try:
        if not same:
            os.link(aside, lock.path)
    except FileExistsError:
        pass  # the next writer has locked already
    os.unlink(aside)
    return same


def free(common: str, path: str | None) -> bool:
    """Recover the lock that a writer has just run into, if it is a left-over below refs/coord; say whether.

    For after the swap: a writer that is still inside would keep itself out.
    """
    if path is None or not path.startswith(tuple(tree + os.sep for tree in _trees(common))):
        return False
    now = time.time()
    lock = _look(path, now, recoverable=True, after=_SUSPICIOUS_AFTER)
    if lock is None:
        return False
    return recover_lock(common, lock, now) if lock.age >= STALE_AFTER else _recover_noted(common, lock)


def _recover_noted(common: str, lock: StaleLock) -> bool:
    """Remove a lock that a note of ours accounts for, and what else its writer left, once no writer is at work."""
    if intent.noted(common, lock.path) is None:
        return False
    with alone(common) as nobody_inside:
        note = intent.noted(common, lock.path) if nobody_inside else None
        if note is None:
            return False
        for path in intent.left_locks(common, note):
            left = _look(path, time.time(), recoverable=True, after=0)
            if left is not None:
                _remove_exactly(left)
        intent.tidy(common, note)
        return True
