"""All tasks of one moment by id, and who holds which: made once for each state of the refs, however often it is asked.

A view; nothing of it is stored. Must not know how tasks are read.
"""

from __future__ import annotations

from gitcoord.core import queue
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gitcoord.coordinator.records import Loaded
    from gitcoord.core.model import Task
    from gitcoord.core.views import TaskView

_FEW = 100


class TaskIndex:
    """The tasks ``found``, by ref. What it gives out is shared: not to be changed."""

    __slots__ = ("_ordered", "awaited", "found", "held", "plain", "tasks", "views")

    def __init__(self, found: Mapping[str, Loaded[Task]], before: TaskIndex | None = None) -> None:
        self.found = found
        self.tasks: dict[str, Loaded[Task]] = {}
        self.plain: dict[str, Task] = {}
        self.views: dict[str, TaskView] = {}
        """Of tasks whose view shows nothing but their own record, as far as they were asked for."""
        if before is None or not self._go_on(before):
            self.tasks = {item.record.id: item for item in found.values()}
            self.plain = {name: item.record for name, item in self.tasks.items()}
        self._ordered: list[Task] | None = None
        self.held = _holdings(self.plain.values())
        self.awaited = frozenset(name for task in self.plain.values() if task.after for name in task.after)

    def in_order(self) -> list[Task]:
        """The tasks in the order of the queue."""
        if self._ordered is None:
            self._ordered = sorted(self.plain.values(), key=queue.order)
        return self._ordered

    def _go_on(self, before: TaskIndex) -> bool:
        """Take over what there was ``before``, where few tasks are new or changed and none is gone."""
        old = before.found.get
        changed = [item for ref, item in self.found.items() if old(ref) is not item]
        fresh = [item for item in changed if item.record.id not in before.tasks]
        if len(changed) > _FEW or len(before.found) + len(fresh) != len(self.found):
            return False
        self.tasks, self.plain, self.views = before.tasks.copy(), before.plain.copy(), before.views.copy()
        for item in changed:
            name = item.record.id
            self.tasks[name], self.plain[name] = item, item.record
            self.views.pop(name, None)
        return True


def _holdings(tasks: Iterable[Task]) -> dict[str, tuple[str, ...]]:
    """The ids of the tasks that each session holds, by session id; sorted, as a file system lists them in any order."""
    held: dict[str, list[str]] = {}
    for task in tasks:
        if task.claim is not None:
            held.setdefault(task.claim.session, []).append(task.id)
    return {sid: tuple(sorted(ids)) for sid, ids in held.items()}
