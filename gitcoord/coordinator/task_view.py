"""One task as callers see it: its record beside the names of sessions and what was found out about it. Pure."""

from __future__ import annotations

from gitcoord.core.model import Claim, Handoff, Task
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
    return TaskView(  # in the order of its fields, see there
        task.id,
        task.title,
        task.body,
        task.state,
        task.priority,
        task.labels,
        task.after,
        blocked,
        None if claim is None else _claim_view(claim, known),
        task.token,
        task.attempts,
        task.branch,
        task.base,
        worktree,
        task.progress,
        None if offer is None else _handoff_view(offer, known),
        task.result,
        task.created_at,
        task.updated_at,
        in_force,
    )


def _claim_view(claim: Claim, known: Mapping[str, str]) -> ClaimView:
    return ClaimView(session=claim.session, session_name=known.get(claim.session), token=claim.token, since=claim.since)


def _handoff_view(offer: Handoff, known: Mapping[str, str]) -> HandoffView:
    return HandoffView(
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
