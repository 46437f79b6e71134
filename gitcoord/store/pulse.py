"""Noticing that refs may have changed without reading them: a few ``stat`` calls, some 20 µs together.

Git moves a ref by renaming a new file over the old one, so the modification time of a ref's directory tells; for packed
refs and reftables it is that of one file. No inotify: it needs ctypes, runs out of watches and knows no network disks.
Must not know records or time: how often to look is the caller's.
"""

from __future__ import annotations

import os
import time

from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_GRAIN = 0.1
"""Seconds for which a changed file is not trusted to be done changing: a kernel's clock tick is 1 to 10 ms."""

_COARSE_GRAIN = 2.1  # of disks that keep whole seconds, or two of them

Mark = tuple[int, int, int] | None


class Pulse:
    """Watches refs of the repository at ``common``: those below ``prefixes`` that end in ``/``, and whole ones."""

    def __init__(self, common: str, prefixes: Sequence[str]) -> None:
        folders = sorted({prefix.rpartition("/")[0] for prefix in prefixes})
        self._paths = [os.path.join(common, *folder.split("/")) for folder in folders]
        self._paths += [os.path.join(common, "packed-refs"), os.path.join(common, "reftable", "tables.list")]
        self._seen: list[Mark] | None = None
        self._unsettled = True

    def changed(self) -> bool:
        """Whether anything may have changed since this was last asked; True at first. Rather once too often."""
        marks = [_mark(path) for path in self._paths]
        news = marks != self._seen or self._unsettled
        self._seen = marks
        # What changes twice within one tick of the clock that stamps files looks as if it had changed once.
        self._unsettled = news and any(mark is not None and _is_fresh(mark[0]) for mark in marks)
        return news


def _mark(path: str) -> Mark:
    try:
        found = os.stat(path)
    except OSError:
        return None  # there are no such refs yet
    return found.st_mtime_ns, found.st_ino, found.st_size


def _is_fresh(changed_ns: int) -> bool:
    grain = _GRAIN if changed_ns % 1_000_000_000 else _COARSE_GRAIN
    return abs(time.time_ns() - changed_ns) < grain * 1e9
