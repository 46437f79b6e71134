"""Task rules: a state × event table and one step. What is absent from the table is refused and changes nothing.

A task's record contains its claim; the fencing token grows by one at every grant and never falls. Whether the present
holder is live, which dependencies are open and how long a lock delay still runs are facts that the caller brings.
"""

from __future__ import annotations

from gitcoord.core.model import Claim, Handoff, Progress, Result, Struct, Task, TaskState
from gitcoord.core.task_events import (
    Accept,
    Add,
    Cancel,
    ClaimTask,
    Edit,
    Finish,
    Free,
    Offer,
    Place,
    Release,
    Renew,
    Reopen,
    Report,
    TakeBack,
    TakeOver,
    TaskEvent,
    Unplace,
)
from gitcoord.core.task_refusals import held, holder_fields, must_hold, refusal, wait_out
from gitcoord.errors import Blocked, Held, NotHolder, StaleToken
from gitcoord.lean import TYPE_CHECKING, Any, get_args, msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE: dict[tuple[TaskState | None, str], TaskState | None] = {
    (None, "add"): "pending",
    (None, "claim"): "claimed",
    ("pending", "claim"): "claimed",
    ("pending", "edit"): "pending",
    ("pending", "cancel"): "cancelled",
    ("claimed", "claim"): "claimed",
    ("claimed", "take-over"): "claimed",
    ("claimed", "release"): "pending",
    ("claimed", "free"): "pending",
    ("claimed", "progress"): "claimed",
    ("claimed", "renew"): "claimed",
    ("claimed", "offer"): "offered",
    ("claimed", "edit"): "claimed",
    ("claimed", "place"): "claimed",
    ("claimed", "cancel"): "cancelled",
    ("claimed", "done"): None,  # done, failed or review: the event says which
    ("offered", "accept"): "claimed",
    ("offered", "take-over"): "claimed",
    ("offered", "edit"): "offered",
    ("offered", "cancel"): "cancelled",
    ("review", "done"): None,
    ("review", "edit"): "review",
    ("review", "cancel"): "cancelled",
    ("review", "reopen"): "pending",
    ("failed", "claim"): "claimed",
    ("failed", "edit"): "failed",
    ("failed", "cancel"): "cancelled",
    ("failed", "reopen"): "pending",
    ("done", "reopen"): "pending",
    ("review", "take-back"): "claimed",
    ("failed", "take-back"): "claimed",
    ("done", "take-back"): "claimed",
    ("cancelled", "reopen"): "pending",
    **{(state, "unplace"): state for state in get_args(TaskState)},
}


class Facts(Struct, frozen=True, kw_only=True):
    """What the rules need to know from outside the record.

    ``in_force``: the holder (for an offer: its giver or addressee) is live. ``blocked_by``: dependencies not done.
    ``wait``: seconds of a lock delay before the next grant. ``floor``: every token granted is larger; it is raised
    when a record was lost, so that no token is ever given twice.
    """

    in_force: bool = False
    blocked_by: tuple[str, ...] = ()
    wait: float = 0.0
    floor: int = 0


def step(task: Task | None, event: TaskEvent, facts: Facts) -> Task:
    """The record after ``event``; the very same object when there is nothing to change. Raises a ``Refused``."""
    name = str(type(event).__struct_config__.tag)
    if (task.state if task else None, name) not in TABLE:
        raise refusal(task, event, name)
    if isinstance(event, Add):
        return _added(event, facts)
    if task is None:
        assert isinstance(event, ClaimTask)  # the table allows None for add and claim alone
        task = _added(Add(at=event.at, session=event.session, id=event.id, title=event.title or event.id), facts)
    state = TABLE[(task.state, name)]
    after = _RULES[type(event)](task, event, facts)
    if after is task:
        return task
    return msgspec.structs.replace(after, state=state or after.state, updated_at=event.at)


def _added(event: Add, facts: Facts) -> Task:
    return Task(
        id=event.id,
        title=event.title,
        body=event.body,
        priority=event.priority,
        after=event.after,
        labels=event.labels,
        created_at=event.at,
        created_by=event.session,
        updated_at=event.at,
    )


def _edit(task: Task, event: Edit, facts: Facts) -> Task:
    given = {
        name: value
        for name in ("title", "body", "priority", "after", "labels")
        if (value := getattr(event, name)) is not None and value != getattr(task, name)
    }
    return msgspec.structs.replace(task, **given) if given else task


def _cancel(task: Task, event: Cancel, facts: Facts) -> Task:
    if task.claim is not None and task.claim.session != event.session and facts.in_force:
        raise held(task)
    return msgspec.structs.replace(task, claim=None, handoff=None, reason=event.reason)


def _reopen(task: Task, event: Reopen, facts: Facts) -> Task:
    return msgspec.structs.replace(task, claim=None, handoff=None, result=None, progress=None, reason=event.reason)


def _claim(task: Task, event: ClaimTask, facts: Facts) -> Task:
    if task.claim is not None and task.claim.session == event.session:
        return task  # however long it was silent: nobody has taken it
    if task.claim is not None and facts.in_force:
        raise held(task)
    if facts.blocked_by:
        raise Blocked(f"task {task.id} waits for {', '.join(facts.blocked_by)}", blocked_by=list(facts.blocked_by))
    wait_out(task, facts.wait)
    worktrees = {**task.worktrees, event.host: event.path} if event.host and event.path else task.worktrees
    return msgspec.structs.replace(
        _granted(task, event, facts),
        attempts=task.attempts + 1,
        result=None,
        reason=None,
        branch=event.branch or task.branch,
        base=event.base or task.base,
        worktrees=worktrees,
    )


def _granted(task: Task, event: TaskEvent, facts: Facts) -> Task:
    assert event.session is not None  # grants are made to sessions
    token = max(task.token, facts.floor) + 1
    claim = Claim(session=event.session, token=token, since=event.at)
    given = msgspec.structs.replace(task, claim=claim, token=token, handoff=None, hold=None)
    return msgspec.structs.replace(given, former=task.claim) if task.claim is not None else given


def _take_over(task: Task, event: TakeOver, facts: Facts) -> Task:
    if task.claim is not None and task.claim.session == event.session:
        return task
    if facts.in_force:
        if not event.force:
            raise held(task)
        if event.token != task.token:
            raise StaleToken(
                f"task {task.id} is at token {task.token}, not {event.token}: it changed hands since you looked",
                hint=f"look again with 'git coord task show {task.id}'",
                **holder_fields(task),
            )
        return msgspec.structs.replace(_granted(task, event, facts), hold=event.hold, attempts=task.attempts + 1)
    wait_out(task, facts.wait)
    return msgspec.structs.replace(_granted(task, event, facts), attempts=task.attempts + 1)


def _place(task: Task, event: Place, facts: Facts) -> Task:
    must_hold(task, event)
    worktrees = {**task.worktrees, event.host: event.path}
    branch, base = event.branch or task.branch, event.base or task.base
    if (worktrees, branch, base) == (task.worktrees, task.branch, task.base):
        return task
    return msgspec.structs.replace(task, worktrees=worktrees, branch=branch, base=base)


def _unplace(task: Task, event: Unplace, facts: Facts) -> Task:
    if event.host not in task.worktrees:
        return task
    kept = {host: path for host, path in task.worktrees.items() if host != event.host}
    return msgspec.structs.replace(task, worktrees=kept)


def _release(task: Task, event: Release, facts: Facts) -> Task:
    must_hold(task, event)
    return msgspec.structs.replace(task, claim=None, reason=event.reason)


def _free(task: Task, event: Free, facts: Facts) -> Task:
    if facts.in_force:
        raise held(task)
    return msgspec.structs.replace(task, claim=None, former=task.claim, hold=event.hold, reason=event.reason)


def _report(task: Task, event: Report, facts: Facts) -> Task:
    must_hold(task, event)
    last = None if event.exact else task.progress
    if event.exact and (event.percent, event.phase, event.message) == (None, None, None):
        return msgspec.structs.replace(task, progress=None)
    progress = Progress(
        phase=event.phase if event.phase is not None or last is None else last.phase,
        percent=event.percent if event.percent is not None or last is None else last.percent,
        message=event.message,
        at=event.at,
        by=event.session or "",
    )
    return msgspec.structs.replace(task, progress=progress)


def _renew(task: Task, event: Renew, facts: Facts) -> Task:
    must_hold(task, event)
    return msgspec.structs.replace(task)


def _finish(task: Task, event: Finish, facts: Facts) -> Task:
    if task.state == "claimed":
        must_hold(task, event)
    last = task.result
    result = Result(
        status=event.status,
        pr=event.pr or (last.pr if last else None),
        commit=event.commit or (last.commit if last else None),
        summary=event.summary or (last.summary if last else None),
        at=event.at,
        by=event.session or "",
    )
    state: TaskState = "failed" if event.status == "failed" else "review" if event.review else "done"
    return msgspec.structs.replace(task, state=state, claim=None, result=result)


def _take_back(task: Task, event: TakeBack, facts: Facts) -> Task:
    if task.result is None or task.result.by != event.session:
        raise NotHolder(f"task {task.id} was not finished by you", **holder_fields(task))
    wait_out(task, facts.wait)
    return msgspec.structs.replace(_granted(task, event, facts), result=None)


def _offer(task: Task, event: Offer, facts: Facts) -> Task:
    must_hold(task, event)
    assert event.session is not None
    handoff = Handoff(
        from_=event.session,
        to=event.to,
        phase=event.phase,
        next=event.next,
        context=event.context,
        note=event.note,
        rescue=event.rescue,
        commit=event.commit,
        at=event.at,
    )
    return msgspec.structs.replace(task, claim=None, handoff=handoff)


def _accept(task: Task, event: Accept, facts: Facts) -> Task:
    assert task.handoff is not None  # state offered
    if task.handoff.to not in (None, event.session) and task.handoff.from_ != event.session and facts.in_force:
        raise Held(
            f"task {task.id} is offered to somebody else",
            hint=f"ask {task.handoff.from_} to offer it to you",
            holder=task.handoff.to,
            token=task.token,
            since=task.handoff.at,
        )
    wait_out(task, facts.wait)
    return _granted(task, event, facts)


_RULES: dict[type[TaskEvent], Callable[[Task, Any, Facts], Task]] = {
    Edit: _edit,
    Cancel: _cancel,
    Reopen: _reopen,
    ClaimTask: _claim,
    Place: _place,
    Unplace: _unplace,
    Release: _release,
    Free: _free,
    Report: _report,
    Renew: _renew,
    Finish: _finish,
    TakeBack: _take_back,
    Offer: _offer,
    Accept: _accept,
    TakeOver: _take_over,
}
