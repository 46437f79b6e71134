"""A view has each of the task's values in the field of that name, although it is made by position."""

from __future__ import annotations

from gitcoord.coordinator.task_view import task_view
from gitcoord.core.model import Claim, Handoff, Progress, Result, Task
from gitcoord.core.views import TaskView


def test_every_value_is_in_its_field() -> None:
    task = Task(
        id="15",
        title="Fix it",
        body="all of it",
        state="offered",
        priority=1,
        labels=("web",),
        after=("14",),
        claim=Claim(session="s-a", token=7, since="2026-01-01T00:00:00Z"),
        token=8,
        attempts=3,
        branch="coord/15",
        base="main",
        worktrees={"host": "/w"},
        progress=Progress(percent=40, phase="tests", message="on", at="2026-01-02T00:00:00Z", by="s-a"),
        handoff=Handoff(
            from_="s-a", to="s-b", phase="p", next=("n",), context={"k": "v"}, note="x", at="y", rescue="r"
        ),
        result=Result(status="passed", pr="p", commit="c", summary="s", at="t", by="s-a"),
        created_at="2026-01-03T00:00:00Z",
        updated_at="2026-01-04T00:00:00Z",
    )
    view = task_view(task, {"s-a": "ann", "s-b": "bob"}, blocked=("13",), in_force=True, worktree="/w")
    for field in set(TaskView.__struct_fields__) & set(Task.__struct_fields__) - {"claim", "handoff"}:
        assert getattr(view, field) == getattr(task, field), field
    assert (view.blocked_by, view.in_force, view.worktree) == (("13",), True, "/w")
    assert view.claim is not None
    assert (view.claim.session, view.claim.session_name, view.claim.token) == ("s-a", "ann", 7)
    assert view.handoff is not None
    assert (view.handoff.from_, view.handoff.from_name, view.handoff.to_name) == ("s-a", "ann", "bob")
    assert (view.handoff.note, view.handoff.rescue, view.handoff.next) == ("x", "r", ("n",))
