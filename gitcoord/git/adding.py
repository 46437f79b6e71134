"""Tells a ``git worktree add`` of ours that is still running from one that was killed.

Owns the marker files ``<common>/coord/adding/<hash of the path>``: there, and locked, from before Git starts until
everything about the new worktree is done. The lock is inherited by Git and its children on purpose: when only our own
process is killed, they go on checking files out, and the lock says so.
"""

from __future__ import annotations

import fcntl
import os
import time

from gitcoord.core.digest import sha256_hex
from gitcoord.errors import Contended, GitFailed, Refused
from gitcoord.git.localfile import private_dir
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, contextmanager

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10.0
"""Seconds to wait for another process that makes the same worktree."""

_STEP = 0.02


def was_interrupted(repo: Repo, path: str) -> bool:
    """Whether making a worktree at ``path`` was begun and not finished (it may be going on)."""
    return os.path.exists(_marker(repo, path))


@contextmanager
def making(repo: Repo, path: str) -> Iterator[bool]:
    """Be the only one of us who makes the worktree ``path``; yields whether an earlier attempt was cut short.

    Raises Contended when another process is still at it, GitFailed when the directory cannot be written.
    """
    marker = _marker(repo, path)
    try:
        private_dir(repo.common, "coord", "adding")
        fd = _locked(marker)
    except OSError as error:
        raise GitFailed(f"{error.filename or marker}: {error.strerror}") from None
    cut_short = os.fstat(fd).st_size > 0
    try:
        if not cut_short:
            os.write(fd, os.fsencode(path) + b"\n")
        os.set_inheritable(fd, True)
        yield cut_short
    except BaseException as error:
        if isinstance(error, Refused) and not cut_short:
            os.unlink(marker)
        os.close(fd)  # without unlocking: a child that outlives us holds on to it
        raise
    os.unlink(marker)
    fcntl.flock(fd, fcntl.LOCK_UN)  # for all who inherited it: a hook may have left something running
    os.close(fd)


def _marker(repo: Repo, path: str) -> str:
    digest = sha256_hex(os.path.realpath(path))[:20]
    return os.path.join(repo.coord_dir, "adding", digest)


def _locked(marker: str) -> int:
    deadline = time.monotonic() + PATIENCE
    while True:
        fd = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                return fd
            # its owner finished and took the file away: what we locked is nobody's marker any more
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(fd)
                raise Contended(f"another process is still making the worktree (see {marker})") from None
            time.sleep(_STEP)
        os.close(fd)
