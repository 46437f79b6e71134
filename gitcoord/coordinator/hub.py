"""Hub verbs: hub show, set, probe, unset, and sync. Loaded when first used (``across``).

Owns the setting ``coord.hub``, which is written here and nowhere else, and what a sync has to tell: refused events
become notices and conflict entries, pushes of unknown outcome are told how they ended.
"""

from __future__ import annotations

import os

from gitcoord.coordinator.asking import ask_after
from gitcoord.coordinator.tidying import tidy_if_due
from gitcoord.core import codec, conflicts, names
from gitcoord.core.model import FORMAT, Meta, Struct
from gitcoord.core.views import Check, Wrote
from gitcoord.errors import HubRefused, NotInitialised, Usage
from gitcoord.git import remote as git
from gitcoord.git.remote import Remote
from gitcoord.git.remote_report import limited
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import Change, Commit, Existing
from gitcoord.store.transact import Plan
from gitcoord.sync.hub import Link, Synced
from gitcoord.sync.joining import Clash
from gitcoord.sync.probe import Probe
from gitcoord.sync.sides import Sides, to_push

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.joins import Joins


_ASKED = 3
"""Times that a sync asks after those from whom something was taken meanwhile, and goes on."""

_PAUSES = (2.0, 4.0, 8.0)
"""Seconds, with jitter, before a hub that limits pushes is asked once more: no longer than somebody may wait."""


class Epoch(Struct, frozen=True, kw_only=True):
    """The event of ``meta/repo`` when a hub that lost state is published to again: tokens grow past the lost ones."""

    type: str = "epoch"
    at: str
    epoch: int
    nonce: str = ""


class HubView(Struct, frozen=True, kw_only=True):
    """The hub (null: none is set) and how far we are in step. ``waiting``: refs here that it does not have so."""

    hub: str | None
    prefix: str
    as_of: float | None
    known: int
    waiting: int
    doubts: tuple[str, ...]
    conflicts: tuple[conflicts.Entry, ...]
    sync: str


class SyncView(Struct, frozen=True, kw_only=True):
    """What a sync did: refs that changed here, refs that changed at the hub, and events that were refused."""

    hub: str
    received: int
    sent: int
    conflicts: int
    refused: tuple[str, ...]
    shared: bool


class Hubs:
    """The verbs, over a Coordinator."""

    def __init__(self, coord: Joins) -> None:
        self.coord = coord
        self.repo = coord.repo

    def link(self, remote: Remote | None = None) -> Link:
        """The line to the hub that is set, or to ``remote``. Raises Usage where there is none."""
        coord = self.coord
        remote = remote or self.remote()
        return Link(
            coord.repo,
            Sides(coord.store, remote, coord.host),
            keep=self.kept,
            clock=coord.clock,
            rng=coord.chance,
            durable=coord.durable,
        )

    def remote(self) -> Remote:
        """The hub that is set. Raises Usage where there is none."""
        if self.coord.config.hub is None:
            raise Usage("this clone has no hub", hint="git coord hub set origin")
        return git.checked(self.coord.config.hub, self.coord.config.ref_prefix)

    # -- hub ----------------------------------------------------------------------------------------------------------

    def show(self) -> HubView:
        """What is known without asking the hub."""
        config = self.coord.config
        if config.hub is None:
            return self._view(None)
        return self._view(self.link())

    def _view(self, link: Link | None) -> HubView:
        config = self.coord.config
        ours, theirs = link.both() if link is not None else ({}, {})
        return HubView(
            hub=link.remote.shown if link else None,
            prefix=config.ref_prefix,
            as_of=link.as_of() if link else None,
            known=len(theirs),
            waiting=len(to_push(ours, theirs)),
            doubts=tuple(sorted(link.doubted())) if link else (),
            conflicts=self.conflicts(),
            sync=config.sync,
        )

    def set(self, name: str, *, republish: bool = False) -> HubView:
        """Make ``name`` the hub: take part in the state it has, or publish ours where it has none.

        ``republish``: it lost state; ours is published again under a new epoch. Raises HubRefused when it holds another
        repository's state, HubUnreachable, Usage.
        """
        self.coord.records.forget()
        link = self.link(git.checked(name, self.coord.config.ref_prefix))
        first = self.coord.config.hub != name or republish
        link.fetch()
        self._match(link, first=first)
        if republish:
            self.coord.transact(self._next_epoch)
        synced = link.sync(publish=first)
        refused = {refusal.ref: refusal.reason for refusal in synced.refused}
        if names.META in refused:
            raise HubRefused(
                f"{name} does not take refs below {link.remote.prefix}: {refused[names.META]}",
                hint="git coord hub probe",
                remote=name,
            )
        self.repo.git("config", "coord.hub", name)
        self.coord.reconfigure()
        self.coord.note_hub()
        self._tell(synced)
        return self._view(link)

    def _match(self, link: Link, *, first: bool) -> None:
        """Whether our state and the hub's are one, or one of the two is still empty. Raises HubRefused."""
        mine = self.coord.records.get(names.META, Meta)
        theirs = link.hub_meta()
        if mine is None and theirs is None:
            raise NotInitialised()
        if theirs is None and not first:
            link.canary.require()
        if mine is None or theirs is None or mine.record.id == theirs.id:
            return
        if set(self.coord.store.list_refs(names.ROOT)) != {names.META}:
            link.canary.require()
        # Only just initialised, and nothing done yet: the state that others share is ours from now on.
        tracked = link.remote.tracked(names.META)
        found = self.coord.store.read([tracked])[tracked]
        if found is not None:
            self.coord.store.swap([Change(names.META, mine.oid, Existing(found.oid))])
        self.coord.records.forget()

    def _next_epoch(self) -> Plan[None]:
        base = self.coord.records.get(names.META, Meta)
        if base is None:
            raise NotInitialised()
        epoch = base.record.epoch + 1
        record = Meta(v=FORMAT, id=base.record.id, epoch=epoch, created_at=base.record.created_at)
        event = Epoch(at=self.coord.now(), epoch=epoch)
        return Plan([self.coord.write(names.META, base, record, event, f"epoch {epoch}")], None)

    def unset(self) -> list[Wrote]:
        """Work without a hub from now on. The state stays, here and there."""
        if self.repo.git("config", "--local", "--get", "coord.hub", check=False).code != 0:
            return []
        self.repo.git("config", "--local", "--unset-all", "coord.hub")
        self.coord.reconfigure()
        self.coord.note_hub()
        return [Wrote(what="setting coord.hub", path=os.path.join(self.repo.common, "config"))]

    def probe(self, name: str | None = None) -> list[Check]:
        """What a remote allows, found out with two harmless refs. Raises HubUnreachable, Usage."""
        remote = self.remote() if name is None else git.checked(name, self.coord.config.ref_prefix)
        return Probe(self.repo, remote, self.coord.chance.bytes(8)).run()

    # -- sync ---------------------------------------------------------------------------------------------------------

    def sync(self) -> SyncView:
        """Fetch, merge, push. Raises HubUnreachable, HubRefused."""
        link = self.link()
        self.coord.begin()
        self.coord.note_hub()
        synced = self._in_time(link)
        for _ in range(_ASKED):
            self.coord.records.forget()
            self._tell(synced)
            if not synced.takes:
                break
            ask_after(self.coord, link, synced.takes)
            synced = _both(synced, link.sync())
        tidy_if_due(self.coord)
        if synced.refused and not synced.sent:
            more = ", in a minute or later" if _is_limited(synced) else ". See what it allows: git coord hub probe"
            raise HubRefused(
                f"{link.remote.shown} takes nothing from here: {synced.refused[0].reason}",
                hint=f"nothing is lost; it goes with the next sync{more}",
                remote=link.remote.shown,
            )
        return SyncView(
            hub=link.remote.shown,
            received=synced.received,
            sent=synced.sent,
            conflicts=len(synced.clashes),
            refused=tuple(refusal.ref for refusal in synced.refused),
            shared=synced.shared,
        )

    def _in_time(self, link: Link) -> Synced:
        """Sync; where the hub limits how often one may come, again a few times, each time later."""
        synced = link.sync()
        for pause in _PAUSES:
            if not _is_limited(synced):
                break
            self._tell(msgspec.structs.replace(synced, refused=()))
            self.coord.clock.sleep(pause * (0.5 + self.coord.chance.random()))
            synced = link.sync()
        return synced

    def _tell(self, synced: Synced) -> None:
        self.tell_settled(synced.settled)
        notice = self.coord.notice
        for refusal in synced.refused:
            notice("hub-refused", f"the hub does not take {refusal.ref}: {refusal.reason}")
        for ref in synced.unreadable:
            notice("corrupt", f"{ref} cannot be read here or at the hub, and was left as it is: git coord doctor")

    def tell_settled(self, settled: Sequence[tuple[str, bool]]) -> None:
        """Say how pushes of unknown outcome ended."""
        for ref, went in settled:
            said = "went through after all" if went else "did not happen"
            self.coord.notice("settled", f"the change of {ref} whose outcome was not known {said}")

    def kept(self, clashes: Sequence[Clash]) -> list[Change]:
        """Say which of our events were refused; the change that keeps them for those who were not looking."""
        now, at = int(self.coord.clock.now()), self.coord.now()
        for clash in clashes:
            self.coord.notice("conflict", f"'{clash.subject}' was undone by what happened at the hub: {clash.why}")
        fresh = [
            conflicts.Entry(
                ref=clash.ref,
                subject=clash.subject,
                code=clash.code,
                why=clash.why,
                event=clash.event,
                at=at,
                when=now,
            )
            for clash in clashes
        ]
        found = self.coord.store.read([conflicts.REF])[conflicts.REF]
        before = None if found is None else codec.convert(codec.decode_raw(found.payload), conflicts.Conflicts)
        record = conflicts.noted(before, fresh, now)
        payload = codec.encode(record, None if found is None else codec.decode_raw(found.payload))
        message = f"{len(fresh)} refused at the hub\n\nCoord-Nonce: {self.coord.chance.bytes(8).hex()}\n"
        return [Change(conflicts.REF, found.oid if found else None, Commit(payload, message, self.coord.author()))]

    def conflicts(self) -> tuple[conflicts.Entry, ...]:
        """Events of the last thirty days that the hub's history did not allow."""
        found = self.coord.store.read([conflicts.REF])[conflicts.REF]
        if found is None:
            return ()
        record = codec.convert(codec.decode_raw(found.payload), conflicts.Conflicts)
        return conflicts.recent(record, int(self.coord.clock.now()))


def _both(first: Synced, second: Synced) -> Synced:
    """What two syncs did, one after the other."""
    return msgspec.structs.replace(
        second,
        received=first.received + second.received,
        sent=first.sent + second.sent,
        clashes=first.clashes + second.clashes,
        settled=first.settled + second.settled,
    )


def _is_limited(synced: Synced) -> bool:
    return any(limited(refusal.reason) for refusal in synced.refused)
