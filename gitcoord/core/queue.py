"""The queue: which tasks can be started, in which order. A view; nothing of it is stored.

Order: priority (0 first), then oldest, then id. Ready: pending, or abandoned by a holder that is no longer live, with
every dependency done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from gitcoord.core.model import Task


def order(task: Task) -> tuple[int, str, str]:
    """Sort key of the queue."""
    return (task.priority, task.created_at, task.id)


def blocked_by(task: Task, tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """The dependencies of ``task`` that are not done; an unknown one blocks too."""
    return tuple(name for name in task.after if (found := tasks.get(name)) is None or found.state != "done")


def ready(tasks: Mapping[str, Task], free: Callable[[Task], bool], labels: Sequence[str] = ()) -> list[Task]:
    """What can be claimed now, best first. ``free(task)`` says whether nobody holds it (any more)."""
    wanted = set(labels)
    found = [
        task
        for task in tasks.values()
        if task.state in ("pending", "claimed")
        and (not wanted or wanted.issubset(task.labels))
        and (not task.after or not blocked_by(task, tasks))
        and free(task)
    ]
    return sorted(found, key=order)


def cycle(start: str, after: Iterable[str], tasks: Mapping[str, Task]) -> list[str] | None:
    """The chain of dependencies that leads from ``start`` back to itself if it waited for ``after``, or None."""
    seen: set[str] = set()
    stack = [(name, [start, name]) for name in after]
    while stack:
        name, path = stack.pop()
        if name == start:
            return path
        if name in seen or name not in tasks:
            continue
        seen.add(name)
        stack.extend((following, [*path, following]) for following in tasks[name].after)
    return None
