"""How claims and what becomes of them look."""

from __future__ import annotations

from gitcoord.cli.render.doc import Doc, Line, lines
from gitcoord.cli.render.tasks import progress
from gitcoord.cli.render.words import listed as in_words
from gitcoord.core.views import Grant, TaskView
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.holding import Finished


def granted(grant: Grant) -> Doc:
    """One line on the grant, one on where to work."""
    task = grant.task
    doc = [Line(_granted(grant))]
    if task.worktree:
        doc.append(Line(f"worktree {task.worktree}" + (f", branch {task.branch}" if task.branch else ""), indent=1))
    if grant.locks:
        doc.append(Line(f"locked {in_words((lock.name or lock.path or '' for lock in grant.locks), 20)}", indent=1))
    return doc


def _granted(grant: Grant) -> str:
    task = grant.task
    who = (task.claim.session_name or task.claim.session) if task.claim else "?"
    if not grant.changed:
        return f"{task.id} is yours already, as {who}, token {task.token}"
    said = f"claimed {task.id} as {who}, token {task.token}"
    if grant.taken_from:
        said += f", taken from {grant.taken_from_name or grant.taken_from}, who is gone"
    if grant.created:
        said += " (a new task)"
    return said if grant.guarantee != "provisional" else f"{said}; provisional until the hub agrees"


def progressed(task: TaskView) -> Doc:
    return lines(f"{task.id}: {progress(task.progress)}")


def released(task: TaskView) -> Doc:
    return lines(f"released {task.id}; it is free again")


def finished(answer: Finished) -> Doc:
    task = answer.task
    status = task.result.status if task.result else task.state
    doc = [Line(f"{task.id} is {task.state}: {status}")]
    if answer.worktree_removed:
        doc.append(Line(f"removed its worktree {answer.worktree or ''}", indent=1))
    elif answer.removable:
        doc.append(Line(f"its worktree can go: git coord worktree remove {task.id}", indent=1))
    return doc
