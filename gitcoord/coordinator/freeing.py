"""Locks that go without ``unlock``: at the end of their session, in a clean-up, with a claim that failed.

Nothing here is needed for correctness: what is no longer in force is free without it.
"""

from __future__ import annotations

from gitcoord.coordinator import sight as seeing
from gitcoord.coordinator.sight import Sight
from gitcoord.core import lock_events as on
from gitcoord.core import locking, locks, names
from gitcoord.core.lock_events import Lapse, Target
from gitcoord.core.locks import Facts, Lock, LockTable
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING, Literal
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitcoord.coordinator.joins import Joins


def at_end(coord: Joins, sid: str, name: str) -> list[Change]:
    """The change that gives back all that a session holds and waits for; none where there is nothing."""
    try:
        base = coord.records.get(names.LOCKS, LockTable)
    except CoordError:
        return []  # a table that cannot be read must not keep a session from ending
    if base is None:
        return []
    event = on.ReleaseAll(at=coord.now(), session=sid)
    after = locking.step(base.record, event, Facts())
    if after is base.record:
        return []
    return [coord.write(names.LOCKS, base, after, event, f"unlock all of {name}: its session ended")]


def lapsed(seen: Sight) -> list[Lock]:
    """The locks that keep nobody out, and never will again: no session comes back from an end that is written down."""
    return [
        lock
        for lock in seen.table.locks
        if not locks.stands(lock, seen.facts) and (lock.token in seen.facts.lapsed or not seen.goes_on(lock.session))
    ]


def sweep(coord: Joins) -> tuple[str, ...]:
    """Drop what is no longer in force, waiters included; what the locks were on."""

    def decide() -> Plan[tuple[str, ...]]:
        seen = seeing.look(coord, None)
        gone = lapsed(seen)
        me = coord.find_me()
        event = on.Drop(
            at=coord.now(),
            session=me.record.id if me else None,
            lapses=tuple(_lapse(coord, seen, lock) for lock in gone),
        )
        after = locking.step(seen.table, event, seen.facts)
        if after is seen.table:
            return Plan([], ())
        texts = tuple(lock.target.text for lock in gone)
        subject = f"drop {', '.join(texts) or 'waiters'}: no longer in force"
        return Plan([coord.write(names.LOCKS, seen.base, after, event, subject)], texts)

    return coord.transact(decide)


def _lapse(coord: Joins, seen: Sight, lock: Lock) -> Lapse:
    verdict = seen.verdicts.get(lock.session)
    why: Literal["ttl", "ended", "expired"] = "ttl"
    if not seen.goes_on(lock.session):
        why = "expired" if verdict is not None and verdict.shown == "expired" else "ended"
    silent = verdict.silent if verdict is not None else None
    return Lapse(token=lock.token, why=why, silent=silent, boot=coord.boot(), host=coord.host)


def give_back(coord: Joins, targets: Iterable[Target]) -> None:
    """Give back what was locked together with a claim that failed. Never fails: it ends with the session anyhow."""
    wanted = set(targets)

    def decide() -> Plan[None]:
        me = coord.find_me()
        base = coord.records.get(names.LOCKS, LockTable)
        if me is None or base is None:
            return Plan([], None)
        mine = tuple(
            lock.target for lock in base.record.locks if lock.session == me.record.id and lock.target in wanted
        )
        if not mine:
            return Plan([], None)
        event = on.Release(at=coord.now(), session=me.record.id, targets=mine)
        after = locking.step(base.record, event, Facts())
        subject = f"unlock {', '.join(target.text for target in mine)} by {me.record.name}"
        return Plan([coord.write(names.LOCKS, base, after, event, subject)], None)

    try:
        coord.transact(decide)
    except CoordError:
        pass  # the failure of the claim itself is what matters
