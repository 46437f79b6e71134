"""What the task rules say when they refuse: who holds it, which token is current, and one safe next command."""

from __future__ import annotations

from gitcoord.core.model import Task
from gitcoord.core.task_events import Add, Finish, Offer, Place, Release, Renew, Report, TaskEvent
from gitcoord.errors import CoordError, Exists, Held, NotFound, NotHolder, StaleToken, WrongState
from gitcoord.lean import Any


def wait_out(task: Task, seconds: float) -> None:
    """Raises Held while a lock delay still runs."""
    if seconds > 0:
        raise Held(
            f"task {task.id} becomes free in {seconds:.0f} s: its former holder may still have work under way",
            hint="try again then, or pick other work with 'git coord ready'",
            **holder_fields(task),
            retry_after=round(seconds, 1),
        )


def must_hold(task: Task, event: TaskEvent) -> None:
    """Raises StaleToken or NotHolder unless the event's author holds the task, with the token it says it has."""
    claim = task.claim
    if claim is not None and claim.session == event.session and event.token in (None, claim.token):
        return
    if event.token is not None and event.token < task.token:
        raise StaleToken(
            f"your token {event.token} for task {task.id} is no longer valid: it is at {task.token}",
            **holder_fields(task),
        )
    raise NotHolder(f"you do not hold task {task.id}", **holder_fields(task))


def holder_fields(task: Task) -> dict[str, Any]:
    """The fields that every refusal about a holder carries."""
    claim = task.claim
    return {
        "task": task.id,
        "holder": claim.session if claim else None,
        "token": task.token,
        "since": claim.since if claim else None,
    }


def held(task: Task) -> Held:
    """The refusal that names the holder (or the offer's addressee)."""
    if task.claim is None:
        return Held(f"task {task.id} is offered to somebody else", **holder_fields(task))
    return Held(f"task {task.id} is held by {task.claim.session}", **holder_fields(task))


_HINTS = {
    ("offered", "claim"): "git coord accept {id}",
    ("pending", "take-over"): "git coord claim {id}",
    ("done", "claim"): "git coord task edit {id} --reopen",
    ("review", "claim"): "git coord task edit {id} --reopen",
    ("cancelled", "claim"): "git coord task edit {id} --reopen",
}


def refusal(task: Task | None, event: TaskEvent, name: str) -> CoordError:
    """Why the table has no row for this event in this state."""
    if task is None:
        return NotFound(f"there is no task {getattr(event, 'id', '')}".rstrip(), hint="git coord task list")
    if isinstance(event, Add):
        return Exists(f"task {task.id} exists already", hint=f"git coord task show {task.id}", task=task.id)
    if task.state in ("pending", "offered") and isinstance(event, Release | Report | Renew | Finish | Offer | Place):
        if event.token is not None and event.token <= task.token:
            return StaleToken(f"your token {event.token} for task {task.id} is spent", **holder_fields(task))
        return NotHolder(f"you do not hold task {task.id}: it is {task.state}", **holder_fields(task))
    hint = _HINTS.get((task.state, name), "git coord task show {id}").format(id=task.id)
    return WrongState(
        f"task {task.id} is {task.state}: {name} is not possible", hint=hint, task=task.id, state=task.state
    )
