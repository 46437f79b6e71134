"""Letting the hub judge those from whom this clone alone took something, before that is pushed (``sync.taking``).

Either they are still silent, and end there; or they were heard of, and what was taken is undone: its author is told.
"""

from __future__ import annotations

from functools import partial

from gitcoord.core import names
from gitcoord.core.model import Session
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from gitcoord.coordinator.joins import Joins
    from gitcoord.sync.hub import Link
    from gitcoord.sync.taking import Takes


def ask_after(coord: Joins, link: Link, takes: Takes) -> None:
    """Afterwards nothing is left of ``takes``. Raises HubUnreachable, HubRefused, UnknownOutcome."""
    from gitcoord.coordinator.arbiter import PATIENCE, at_hub  # which asks in its turn

    for sid in sorted({sid for lost in takes.values() for sid in lost}):
        if at_hub(coord, partial(_expire, coord, sid), PATIENCE):
            link.undo([ref for ref, lost in takes.items() if sid in lost])
            coord.records.forget()


def _expire(coord: Joins, sid: str) -> Plan[bool]:
    """The end of a session that is still silent; whether it lives."""
    found = coord.records.get(names.session_ref(sid), Session)
    if found is None or found.record.state != "live":
        return Plan([], False)
    coord.records.fetch([names.heartbeat_ref(sid)])
    verdict = coord.verdict(found)
    me = coord.find_me()
    by = me.record.id if me is not None else None
    return Plan([], True) if verdict.live else Plan(coord.expiry(found, verdict, by), False)
