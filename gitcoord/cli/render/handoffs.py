"""How offers look."""

from __future__ import annotations

from gitcoord.cli.render import tasks
from gitcoord.cli.render.claims import granted
from gitcoord.cli.render.doc import Doc, Facts, Line, Table, lines
from gitcoord.core.views import TaskView
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.handoffs import Accepted


def offered(task: TaskView) -> Doc:
    to = (task.handoff.to_name or task.handoff.to if task.handoff else None) or "anyone"
    doc = [Line(f"offered {task.id} to {to}")]
    if task.handoff and task.handoff.rescue:
        doc.append(Line(f"uncommitted work is kept in snapshot {task.handoff.rescue[:12]}", indent=1))
    return doc


def listed(found: Sequence[TaskView]) -> Doc:
    if not found:
        return lines("no open offers")
    doc: list[Line | Facts | Table] = []
    for task in found:
        doc.append(Line(f"{task.id}  {task.title}", "head"))
        if task.handoff is not None:
            doc += tasks.offer(task.handoff)
    return doc


def accepted(answer: Accepted) -> Doc:
    words = Line(f"what {answer.handoff.from_} left, in their words:", "head")
    doc = [*granted(answer.grant), words, tasks.said(answer.handoff)]
    if answer.handoff.rescue:
        said = "restored" if answer.restored else "not restored; it is in the snapshot"
        doc.append(Line(f"uncommitted work: {said}", indent=1))
    return doc


def withdrawn(task: TaskView) -> Doc:
    return lines(f"withdrew the offer of {task.id}; it is yours again, token {task.token}")
