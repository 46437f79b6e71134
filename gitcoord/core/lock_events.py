"""What can happen to the lock table: one struct an event, carrying every parameter.

Owns also what a lock is *on*: a ``Target``, which is a name or a path pattern. Events go into the trailer of the commit
they cause, and are replayed through the same rules when clones merge; so they hold no reference to anything outside.
"""

from __future__ import annotations

from gitcoord.core.model import Boot, Process, Struct
from gitcoord.core.pattern import parse
from gitcoord.errors import Usage
from gitcoord.lean import Literal

MAX_NAME = 200
"""Longest lock name, in characters."""

Mode = Literal["exclusive", "shared"]


class Target(Struct, frozen=True, kw_only=True):
    """What a lock is on: a ``name``, or a ``path`` pattern; exactly one of them."""

    name: str | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        if (self.name is None) is (self.path is None):
            raise ValueError("a lock is on a name or on a path pattern")

    @property
    def text(self) -> str:
        """The name or pattern as it was given."""
        return self.path if self.path is not None else self.name or ""


def target(text: str, *, path: bool) -> Target:
    """The target that a user's ``text`` spells, as a pattern when ``path``. Raises Usage."""
    if path:
        return Target(path=parse(text).text)
    if not text or len(text) > MAX_NAME or text != text.strip() or text.startswith("-") or not text.isprintable():
        raise Usage(
            f"{text[:MAX_NAME]!r} is no name for a lock",
            hint=f"1 to {MAX_NAME} printable characters, no '-' in front and no blank at the ends",
        )
    return Target(name=text)


class LockEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of lock events; ``at`` is the author's wall clock, for people."""

    at: str
    nonce: str = ""


class Acquire(LockEvent, frozen=True, kw_only=True, tag="lock"):
    """``session`` takes all of ``wants``, or none. ``ttl`` in seconds, None for as long as the session lives.

    ``mark`` is the author's running clock, by which its machine counts the ttl. ``task`` and ``claim``: taken together
    with the claim of that task under that token, in one swap.
    """

    session: str
    wants: tuple[Target, ...]
    mode: Mode = "exclusive"
    ttl: float | None = None
    mark: Boot | None = None
    reason: str | None = None
    task: str | None = None
    claim: int | None = None


class Renew(LockEvent, frozen=True, kw_only=True, tag="renew-lock"):
    """The ttl of ``targets`` begins anew (none named: of all that have one); ``ttl`` None keeps each one's length."""

    session: str
    targets: tuple[Target, ...] = ()
    tokens: tuple[int, ...] = ()
    ttl: float | None = None
    mark: Boot | None = None


class Release(LockEvent, frozen=True, kw_only=True, tag="unlock"):
    """``session`` gives back all of ``targets``, or none; ``tokens``, where given, are the ones it believes to hold."""

    session: str
    targets: tuple[Target, ...]
    tokens: tuple[int, ...] = ()


class ReleaseAll(LockEvent, frozen=True, kw_only=True, tag="unlock-all"):
    """``session`` gives back every lock it holds and waits for nothing any more."""

    session: str


class Lapse(Struct, frozen=True, kw_only=True):
    """Why one lock is no longer in force, as the one who drops it found: kept in history to settle disputes."""

    token: int
    why: Literal["ttl", "ended", "expired", "dead", "stale", "unclaimed"]
    silent: float | None = None
    boot: Boot | None = None
    host: str | None = None


class Drop(LockEvent, frozen=True, kw_only=True, tag="drop-locks"):
    """Somebody clears away locks that are no longer in force, and waiters that no longer wait."""

    session: str | None = None
    lapses: tuple[Lapse, ...] = ()


class Wait(LockEvent, frozen=True, kw_only=True, tag="wait-lock"):
    """``session`` queues for ``wants`` for at most ``ttl`` seconds; ``process`` is what waits, where it can be told."""

    session: str
    wants: tuple[Target, ...]
    mode: Mode = "exclusive"
    ttl: float
    mark: Boot | None = None
    host: str | None = None
    process: Process | None = None


class Leave(LockEvent, frozen=True, kw_only=True, tag="leave-lock"):
    """``session`` stops waiting for ``wants`` (none named: for anything)."""

    session: str
    wants: tuple[Target, ...] = ()


AnyLockEvent = Acquire | Renew | Release | ReleaseAll | Drop | Wait | Leave
"""For decoding a trailer."""
