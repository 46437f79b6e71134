"""What ten thousand finished tasks cost the user's own Git commands, before and after ``maintain``."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from gitcoord.coordinator import Coordinator
from gitcoord.core import names
from gitcoord.core import task as rules
from gitcoord.core import task_events as events
from gitcoord.core.model import Task
from tests.bench.measure import Row, command, paired_ms

FINISHED, OPEN = 10_000, 100


def rows(place: Path) -> list[Row]:
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
    with Coordinator.open(str(coordinated), os.environ) as coord:
        furnish(coord)
        found = _compared(plain, coordinated, "before maintain")
        begun = time.perf_counter()
        made = coord.maintain(older_than=0)
        took = (time.perf_counter() - begun) * 1000
    found.append(Row(f"maintain: {len(made.tasks):,} tasks folded, {made.live} live refs left", took))
    return found + _compared(plain, coordinated, "after maintain", budget="1.05 x")


def _compared(plain: Path, coordinated: Path, when: str, budget: str = "") -> list[Row]:
    found = []
    for name, argv in (
        ("fetch", ["git", "fetch", "-q", "origin"]),
        ("status", ["git", "status", "--porcelain"]),
        ("log", ["git", "log", "--oneline", "-n", "20"]),
    ):
        ours, theirs = paired_ms(command(argv, coordinated), command(argv, plain), runs=31)
        found.append(Row(f"git {name}, {when}", ours, "without gitcoord", theirs, budget))
    return found


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
