"""What takes a task's event back: another event, by the same rules. Nothing is ever rewritten.

Pure: from the record before the event, after it and now comes the event to write, or a refusal that says why there is
none. Undoing an undo is redoing, because each of these events has its own way back here. Must not know refs or clocks.
"""

from __future__ import annotations

from gitcoord.core import task_events as on
from gitcoord.core.model import Struct, Task
from gitcoord.core.task_events import TaskEvent
from gitcoord.errors import Conflict, WrongState
from gitcoord.lean import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

WHY = "undo"
"""The reason given where an event asks for one."""

BY_ITSELF = frozenset({"place", "unplace", "renew", "free", "renew-lock", "wait-lock", "leave-lock", "drop-locks"})
"""Events that go along with what somebody did, and are nobody's last operation."""


class Back(Struct, frozen=True):
    """``event``, still without time, author and token; what it does in words; ``grants``: whether it is a claim."""

    event: TaskEvent
    says: str
    grants: bool = False


def back(kind: str, before: Task | None, after: Task, now: Task) -> Back:
    """The way back from an event of type ``kind``. Raises WrongState, Conflict."""
    maker = _BACK.get(kind)
    if maker is None:
        raise cannot(kind, now.id, "git coord log --task " + now.id)
    return maker(before, after, now)


def cannot(kind: str, what: str, hint: str) -> WrongState:
    return WrongState(f"a {kind} cannot be taken back: {what}", hint=hint)


def _claim(before: Task | None, after: Task, now: Task) -> Back:
    return Back(on.Release(at="", reason=WHY), f"release {now.id}; its branch and worktree stay")


def _release(before: Task | None, after: Task, now: Task) -> Back:
    return Back(on.ClaimTask(at="", id=now.id), f"claim {now.id} again, with a new token", True)


def _progress(before: Task | None, after: Task, now: Task) -> Back:
    was = before.progress if before is not None else None
    if was is None:
        return Back(on.Report(at="", exact=True), f"no progress of {now.id}, as before")
    event = on.Report(at="", percent=was.percent, phase=was.phase, message=was.message, exact=True)
    said = ", ".join(
        filter(
            None, (None if was.percent is None else f"{was.percent}%", was.phase, was.message and f"'{was.message}'")
        )
    )
    return Back(event, f"progress of {now.id} back to {said}")


def _done(before: Task | None, after: Task, now: Task) -> Back:
    return Back(on.TakeBack(at=""), f"go on with {now.id}, with a new token", True)


def _take_back(before: Task | None, after: Task, now: Task) -> Back:
    was = before.result if before is not None else None
    if before is None or was is None:
        raise cannot("take-back", now.id, f"git coord done {now.id}")
    event = on.Finish(
        at="", status=was.status, review=before.state == "review", pr=was.pr, commit=was.commit, summary=was.summary
    )
    return Back(event, f"finish {now.id} again: {was.status}")


def _offer(before: Task | None, after: Task, now: Task) -> Back:
    return Back(on.Accept(at=""), f"withdraw the offer of {now.id} and hold it again, with a new token", True)


def _accept(before: Task | None, after: Task, now: Task) -> Back:
    offer = before.handoff if before is not None else None
    if offer is None or after.claim is None or offer.from_ != after.claim.session:
        raise cannot("accept", f"{now.id} was handed over to you", f"git coord handoff {now.id} --note TEXT")
    event = on.Offer(
        at="",
        note=offer.note,
        to=offer.to,
        phase=offer.phase,
        next=offer.next,
        context=offer.context,
        rescue=offer.rescue,
        commit=offer.commit,
    )
    return Back(event, f"offer {now.id} again")


def _add(before: Task | None, after: Task, now: Task) -> Back:
    return Back(on.Cancel(at="", reason=WHY), f"cancel {now.id}, which you added")


def _cancel(before: Task | None, after: Task, now: Task) -> Back:
    return Back(on.Reopen(at="", reason=WHY), f"put {now.id} back into the queue")


def _reopen(before: Task | None, after: Task, now: Task) -> Back:
    if before is None or before.state != "cancelled":
        raise cannot(
            "reopen", f"{now.id} was finished by a claim, and only one can finish it", f"git coord claim {now.id}"
        )
    return Back(on.Cancel(at="", reason=before.reason or WHY), f"cancel {now.id} again")


_FIELDS = ("title", "body", "priority", "after", "labels")


def _edit(before: Task | None, after: Task, now: Task) -> Back:
    changed = [name for name in _FIELDS if getattr(before, name) != getattr(after, name)]
    newer = [name for name in changed if getattr(now, name) != getattr(after, name)]
    if newer:
        raise Conflict(
            f"the {', '.join(newer)} of {now.id} changed since your edit", hint=f"git coord log --task {now.id}"
        )
    former: dict[str, Any] = {name: getattr(before, name) for name in changed}
    if former.get("body", "") is None:
        former["body"] = ""  # an edit that says None leaves it as it is
    return Back(on.Edit(at="", **former), f"the {', '.join(changed)} of {now.id} as before")


_BACK: dict[str, Callable[[Task | None, Task, Task], Back]] = {
    "add": _add,
    "edit": _edit,
    "cancel": _cancel,
    "reopen": _reopen,
    "claim": _claim,
    "release": _release,
    "progress": _progress,
    "done": _done,
    "take-back": _take_back,
    "offer": _offer,
    "accept": _accept,
}
