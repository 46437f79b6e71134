"""How tasks look."""

from __future__ import annotations

from gitcoord.cli.render.doc import Cell, Doc, Facts, Line, Style, Table, lines
from gitcoord.cli.render.words import count, moment
from gitcoord.cli.render.words import listed as in_words
from gitcoord.core.model import Handoff, Progress
from gitcoord.core.views import HandoffView, TaskView
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.batch import Batch

STATES: dict[str, Style] = {
    "pending": "",
    "claimed": "good",
    "offered": "warn",
    "review": "good",
    "done": "dim",
    "failed": "bad",
    "cancelled": "dim",
}


PLAIN = {name: Cell(name, style) for name, style in STATES.items()}
"""The state of a task that hides nothing: made once, as ten thousand may be listed."""


def added(task: TaskView) -> Doc:
    return lines(f"added {task.id}: {task.title}")


def added_many(made: Batch) -> Doc:
    return lines(f"added {count(made.added, 'task')}")


def changed(task: TaskView) -> Doc:
    return lines(f"changed {task.id}: {task.title}")


def cancelled(task: TaskView) -> Doc:
    return lines(f"cancelled {task.id}: {task.title}")


def listed(found: Sequence[TaskView], nothing: str) -> Doc:
    return [table(found)] if found else lines(nothing)


def table(found: Sequence[TaskView]) -> Table:
    """Tasks as a table."""
    return Table(
        ("TASK", "P", "STATE", "HOLDER", "PROGRESS", "LABELS", "TITLE"),
        tuple(
            (
                task.id,
                str(task.priority),
                PLAIN[task.state] if task.claim is None and not task.blocked_by else state_cell(task),
                "-" if task.claim is None and task.handoff is None else holder(task),
                "-" if task.progress is None else progress(task.progress),
                in_words(task.labels) if task.labels else "-",
                task.title,
            )
            for task in found
        ),
        long=6,
    )


def work(found: Sequence[TaskView]) -> Table:
    """Tasks that somebody works on, with all that was said of how far they are."""
    return Table(
        ("TASK", "STATE", "HOLDER", "PROGRESS", "SAID", "TITLE"),
        tuple(
            (
                task.id,
                state_cell(task),
                holder(task),
                said_of(task.progress),
                moment(task.progress.at) if task.progress is not None else "-",
                task.title,
            )
            for task in found
        ),
        long=3,
    )


def said_of(at: Progress | None) -> str:
    """Percent, phase and message."""
    return ": ".join(filter(None, (progress(at), at.message if at is not None else None)))


def state(task: TaskView) -> str:
    """The state, and what it hides: dependencies not done, a holder that is gone."""
    if task.blocked_by and task.state == "pending":
        return "blocked"
    if task.claim is not None and not task.in_force:
        return f"{task.state}, holder gone"
    return task.state


def state_cell(task: TaskView) -> Cell:
    return Cell(state(task), STATES[task.state])


def holder(task: TaskView) -> str:
    if task.claim is not None:
        return task.claim.session_name or task.claim.session
    if task.handoff is not None:
        return f"to {task.handoff.to_name or task.handoff.to or 'anyone'}"
    return "-"


def progress(at: Progress | None) -> str:
    if at is None:
        return "-"
    percent = "" if at.percent is None else f"{at.percent}%"
    return " ".join(filter(None, (percent, at.phase))) or "-"


def details(task: TaskView) -> Doc:
    claim, result = task.claim, task.result
    doc: list[Line | Facts | Table] = [
        Line(f"{task.id}  {task.title}", "head"),
        Facts(
            (
                ("state", state(task)),
                ("holder", f"{holder(task)}, token {claim.token}, since {moment(claim.since)}" if claim else ""),
                ("priority", str(task.priority)),
                ("labels", in_words(task.labels, 50)),
                ("after", in_words(task.after, 50)),
                ("waits for", in_words(task.blocked_by, 50)),
                ("branch", " from ".join(filter(None, (task.branch, task.base)))),
                ("worktree", task.worktree or ""),
                ("progress", _progress_in_full(task.progress)),
                ("attempts", str(task.attempts)),
                ("result", f"{result.status} at {moment(result.at)}" if result else ""),
                ("pull request", (result.pr or "") if result else ""),
                ("commit", (result.commit or "") if result else ""),
                ("summary", (result.summary or "") if result else ""),
                ("created", moment(task.created_at)),
                ("changed", moment(task.updated_at)),
            )
        ),
    ]
    if task.handoff is not None:
        doc += [Line(""), *offer(task.handoff)]
    if task.body:
        doc += [Line(""), *quoted("description", task.body)]
    return doc


def quoted(what: str, text: str) -> Doc:
    """A longer text of somebody's, marked as theirs line by line, so that nothing in it can pass for our own words."""
    lines = text.rstrip("\n").split("\n")
    return [Line(f"{what}, in its author's words:", "head"), *(Line(f"| {line}".rstrip()) for line in lines)]


def _progress_in_full(at: Progress | None) -> str:
    if at is None:
        return ""
    return ", ".join(filter(None, (progress(at).removeprefix("-"), at.message, f"{moment(at.at)} by {at.by}")))


def offer(handoff: HandoffView) -> Doc:
    """All that an offer says."""
    to = handoff.to_name or handoff.to or "anyone"
    return [
        Line(f"offered by {handoff.from_name or handoff.from_} to {to}, {moment(handoff.at)}", "head"),
        said(handoff),
    ]


def said(handoff: HandoffView | Handoff) -> Facts:
    """What the giver had to say."""
    return Facts(
        (
            ("note", handoff.note),
            ("phase", handoff.phase or ""),
            ("next", "\n".join(handoff.next)),
            ("context", "\n".join(f"{key}={value}" for key, value in handoff.context.items())),
            ("snapshot", handoff.rescue or ""),
        )
    )
