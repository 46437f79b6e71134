"""Advisory locks between the processes of one clone, where two must not do something at once.

The kernel lets go of them when a process dies, so none is ever left behind. Nothing that must be true depends on them
alone: refs decide.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


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
