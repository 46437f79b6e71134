"""The refusals of the lock rules in words and fields: who holds it, since when, why, and what to do.

Changes together with ``locking``, which decides when each is due.
"""

from __future__ import annotations

from gitcoord.core.lock_events import Target
from gitcoord.core.locks import Facts, Lock, LockTable, Waiter, in_force, stored
from gitcoord.core.pattern import witness
from gitcoord.errors import Held, NotHolder, Refused, StaleToken
from gitcoord.lean import Any


def held(lock: Lock, wanted: Target, facts: Facts) -> Held:
    """The refusal that names the holder and, for patterns, a path that both match."""
    fields = {**_holder(lock), "reason": lock.reason, "mode": lock.mode, "wanted": wanted.text}
    message = f"'{lock.target.text}' is locked by {lock.session}"
    if lock.target.path is not None and wanted.path is not None:
        fields["witness"] = witness(stored(lock.target.path), stored(wanted.path))
        if lock.target != wanted:
            message += f", and '{wanted.text}' overlaps it: both match {fields['witness']}"
    if lock.reason:
        message += f" ({lock.reason})"
    if in_force(lock, facts):
        return Held(message, hint="wait for it with --wait, or see who holds what with 'git coord locks'", **fields)
    seconds = facts.delay.get(lock.session, 0.0)
    message += f"; that session fell silent, and the lock becomes free in {seconds:.0f} s"
    return Held(message, hint="try again then", **fields, retry_after=round(seconds, 1))


def behind(waiter: Waiter, wanted: Target) -> Held:
    """The refusal of what is free, or soon will be, but goes to somebody who asked earlier."""
    return Held(
        f"'{wanted.text}' goes first to {waiter.session}, which has waited for it since {waiter.since}",
        hint="wait for your turn with --wait",
        holder=waiter.session,
        token=None,
        since=waiter.since,
        reason=None,
        name=wanted.text,
        mode=waiter.mode,
        wanted=wanted.text,
        waiting=True,
    )


def _holder(lock: Lock | None) -> dict[str, Any]:
    if lock is None:
        return {"holder": None, "token": None, "since": None}
    return {"name": lock.target.text, "holder": lock.session, "token": lock.token, "since": lock.since}


def not_yours(table: LockTable, wanted: Target, token: int | None) -> Refused:
    """The refusal to give back or renew what is not held, or not any more."""
    fields = {**_holder(next((lock for lock in table.locks if lock.target == wanted), None)), "name": wanted.text}
    if token is not None:
        return StaleToken(f"your token {token} for the lock '{wanted.text}' is no longer valid", **fields)
    return NotHolder(f"you do not hold the lock '{wanted.text}'", hint="git coord locks", **fields)
