"""Locks, shared data and guards: in process and warm, as commands, and what a commit pays for its guard."""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gitcoord import Coordinator
from gitcoord.git import hooks
from tests.bench.measure import Row, command, median_ms, paired_ms
from tests.hooks.support import EMPTY, write_hook
from tests.support import Scratch, coord_argv

ROUNDS = 40
FLOOR = "empty hook"


def rows(place: Path) -> list[Row]:
    """Everything about locks and data."""
    return [*_warm(place), *_table(place), *_commands(place), *_commits(place)]


def _warm(place: Path) -> list[Row]:
    repo = Scratch.create(place / "patterns")
    found = []
    for durability in ("relaxed", "fsync"):
        repo.git("config", "coord.durability", durability)
        with Coordinator.open(str(repo.path), os.environ) as coord:
            coord.init(hooks=False)
            coord.start("bench", bind=False)
            coord.wanted = coord.sessions()[0].id
            actions: dict[str, Callable[[], object]] = {
                "lock + unlock of a name": _lock_unlock(coord, "db"),
                "set": partial(coord.set, "s:x", "k", 1),
                "incr": partial(coord.incr, "s:x", "n"),
                "get": partial(coord.get, "s:x", "k"),
            }
            for name, action in actions.items():
                found.append(Row(f"{name}, in process, {durability}", median_ms(action, 200)))
    return found


def _lock_unlock(coord: Coordinator, what: str) -> Callable[[], object]:
    def both() -> None:
        coord.lock([what])
        coord.unlock([what])

    return both


def _table(place: Path) -> list[Row]:
    """A table of 100 path locks, and 1,000 staged files that none of them covers."""
    repo = Scratch.create(place / "guarded")
    repo.git("config", "coord.durability", "relaxed")
    with Coordinator.open(str(repo.path), os.environ) as coord:
        coord.init(hooks=False)
        coord.wanted = coord.start("holder", bind=False).id
        coord.lock([f"locked{number}/**/*.c" for number in range(100)])
    for number in range(1000):
        target = repo.path / f"dir{number % 20}" / f"file{number}.c"
        target.parent.mkdir(exist_ok=True)
        target.write_text("x")
    repo.git("add", ".")
    with Coordinator.open(str(repo.path), os.environ) as coord:
        coord.wanted = coord.start("other", bind=False).id
        assert coord.guard_commit() == []
        numbers = itertools.count()
        return [
            Row(
                "guard: 100 path locks, 1,000 staged files, in process",
                median_ms(coord.guard_commit, 20),
                budget="≤ 40",
            ),
            Row("lock + unlock of a pattern beside 100 others", median_ms(_lock_unlock(coord, "free/**"), 50)),
            Row("check of one path against 100 locks", median_ms(lambda: coord.check([f"x{next(numbers)}"]), 50)),
        ]


def _commands(place: Path) -> list[Row]:
    repo = Scratch.create(place / "commands")
    repo.coord("init", "--no-hooks")
    repo.coord("start", "bench")
    floor = command([sys.executable, "-c", "pass"], repo.path)
    found = []
    for argv in (["lock", "db"], ["check", "README.md"], ["set", "s:x", "k", "v"], ["get", "s:x", "k"]):
        took, least = paired_ms(command(coord_argv(*argv), repo.path), floor)
        found.append(Row(f"git coord {' '.join(argv)}", took, "python3 -c pass", least))
    took, least = paired_ms(command(coord_argv("hook", "guard", "pre-commit"), repo.path), floor)
    found.append(Row("git coord hook guard pre-commit, nothing locked", took, "python3 -c pass", least))
    return found


class _Commits:
    """A claimed worktree in which commits are made, with other hooks each time."""

    def __init__(self, place: Path) -> None:
        repo = Scratch.create(place / "commits")
        launcher = write_hook(place / "launcher", f'#!/bin/sh\nexec "{sys.executable}" -m gitcoord "$@"\n')
        self.coord = Coordinator.open(str(repo.path), os.environ)
        self.coord.init(hooks=False)
        hooks.install(self.coord.repo, hooks.hook_source(), str(launcher))
        self.coord.wanted = self.coord.start("worker", bind=False).id
        grant = self.coord.claim("15")
        self.other = Coordinator.open(str(repo.path), os.environ)
        self.other.wanted = self.other.start("other", bind=False).id
        self.tree = Scratch(Path(grant.task.worktree or ""))
        self.hook = Path(self.coord.repo.common) / "hooks" / "pre-commit"
        self.script = (Path(hooks.hook_source()) / "pre-commit").read_bytes()
        self.commit = command(["git", "commit", "-q", "--allow-empty", "-m", "x"], self.tree.path)

    def empty(self) -> None:
        write_hook(self.hook, EMPTY)

    def known(self) -> None:
        write_hook(self.hook, self.script)

    def changed(self) -> None:
        self.coord.progress("15", percent=50)

    def no_note(self) -> None:
        self.other.lock(["deploy"])
        self.other.unlock()

    def locked(self) -> None:
        self.other.lock(["src/**"])


def _commits(place: Path) -> list[Row]:
    """Each round makes one commit in every state, so that what else the machine does falls on all alike."""
    bench = _Commits(place)
    states: list[tuple[str, Callable[[], None], str]] = [
        (FLOOR, bench.empty, ""),
        ("the guard, nothing changed since", bench.known, "floor + 10 ms"),
        ("the guard, the claim's record changed", bench.changed, "floor + 10 ms"),
        ("the guard, the lock table changed", bench.no_note, "floor + 10 ms"),
        ("the guard, paths of others locked", bench.locked, ""),
    ]
    times: dict[str, list[float]] = {name: [] for name, _prepare, _budget in states}
    for _ in range(ROUNDS):
        for name, prepare, _budget in states:
            prepare()
            if name == "the guard, nothing changed since":
                bench.commit()
            begun = time.perf_counter()
            bench.commit()
            times[name].append((time.perf_counter() - begun) * 1000)
        bench.other.unlock()
    floor = statistics.median(times[FLOOR])
    return [
        Row(f"git commit, {name}", statistics.median(times[name]), FLOOR, floor, budget)
        for name, _prepare, budget in states
    ]
