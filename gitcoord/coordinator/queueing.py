"""Queueing for locks: a fair order, a deadline, and nobody dead in the way.

The queue is part of the lock table, so its order is decided by the same swap as a grant. Sleeping is ``waiting``'s.
"""

from __future__ import annotations

import os

from gitcoord.coordinator import sight as seeing
from gitcoord.coordinator.granting import Granting, Taken, Wish
from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.sight import Sight
from gitcoord.coordinator.tasks import Tasks
from gitcoord.coordinator.turns import in_turn
from gitcoord.coordinator.waiting import until
from gitcoord.core import lock_events as on
from gitcoord.core import locking, locks, names
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Process, Session
from gitcoord.errors import Contended, CoordError, Held, TimedOut
from gitcoord.git import host
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.sessions import Sessions

GRACE = 5.0
"""Seconds that a place in the queue outlasts its waiter's deadline, so that it is there for the last try."""

CLOSER, EACH = 5.0, 0.25
"""Seconds after which a waiter looks whether those before it still live; and more for each of them."""


class Queueing:
    """Waiting for one's turn, for one Coordinator."""

    def __init__(self, coord: Sessions) -> None:
        self.coord = coord
        self.granting = Granting(coord)
        start = host.pid_start(os.getpid())
        self.process = Process(pid=os.getpid(), start=start, ns=host.pid_ns()) if start is not None else None
        self.looked = 0.0

    def wait(self, wish: Wish, seconds: float) -> Taken:
        """Queue for ``wish`` and take it when it is our turn; however the waiting ends, the queue is left.

        Raises TimedOut.
        """
        refusals: list[Held] = []
        in_queue = False

        def decide() -> Plan[Taken | None]:
            me = self.coord.me()
            seen = seeing.look(self.coord, me)
            try:
                taken = self.granting.take(me, wish, seen)
            except Held as refusal:
                refusals[:] = [refusal]
                return Plan(self._queue(me, wish, seconds, seen), None)
            return Plan(taken.changes, taken)

        def look() -> Taken | None:
            nonlocal in_queue
            if in_queue and not self._may_be_our_turn(wish):
                return None
            in_queue = True  # before the swap: it may go through and we be interrupted before we know
            self.coord.begin(*self.coord.my_refs(), names.LOCKS)
            try:
                return in_turn(self.coord, decide, "locks", exclusive=True)
            except Contended:
                return None

        def late() -> TimedOut:
            return _late(seconds, refusals)

        try:
            return until(self.coord, look, [names.LOCKS_FOLDER], timeout=seconds, late=late)
        except BaseException:
            if in_queue:
                self._leave(wish)
            raise

    def _may_be_our_turn(self, wish: Wish) -> bool:
        """Whether it is worth looking closely: not while others stand before us, unless we have not looked for long.

        Without this every change of a table that many wait for would wake all of them to no purpose (measured, with the
        turns they take at writing: 64 processes pass one lock in 31 s instead of 89 on two busy cores).
        """
        now = self.coord.clock.monotonic()
        if self.process is None:
            return True  # we would not know ourselves in the queue
        self.coord.records.forget()
        found, _corrupt = self.coord.records.all(names.LOCKS_FOLDER, LockTable)
        table = found[names.LOCKS].record if names.LOCKS in found else locks.EMPTY
        ours = [
            it for it in table.waiters if (it.process, it.host, it.wants) == (self.process, self.coord.host, wish.wants)
        ]
        ahead = [
            waiter
            for waiter in table.waiters
            if ours
            and waiter.ticket < ours[0].ticket
            and waiter.session != ours[0].session
            and any(locks.meet(target, other) for target in wish.wants for other in waiter.wants)
        ]
        if ahead and now < self.looked + CLOSER + EACH * len(ahead):
            return False
        self.looked = now
        return True

    def _queue(self, me: Loaded[Session], wish: Wish, seconds: float, seen: Sight) -> list[Change]:
        """The change that puts us in the queue; none when we stand there already."""
        event = on.Wait(
            at=self.coord.now(),
            session=me.record.id,
            wants=wish.wants,
            mode=wish.mode,
            ttl=seconds + GRACE,
            mark=self.coord.boot(),
            host=self.coord.host,
            process=self.process,
        )
        after = self.granting.step(seen, event)
        if after is seen.table:
            return []
        subject = f"wait for {', '.join(target.text for target in wish.wants)} by {me.record.name}"
        change = self.coord.write(names.LOCKS, seen.base, after, event, subject)
        return Tasks.changes(change, self.coord.verify(me), self.coord.beat_change(me))

    def _leave(self, wish: Wish) -> None:
        """Stop waiting. Best effort: a waiter whose process is gone or whose time is up blocks nobody."""

        def decide() -> Plan[None]:
            me = self.coord.find_me()
            base = self.coord.records.get(names.LOCKS, LockTable)
            if me is None or base is None:
                return Plan([], None)
            event = on.Leave(at=self.coord.now(), session=me.record.id, wants=wish.wants)
            after = locking.step(base.record, event, locks.Facts())
            if after is base.record:
                return Plan([], None)
            return Plan([self.coord.write(names.LOCKS, base, after, event, f"{me.record.name} waits no longer")], None)

        try:
            in_turn(self.coord, decide, "locks")
        except CoordError:
            pass  # why the waiting ended matters more


def _late(seconds: float, refusals: Sequence[Held]) -> TimedOut:
    said = f": {refusals[-1].message}" if refusals else ""
    fields = {k: v for refusal in refusals[-1:] for k, v in refusal.fields.items() if k != "retry_after"}
    return TimedOut(f"not granted within {seconds:g} s{said}", hint="git coord locks", **fields)
