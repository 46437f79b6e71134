"""The lock table: its record, and the questions one can ask of it. What may be written into it is in ``locking``.

One record holds every named lock and path reservation, so any set of them is taken or refused as a whole. Whether a
session is live and whether a ttl has passed are facts that the caller brings. Must not know refs, clocks, processes or
sessions' names.
"""

from __future__ import annotations

from gitcoord.core.lock_events import Mode, Target
from gitcoord.core.model import FORMAT, Boot, Process, Struct
from gitcoord.core.pattern import Pattern, first_name, matches_names, names_of, of_path, overlap, parse
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CONFLICT: frozenset[tuple[Mode, Mode]] = frozenset(
    {("exclusive", "exclusive"), ("exclusive", "shared"), ("shared", "exclusive")}
)
"""Pairs of modes that two sessions cannot have on one thing."""


class Lock(Struct, frozen=True, kw_only=True):
    """One lock. Its fencing token is also its id; ``mark`` and ``renewals`` say since when the ttl runs (``left``).

    ``task`` and ``claim``: it was taken together with the claim of that task under that token, and is in force only
    once the task's record has come that far. A swap of two refs that is killed between them leaves the lock alone.
    """

    target: Target
    mode: Mode
    session: str
    token: int
    since: str
    reason: str | None = None
    ttl: float | None = None
    mark: Boot | None = None
    renewals: int = 0
    task: str | None = None
    claim: int | None = None


class Waiter(Struct, frozen=True, kw_only=True):
    """A place in the queue. Served in the order of tickets."""

    ticket: int
    session: str
    wants: tuple[Target, ...]
    mode: Mode
    since: str
    ttl: float
    mark: Boot | None = None
    host: str | None = None
    process: Process | None = None


class LockTable(Struct, frozen=True, kw_only=True):
    """The record at ``refs/coord/locks/table``. Tokens and tickets only ever grow."""

    v: int = FORMAT
    locks: tuple[Lock, ...] = ()
    next_token: int = 1
    waiters: tuple[Waiter, ...] = ()
    next_ticket: int = 1


EMPTY = LockTable()
"""The table before the first lock."""


class Facts(Struct, frozen=True, kw_only=True):
    """What the rules need to know from outside the table.

    ``live``: sessions that count as live. ``delay``: for sessions that do not, and whose death is not proven, seconds
    until what they held may go to others. ``lapsed``: tokens of locks whose ttl has passed. ``over``: tickets whose
    wait is over (time is up, or the waiting process is gone). ``floor``: the highest token ever given, where
    the table itself was lost.
    """

    live: frozenset[str] = frozenset()
    delay: dict[str, float] = {}
    lapsed: frozenset[int] = frozenset()
    over: frozenset[int] = frozenset()
    floor: int = 0


def in_force(lock: Lock, facts: Facts) -> bool:
    """Whether its session may act on it."""
    return lock.session in facts.live and lock.token not in facts.lapsed


def stands(lock: Lock, facts: Facts) -> bool:
    """Whether it keeps others out: while in force, and through the delay after an expiry that was only observed."""
    return in_force(lock, facts) or (lock.token not in facts.lapsed and facts.delay.get(lock.session, 0.0) > 0)


def waits(waiter: Waiter, facts: Facts) -> bool:
    """Whether it still keeps its place: a dead waiter, or one whose wait is over, blocks nobody."""
    return waiter.session in facts.live and waiter.ticket not in facts.over


def left(item: Lock | Waiter, now: Boot | None, seen: float) -> float | None:
    """Seconds of its ttl still to run (0 when it has passed); None without a ttl.

    ``now`` is our running clock; ``seen`` how long we have known this token at this count of renewals (or this ticket),
    used where the clocks cannot be compared: not having seen it for long only delays.
    """
    if item.ttl is None:
        return None
    mark = item.mark
    if mark is not None and now is not None and mark.id == now.id and now.at >= mark.at:
        return max(0.0, item.ttl - (now.at - mark.at))
    return max(0.0, item.ttl - seen)


def concerned(table: LockTable) -> frozenset[str]:
    """The sessions whose life matters to the table: judge these for ``Facts``."""
    return frozenset([lock.session for lock in table.locks] + [waiter.session for waiter in table.waiters])


def displaced(before: LockTable, after: LockTable) -> tuple[Lock, ...]:
    """The locks of ``before`` that are gone in ``after``: given back, upgraded, or taken from one out of force."""
    kept = {lock.token for lock in after.locks}
    return tuple(lock for lock in before.locks if lock.token not in kept)


def own(table: LockTable, session: str, target: Target) -> Lock | None:
    """The lock that ``session`` has on just this target, in force or not."""
    return next((lock for lock in table.locks if lock.session == session and lock.target == target), None)


def rivals(table: LockTable, wants: Iterable[Target], mode: Mode, session: str | None) -> tuple[Lock, ...]:
    """Other sessions' locks, in force or not, that cannot stand beside ``wants`` in ``mode``."""
    asked = tuple(wants)
    return tuple(
        lock
        for lock in table.locks
        if lock.session != session and (lock.mode, mode) in CONFLICT and any(meet(lock.target, it) for it in asked)
    )


def blockers(table: LockTable, wants: Iterable[Target], mode: Mode, session: str, facts: Facts) -> tuple[Lock, ...]:
    """Other sessions' locks that keep ``session`` from having ``wants`` now."""
    return tuple(lock for lock in rivals(table, wants, mode, session) if stands(lock, facts))


def covering(table: LockTable, paths: Iterable[str], session: str | None, facts: Facts) -> list[tuple[str, Lock]]:
    """Which of ``paths`` somebody else's locks in force cover, of either mode: who shares one wants no change either.

    Paths are relative to the top; one that ends in ``/`` is a directory, and covered by a lock on anything in it.
    """
    # By the name that a pattern's paths begin with: of 100 locks and 1,000 paths most pairs never meet.
    near: dict[bytes | None, list[tuple[int, Lock, Pattern]]] = {}
    for lock in table.locks:
        if lock.session != session and lock.target.path is not None and in_force(lock, facts):
            pattern = stored(lock.target.path)
            near.setdefault(first_name(pattern), []).append((lock.token, lock, pattern))
    found = []
    for path in paths if near else ():
        names = names_of(path.removesuffix("/"))
        candidates = [*near.get(None, ()), *(near.get(names[0], ()) if names else ())]
        for _token, lock, pattern in sorted(candidates, key=lambda item: item[0]):
            if overlap(pattern, of_path(path)) if path.endswith("/") else matches_names(pattern, names):
                found.append((path, lock))
    return found


def meet(a: Target, b: Target) -> bool:
    """Whether ``a`` and ``b`` have something in common: the same name, or a path that both patterns match."""
    if a.path is None or b.path is None:
        return a == b
    return a.path == b.path or overlap(stored(a.path), stored(b.path))


def stored(text: str) -> Pattern:
    """The pattern of a record. One that this gitcoord cannot read might match anything, so it matches everything."""
    try:
        return parse(text)
    except Usage:
        return parse("**")
