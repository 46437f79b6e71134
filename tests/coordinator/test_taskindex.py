"""What is remembered of all tasks between two looks is what a fresh look would find."""

from __future__ import annotations

import os
from collections.abc import Callable

from gitcoord import Coordinator
from gitcoord.core.views import Status, TaskView
from tests.support import Scratch

Shown = tuple[Status, list[TaskView], list[TaskView], list[TaskView]]


def shown(coord: Coordinator) -> Shown:
    """Everything that is joined from all tasks; without what only time moves."""
    return coord.status(), coord.task_list(), coord.task_list(all=True), coord.ready()


def test_a_coordinator_that_looked_before_sees_what_a_new_one_sees(scratch: Scratch) -> None:
    scratch.git("config", "coord.durability", "relaxed")
    with Coordinator.open(str(scratch.path), os.environ) as ann:
        ann.init(hooks=False)
        ann.wanted = ann.start("ann", bind=False).id
        ann.task_add_many([{"title": f"task {number}", "id": f"t{number}"} for number in range(60)])
        with Coordinator.open(str(scratch.path), os.environ, session=ann.wanted) as ben:
            steps: list[Callable[[], object]] = [
                lambda: None,
                lambda: ben.claim("t3", worktree=False),
                lambda: ben.task_edit("t4", title="another", priority=0),
                lambda: ben.task_edit("t5", add_after=["t6"]),
                lambda: ben.claim("new", worktree=False),
                lambda: ben.done("t3"),
                lambda: ben.claim("t6", worktree=False),
                lambda: ben.done("t6"),
                lambda: ben.handoff("new", note="yours"),
                lambda: ben.task_cancel("t7", reason="no"),
                lambda: ben.maintain(older_than=0),
                lambda: ben.task_add("once more", id="t8-again"),
                lambda: scratch.git("pack-refs", "--all"),
            ]
            for number, step in enumerate(steps):
                step()
                with Coordinator.open(str(scratch.path), os.environ, session=ann.wanted) as fresh:
                    assert without_age(shown(ann)) == without_age(shown(fresh)), number


def without_age(found: Shown) -> list[object]:
    status, *lists = found
    sessions = [
        {name: value for name, value in zip(s.__struct_fields__, _values(s), strict=True) if name not in _AGES}
        for s in status.sessions
    ]
    return [status.attention, status.claims, status.counts, status.ready, status.offered, sessions, *lists]


_AGES = ("heartbeat_age", "why")


def _values(struct: object) -> list[object]:
    return [getattr(struct, name) for name in struct.__struct_fields__]  # type: ignore[attr-defined]
