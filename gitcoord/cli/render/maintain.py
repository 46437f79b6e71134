"""How maintenance looks."""

from __future__ import annotations

from gitcoord.cli.render.doc import Doc, Line
from gitcoord.cli.render.words import count, listed
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.maintaining import Maintained


def maintained(answer: Maintained) -> Doc:
    would = "would be " if answer.dry_run else ""
    doc = []
    if answer.tasks:
        doc.append(Line(f"{would}archived: {count(len(answer.tasks), 'task')}: {listed(answer.tasks, 10)}"))
    if answer.sessions:
        doc.append(Line(f"{would}archived: {count(answer.sessions, 'session')}"))
    if answer.removed:
        doc.append(Line(f"removed: {count(answer.removed, 'ref')}"))
    if answer.heartbeats:
        doc.append(Line(f"put aside: {count(answer.heartbeats, 'superseded heartbeat')}"))
    if not doc:
        doc.append(Line("nothing was finished long enough ago"))
    packed = ", packed" if answer.packed else ""
    doc.append(Line(f"{count(answer.live, 'live ref')}{packed}; {answer.archived} archived", "dim"))
    return doc
