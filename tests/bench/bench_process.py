"""In process, warm: what a program that keeps a Coordinator open pays."""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

from gitcoord import Coordinator
from tests.bench.measure import Row, median_ms
from tests.support import Scratch


def rows(place: Path) -> list[Row]:
    """Claim, release and status with a warm Coordinator on libgit2, durability relaxed and full."""
    found = []
    for durability in ("relaxed", "fsync"):
        repo = Scratch.create(place / f"process-{durability}")
        repo.git("config", "coord.durability", durability)
        with Coordinator.open(str(repo.path), os.environ) as coord:
            coord.init(hooks=False)
            coord.start("bench")
            budget = "≤ 1.5" if durability == "relaxed" else ""
            found.append(
                Row(f"claim of a new task, in process, {durability}", median_ms(_claims(coord), 300), budget=budget)
            )
            if durability == "relaxed":
                found += _thousand(coord)
    return [*found, _reaction(place)]


def _reaction(place: Path) -> Row:
    """From the start of a write until a waiter has seen it."""
    repo = Scratch.create(place / "reaction")
    times = []
    with Coordinator.open(str(repo.path), os.environ) as ben:
        ben.init(hooks=False)
        sid = ben.start("ann").id
        for number in range(7):
            ben.task_add("x", id=f"t{number}")
            begun: list[float] = []

            def write(name: str = f"t{number}", begun: list[float] = begun) -> None:
                with Coordinator.open(str(repo.path), os.environ, session=sid) as ann:
                    begun.append(time.perf_counter())
                    ann.claim(name, worktree=False)

            timer = Timer(0.3, write)
            timer.start()
            ben.wait_task(f"t{number}", states=["claimed"], timeout=20)
            times.append((time.perf_counter() - begun[0]) * 1000)
            timer.join()
    return Row("a wait sees another's change", statistics.median(times), budget="< 500")


def _claims(coord: Coordinator) -> Callable[[], object]:
    numbers = itertools.count()
    return lambda: coord.claim(f"t{next(numbers)}", worktree=False)


def _thousand(coord: Coordinator) -> list[Row]:
    for number in range(1000 - len(coord.task_list(all=True))):
        coord.task_add(f"Task {number}", id=f"more-{number}")
    first = median_ms(coord.status, runs=1, warmup=0)
    return [
        Row("status of 1,000 tasks, in process, first", first),
        Row("status of 1,000 tasks, in process, after the first", median_ms(coord.status, 20), budget="≤ 20"),
    ]
