"""A line for the person who waits: where a hub has not answered for a second, it is said whom we are waiting for.

Driven by an alarm instead of a thread, so that a command that is quick pays two system calls. On a terminal only.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import contextmanager

from gitcoord.cli.output import talk
from gitcoord.cli.render.safe import safe
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

AFTER = 1.0
"""Seconds of silence that nobody wonders about."""

_LOOK = 0.25


@contextmanager
def told() -> Iterator[None]:
    """While inside, a hub that takes its time is named on stderr, once."""

    def look(*_: object) -> None:
        remote = sys.modules.get("gitcoord.git.remote")
        asking = None if remote is None else remote.asking
        if asking is not None and time.monotonic() - asking[1] >= AFTER:
            signal.setitimer(signal.ITIMER_REAL, 0)
            talk(f"waiting for {safe(asking[0])} ...")

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, AFTER, _LOOK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
