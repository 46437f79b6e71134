"""How moving in and out looks: what was written, and what became of each thing."""

from __future__ import annotations

from gitcoord.cli.render.doc import Cell, Doc, Line, Style, Table, lines
from gitcoord.cli.render.words import count
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.core.transfer import Imported

_STYLES: dict[str, Style] = {"created": "good", "changed": "good", "exists": "dim", "skipped": "warn"}
_MOST = 200
"""Rows that people get to see; ``--json`` and ``--porcelain`` have all of them."""


def exported(file: str, records: int) -> Doc:
    return lines(f"exported {count(records, 'record')} to {file}")


def snapshots(number: int) -> str:
    return (
        f"{count(number, 'rescue snapshot')} only named: their commits travel with "
        "git bundle create FILE --glob='refs/coord/rescue/*'"
    )


def imported(done: Imported) -> Doc:
    """What became of what; first of all how much of each."""
    numbers = ", ".join(f"{number} {action}" for action, number in done.counts.items() if number)
    verb = "would import" if done.dry_run else "imported"
    doc: list[Line | Table] = [Line(f"{verb} from {done.source}: {numbers or 'nothing'}")]
    telling = [row for row in done.rows if row.action != "exists" or row.reason]
    if telling:
        rows = tuple(
            (row.kind, row.source, Cell(row.action, _STYLES[row.action]), row.target or "-", row.reason or "")
            for row in telling[:_MOST]
        )
        doc.append(Table(("KIND", "FROM", "ACTION", "HERE", "WHY"), rows, long=4))
    if len(telling) > _MOST:
        doc.append(Line(f"and {len(telling) - _MOST} more: --json lists all of them", "dim"))
    if done.unread:
        doc.append(Line("not understood, and left where it is:"))
        doc += [Line(what, indent=1) for what in done.unread]
    return doc
