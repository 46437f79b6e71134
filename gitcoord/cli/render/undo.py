"""How taking something back looks."""

from __future__ import annotations

from gitcoord.cli.render.doc import Doc, Line
from gitcoord.cli.render.words import moment
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.undoing import Undone


def undone(answer: Undone) -> Doc:
    what = "would take back" if answer.dry_run else "took back"
    doc = [Line(f"{what}: {answer.operation.message} ({moment(answer.operation.at)})")]
    doc += [Line(step, indent=1) for step in answer.steps]
    if answer.task is not None and answer.task.claim is not None and not answer.dry_run:
        doc.append(Line(f"token {answer.task.claim.token}", indent=1))
    return doc
