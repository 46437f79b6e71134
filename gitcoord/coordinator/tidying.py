"""What keeps Git quick and quiet: refs packed, and superseded heartbeats put aside, of which ``gc --auto`` complains.

Owns when that is due, and what counts as superseded. How it is done without ever losing anything is ``store.aside``.
"""

from __future__ import annotations

import os

from gitcoord.core import names
from gitcoord.core.heartbeat import is_heartbeat
from gitcoord.errors import CoordError
from gitcoord.git import localfile
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.base import Base

EVERY = 3600.0
"""Seconds between two looks at it by itself."""

AGE = 3600.0
"""Seconds after which a heartbeat to which no ref of ours points is put aside: no writer is on its way with it.

A host whose sessions beat all the time makes 360 heartbeats an hour, whatever their number, and as many come from each
busy host elsewhere: with these two durations about 2,700 are there at most, 3,400 with two hosts; Git bears 6,700.
"""

LEAST = 2000
"""Fewer are left where they are: each time makes a pack, and of those Git bears 50."""

AT_ONCE = 5000
"""How many are put aside at most while somebody waits for something else: half a second."""

_DIGITS = 20


def tidy_if_due(coord: Base) -> None:
    """What a long-lived repository needs now and then, beside another verb. Never fails, and seldom does anything."""
    try:
        path = os.path.join(localfile.private_dir(coord.repo.common, "coord"), "tidied")
        now = coord.clock.now()
        last = localfile.read_line(path, _DIGITS) or ""
        if last.isdecimal() and 0 <= now - int(last) < EVERY:
            return
        localfile.write_line(path, f"{now:.0f}")
        from gitcoord.store.aside import loose_about

        if loose_about(coord.repo.common) >= LEAST:
            tidy(coord, most=AT_ONCE)
    except (CoordError, OSError):
        pass  # read-only, a full disk, no Git to be had: it is as untidy as before


def tidy(coord: Base, *, most: int = 1 << 20) -> int:
    """Put aside superseded heartbeats, if there are many; how many. Raises OSError, GitFailed."""
    from gitcoord.store.aside import put_aside

    kept = {oid for tree in (names.ROOT, names.TRACKED) for oid in coord.store.list_refs(tree).values()}
    before = coord.clock.now() - AGE
    return put_aside(coord.repo, is_heartbeat, before=before, kept=kept, least=LEAST, most=most)


def pack_refs(coord: Base) -> bool:
    """Pack all refs, as ``git gc`` does; whether it was done. Somebody's lock is told of and left alone."""
    repo = coord.repo
    done = repo.git("pack-refs", "--all", "--prune", check=False)
    if done.code == 0:
        return True
    lock = os.path.join(repo.common, "packed-refs.lock")
    hint = f": {lock} is there; 'git coord doctor' tells whether it is left over" if os.path.lexists(lock) else ""
    coord.notice("not-packed", f"git could not pack the refs{hint or f': {done.complaint}'}")
    return False
