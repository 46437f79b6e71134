"""Ten thousand live tasks and a hundred sessions: as commands after the first, and in one process after the first."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from gitcoord import Coordinator
from tests.bench.measure import BARE, Action, bare, coord, few, in_turn, median_ms, once_ms
from tests.bench.table import Row, at_most, times
from tests.support import Scratch

COMMANDS = {
    "status": at_most(100),
    "ready": at_most(100),
    "claim --next --no-worktree": at_most(100),
    "task list": at_most(100),
    "task list --json": None,
    "whoami": times(4),
    "log -n 20": None,
    "event note bench": None,
}


def rows(place: Path) -> Iterator[Row]:
    """Filling the queue; each command beside a bare Python; the same verbs in one process."""
    tasks, sessions = few(10_000, 1000), few(100, 20)
    repo = Scratch.create(place / "scale")
    for args in (["init", "--no-hooks"], ["start", "bench"]):
        coord(repo.path, *args)()
    yield _bulk(repo, place / "batch", tasks)
    with Coordinator.open(str(repo.path), os.environ) as crew:
        for number in range(1, sessions):
            crew.wanted = crew.start(f"bench{number}", bind=False).id
            crew.claim(next=True, worktree=False)
    yield from _commands(repo, f"{tasks:,} tasks")  # a hundred of them changed since their refs were packed
    yield from _warm(repo, tasks)


def _bulk(repo: Scratch, batch: Path, tasks: int) -> Row:
    lines = (json.dumps({"title": f"Task number {n}", "id": f"t{n}", "labels": ["x"]}) for n in range(tasks))
    batch.write_text("\n".join(lines))
    took = once_ms(coord(repo.path, "task", "add", "--batch", str(batch)))
    return Row(f"git coord task add --batch, {tasks:,} tasks, durable", took, budget=at_most(20_000))


def _commands(repo: Scratch, where: str) -> Iterator[Row]:
    """The first turn, which is not counted, fills the caches."""
    actions: dict[str, Action] = {BARE: bare(repo.path)}
    taken = in_turn(actions | {words: coord(repo.path, *words.split()) for words in COMMANDS}, runs=11)
    for words, budget in COMMANDS.items():
        yield taken.row(words, BARE, budget, f"git coord {words}, {where}")


def _warm(repo: Scratch, tasks: int) -> Iterator[Row]:
    with Coordinator.open(str(repo.path), os.environ) as coordinator:
        verbs: dict[str, Action] = {
            "status()": coordinator.status,
            "ready()": coordinator.ready,
            "claim(next=True)": lambda: coordinator.claim(next=True, worktree=False),
            "task_list()": coordinator.task_list,
            "whoami()": coordinator.whoami,
        }
        for name, verb in verbs.items():
            first = once_ms(verb)
            ms = median_ms(verb)
            yield Row(f"{name}, {tasks:,} tasks, warm", ms, budget=at_most(10), note=f"the first one: {first:.0f} ms")
