"""How the ends of sessions look."""

from __future__ import annotations

from gitcoord.cli.render.doc import Doc, Line
from gitcoord.cli.render.words import ago, listed
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.cleaning import Cleanup
    from gitcoord.coordinator.endings import EndedSession


def ended(answer: EndedSession) -> Doc:
    doc = [Line(f"ended {answer.session.name} ({answer.session.id})")]
    for what, names in (
        ("released", answer.released),
        ("offered", answer.offered),
        ("unlocked", answer.unlocked),
        ("snapshots of uncommitted work", answer.rescued),
    ):
        if names:
            doc.append(Line(f"{what}: {listed(names, 20)}", indent=1))
    return doc


def cleaned(answer: Cleanup) -> Doc:
    would = "would be " if answer.dry_run else ""
    doc = [
        Line(f"{would}expired: {session.name} ({session.id}), silent for {ago(session.heartbeat_age)}")
        for session in answer.expired
    ]
    doc += [Line(f"{would}free again: {task}") for task in answer.freed]
    doc += [Line(f"{would}unlocked: {lock}") for lock in answer.unlocked]
    doc += [Line(f"worktree that nobody works in: {path}", "warn") for path in answer.orphaned]
    return doc or [Line("nothing to clean up")]
