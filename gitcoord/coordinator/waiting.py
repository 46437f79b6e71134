"""Waiting until something holds: the one loop that sleeps, for ``wait``, ``lock --wait``, ``log --follow``, ``watch``.

It looks when refs may have changed (see ``store.pulse``) and, now and then, when nothing has, because time alone
changes things too: a holder falls silent, a lock runs out, a process dies. Waiting is a sign of life, so the waiter's
session is kept alive. Measured: 0.1 % of a core while idle, 0.1 to 0.2 s until a change is seen.
"""

from __future__ import annotations

from gitcoord.coordinator.clock import Clock
from gitcoord.core.lease import Policy
from gitcoord.errors import CoordError, TimedOut
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, Protocol, TypeVar
from gitcoord.store.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

BRISK = 0.1
CALM = 0.2
"""Seconds between two looks at the files: at first, and after ``CALM_AFTER`` seconds."""

CALM_AFTER = 10.0
RECHECK = 2.0
"""Seconds after which the condition itself is looked at again though nothing changed; more where looking is costly."""

_SHARE = 300  # looking again though nothing changed may take 1/300 of the time
_REST = 2  # and looking at all a third, but for looks so long that they were spent waiting for others
_LONGEST_REST = 0.3
_LONGEST_RECHECK = 60.0


class Sleeper(Protocol):
    """What the loop needs of a Coordinator."""

    repo: Repo
    clock: Clock

    @property
    def policy(self) -> Policy: ...
    def keep_alive(self) -> None: ...


def until(
    coord: Sleeper,
    look: Callable[[], T | None],
    prefixes: Sequence[str],
    *,
    timeout: float | None,
    late: Callable[[], TimedOut],
    soon: Callable[[], float | None] = lambda: None,
    beat: bool = True,
) -> T:
    """What ``look`` answers as soon as that is not None. Raises ``late()`` when ``timeout`` seconds are over.

    ``look`` begins its own reading (``coord.begin``); it is called at least once, and a last time at the end.
    ``prefixes``: the refs that it depends on. ``soon``: after a look, in how many seconds time alone will change
    something, where that is known. ``beat``: keep the session alive meanwhile.
    """
    clock = coord.clock
    pulse = Pulse(coord.repo.common, prefixes)
    begun = clock.monotonic()
    end = None if timeout is None else begun + timeout
    beat_at = begun
    while True:
        pulse.changed()  # before looking, so that what changes during the look is news afterwards
        looked = clock.monotonic()
        found = look()
        now = clock.monotonic()
        if found is not None:
            return found
        if end is not None and now >= end:
            raise late()
        if beat and now >= beat_at:
            _beat(coord)
            beat_at = now + coord.policy.interval / 2
        left = [
            _until_next(now - looked, soon()),
            *([beat_at - now] if beat else []),
            *([] if end is None else [end - now]),
        ]
        _rest(clock, min(_LONGEST_REST, (now - looked) * _REST, *left))
        _sleep(clock, pulse, CALM if now - begun > CALM_AFTER else BRISK, now + min(left))


def _until_next(cost: float, soon: float | None) -> float:
    """Seconds until the condition is looked at again though nothing changed; ``cost``: what a look takes."""
    regular = min(_LONGEST_RECHECK, max(RECHECK, cost * _SHARE))
    return regular if soon is None else min(regular, max(BRISK, soon))


def _beat(coord: Sleeper) -> None:
    try:
        coord.keep_alive()
    except CoordError:
        pass  # no session, or one that has ended: whoever waits may do so all the same


def _rest(clock: Clock, seconds: float) -> None:
    """Whatever happens: where there is much to look at and much going on, looking must not become all one does."""
    if seconds > 0:
        clock.sleep(seconds)


def _sleep(clock: Clock, pulse: Pulse, pause: float, end: float) -> None:
    """Until refs may have changed, at most until ``end``."""
    while (now := clock.monotonic()) < end:
        clock.sleep(min(pause, end - now))
        if pulse.changed():
            return
