"""How things are timed here: medians of several runs, taken in turn with the floor they are compared to.

Machines are shared and noisy, so every figure stands beside a floor measured in the same run; the ratio is what counts.
Never asserted in tests.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One measurement: ``ms`` is the median; ``floor`` names what it is held against, ``budget`` its limit."""

    name: str
    ms: float
    floor: str = ""
    floor_ms: float = 0.0
    budget: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ms / self.floor_ms if self.floor_ms else None


def once_ms(action: Callable[[], object]) -> float:
    """Wall time of ``action``, done once, in milliseconds."""
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def median_ms(action: Callable[[], object], runs: int = 15, warmup: int = 1) -> float:
    """Median wall time of ``action`` in milliseconds."""
    for _ in range(warmup):
        action()
    return statistics.median(once_ms(action) for _ in range(runs))


def paired_ms(one: Callable[[], object], other: Callable[[], object], runs: int = 15) -> tuple[float, float]:
    """Medians of two actions run in turn, so that drift of the machine hits both alike."""
    one()
    other()
    first: list[float] = []
    second: list[float] = []
    for _ in range(runs):
        for action, times in ((one, first), (other, second)):
            times.append(once_ms(action))
    return statistics.median(first), statistics.median(second)


def command(argv: Sequence[str], cwd: Path, env: dict[str, str] | None = None) -> Callable[[], object]:
    """An action that runs a whole process, discarding what it prints; a failure is an error."""

    def run() -> None:
        subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            check=True,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )

    return run


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""
    lines = [f"{'what':<58} {'ms':>9}  {'floor':<28} {'ratio':>7}  budget"]
    for row in rows:
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        floor = f"{row.floor} {row.floor_ms:.1f}" if row.floor else ""
        lines.append(f"{row.name:<58} {row.ms:>9.2f}  {floor:<28} {ratio:>7}  {row.budget}")
    return "\n".join(lines)
