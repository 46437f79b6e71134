"""``<common>/coord/write.lock``: every swap of ours holds it shared, the recovery of a stale ``.lock`` exclusively.

So recovery knows that none of our own writers is inside, however old its lock file looks, and the kernel gives the lock
back when a writer dies. It does not order writers among each other: the refs' own locks do that. Also owns how the
private directory is entered: 0700, made if missing, never through a symbolic link.
"""

from __future__ import annotations

import os
import time

from gitcoord.errors import GitFailed
from gitcoord.lean import TYPE_CHECKING, contextmanager
from gitcoord.store.base import Busy
from gitcoord.store.trouble import os_failed

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "write.lock"
_PATIENCE = 0.05
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)


@contextmanager
def writing(common: str, ref: str, *, hand_down: bool = False) -> Iterator[None]:
    """Hold the write lock shared while ``ref`` and others move.

    ``hand_down`` lets child processes started meanwhile hold it too: git may outlive us while it has refs locked.
    Raises Busy while a recovery is at work (it takes microseconds, but its process may be stopped, so nobody waits for
    it without a limit), GitFailed when the directory is not ours to use or cannot be made.
    """
    fd = _open(common)
    try:
        if fd is not None and not _flock(fd, exclusive=False):
            raise Busy(ref, os.path.join(common, "coord", _NAME))
        if fd is not None and hand_down:
            os.set_inheritable(fd, True)
        yield
    finally:
        if fd is not None:
            os.close(fd)


@contextmanager
def alone(common: str) -> Iterator[bool]:
    """Hold the write lock exclusively if that can be had within _PATIENCE; the answer says whether."""
    fd = _open(common)
    if fd is None:
        yield False  # another user's lock file: whether a writer of theirs is inside cannot be known
        return
    try:
        yield _flock_soon(fd)
    finally:
        os.close(fd)


def _flock_soon(fd: int) -> bool:
    """Writers come and go by the millisecond, and the kernel would let new ones pass one who waits: so knock often."""
    give_up = time.monotonic() + _PATIENCE
    while not _flock(fd, exclusive=True):
        if time.monotonic() > give_up:
            return False
        time.sleep(0.001)
    return True


def _flock(fd: int, *, exclusive: bool) -> bool:
    """Lock without waiting. Where there are no such locks (Windows, some NFS) writers go on and recovery stays away."""
    try:
        import fcntl
    except ImportError:
        return not exclusive
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return not exclusive
    return True


def _open(common: str) -> int | None:
    """The lock file, open; None in a repository shared by several users where the directory is another user's.

    There its owner alone can recover stale locks, and the lock file's age is what protects the others.
    """
    path = os.path.join(common, "coord")
    try:
        folder = open_folder(path)
        if folder is None:
            return None
        try:
            return os.open(_NAME, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        if os.path.islink(path) or os.path.islink(os.path.join(path, _NAME)):
            raise GitFailed(
                f"{path} or its {_NAME} is a symbolic link, and gitcoord does not write through one",
                hint="look at where it points, and put a plain directory there",
            ) from None
        raise os_failed(error, path) from None


def open_folder(path: str) -> int | None:
    """A private directory, open, made if missing; None when it is another user's. Raises OSError on a symbolic link."""
    flags = os.O_RDONLY | _DIRECTORY | _NOFOLLOW
    try:
        fd = os.open(path, flags)
    except FileNotFoundError:
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass  # another command of ours was first
        fd = os.open(path, flags)
    except PermissionError:
        if os.stat(path, follow_symlinks=False).st_uid != os.geteuid():
            return None
        raise
    info = os.fstat(fd)
    if info.st_uid != os.geteuid():
        os.close(fd)
        return None
    if info.st_mode & 0o077:
        os.fchmod(fd, 0o700)
    return fd
