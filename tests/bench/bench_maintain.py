"""What ten thousand finished tasks cost the user's own Git commands, before and after ``maintain``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gitcoord.coordinator import Coordinator
from gitcoord.core import names
from gitcoord.core import task as rules
from gitcoord.core import task_events as events
from gitcoord.core.model import Task
from tests.bench.measure import command, few, in_turn, once_ms
from tests.bench.table import Budget, Row, times

FINISHED, OPEN = 10_000, 100


def rows(place: Path) -> Iterator[Row]:
    """Fetch, status and log of the user, held against the same repository without gitcoord."""
    upstream, plain, coordinated = place / "maintained.git", place / "plain", place / "coordinated"
    command(["git", "init", "-q", "--bare", str(upstream)], place)()
    command(["git", "init", "-q", str(plain)], place)()
    for name in range(50):
        (plain / f"file{name}").write_text("hello\n")
        command(["git", "add", "."], plain)()
        command(["git", "commit", "-q", "-m", f"commit {name}"], plain)()
    command(["git", "remote", "add", "origin", str(upstream)], plain)()
    command(["git", "push", "-q", "origin", "HEAD:main"], plain)()
    command(["git", "fetch", "-q", "origin"], plain)()
    shutil.copytree(plain, coordinated)
    finished = few(FINISHED, 1000)
    with Coordinator.open(str(coordinated), os.environ) as coord:
        furnish(coord, finished)
        yield from _compared(plain, coordinated, f"{finished:,} tasks, before maintain")
        took = once_ms(lambda: coord.maintain(older_than=0))
    yield Row(f"maintain: {finished:,} tasks folded", took)
    yield from _compared(plain, coordinated, "after maintain", times(1.05))


def _compared(plain: Path, coordinated: Path, when: str, budget: Budget | None = None) -> Iterator[Row]:
    for name, argv in (
        ("fetch", ["git", "fetch", "-q", "origin"]),
        ("status", ["git", "status", "--porcelain"]),
        ("log", ["git", "log", "--oneline", "-n", "20"]),
    ):
        taken = in_turn({"ours": command(argv, coordinated), "without gitcoord": command(argv, plain)}, runs=61)
        yield taken.row("ours", "without gitcoord", budget, f"git {name}, {when}")


def furnish(coord: Coordinator, finished: int = FINISHED, going: int = OPEN) -> None:
    """A repository with many cancelled tasks and some that can be claimed."""
    coord.init(hooks=False)
    coord.wanted = coord.start("bench", bind=False).id
    coord.task_add_many([{"title": f"Task {number}", "id": f"old{number}"} for number in range(finished)])
    tasks, _corrupt = coord.records.all(names.TASKS, Task)
    changes = []
    for base in tasks.values():
        event = events.Cancel(at=coord.now(), session=coord.wanted, reason="done with")
        record = rules.step(base.record, event, rules.Facts())
        changes.append(coord.write(base.ref, base, record, event, f"cancel {base.record.id}"))
    coord.store.swap(changes)
    coord.task_add_many([{"title": f"Task {number}", "id": f"new{number}"} for number in range(going)])
