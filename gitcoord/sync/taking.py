"""What this clone alone took from somebody elsewhere: to be asked about at the hub before it is pushed.

A provisional claim rests on a silence that was observed without the hub; its holder may have come back since. A push
compares only the record, not the holder's heartbeat.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitcoord.core import merge, names, takes
from gitcoord.store.base import BROKEN
from gitcoord.sync.sides import Sides, diverged

_HELD = (names.TASKS, names.LOCKS)

Takes = dict[str, frozenset[str]]
"""By ref the sessions elsewhere, not known to have ended, that lose something by what was done here."""


def unasked(sides: Sides, refs: Iterable[str]) -> Takes:
    """Which of ``refs`` are such takes. Raises Corrupt when a chain cannot be read."""
    asked = [ref for ref in refs if ref.startswith(_HELD)]
    if not asked:
        return {}
    ours, theirs = sides.local(), sides.tracked()
    there = [ref for ref in asked if ref in ours and ref in theirs]
    pairs = {ref: (theirs[ref], ours[ref]) for ref in there if ours[ref] != theirs[ref] != BROKEN != ours[ref]}
    payloads = sides.store.load(oid for pair in pairs.values() for oid in pair)
    found = {}
    for ref, (before, after) in pairs.items():
        if before in payloads and after in payloads:
            parted = takes.parted(ref, payloads[before], payloads[after])
            if any(map(sides.lives_elsewhere, parted)):
                lost = _losers(sides, ref, before, after)
                if lost:
                    found[ref] = lost
    return found


def _losers(sides: Sides, ref: str, before: str, after: str) -> frozenset[str]:
    mine, _others = diverged(sides.store, after, before)
    payloads = sides.store.load([before, *(entry.oid for entry in mine)])
    steps = [(merge.link(entry.message), payloads.get(entry.oid, b"")) for entry in reversed(mine)]
    return frozenset(filter(sides.lives_elsewhere, takes.losers(ref, payloads[before], steps)))
