"""Both sides of a hub: the shared refs as they are here, and as the hub had them when it was last fetched.

Reads only. Names are those that the refs have here. Must not know how the two are made one.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitcoord.core import codec, names
from gitcoord.errors import CoordError, Corrupt
from gitcoord.git.remote import Remote
from gitcoord.lean import Any
from gitcoord.store.base import BROKEN, Entry, RefStore

FIRST_LOOK = 8
_DEPTH = 3
_KNOWN = (
    names.META,
    names.SESSIONS,
    names.HEARTBEATS,
    names.TASKS,
    names.LOCKS,
    names.DATA,
    names.EVENTS,
    names.RESCUE,
    names.ARCHIVE,
)


class Sides:
    """One clone's view of itself and of its hub; ``host`` is its id, by which it knows its own sessions."""

    def __init__(self, store: RefStore, remote: Remote, host: str) -> None:
        self.store = store
        self.remote = remote
        self.host = host

    def local(self) -> dict[str, str]:
        """The local refs that are shared."""
        return {ref: oid for ref, oid in self.store.list_refs(names.ROOT).items() if _is_shared(ref)}

    def tracked(self) -> dict[str, str]:
        """What the hub had at the last fetch."""
        tracking = self.remote.tracking
        found = self.store.list_refs(tracking).items()
        return {here: oid for ref, oid in found if _is_shared(here := names.ROOT + ref.removeprefix(tracking))}

    def has(self, tip: str | None, oid: str) -> bool:
        """Whether ``oid`` is ``tip`` or in the chain below it."""
        if tip is None or tip == oid:
            return tip == oid
        chain = self.store.history([tip], 1000).get(tip, [])
        return any(oid in (entry.oid, entry.parent) for entry in chain)

    def session(self, sid: str) -> dict[str, Any]:
        """A session's record here, as it is; one that cannot be read says nothing."""
        ref = names.SESSIONS + sid
        found = self.store.read([ref])[ref]
        try:
            return {} if found is None else codec.decode_raw(found.payload)
        except CoordError:
            return {}

    def lives_here(self, sid: str) -> bool:
        """Whether a session of this clone goes on, as far as its record says."""
        who = self.session(sid)
        return who.get("state") == "live" and who.get("host") == self.host

    def lives_elsewhere(self, sid: str) -> bool:
        """The same for one of another clone."""
        who = self.session(sid)
        return who.get("state") == "live" and who.get("host") != self.host


def _is_shared(ref: str) -> bool:
    """Whether the ref has the one depth at which we keep records: ``tasks/15`` and ``tasks/15/x`` cannot both be."""
    return ref.count("/") == _DEPTH and ref.startswith(_KNOWN)


def to_push(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """The refs that the hub does not have as we have them."""
    return sorted(ref for ref, oid in ours.items() if oid != BROKEN and theirs.get(ref) != oid)


def diverged(
    store: RefStore, ours: str, theirs: str, seen: Mapping[str, list[Entry]] | None = None
) -> tuple[list[Entry], list[Entry]]:
    """Our commits that theirs does not have and theirs that ours does not have, newest first; all, if none is shared.

    ``seen``: the newest ``FIRST_LOOK`` links of both, where they were read before. Raises Corrupt when a chain cannot
    be read.
    """
    look = FIRST_LOOK
    chains = seen or {}
    while True:
        if ours not in chains or theirs not in chains:
            chains = store.history([ours, theirs], look)
        if ours not in chains or theirs not in chains:
            raise Corrupt(f"the history of {theirs if ours in chains else ours} cannot be read")
        mine, others = chains[ours], chains[theirs]
        known = {entry.oid: place for place, entry in enumerate(others)}
        for place, entry in enumerate(mine):
            if entry.oid in known:
                return mine[:place], others[: known[entry.oid]]
        if len(mine) < look and len(others) < look:
            return mine, others
        look *= 8
        chains = {}
