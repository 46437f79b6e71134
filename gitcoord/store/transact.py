"""The one loop through which everything changes: read, decide, swap, back off, decide again.

Owns retries and their limit, nothing else. ``decide`` does the reading itself, anew every round, so a decision and the
values it expects come from the same read. Must not know what is decided; time and randomness are arguments.
"""

from __future__ import annotations

from gitcoord.errors import Contended
from gitcoord.git import run
from gitcoord.lean import TYPE_CHECKING, Generic, Protocol, TypeVar, msgspec
from gitcoord.store.base import Busy, Change, Lost, RefStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_FIRST = 0.004  # the first pause is 1 to 4 ms: about as long as the winner needs to finish
_LONGEST = 0.128
_FEWEST = 8
"""Tries before it is given up, whatever the time: where thirty processes share two cores, four took two seconds."""


class Clock(Protocol):
    """Time as the loop sees it, in seconds."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Rng(Protocol):
    """A number in [0, 1)."""

    def random(self) -> float: ...


class Plan(msgspec.Struct, Generic[T], frozen=True):
    """What a decision wants changed, and what to answer once that is done. No changes: nothing is written."""

    changes: Sequence[Change]
    result: T


def transact(store: RefStore, decide: Callable[[], Plan[T]], *, clock: Clock, rng: Rng, limit: float = 2.0) -> T:
    """Decide and swap until one swap goes through; the result of the decision that did.

    Whatever ``decide`` raises ends the loop. Raises Contended after ``limit`` seconds of losing, and a few tries;
    nothing was changed then.
    """
    begun = clock.monotonic()
    tries = 0
    while True:
        plan = decide()
        if not plan.changes:
            return plan.result
        try:
            store.swap(plan.changes)
            return plan.result
        except (Lost, Busy) as obstacle:
            tries += 1
            left = begun + limit - clock.monotonic()
            if left <= 0 and tries >= _FEWEST:
                raise _contended(obstacle, tries, clock.monotonic() - begun) from None
        pause = _pause(tries, rng) if left <= 0 else min(left, _pause(tries, rng))
        if run.tracer is not None:
            run.tracer.note("retry", f"{store.kind}: try {tries + 1} after {pause * 1000:.1f} ms")
        clock.sleep(pause)


def _pause(tries: int, rng: Rng) -> float:
    """Doubling, between a quarter and the whole, so that those who collided once do not collide again."""
    longest = min(_LONGEST, _FIRST * (1 << min(tries - 1, 10)))
    return longest * (0.25 + 0.75 * rng.random())


def _contended(obstacle: Lost | Busy, tries: int, took: float) -> Contended:
    """Say what it was: races lost to others who got on, or one lock file in the way."""
    if isinstance(obstacle, Lost):
        return Contended(f"{obstacle.ref} kept changing: {tries} races lost in {took:.0f} s", ref=obstacle.ref)
    if obstacle.path is None:
        return Contended(f"{obstacle.ref} was locked by others for {took:.0f} s ({tries} tries)", ref=obstacle.ref)
    return Contended(
        f"the lock file {obstacle.path} was in the way for {took:.0f} s ({tries} tries)",
        hint="if another git program is at work, let it finish; 'git coord doctor' tells whether the lock is left over",
        ref=obstacle.ref,
        lock=obstacle.path,
    )
