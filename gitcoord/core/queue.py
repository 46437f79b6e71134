"""The queue: which tasks can be started, in which order. A view; nothing of it is stored.

Order: priority (0 first), then oldest, then id. Ready: pending, or abandoned by a holder that is no longer live, with
every dependency done.
"""

from __future__ import annotations

from gitcoord.core.model import Task
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence


def order(task: Task) -> tuple[int, str, str]:
    """Sort key of the queue."""
    return (task.priority, task.created_at, task.id)


def blocked_by(task: Task, tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """The dependencies of ``task`` that are not done; an unknown one blocks too."""
    return tuple(name for name in task.after if (found := tasks.get(name)) is None or found.state != "done")


def ready(tasks: Mapping[str, Task], free: Callable[[Task], bool], labels: Sequence[str] = ()) -> list[Task]:
    """What can be claimed now, best first."""
    return sorted(startable(tasks, free, labels), key=order)


def best(
    tasks: Mapping[str, Task], free: Callable[[Task], bool], labels: Sequence[str], besides: Collection[str], count: int
) -> list[Task]:
    """The first ``count`` of what is ready, without those named ``besides``; cheaper than sorting all of many."""
    found = (task for task in startable(tasks, free, labels) if task.id not in besides)
    if count == 1:
        first = min(found, key=order, default=None)
        return [] if first is None else [first]
    from heapq import nsmallest  # 0.3 ms, and most commands want one

    return nsmallest(count, found, key=order)


def startable(
    tasks: Mapping[str, Task],
    free: Callable[[Task], bool],
    labels: Sequence[str] = (),
    among: Iterable[Task] | None = None,
) -> Iterator[Task]:
    """What of ``among`` (or of all) can be claimed now. ``free(task)`` says whether nobody holds it (any more)."""
    wanted = set(labels)
    for task in tasks.values() if among is None else among:
        if (
            task.state in ("pending", "claimed")
            and (not wanted or wanted.issubset(task.labels))
            and (not task.after or not blocked_by(task, tasks))
            and ((task.claim is None and task.hold is None) or free(task))  # nearly all of many need not be asked about
        ):
            yield task


def cycle(start: str, after: Iterable[str], tasks: Mapping[str, Task]) -> list[str] | None:
    """The chain of dependencies that leads from ``start`` back to itself if it waited for ``after``, or None."""
    came_from = dict.fromkeys(after, start)
    stack = list(came_from)
    while stack and start not in came_from:
        name = stack.pop()
        for following in tasks[name].after if name in tasks else ():
            if following not in came_from:
                came_from[following] = name
                stack.append(following)
    if start not in came_from:
        return None
    chain = [start, came_from[start]]
    while chain[-1] != start:
        chain.append(came_from[chain[-1]])
    return chain[::-1]


def circle(after: Mapping[str, Sequence[str]], new: Collection[str]) -> list[str] | None:
    """Names that wait for each other in a circle, one of ``new`` among them, the first one again at the end; or None.

    In time proportional to the dependencies, however long their chains.
    """
    finished: set[str] = set()
    for start in new:
        path: dict[str, None] = {}  # in order, and quick to look into
        branches = [iter((start,))]
        while branches:
            name = next(branches[-1], None)
            if name is None:
                branches.pop()
                if path:
                    finished.add(path.popitem()[0])
            elif name in path:
                way = list(path)
                found = way[way.index(name) :]
                if any(each in new for each in found):
                    return [*found, name]
            elif name not in finished:
                path[name] = None
                branches.append(iter(after.get(name, ())))
    return None
