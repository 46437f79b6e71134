"""How things are timed here: medians of several runs, taken in turn with the floor they are compared to.

Machines are shared and noisy, so every figure stands beside a floor measured in the same run; the ratio is what counts.
Never asserted in tests.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

quick = False
"""Whether fewer runs and less data are enough: to see that everything works, not to compare."""


@dataclass(frozen=True)
class Row:
    """One measurement: ``floor`` names what it is held against, ``budget`` its limit.

    ``ms`` is the median; None of what is absent.
    """

    name: str
    ms: float | None
    floor: str = ""
    floor_ms: float = 0.0
    budget: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ms / self.floor_ms if self.ms is not None and self.floor_ms else None


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


def in_turn(actions: Mapping[str, Callable[[], object]], runs: int = 15) -> dict[str, float]:
    """Medians of several actions run in turn, by name."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range((5 if quick else runs) + 1):
        for name, action in actions.items():
            took = once_ms(action)
            if turn:
                times[name].append(took)
    return {name: statistics.median(some) for name, some in times.items()}


def cpu_in_turn(
    argvs: Mapping[str, Sequence[str]], cwd: Path, runs: int = 9
) -> tuple[dict[str, float], dict[str, float]]:
    """Medians of wall and of CPU time of several programs run in turn, the processes that they wait for included."""
    wall: dict[str, list[float]] = {name: [] for name in argvs}
    cpu: dict[str, list[float]] = {name: [] for name in argvs}
    for turn in range((3 if quick else runs) + 1):
        for name, argv in argvs.items():
            begun = time.perf_counter()
            child = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            _pid, status, used = os.wait4(child.pid, 0)
            took = (time.perf_counter() - begun) * 1000
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                raise subprocess.CalledProcessError(child.returncode, argv)
            if turn:
                wall[name].append(took)
                cpu[name].append((used.ru_utime + used.ru_stime) * 1000)
    return (
        {name: statistics.median(some) for name, some in wall.items()},
        {name: statistics.median(some) for name, some in cpu.items()},
    )


def absent(name: str, why: str) -> Row:
    """A row for what is not here to be measured."""
    return Row(name, None, budget=why)


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
        took = "absent" if row.ms is None else f"{row.ms:.2f}"
        floor = f"{row.floor} {row.floor_ms:.1f}" if row.floor else ""
        lines.append(f"{row.name:<58} {took:>9}  {floor:<28} {ratio:>7}  {row.budget}")
    return "\n".join(lines)
