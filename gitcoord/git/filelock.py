"""Advisory locks between the processes of one clone, where two must not do something at once.

The kernel lets go of them when a process dies, so none is ever left behind. Nothing that must be true depends on them
alone: refs decide.
"""

from __future__ import annotations

import os
import time

from gitcoord.lean import TYPE_CHECKING, contextmanager

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def exclusive(path: str) -> Iterator[None]:
    """Hold the lock on ``path`` (made if missing); waits for its turn. Raises OSError."""
    try:
        import fcntl
    except ImportError:  # Windows: it is a nicety there, not a guarantee
        yield
        return
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


_FIRST, _LONGEST = 0.002, 0.03
"""Seconds between two tries to get a turn, at first and at most: a turn takes 1 to 20 ms."""


@contextmanager
def turn(path: str, patience: float) -> Iterator[bool]:
    """Wait for the lock on ``path`` for up to ``patience`` seconds, then go on in any case; whether there was a wait.

    For many writers of one record on one machine: unordered, most of their swaps are lost races. Never in the way: who
    holds it may be a stopped process, and where there can be no such file there is no order.
    """
    fd, waited = -1, False
    try:
        import fcntl

        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        end, pause = time.monotonic() + patience, _FIRST
        while time.monotonic() < end:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waited = True
                time.sleep(pause)
                pause = min(_LONGEST, pause * 1.5)
    except (ImportError, OSError):
        pass
    try:
        yield waited
    finally:
        if fd >= 0:
            os.close(fd)
