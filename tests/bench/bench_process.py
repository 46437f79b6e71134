"""In one process, warm: what a program that keeps a Coordinator open pays; and what waiting costs."""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Timer

from gitcoord import Coordinator
from tests.bench.measure import GIT_COORD, Action, command, cpu_ms, few, in_turn, median_ms
from tests.bench.table import Row, at_most
from tests.support import Scratch


def rows(place: Path) -> Iterator[Row]:
    """The small verbs, durability relaxed and full; a waiter's reaction; a waiter's idleness."""
    for durability, floor in (("relaxed", "a file replaced"), ("fsync", "a file replaced, fsync")):
        repo = Scratch.create(place / durability)
        repo.git("config", "coord.durability", durability)
        with Coordinator.open(str(repo.path), os.environ) as coord:
            coord.init(hooks=False)
            coord.start("bench")
            verbs = {floor: _replaced(place / "file", durability == "fsync"), **_verbs(coord)}
            taken = in_turn(verbs, runs=100)
            yield taken.row(floor)
            for name in list(verbs)[1:]:
                budget = at_most(1.5) if (name, durability) == ("claim of a new task", "relaxed") else None
                yield taken.row(name, floor, budget, f"{name}, in process, {durability}")
            _crowd_the_table(coord)
            ms = median_ms(_lock_unlock(coord, "free/**"), 50)
            yield Row(f"lock + unlock of a pattern beside 100 of others, {durability}", ms)
    yield _reaction(place)
    yield _idle(place)


def _replaced(path: Path, durable: bool) -> Action:
    """The least that a change on this disk takes, done as refs are: a new file renamed over the old one."""
    new = path.with_suffix(".lock")

    def replace() -> None:
        with new.open("wb") as file:
            file.write(b"x" * 41)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        new.replace(path)

    return replace


def _verbs(coord: Coordinator) -> dict[str, Action]:
    numbers = itertools.count()
    return {
        "claim of a new task": lambda: coord.claim(f"t{next(numbers)}", worktree=False),
        "lock + unlock of a name": _lock_unlock(coord, "db"),
        "set": partial(coord.set, "s:x", "k", 1),
        "incr": partial(coord.incr, "s:x", "n"),
        "get": partial(coord.get, "s:x", "k"),
    }


def _lock_unlock(coord: Coordinator, what: str) -> Action:
    def both() -> None:
        coord.lock([what])
        coord.unlock([what])

    return both


def _crowd_the_table(coord: Coordinator) -> None:
    mine, coord.wanted = coord.whoami().id, coord.start("other", bind=False).id
    coord.lock([f"locked{number}/**/*.c" for number in range(100)])
    coord.wanted = mine


def _reaction(place: Path) -> Row:
    """From the start of a write until a waiter has seen it."""
    repo = Scratch.create(place / "reaction")
    times = []
    with Coordinator.open(str(repo.path), os.environ) as ben:
        ben.init(hooks=False)
        sid = ben.start("ann").id
        for number in range(few(7, 3)):
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
    return Row("a wait sees another's change", statistics.median(times), budget=at_most(500))


def _idle(place: Path) -> Row:
    """CPU time of waiting: the difference between waiting long and hardly at all, a second."""
    repo = Scratch.create(place / "idle")
    command([GIT_COORD, "init", "--no-hooks"], repo.path)()
    long = few(10, 3)

    def spent(timeout: str) -> float:
        before = cpu_ms()
        command([GIT_COORD, "wait", "task", "none", "--timeout", timeout], repo.path, codes=(1,))()
        return cpu_ms() - before

    idle = (min(spent(f"{long}s") for _ in range(2)) - min(spent("0s") for _ in range(3))) / long
    return Row("CPU of an idle git coord wait, a second", idle, budget=at_most(10))
