"""Is what the hub shows really this repository's state? A hub may be empty, wiped, hidden, foreign or set back.

It is told by ``meta/repo``, and by what the hub had before: records only grow. What is not there is never free.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitcoord.core import codec, names
from gitcoord.core.model import Meta
from gitcoord.errors import HubRefused
from gitcoord.sync import folding
from gitcoord.sync.notes import Notes
from gitcoord.sync.sides import FIRST_LOOK, Sides

_REPUBLISH = "nothing was changed here; ask who runs it, then 'git coord hub set --republish'"


class Canary:
    """Watches over the state of one hub."""

    def __init__(self, sides: Sides, notes: Notes) -> None:
        self._sides = sides
        self._notes = notes

    def theirs(self) -> Meta | None:
        """The hub's, as last fetched. Raises Corrupt, NewerFormat."""
        return self._meta(self._sides.remote.tracked(names.META))

    def _meta(self, ref: str) -> Meta | None:
        found = self._sides.store.read([ref])[ref]
        return None if found is None else codec.convert(codec.decode_raw(found.payload), Meta)

    def require(self, *, publish: bool = False) -> None:
        """Raises HubRefused unless what was fetched last is this repository's state, and no older one.

        ``publish``: it may have none yet, and what it lost is given up.
        """
        name = self._sides.remote.shown
        mine, theirs = self._meta(names.META), self.theirs()
        if theirs is None:
            if publish or mine is None:
                self._notes.found()
                return
            raise HubRefused(
                f"{name} no longer shows this repository's coordination state: it was wiped, or is hidden",
                hint=_REPUBLISH,
                remote=name,
            )
        if mine is None:
            return
        if theirs.id != mine.id:
            raise HubRefused(
                f"{name} holds the coordination state of another repository ({theirs.id}, not {mine.id})",
                hint="choose another remote with 'git coord hub set', or another place there with coord.refPrefix",
                remote=name,
            )
        if publish:
            self._notes.found()
        self.refuse_loss()

    def refuse_loss(self) -> None:
        """Raises HubRefused while the hub has lost state: what it grants then may have been granted before."""
        name, lost = self._sides.remote.shown, self._notes.lost
        if lost is not None:
            raise HubRefused(f"{name} lost state that it had: {lost}", hint=_REPUBLISH, remote=name)

    def note_loss(self, before: Mapping[str, str]) -> None:
        """Compare what the hub had with what it has, and remember what is gone.

        A backup that was played back, a rewritten history, deleted refs. What was archived there is not gone.
        """
        now = self._sides.tracked()
        records = [ref for ref in before if not ref.startswith((names.HEARTBEATS, names.RESCUE))]
        gone = [ref for ref in records if ref not in now]
        moved = [ref for ref in records if ref in now and now[ref] != before[ref]]
        chains = self._sides.store.history([now[ref] for ref in moved], FIRST_LOOK) if moved else {}
        for ref in moved:
            near = any(before[ref] in (entry.oid, entry.parent) for entry in chains.get(now[ref], []))
            if not near and not self._sides.has(now[ref], before[ref]):
                gone.append(ref)
        gone = folding.lost(self._sides, gone, before)
        if gone:
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            self._notes.lose(f"{gone[0]}{more}")
