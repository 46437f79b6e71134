"""Time and randomness, in one place so that tests can put their own in.

``now`` is the wall clock, for people and records. ``up`` runs on in suspend and decides leases; it means something only
together with ``boot``.
"""

from __future__ import annotations

import os
import time

from gitcoord.git import host
from gitcoord.lean import Protocol


class Clock(Protocol):
    """What the coordinator knows of time, in seconds."""

    def now(self) -> float: ...
    def up(self) -> float: ...
    def boot(self) -> str | None: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
    up = staticmethod(host.uptime)
    boot = staticmethod(host.boot_id)


class Chance(Protocol):
    """Randomness: bytes for names and nonces, a number in [0, 1) for back-off."""

    def bytes(self, count: int) -> bytes: ...
    def random(self) -> float: ...


class SystemChance:
    """The kernel's randomness; the ``random`` module costs 3 ms of import."""

    bytes = staticmethod(os.urandom)

    @staticmethod
    def random() -> float:
        return int.from_bytes(os.urandom(6)) / (1 << 48)
