"""Taking back what was done to the lock table: a lock is given back, a lock that was given back is taken again.

Also a claim with locks, which is one operation on two records and goes back in one swap. Loaded by ``undoing``.
"""

from __future__ import annotations

from gitcoord.coordinator import sight as seeing
from gitcoord.coordinator.granting import Granting, Wish
from gitcoord.coordinator.joins import Board
from gitcoord.coordinator.tasks import Tasks
from gitcoord.core import lock_events as on
from gitcoord.core import locking, names
from gitcoord.core.locks import Lock, LockTable
from gitcoord.core.model import Session
from gitcoord.core.undo import cannot
from gitcoord.core.views import EventView
from gitcoord.errors import WrongState
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.history import History
    from gitcoord.coordinator.undoing import Undoing

_LOOK = "git coord locks"


class LockUndo:
    """The ways back, over a Coordinator."""

    def __init__(self, coord: History, undoing: Undoing) -> None:
        self.coord = coord
        self.undoing = undoing

    def take_back(
        self, event: EventView, before: LockTable, after: LockTable, me: Session, board: Board, *, dry_run: bool
    ) -> tuple[Sequence[str], str | None]:
        """What was done, in words, and the task it was about, if any."""
        mine = [lock for lock in after.locks if lock.session == me.id]
        had = [lock for lock in before.locks if lock.session == me.id]
        fresh = [lock for lock in mine if lock.token not in {old.token for old in had}]
        gone = [lock for lock in had if lock.token not in {new.token for new in mine}]
        if fresh and not gone:
            return self._give_back(event, fresh, me, board, dry_run=dry_run)
        if gone and not fresh:
            return [self._take_again(gone, dry_run=dry_run)], None
        raise cannot(event.type, "it changed locks that were held already", _LOOK)

    # -- lock -> unlock -----------------------------------------------------------------------------------------------

    def _give_back(
        self, event: EventView, fresh: Sequence[Lock], me: Session, board: Board, *, dry_run: bool
    ) -> tuple[Sequence[str], str | None]:
        said = f"unlock {', '.join(lock.target.text for lock in fresh)}"
        claimed = next((lock.task for lock in fresh if lock.task is not None), None)
        last = None
        if claimed is not None:
            ref = names.task_ref(claimed)
            chain = self.coord.store.history([board.tasks[claimed].oid], 50) if claimed in board.tasks else {}
            found = self.undoing._operations({ref: next(iter(chain.values()), [])}, me, board)
            last = found[0] if found and found[0].event.type == "claim" else None
        way = self.undoing.way(last, me, board) if last is not None else None

        def decide() -> Plan[None]:
            changes = self._unlocking(fresh)
            if last is not None and way is not None:
                return Plan(Tasks.changes(changes[0], changes[1:], self.undoing.decide(last, way).changes), None)
            return Plan(changes, None)

        self.undoing.turn(decide, "locks", exclusive=False, dry_run=dry_run)
        return [*([way.says] if way is not None else []), said], claimed if way is not None else None

    def _unlocking(self, fresh: Sequence[Lock]) -> list[Change]:
        coord = self.coord
        me = coord.me()
        seen = seeing.look(coord, me)
        tokens = {lock.token for lock in fresh}
        there = [lock for lock in seen.table.locks if lock.token in tokens and lock.session == me.record.id]
        if len(there) != len(fresh):
            raise WrongState("what was locked then is not locked by you any more", hint=_LOOK)
        event = on.Release(at=coord.now(), session=me.record.id, targets=tuple(lock.target for lock in there))
        after = locking.step(seen.table, event, seen.facts)
        subject = f"undo lock {', '.join(lock.target.text for lock in there)} by {me.record.name}"
        change = coord.write(names.LOCKS, seen.base, after, event, subject)
        return Tasks.changes(change, coord.verify(me), coord.beat_change(me))

    # -- unlock -> lock -----------------------------------------------------------------------------------------------

    def _take_again(self, gone: Sequence[Lock], *, dry_run: bool) -> str:
        """As they were: one wish takes one kind. Raises Held where somebody has any of them now."""
        kinds = {(lock.mode, lock.ttl, lock.reason) for lock in gone}
        if len(kinds) != 1:
            raise cannot("unlock", "the locks were of different kinds; lock them again one by one", _LOOK)
        mode, ttl, reason = kinds.pop()
        wish = Wish(wants=tuple(lock.target for lock in gone), mode=mode, ttl=ttl, reason=reason)

        def decide() -> Plan[None]:
            return Plan(Granting(self.coord).take(self.coord.me(), wish).changes, None)

        self.undoing.turn(decide, "locks", exclusive=True, dry_run=dry_run)
        return f"lock {', '.join(lock.target.text for lock in gone)} again"
