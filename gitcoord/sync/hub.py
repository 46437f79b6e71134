"""One clone and its hub: the conversation from fetch to push, single-flight, and what is remembered of it.

Owns ``<common>/coord/hub/``: when the hub was last heard of, and pushes whose outcome is not known. Time and chance are
arguments. The hub's state is told from an empty or foreign remote by ``meta/repo``: what is not there is never free.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from gitcoord.core import codec, names
from gitcoord.core.model import Boot, Meta, Struct
from gitcoord.errors import GitFailed, HubRefused, HubUnreachable
from gitcoord.git import remote as git
from gitcoord.git.filelock import exclusive
from gitcoord.git.localfile import private_dir, read_all, write_atomic
from gitcoord.git.remote import LostContact, Remote, Update
from gitcoord.git.remote_report import Verdict
from gitcoord.git.repo import Repo
from gitcoord.store.base import Busy, Change, Existing, Lost, RefStore
from gitcoord.store.transact import Clock, Rng
from gitcoord.sync.heard import age
from gitcoord.sync.joining import FIRST_LOOK, Clash, Joined, Joining, to_push

ROUNDS = 5
AT_ONCE = 1000
"""Refs in one push: more would not fit a command line everywhere."""

_FILE = 1 << 20


class Uptime(Clock, Protocol):
    """The loop's clock, which also runs on in suspend and says on which boot."""

    def up(self) -> float: ...
    def boot(self) -> str | None: ...


class Refusal(Struct, frozen=True, kw_only=True):
    """A ref that the hub does not take, and why."""

    ref: str
    reason: str


class Synced(Struct, frozen=True, kw_only=True):
    """What a sync did. ``shared``: another process of this clone did it for us meanwhile."""

    received: int = 0
    sent: int = 0
    clashes: tuple[Clash, ...] = ()
    refused: tuple[Refusal, ...] = ()
    unreadable: tuple[str, ...] = ()
    settled: tuple[tuple[str, bool], ...] = ()
    """Pushes of unknown outcome that are known now: the ref, and whether it went through."""
    shared: bool = False


class Link:
    """The line between one clone and its hub."""

    def __init__(
        self, repo: Repo, store: RefStore, remote: Remote, joining: Joining, *, clock: Uptime, rng: Rng, durable: bool
    ) -> None:
        self.repo = repo
        self.store = store
        self.remote = remote
        self.durable = durable
        self._clock = clock
        self._rng = rng
        self._joining = joining
        self._folder = os.path.join(repo.coord_dir, "hub")

    # -- sync ---------------------------------------------------------------------------------------------------------

    def sync(self, *, publish: bool = False) -> Synced:
        """Fetch, merge, push, until both sides have the same. ``publish``: the hub may have no state yet.

        Raises HubUnreachable, HubRefused (it lost our state, or has another repository's), UnknownOutcome never: what
        is not known to be pushed is pushed again.
        """
        arrived = self._now()
        with exclusive(os.path.join(self.repo.coord_dir, "sync.lock")):
            if not publish and self._seen_since(arrived):
                return Synced(shared=True)
            return self._rounds(publish=publish)

    def _rounds(self, *, publish: bool) -> Synced:
        total = Synced()
        for attempt in range(ROUNDS):
            if attempt:
                self._clock.sleep(0.05 * (1 << attempt) * (0.25 + self._rng.random()))
            joined = self._heard(publish=publish)
            left = set(joined.unreadable)  # nobody knows what would be overwritten
            news = [ref for ref in to_push(*self.both()) if ref not in left]
            sent, refused, again = self.send(news)
            total = Synced(
                received=total.received + len(joined.moved),
                sent=total.sent + sent,
                clashes=total.clashes + joined.clashes,
                refused=refused,
                unreadable=joined.unreadable,
                settled=total.settled + self.settle(),
            )
            if not again:
                break
        return total

    def refresh(self) -> Joined:
        """Fetch and merge, without sending anything. Raises HubUnreachable, HubRefused."""
        with exclusive(os.path.join(self.repo.coord_dir, "sync.lock")):
            return self._heard(publish=False)

    def join(self) -> Joined:
        """Merge what was fetched before."""
        return self._joining.join()

    def _heard(self, *, publish: bool) -> Joined:
        started = self._now()
        self.fetch()
        self._check_state(publish=publish)
        joined = self._joining.join()
        self._remember(started)
        return joined

    def fetch(self) -> None:
        """Look what the hub has; what it no longer has is remembered as lost. Raises HubUnreachable."""
        before = self._joining.tracked()
        git.fetch(self.repo, self.remote)
        self._note_loss(before)

    def send(self, refs: Sequence[str]) -> tuple[int, tuple[Refusal, ...], bool]:
        """Push these refs as they are here: how many moved, which were refused, and whether others were first."""
        ours, theirs = self._joining.local(), self._joining.tracked()
        sent, refused, again = 0, [], False
        for start in range(0, len(refs), AT_ONCE):
            some = [ref for ref in refs[start : start + AT_ONCE] if ref in ours]
            updates = [Update(self.remote.there(ref), ours[ref], theirs.get(ref)) for ref in some]
            try:
                verdicts = git.push(self.repo, self.remote, updates)
            except LostContact as lost:
                raise HubUnreachable(f"{self.remote.name} stopped answering: {lost}", hint="git coord sync") from None
            moved = {ref: ours[ref] for ref in some if _state(verdicts, self.remote, ref) in ("moved", "same")}
            self.track(moved, theirs)
            sent += len(moved)
            for ref in some:
                verdict = verdicts[self.remote.there(ref)]
                if verdict.state == "refused":
                    refused.append(Refusal(ref=ref, reason=verdict.reason))
                again = again or verdict.state in ("stale", "beside", "unknown")
        return sent, tuple(refused), again

    def track(self, moved: Mapping[str, str], before: Mapping[str, str]) -> None:
        """Note what the hub has now. Best effort: what is not noted is found out by the next fetch."""
        changes = [
            Change(self.remote.tracked(ref), before.get(ref), Existing(oid))
            for ref, oid in moved.items()
            if before.get(ref) != oid
        ]
        try:
            self.store.swap(changes)
        except (Lost, Busy):
            pass

    # -- is this really our state? ------------------------------------------------------------------------------------

    def hub_meta(self) -> Meta | None:
        """The hub's canary, as last fetched. Raises Corrupt, NewerFormat."""
        return self._meta(self.remote.tracked(names.META))

    def _meta(self, ref: str) -> Meta | None:
        found = self.store.read([ref])[ref]
        return None if found is None else codec.convert(codec.decode_raw(found.payload), Meta)

    def both(self) -> tuple[dict[str, str], dict[str, str]]:
        """The shared refs as they are here, and as the hub had them at the last fetch."""
        return self._joining.local(), self._joining.tracked()

    def require_state(self) -> None:
        """Raises HubRefused unless what was fetched last is this repository's state, and no older one."""
        self._check_state(publish=False)

    def _check_state(self, *, publish: bool) -> None:
        mine, theirs = self._meta(names.META), self.hub_meta()
        if theirs is None:
            if publish or mine is None:
                self._forget_loss()
                return
            raise HubRefused(
                f"{self.remote.name} no longer shows this repository's coordination state: it was wiped, or is hidden",
                hint="nothing was changed here; ask who runs it, then 'git coord hub set --republish'",
                remote=self.remote.name,
            )
        if mine is None:
            return
        if theirs.id != mine.id:
            raise HubRefused(
                f"{self.remote.name} holds the coordination state of another repository ({theirs.id}, not {mine.id})",
                hint="choose another remote with 'git coord hub set', or another place there with coord.refPrefix",
                remote=self.remote.name,
            )
        if publish:
            self._forget_loss()
        self.refuse_loss()

    def refuse_loss(self) -> None:
        """Raises HubRefused while the hub has lost state: what it grants then may have been granted before."""
        lost = read_all(os.path.join(self._folder, "lost"), _FILE)
        if lost is not None:
            raise HubRefused(
                f"{self.remote.name} lost state that it had: {lost.decode('utf-8', 'replace').strip()}",
                hint="nothing was changed here; ask who runs it, then 'git coord hub set --republish'",
                remote=self.remote.name,
            )

    def _note_loss(self, before: Mapping[str, str]) -> None:
        """Compare what the hub had with what it has: records only grow, so anything else is a loss, and is remembered.

        A backup that was played back, a rewritten history, deleted refs.
        """
        now = self._joining.tracked()
        records = [ref for ref in before if not ref.startswith((names.HEARTBEATS, names.RESCUE))]
        gone = [ref for ref in records if ref not in now]
        moved = [ref for ref in records if ref in now and now[ref] != before[ref]]
        chains = self.store.history([now[ref] for ref in moved], FIRST_LOOK) if moved else {}
        for ref in moved:
            near = any(before[ref] in (entry.oid, entry.parent) for entry in chains.get(now[ref], []))
            if not near and not self.has(now[ref], before[ref]):
                gone.append(ref)
        if gone:
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            self._note("lost", f"{gone[0]}{more}\n".encode())

    def _forget_loss(self) -> None:
        try:
            os.unlink(os.path.join(self._folder, "lost"))
        except FileNotFoundError:
            pass  # nothing was lost

    # -- what is remembered -------------------------------------------------------------------------------------------

    def as_of(self) -> float | None:
        """Seconds since the hub was last fetched; None where that is not known."""
        found = age(self.repo.common, self._now())
        return None if found is None else round(found, 1)

    def _seen_since(self, moment: Boot) -> bool:
        found = age(self.repo.common, self._now())
        return found is not None and found < self._now().at - moment.at

    def _now(self) -> Boot:
        return Boot(id=self._clock.boot() or "-", at=self._clock.up())

    def _remember(self, started: Boot) -> None:
        self._note("seen", f"{started.id} {started.at:.3f}\n".encode())

    def _note(self, name: str, data: bytes) -> None:
        try:
            private_dir(self.repo.common, "coord", "hub")
            write_atomic(os.path.join(self._folder, name), data)
        except (OSError, GitFailed):
            pass  # read-only: then nothing is remembered, and everything is asked again

    def doubt(self, moves: Mapping[str, str]) -> None:
        """Remember a push whose outcome is not known: which refs it meant to move, and to what."""
        self._note("doubt", msgspec.json.encode({**self.doubted(), **moves}))

    def doubted(self) -> dict[str, str]:
        """Pushes of unknown outcome: the oid by the ref that it may be, or come to be, at."""
        data = read_all(os.path.join(self._folder, "doubt"), _FILE)
        try:
            return msgspec.json.decode(data or b"{}", type=dict[str, str])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def settle(self) -> tuple[tuple[str, bool], ...]:
        """Find out about pushes of unknown outcome, now that the hub was heard of."""
        doubts = self.doubted()
        if not doubts:
            return ()
        theirs = self._joining.tracked()
        found = tuple((ref, self.has(theirs.get(ref), oid)) for ref, oid in sorted(doubts.items()))
        os.unlink(os.path.join(self._folder, "doubt"))
        return found

    def has(self, tip: str | None, oid: str) -> bool:
        """Whether ``oid`` is ``tip`` or in the chain below it."""
        if tip is None or tip == oid:
            return tip == oid
        chain = self.store.history([tip], 1000).get(tip, [])
        return any(oid in (entry.oid, entry.parent) for entry in chain)


def _state(verdicts: Mapping[str, Verdict], remote: Remote, ref: str) -> str:
    return verdicts[remote.there(ref)].state
