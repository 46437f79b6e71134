"""The one-shot verbs as commands: whole processes from start to exit, against a Python that does nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import BARE, Action, bare, command, coord, few, in_turn
from tests.bench.table import Row, times
from tests.support import Scratch

VERBS = [
    "whoami",
    "heartbeat",
    "claim TASK --no-worktree",
    "progress TASK 40",
    "set issue:15 phase review",
    "get issue:15 phase",
    "lock deploy",
    "check README.md",
    "unlock deploy",
    "release TASK --reason later",
    "claim --next --no-worktree",
    "done TASK",
]
"""One turn is one day of work: claimed, given back, claimed again as the next one, done."""


def rows(place: Path) -> Iterator[Row]:
    """Every verb of one turn beside the floor, then a claim with its worktree against ``git worktree add``."""
    repo = _signed_on(place / "commands")
    task = {"number": 0}

    def verb(words: str) -> Action:
        def run() -> None:
            task["number"] += words.startswith("claim TASK")
            coord(repo.path, *words.replace("TASK", f"t{task['number']}").split())()

        return run

    taken = in_turn({BARE: bare(repo.path), **{words: verb(words) for words in VERBS}})
    yield taken.row(BARE)
    for words in VERBS:
        yield taken.row(words, BARE, times(4), f"git coord {words}")
    yield from _worktree(place)


def _signed_on(path: Path) -> Scratch:
    repo = Scratch.create(path)
    coord(repo.path, "init", "--no-hooks")()
    coord(repo.path, "start", "bench")()
    return repo


def _worktree(place: Path) -> Iterator[Row]:
    """What making a worktree adds to a claim is held against Git's own command for it."""
    files = few(2000, 200)
    repo = _signed_on(place / "worktrees")
    repo.commit("many files", {f"dir{number % 40}/file{number}.txt": f"{number}\n" * 20 for number in range(files)})
    numbers = itertools.count()

    def plain() -> None:
        name = f"plain{next(numbers)}"
        command(["git", "worktree", "add", "-q", "-b", name, f"../{name}"], repo.path)()

    floor = f"git worktree add, {files:,} files"
    taken = in_turn(
        {
            floor: plain,
            "with": lambda: coord(repo.path, "claim", f"w{next(numbers)}")(),
            "without": lambda: coord(repo.path, "claim", f"n{next(numbers)}", "--no-worktree")(),
        },
        runs=9,
    ).taken
    added = taken["with"].ms - taken["without"].ms
    name = "what the worktree adds to git coord claim"
    yield Row(floor, taken[floor].ms, cpu=taken[floor].cpu)
    yield Row(name, added, floor="git worktree add", floor_value=taken[floor].ms, budget=times(1.3))
