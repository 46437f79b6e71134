"""Events of ours that the hub's history did not allow: kept for thirty days, so that their authors learn of them.

Pure; the list is one record below ``refs/coord-local/``, which never leaves the clone. Times are the caller's.
"""

from __future__ import annotations

from gitcoord.core.model import FORMAT, Struct
from gitcoord.core.names import LOCAL
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

REF = LOCAL + "conflicts/list"
KEPT = 30 * 86400
MOST = 500
"""Entries kept at most, the newest of them."""


class Entry(Struct, frozen=True, kw_only=True):
    """One refused event: the ref it was meant for, what it was, why it was refused, and the event itself."""

    ref: str
    subject: str
    code: str
    why: str
    event: str | None = None
    at: str
    when: int
    """Seconds since the epoch by this clone's clock, for forgetting it again."""


class Conflicts(Struct, frozen=True, kw_only=True):
    v: int = FORMAT
    entries: tuple[Entry, ...] = ()


class Note(Struct, frozen=True, kw_only=True):
    """The event in the commit that adds entries."""

    type: str = "conflicts"
    at: str
    count: int
    nonce: str = ""


def noted(record: Conflicts | None, new: Iterable[Entry], now: int) -> Conflicts:
    """The list with ``new``, without what is older than thirty days; an event is kept once, however often refused."""
    old = record or Conflicts()
    known = {(entry.ref, entry.event) for entry in old.entries if entry.event is not None}
    added = [entry for entry in new if (entry.ref, entry.event) not in known]
    kept = [entry for entry in (*old.entries, *added) if now - entry.when < KEPT]
    return msgspec.structs.replace(old, entries=tuple(kept[-MOST:]))


def recent(record: Conflicts | None, now: int) -> tuple[Entry, ...]:
    """The entries of the last thirty days, oldest first."""
    return () if record is None else tuple(entry for entry in record.entries if now - entry.when < KEPT)
