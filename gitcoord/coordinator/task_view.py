"""One task as callers see it: its record beside the names of sessions and what was found out about it. Pure."""

from __future__ import annotations

from gitcoord.core.model import Task
from gitcoord.core.views import ClaimView, HandoffView, TaskView
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def sessions_of(task: Task) -> list[str]:
    found = [task.claim.session] if task.claim else []
    if task.handoff:
        found += [sid for sid in (task.handoff.from_, task.handoff.to) if sid]
    return found


def task_view(
    task: Task, known: Mapping[str, str], *, blocked: tuple[str, ...], in_force: bool, worktree: str | None
) -> TaskView:
    claim, offer = task.claim, task.handoff
    return TaskView(
        id=task.id,
        title=task.title,
        body=task.body,
        state=task.state,
        priority=task.priority,
        labels=task.labels,
        after=task.after,
        blocked_by=blocked,
        claim=ClaimView(
            session=claim.session, session_name=known.get(claim.session), token=claim.token, since=claim.since
        )
        if claim
        else None,
        token=task.token,
        attempts=task.attempts,
        branch=task.branch,
        base=task.base,
        worktree=worktree,
        progress=task.progress,
        handoff=HandoffView(
            from_=offer.from_,
            to=offer.to,
            phase=offer.phase,
            next=offer.next,
            context=offer.context,
            note=offer.note,
            at=offer.at,
            from_name=known.get(offer.from_),
            to_name=known.get(offer.to) if offer.to else None,
            rescue=offer.rescue,
        )
        if offer
        else None,
        result=task.result,
        created_at=task.created_at,
        updated_at=task.updated_at,
        in_force=in_force,
    )
