"""A simulated machine's own idea of time, and the chance that its coordinator is given."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.sync.sim_truth import SKEW

if TYPE_CHECKING:
    from tests.sync.simulation import World

YEAR = 365 * 86400.0


class NodeClock:
    """A machine's clocks: they run at their own rate, and the wall clock says anything."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._rate = world.rng.uniform(1 / SKEW**0.5, SKEW**0.5)
        self._zero = world.time - world.rng.uniform(100.0, 1e5)
        self._name = number
        self._boots = 0
        self.wall = 1_800_000_000.0 + world.rng.choice([0.0, 0.0, 3600.0, -10 * YEAR, 10 * YEAR])

    def now(self) -> float:
        return self.wall + self.up()

    def up(self) -> float:
        return (self._world.time - self._zero) * self._rate

    monotonic = up

    def boot(self) -> str:
        return f"{self._name:08x}-0000-0000-0000-{self._boots:012x}"

    def sleep(self, seconds: float) -> None:
        self._world.time += seconds / self._rate

    def reboot(self) -> None:
        self._boots += 1
        self.wall += self.up()
        self._zero = self._world.time - 20.0


class Dice:
    """The coordinator's randomness."""

    def __init__(self, rng: Random) -> None:
        self.random = rng.random
        self.bytes = rng.randbytes
