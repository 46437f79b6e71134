"""Decisions that the hub takes: the same loop over a store whose swap is a push. Loaded only where there is a hub.

A refusal may come from an old view: before it is believed the hub is asked once. What is not known of an earlier push
is found out first.
"""

from __future__ import annotations

from gitcoord.coordinator.asking import ask_after
from gitcoord.coordinator.hub import Hubs
from gitcoord.core import names
from gitcoord.errors import Ended, HubUnreachable, NoSession, Refused, UnknownOutcome
from gitcoord.git.remote import Remote, Update
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, TypeVar, cast
from gitcoord.store.hub import HubStore
from gitcoord.store.open import traced
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitcoord.coordinator.base import Base
    from gitcoord.coordinator.joins import Joins

T = TypeVar("T")

RECENT = 300.0
"""Seconds since the hub was last heard of in which nothing can have been made, finished and archived there."""

PATIENCE = 30.0
"""Seconds of lost races: a round trip to a hub takes a hundred times as long as a swap here."""


def at_hub(coord: Base, decide: Callable[[], Plan[T]], limit: float, beside: Sequence[Update] = ()) -> T:
    """Decide, and let the hub choose between us and others. Raises HubUnreachable, HubRefused, UnknownOutcome.

    ``beside``: branches that move in the same push, or not at all.
    """
    line = _Line(Hubs(cast("Joins", coord)))
    line.settle()

    def goes_along(ref: str) -> str | None:
        """As ``mate`` says; only, where this clone is out of date, a name new to it may be one archived meanwhile."""
        return None if ref == names.ARCHIVE and coord.unheard() > RECENT else mate(ref)

    store = traced(HubStore(coord.store, line, goes_along, beside))

    def believed() -> Plan[T]:
        try:
            return decide()
        except (NoSession, Ended):
            raise  # about ourselves, and we know
        except Refused:
            if line.fresh:
                raise
            line.catch_up()
            return decide()

    before, coord.asking = coord.asking, True
    try:
        return coord.loop(store, believed, limit=max(limit, PATIENCE))
    finally:
        coord.asking = before


def mate(ref: str) -> str | None:
    """What goes to the hub along with a ref that is only verified: with a session its heartbeat, or it would look dead.

    None: the ref is somebody else's, and the hub must be asked whether it still is as we know it.
    """
    if ref == names.ARCHIVE:
        return ref
    if ref.startswith(names.SESSIONS):
        return names.HEARTBEATS + ref.removeprefix(names.SESSIONS)
    return None


class _Line:
    """The hub as ``HubStore`` needs it; ``fresh``: it was heard of since this command began."""

    def __init__(self, hubs: Hubs) -> None:
        self._hubs = hubs
        self._link = hubs.link()
        self.fresh = False

    @property
    def repo(self) -> Repo:
        return self._link.repo

    @property
    def remote(self) -> Remote:
        return self._link.remote

    @property
    def durable(self) -> bool:
        return self._link.durable

    def settle(self) -> None:
        """Find out about earlier pushes before anything new is asked for. Raises UnknownOutcome, HubRefused."""
        self._link.canary.refuse_loss()
        if not self._link.doubted():
            return
        try:
            self.catch_up()
        except HubUnreachable as error:
            raise UnknownOutcome(
                f"whether an earlier change counts is still not known: {error.message}", hint="git coord sync"
            ) from None

    def catch_up(self) -> None:
        self._link.refresh()
        self.fresh = True
        self._hubs.tell_settled(self._link.settle())
        self._hubs.coord.records.forget()

    def merge(self) -> Sequence[str]:
        return self._link.join().unreadable

    def has(self, tip: str | None, oid: str) -> bool:
        return self._link.has(tip, oid)

    def ask(self, refs: Sequence[str]) -> bool:
        takes = self._link.takes(refs)
        if takes:
            ask_after(self._hubs.coord, self._link, takes)
            self._hubs.coord.records.forget()
        return bool(takes)

    def behind(self, ref: str) -> bool:
        return self._link.behind(ref)

    def doubt(self, moves: Mapping[str, str]) -> None:
        self._link.doubt(moves)
