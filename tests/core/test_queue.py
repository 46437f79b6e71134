"""The queue's order, readiness and cycles."""

from __future__ import annotations

from gitcoord.core import queue
from gitcoord.core.model import Claim, Task, TaskState


def make(
    name: str, *, priority: int = 2, at: str = "t", after: tuple[str, ...] = (), state: TaskState = "pending"
) -> Task:
    claim = Claim(session="s-aaaaaaaaaa", token=1, since="t") if state == "claimed" else None
    return Task(
        id=name, title=name, priority=priority, after=after, state=state, claim=claim, created_at=at, updated_at=at
    )


def board(*tasks: Task) -> dict[str, Task]:
    return {task.id: task for task in tasks}


def names(tasks: list[Task]) -> list[str]:
    return [task.id for task in tasks]


def unclaimed(task: Task) -> bool:
    return task.claim is None


def test_priority_then_oldest_then_id() -> None:
    tasks = board(make("c"), make("b"), make("old", at="a"), make("urgent", priority=0, at="z"))
    assert names(queue.ready(tasks, unclaimed)) == ["urgent", "old", "b", "c"]


def test_only_tasks_whose_dependencies_are_done() -> None:
    tasks = board(make("a", state="done"), make("b", after=("a",)), make("c", after=("b",)), make("d", after=("?",)))
    assert names(queue.ready(tasks, unclaimed)) == ["b"]
    assert queue.blocked_by(tasks["c"], tasks) == ("b",)
    assert queue.blocked_by(tasks["d"], tasks) == ("?",)


def test_abandoned_work_is_offered_again() -> None:
    tasks = board(make("a", state="claimed"))
    assert queue.ready(tasks, unclaimed) == []
    assert names(queue.ready(tasks, lambda task: True)) == ["a"]


def test_cycles_are_found_with_their_chain() -> None:
    tasks = board(make("a", after=("b",)), make("b", after=("c",)), make("c"))
    assert queue.cycle("c", ("a",), tasks) == ["c", "a", "b", "c"]
    assert queue.cycle("c", ("c",), tasks) == ["c", "c"]
    assert queue.cycle("d", ("a",), tasks) is None
