"""How events look."""

from __future__ import annotations

from collections.abc import Sequence

from gitcoord.cli.render.doc import Cell, Doc, Table, lines
from gitcoord.cli.render.words import moment, or_dash
from gitcoord.core.views import EventView


def events(found: Sequence[EventView]) -> Doc:
    if not found:
        return lines("nothing happened")
    return [
        Table(
            ("WHEN", "TYPE", "SESSION", "TASK", "WHAT"),
            tuple(
                (
                    Cell(moment(event.at), "dim"),
                    event.type,
                    or_dash(event.session_name or event.session),
                    or_dash(event.task),
                    event.message,
                )
                for event in found
            ),
            long=4,
        )
    ]
