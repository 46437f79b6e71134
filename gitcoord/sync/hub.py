"""One clone and its hub: the conversation from fetch to push, single-flight.

Puts together what the neighbours own: ``sides`` (what is here and there), ``joining`` (the merge), ``sending`` (the
pushes), ``taking`` (what the hub is asked about first), ``canary`` (is it really our state) and ``notes`` (what is
remembered). Time and chance are arguments.
"""

from __future__ import annotations

import os

from gitcoord.core.model import Boot, Meta, Struct
from gitcoord.errors import HubUnreachable
from gitcoord.git import remote as git
from gitcoord.git.filelock import exclusive
from gitcoord.git.remote import Remote
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, Protocol
from gitcoord.store import recover
from gitcoord.store.transact import Clock, Rng
from gitcoord.store.trouble import held_lock
from gitcoord.sync import folding
from gitcoord.sync.canary import Canary
from gitcoord.sync.heard import Note, age
from gitcoord.sync.joining import Clash, Joined, Joining, Keep
from gitcoord.sync.notes import Notes
from gitcoord.sync.sending import Refusal, Sending, Sent
from gitcoord.sync.sides import Sides, to_push
from gitcoord.sync.taking import Takes, unasked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROUNDS = 5


class Uptime(Clock, Protocol):
    """The loop's clock, which also runs on in suspend and says on which boot."""

    def up(self) -> float: ...
    def boot(self) -> str | None: ...


class Synced(Struct, frozen=True, kw_only=True):
    """What a sync did. ``shared``: another process of this clone did it for us meanwhile."""

    received: int = 0
    sent: int = 0
    clashes: tuple[Clash, ...] = ()
    refused: tuple[Refusal, ...] = ()
    unreadable: tuple[str, ...] = ()
    settled: tuple[tuple[str, bool], ...] = ()
    """Pushes of unknown outcome that are known now: the ref, and whether it went through."""
    takes: dict[str, frozenset[str]] = {}
    """Refs that were not pushed, as the hub has to be asked first about those from whom they were taken here."""
    shared: bool = False


class Link:
    """The line between one clone and its hub."""

    def __init__(self, repo: Repo, sides: Sides, *, keep: Keep, clock: Uptime, rng: Rng, durable: bool) -> None:
        self.repo = repo
        self.sides = sides
        self.remote: Remote = sides.remote
        self.notes = Notes(repo.common)
        self.canary = Canary(sides, self.notes)
        self.durable = durable
        self._clock = clock
        self._rng = rng
        now = self._now() if clock.boot() is not None else None
        self._joining = Joining(repo, sides, now=now, keep=keep, durable=durable)

    # -- sync ---------------------------------------------------------------------------------------------------------

    def sync(self, *, publish: bool = False) -> Synced:
        """Fetch, merge, push, until both sides have the same. ``publish``: the hub may have no state yet.

        Raises HubUnreachable, HubRefused (it lost our state, or has another repository's), UnknownOutcome never: what
        is not known to be pushed is pushed again.
        """
        arrived = self._now()
        with exclusive(os.path.join(self.repo.coord_dir, "sync.lock")):
            if not publish and self._sent_since(arrived):
                return Synced(shared=True)
            return self._rounds(publish=publish)

    def _rounds(self, *, publish: bool) -> Synced:
        total = Synced()
        sent = Sent()
        for attempt in range(ROUNDS):
            if attempt:
                self._clock.sleep(0.05 * (1 << attempt) * (0.25 + self._rng.random()))
            started, joined = self._heard(publish=publish)
            takes, sent = self._send(joined)
            total = Synced(
                received=total.received + len(joined.moved),
                sent=total.sent + sent.moved,
                clashes=total.clashes + joined.clashes,
                refused=sent.refused,
                unreadable=joined.unreadable,
                settled=total.settled + self.settle(),
                takes=takes,
            )
            if not sent.late:
                self._remember("sent", started)
                return total
        return _with(total, sent.late)

    def _send(self, joined: Joined) -> tuple[Takes, Sent]:
        """Push what the hub does not have, but for what nobody can read, and for what it has to be asked about."""
        left = set(joined.unreadable)  # nobody knows what would be overwritten
        news = [ref for ref in to_push(*self.both()) if ref not in left]
        if not news:
            return {}, Sent()
        takes = self.takes(news)
        return takes, Sending(self.repo, self.sides, self.notes).send([ref for ref in news if ref not in takes])

    def refresh(self) -> Joined:
        """Fetch and merge, without sending anything. Raises HubUnreachable, HubRefused."""
        with exclusive(os.path.join(self.repo.coord_dir, "sync.lock")):
            return self._heard(publish=False)[1]

    def _heard(self, *, publish: bool) -> tuple[Boot, Joined]:
        """Fetch and merge; when that began."""
        started = self._now()
        self.fetch()
        self.canary.require(publish=publish)
        joined = self._joining.join()
        self._remember("seen", started)
        return started, joined

    def fetch(self) -> None:
        """Look what the hub has; what it no longer has is remembered as lost. Raises HubUnreachable."""
        before = self.sides.tracked()
        try:
            git.fetch(self.repo, self.remote)
        except HubUnreachable as error:  # or a killed writer of ours left the lock of a tracking ref
            if not recover.free(self.repo.common, held_lock(error.message)):
                raise
            git.fetch(self.repo, self.remote)
        self.canary.note_loss(before)

    def delete_folded(self) -> tuple[int, str | None]:
        """Delete at the hub what is in its archive; how many refs went, and why any did not. Raises HubUnreachable."""
        with exclusive(os.path.join(self.repo.coord_dir, "sync.lock")):
            return folding.delete_there(self.repo, self.sides)

    # -- merging what was fetched before ------------------------------------------------------------------------------

    def join(self) -> Joined:
        """Merge all of it."""
        return self._joining.join()

    def behind(self, ref: str) -> bool:
        """Whether a heartbeat that is known of the hub is not merged yet."""
        return self._joining.behind(ref)

    def has(self, tip: str | None, oid: str) -> bool:
        """Whether ``oid`` is ``tip`` or in the chain below it."""
        return self.sides.has(tip, oid)

    def both(self) -> tuple[dict[str, str], dict[str, str]]:
        """The shared refs as they are here, and as the hub had them at the last fetch."""
        return self.sides.local(), self.sides.tracked()

    def takes(self, refs: Sequence[str]) -> Takes:
        """By which of ``refs`` somebody elsewhere, who is not known to have ended, loses something: those sessions."""
        return unasked(self.sides, refs)

    def undo(self, refs: Sequence[str]) -> Joined:
        """Take back what was taken so, and keep it for its author as refused."""
        return self._joining.undo(refs)

    def hub_meta(self) -> Meta | None:
        """The hub's canary, as last fetched. Raises Corrupt, NewerFormat."""
        return self.canary.theirs()

    # -- what is remembered -------------------------------------------------------------------------------------------

    def as_of(self) -> float | None:
        """Seconds since the hub was last fetched; None where that is not known."""
        found = age(self.repo.common, self._now())
        return None if found is None else round(found, 1)

    def _sent_since(self, moment: Boot) -> bool:
        """Whether a sync that began after ``moment`` has come to its end."""
        found = age(self.repo.common, self._now(), "sent")
        return found is not None and found < self._now().at - moment.at

    def _now(self) -> Boot:
        return Boot(id=self._clock.boot() or "-", at=self._clock.up())

    def _remember(self, name: Note, started: Boot) -> None:
        self.notes.moment(name, started)

    def doubt(self, moves: Mapping[str, str]) -> None:
        """Remember a push whose outcome is not known: which refs it meant to move, and to what."""
        self.notes.doubt(moves)

    def doubted(self) -> dict[str, str]:
        """Pushes of unknown outcome: the oid by the ref that it may be, or come to be, at."""
        return self.notes.doubted

    def settle(self) -> tuple[tuple[str, bool], ...]:
        """Find out about pushes of unknown outcome, now that the hub was heard of."""
        doubts = self.doubted()
        if not doubts:
            return ()
        theirs = self.sides.tracked()
        found = tuple((ref, self.has(theirs.get(ref), oid)) for ref, oid in sorted(doubts.items()))
        self.notes.settled()
        return found


def _with(synced: Synced, late: tuple[Refusal, ...]) -> Synced:
    """The same, where others were first at some refs every time: or the host has a reason that it does not say."""
    return Synced(
        received=synced.received,
        sent=synced.sent,
        clashes=synced.clashes,
        refused=(*synced.refused, *late),
        unreadable=synced.unreadable,
        settled=synced.settled,
        takes=synced.takes,
    )
