"""Lock rules: who gets which lock, and who goes first. What no table allows is refused and changes nothing.

* Two locks conflict when they are on the same name, or on patterns that some path matches both of, and one of them is
  exclusive. A session never conflicts with itself.
* A lock is in force while its session is live and its ttl, if it has one, has not passed. One that is out of force
  stands in nobody's way, and goes when somebody takes what it was on.
* The fencing token is one count for the whole table: it grows by one with each lock granted, never on renewal, and is
  never used again.
* Waiters are served in the order of their tickets: nobody is granted what an earlier waiter wants too and could not
  share. A holder's own upgrade does not queue: the waiter waits for that very holder.
"""

from __future__ import annotations

from gitcoord.core import lock_events as on
from gitcoord.core.lock_events import LockEvent, Mode, Target
from gitcoord.core.lock_refusals import behind, held, not_yours
from gitcoord.core.locks import (
    CONFLICT,
    EMPTY,
    Facts,
    Lock,
    LockTable,
    Waiter,
    in_force,
    meet,
    own,
    rivals,
    stands,
    waits,
)
from gitcoord.errors import Ended, Held, Usage, WrongState
from gitcoord.lean import TYPE_CHECKING, Any, Literal, msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WANTS = 100
MAX_LOCKS = 1000
MAX_WAITERS = 200
MAX_REASON = 1000
TTL = (1.0, 30 * 86400.0)
"""Shortest and longest ttl, in seconds."""

GRANT: dict[tuple[Mode | None, Mode], Literal["new", "keep", "upgrade"]] = {
    (None, "shared"): "new",
    (None, "exclusive"): "new",
    ("shared", "shared"): "keep",
    ("shared", "exclusive"): "upgrade",
    ("exclusive", "shared"): "keep",
    ("exclusive", "exclusive"): "keep",
}
"""What asking means to a session that has this mode (or nothing) on the very same target."""


def step(table: LockTable | None, event: LockEvent, facts: Facts) -> LockTable:
    """The table after ``event``; the very same object (``EMPTY`` for None) when there is nothing to change.

    Raises Held, NotHolder, StaleToken, Ended, WrongState or Usage; then nothing has changed.
    """
    before = LockTable(next_token=facts.floor + 1) if table is None else table
    after = _RULES[type(event)](before, event, facts)
    return after if after is not before else table or EMPTY


def _acquire(table: LockTable, event: on.Acquire, facts: Facts) -> LockTable:
    new = _asked(table, event, facts)
    _check_ttl(event.ttl)
    if len(event.reason or "") > MAX_REASON:
        raise Usage(f"the reason is longer than {MAX_REASON} characters")
    others = rivals(table, new, event.mode, event.session)
    obstacle = _obstacle(table, event, new, others, facts)
    if obstacle is not None:
        raise obstacle
    gone = {lock.token for lock in others}  # none of them stands
    gone |= {lock.token for target in new if (lock := own(table, event.session, target)) is not None}
    locks = [lock for lock in table.locks if lock.token not in gone]
    if len(locks) + len(new) > MAX_LOCKS:
        raise WrongState(f"there are {len(locks)} locks already, and at most {MAX_LOCKS}", hint="git coord cleanup")
    locks += [_granted(event, target, table.next_token + place) for place, target in enumerate(new)]
    after = msgspec.structs.replace(table, locks=tuple(locks), next_token=table.next_token + len(new))
    after = _kept(after, waiter=lambda waiter: not _served(after, waiter, event.session, facts))
    return after if new or after.waiters is not table.waiters else table


def _granted(event: on.Acquire, target: Target, token: int) -> Lock:
    return Lock(
        target=target,
        mode=event.mode,
        session=event.session,
        token=token,
        since=event.at,
        reason=event.reason,
        ttl=event.ttl,
        mark=event.mark,
        task=event.task,
        claim=event.claim,
    )


def _asked(table: LockTable, event: on.Acquire | on.Wait, facts: Facts) -> tuple[Target, ...]:
    """What ``event`` asks for that its session does not have yet. Raises Ended or Usage."""
    _must_live(event.session, facts)
    if not 0 < len(event.wants) <= MAX_WANTS:
        raise Usage(f"name 1 to {MAX_WANTS} locks at once, not {len(event.wants)}")
    wants = dict.fromkeys(on.target(it.text, path=it.path is not None) for it in event.wants)
    return tuple(it for it in wants if GRANT[(_mode(table, event.session, it, facts), event.mode)] != "keep")


def _mode(table: LockTable, session: str, target: Target, facts: Facts) -> Mode | None:
    """The mode in which ``session`` has just this target, if it has."""
    lock = own(table, session, target)
    return lock.mode if lock is not None and in_force(lock, facts) else None


def _served(table: LockTable, waiter: Waiter, session: str, facts: Facts) -> bool:
    """Whether ``waiter`` is ``session``'s and has all it waits for."""
    return waiter.session == session and all(
        GRANT[(_mode(table, session, target, facts), waiter.mode)] == "keep" for target in waiter.wants
    )


def _obstacle(
    table: LockTable, event: on.Acquire | on.Wait, new: tuple[Target, ...], others: tuple[Lock, ...], facts: Facts
) -> Held | None:
    """Why ``event``'s session cannot have ``new``, on which ``others`` have locks, now; None when it can."""
    for lock in others:
        if stands(lock, facts):
            return held(lock, next(target for target in new if meet(lock.target, target)), facts)
    queued = [target for target in new if _mode(table, event.session, target, facts) is None]
    for waiter in _ahead(table, event, facts):
        for target in queued:
            if any(meet(target, wanted) for wanted in waiter.wants):
                return behind(waiter, target)
    return None


def _ahead(table: LockTable, event: on.Acquire | on.Wait, facts: Facts) -> list[Waiter]:
    """The waiters that come before ``event``'s session and do not ask in a mode that can be shared with it."""
    mine = (waiter.ticket for waiter in table.waiters if _is_for(waiter, event) and waits(waiter, facts))
    ticket = min(mine, default=table.next_ticket)
    return [
        waiter
        for waiter in table.waiters
        if waiter.ticket < ticket
        and waiter.session != event.session
        and (waiter.mode, event.mode) in CONFLICT
        and waits(waiter, facts)
    ]


def _is_for(waiter: Waiter, event: on.Acquire | on.Wait) -> bool:
    """Whether this place in the queue is good for what ``event`` asks: for all of it, in this mode or a weaker one."""
    return (
        waiter.session == event.session
        and GRANT[(waiter.mode, event.mode)] == "keep"
        and set(event.wants) <= set(waiter.wants)
    )


def _wait(table: LockTable, event: on.Wait, facts: Facts) -> LockTable:
    new = _asked(table, event, facts)
    if not 0 < event.ttl <= TTL[1]:
        raise Usage(f"a wait of {event.ttl:g} s is outside 0 s to {TTL[1]:g} s")
    others = rivals(table, new, event.mode, event.session)
    if _obstacle(table, event, new, others, facts) is None:
        raise WrongState("nothing stands in the way: there is nothing to wait for", hint="git coord lock")
    if any(_is_for(waiter, event) and waits(waiter, facts) for waiter in table.waiters):
        return table
    waiters = tuple(waiter for waiter in table.waiters if waits(waiter, facts))
    if len(waiters) >= MAX_WAITERS:
        raise WrongState(f"{len(waiters)} others wait already: no more than {MAX_WAITERS} can", hint="git coord locks")
    waiter = Waiter(
        ticket=table.next_ticket,
        session=event.session,
        wants=tuple(dict.fromkeys(event.wants)),
        mode=event.mode,
        since=event.at,
        ttl=event.ttl,
        mark=event.mark,
        host=event.host,
        process=event.process,
    )
    return msgspec.structs.replace(table, waiters=(*waiters, waiter), next_ticket=table.next_ticket + 1)


def _leave(table: LockTable, event: on.Leave, facts: Facts) -> LockTable:
    wants = set(event.wants)
    return _kept(
        table,
        waiter=lambda waiter: waiter.session != event.session or (bool(wants) and set(waiter.wants) != wants),
    )


def _renew(table: LockTable, event: on.Renew, facts: Facts) -> LockTable:
    _must_live(event.session, facts)
    _check_ttl(event.ttl)
    mine = _chosen(table, event) or tuple(lock for lock in table.locks if lock.session == event.session)
    tokens = {lock.token for lock in mine if lock.ttl is not None or (event.ttl is not None and event.targets)}
    if not tokens:
        return table
    locks = tuple(_renewed(lock, event) if lock.token in tokens else lock for lock in table.locks)
    return msgspec.structs.replace(table, locks=locks)


def _renewed(lock: Lock, event: on.Renew) -> Lock:
    ttl = lock.ttl if event.ttl is None else event.ttl
    return msgspec.structs.replace(lock, ttl=ttl, mark=event.mark, renewals=lock.renewals + 1)


def _release(table: LockTable, event: on.Release, facts: Facts) -> LockTable:
    if not event.targets:
        raise Usage("name the locks to give back")
    tokens = {lock.token for lock in _chosen(table, event)}
    return _kept(table, lock=lambda lock: lock.token not in tokens)


def _release_all(table: LockTable, event: on.ReleaseAll, facts: Facts) -> LockTable:
    return _kept(
        table,
        lock=lambda lock: lock.session != event.session,
        waiter=lambda waiter: waiter.session != event.session,
    )


def _drop(table: LockTable, event: on.Drop, facts: Facts) -> LockTable:
    tokens = {lapse.token for lapse in event.lapses}
    for lock in table.locks:
        if lock.token in tokens and stands(lock, facts):
            raise held(lock, lock.target, facts)
    return _kept(table, lock=lambda lock: lock.token not in tokens, waiter=lambda waiter: waits(waiter, facts))


def _chosen(table: LockTable, event: on.Release | on.Renew) -> tuple[Lock, ...]:
    """The locks that ``event`` names. Raises NotHolder, or StaleToken where a token shows that it was another grant."""
    if event.tokens and len(event.tokens) != len(event.targets):
        raise Usage("name a token for each lock, or none")
    found = []
    for place, target in enumerate(event.targets):
        token = event.tokens[place] if event.tokens else None
        lock = own(table, event.session, target)
        if lock is None or token not in (None, lock.token):
            raise not_yours(table, target, token)
        found.append(lock)
    return tuple(found)


def _kept(
    table: LockTable,
    lock: Callable[[Lock], bool] = lambda _: True,
    waiter: Callable[[Waiter], bool] = lambda _: True,
) -> LockTable:
    """``table`` with only these locks and waiters; itself when that is all."""
    locks = tuple(item for item in table.locks if lock(item))
    waiters = tuple(item for item in table.waiters if waiter(item))
    if (len(locks), len(waiters)) == (len(table.locks), len(table.waiters)):
        return table
    return msgspec.structs.replace(table, locks=locks, waiters=waiters)


def _must_live(session: str, facts: Facts) -> None:
    if session not in facts.live:
        raise Ended(f"session {session} is not live: it can hold no lock", session=session)


def _check_ttl(ttl: float | None) -> None:
    if ttl is not None and not TTL[0] <= ttl <= TTL[1]:
        raise Usage(f"a ttl of {ttl:g} s is outside {TTL[0]:g} s to {TTL[1]:g} s")


_RULES: dict[type[LockEvent], Callable[[LockTable, Any, Facts], LockTable]] = {
    on.Acquire: _acquire,
    on.Renew: _renew,
    on.Release: _release,
    on.ReleaseAll: _release_all,
    on.Drop: _drop,
    on.Wait: _wait,
    on.Leave: _leave,
}
