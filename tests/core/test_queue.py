"""The queue's order, readiness and cycles."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

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


def test_a_circle_is_found_among_new_ones_however_it_leads_through_old_ones() -> None:
    old = {"a": ("b",), "b": ("new",), "c": ("d",), "d": ("c",)}
    assert queue.circle({**old, "new": ("a",)}, {"new"}) == ["new", "a", "b", "new"]
    assert queue.circle({"x": ("x",)}, {"x"}) == ["x", "x"]
    assert queue.circle({"x": ("y",), "y": ("z",), "z": ()}, {"x", "y"}) is None


def test_a_circle_that_was_there_before_is_not_the_new_ones_fault() -> None:
    old = {"c": ("d",), "d": ("c", "x")}
    assert queue.circle({**old, "new": ("c", "x")}, {"new"}) is None
    assert queue.circle({**old, "x": ("c",)}, {"x"}) is not None


def test_chains_of_any_length_are_followed_in_no_time() -> None:
    after = {str(number): (str(number - 1),) for number in range(50_000)}
    assert queue.circle(after, after.keys()) is None
    assert queue.circle({**after, "-1": ("49999",)}, after.keys()) is not None
    tasks = board(*(make(str(number), after=(str(number - 1),)) for number in range(5_000)))
    assert queue.cycle("-1", ("4999",), tasks) is not None


graphs = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3).map(tuple))


@given(graphs, st.sets(st.sampled_from("abcdef")))
def test_circles_are_those_that_following_every_way_finds(after: dict[str, tuple[str, ...]], new: set[str]) -> None:
    def leads_back(name: str) -> bool:
        seen: set[str] = set()
        left = list(after.get(name, ()))
        while left:
            at = left.pop()
            if at == name:
                return True
            if at not in seen:
                seen.add(at)
                left += after.get(at, ())
        return False

    found = queue.circle(after, new)
    assert (found is not None) == any(map(leads_back, new))
    if found is not None:
        assert found[0] == found[-1]
        assert new.intersection(found)
        assert all(second in after[first] for first, second in pairwise(found))
    for name in sorted(new):
        tasks = board(*(make(each, after=others) for each, others in after.items() if each != name))
        assert (queue.cycle(name, after.get(name, ()), tasks) is not None) == leads_back(name)
