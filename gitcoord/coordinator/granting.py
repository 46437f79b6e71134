"""Granting locks: all that is asked for, or nothing, in one swap of the one table.

The rules are in ``core.locking``. A grant also verifies that the taker's session is still what it was, and where it
takes what somebody dead or silent held, it expires that session in the same swap. Used by ``locks``, ``queueing``
and ``claims``.
"""

from __future__ import annotations

from gitcoord.coordinator import sight as seeing
from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.sight import Sight
from gitcoord.coordinator.tasks import Tasks
from gitcoord.coordinator.turns import in_turn
from gitcoord.core import lock_events as on
from gitcoord.core import locking, locks, names
from gitcoord.core.lock_events import LockEvent, Mode, Target
from gitcoord.core.locks import Lock, LockTable
from gitcoord.core.model import Session, Struct, Task
from gitcoord.core.pattern import is_pattern
from gitcoord.core.views import LockView
from gitcoord.errors import Held, Usage
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitcoord.coordinator.joins import Joins


class Wish(Struct, frozen=True, kw_only=True):
    """What is asked for; ``task`` and ``claim`` (its token) where it is taken together with a claim."""

    wants: tuple[Target, ...]
    mode: Mode = "exclusive"
    ttl: float | None = None
    reason: str | None = None
    task: str | None = None
    claim: int | None = None


class Taken(Struct, frozen=True, kw_only=True):
    """A decision on the table: what to change (nothing when all is held already), and what is held then."""

    changes: tuple[Change, ...]
    locks: tuple[LockView, ...]
    changed: bool
    granted: tuple[Target, ...] = ()
    """Those that are new."""
    gone: tuple[str, ...] = ()
    """Names of the sessions from which something was taken that they no longer had in force."""


def targets(wants: Sequence[str], *, path: bool = False) -> tuple[Target, ...]:
    """What people write, as names or patterns. Raises Usage."""
    if not wants:
        raise Usage("name what to lock", hint="git coord lock deploy 'src/auth/**'")
    return tuple(dict.fromkeys(on.target(text, path=path or is_pattern(text)) for text in wants))


class Granting:
    """Decisions on the lock table, for one Coordinator."""

    def __init__(self, coord: Joins) -> None:
        self.coord = coord

    def take(self, me: Loaded[Session], wish: Wish, seen: Sight | None = None) -> Taken:
        """Decide on ``wish`` as things are now. Raises Held, Ended, WrongState, Usage."""
        seen = seen or seeing.look(self.coord, me)
        event, after = self._decide(me.record, wish, seen)
        mine = [lock for target in wish.wants if (lock := locks.own(after, me.record.id, target)) is not None]
        views = tuple(seeing.views(self.coord, seen, mine))
        if after is seen.table:
            return Taken(changes=tuple(self._still(me, seen)), locks=views, changed=False)
        subject = f"lock {', '.join(lock.target.text for lock in mine)} by {me.record.name}"
        change = self.coord.write(names.LOCKS, seen.base, after, event, f"{subject}, token {after.next_token - 1}")
        displaced = locks.displaced(seen.table, after)
        gone = dict.fromkeys(lock.session for lock in displaced if lock.session != me.record.id)
        return Taken(
            changes=tuple(self._together(change, me, seen, displaced)),
            locks=views,
            changed=True,
            granted=tuple(lock.target for lock in mine if lock.token >= seen.table.next_token),
            gone=tuple(seen.name(sid) or sid for sid in gone),
        )

    def inherit(self, old: str) -> tuple[str, ...]:
        """Lock anew what the ended session ``old`` had locked and nobody has taken: no delay, it is the same worker."""
        had = [lock for lock in seeing.look(self.coord, None).table.locks if lock.session == old]
        return tuple(lock.target.text for lock in had if self._inherited(lock))

    def _inherited(self, lock: Lock) -> bool:
        return in_turn(self.coord, lambda: self._inherit(lock), "locks")

    def _inherit(self, lock: Lock) -> Plan[bool]:
        me = self.coord.me()
        seen = seeing.look(self.coord, me)
        if lock not in seen.table.locks or lock.token in seen.facts.lapsed:
            return Plan([], False)
        delay = {sid: left for sid, left in seen.facts.delay.items() if sid != lock.session}
        seen = msgspec.structs.replace(seen, facts=msgspec.structs.replace(seen.facts, delay=delay))
        wish = Wish(wants=(lock.target,), mode=lock.mode, ttl=lock.ttl, reason=lock.reason)
        try:
            return Plan(self.take(me, wish, seen).changes, True)
        except Held:
            return Plan([], False)

    def _still(self, me: Loaded[Session], seen: Sight) -> list[Change]:
        """My heartbeat if it is due, provided that I still hold what I was found to hold."""
        beat = self.coord.beat_change(me)
        known = [seen.base] if seen.base is not None else []
        return Tasks.changes(beat[0], self.coord.verify(me, *known)) if beat else []

    def _decide(self, me: Session, wish: Wish, seen: Sight) -> tuple[LockEvent, LockTable]:
        """The event that fulfils ``wish`` and the table after it; asking again with a ttl renews it."""
        now, mark = self.coord.now(), self.coord.boot()
        event: LockEvent = on.Acquire(
            at=now,
            session=me.id,
            wants=wish.wants,
            mode=wish.mode,
            ttl=wish.ttl,
            mark=mark,
            reason=wish.reason,
            task=wish.task,
            claim=wish.claim,
        )
        after = self.step(seen, event)
        if after is seen.table and wish.ttl is not None:
            event = on.Renew(at=now, session=me.id, targets=wish.wants, ttl=wish.ttl, mark=mark)
            after = self.step(seen, event)
        return event, after

    def step(self, seen: Sight, event: LockEvent) -> LockTable:
        """The rule's answer; a refusal gets the holder's name."""
        try:
            return locking.step(seen.base.record if seen.base else None, event, seen.facts)
        except Held as refusal:
            raise seeing.named(refusal, seen) from None

    def _together(self, change: Change, me: Loaded[Session], seen: Sight, gone: Iterable[Lock]) -> list[Change]:
        """``change`` by me: my session verified, my heartbeat if due; holders that are gone expire with it.

        A lock that goes because its claim never came about goes only if the task's record has not moved meanwhile.
        """
        coord = self.coord
        more: list[Sequence[Change]] = [coord.verify(me), coord.beat_change(me)]
        for lock in gone:
            session, verdict = seen.sessions.get(lock.session), seen.verdicts.get(lock.session)
            more.append(coord.expiry_if_dead(session, verdict, me.record.id))
            if lock.task is not None and lock.token in seen.facts.lapsed:
                ref = names.task_ref(lock.task)
                task = coord.records.get(ref, Task)
                more.append([Change(ref, task.oid if task else None, None)])
        return Tasks.changes(change, *more)
