"""How events look."""

from __future__ import annotations

from gitcoord.cli.render.doc import Cell, Doc, Line, Table, lines
from gitcoord.cli.render.words import moment, or_dash
from gitcoord.core.views import EventView
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def events(found: Sequence[EventView]) -> Doc:
    if not found:
        return lines("nothing happened")
    return [
        Table(
            ("WHEN", "TYPE", "SESSION", "TASK", "WHAT"),
            tuple(
                (Cell(moment(event.at), "dim"), event.type, who(event), or_dash(event.task), what(event))
                for event in found
            ),
            long=4,
        )
    ]


def who(event: EventView) -> str:
    """Whose event it is; with the name that somebody signed with who wrote into another session's log."""
    name = or_dash(event.session_name or event.session)
    signed = event.meta.get("signed_by", name) if event.source == "event" else name
    return name if signed == name else f"{name} (signed by {signed or 'nobody'}!)"


def what(event: EventView) -> str:
    """The message; an entry of somebody's own with its facts."""
    facts = " ".join(f"{key}={value}" for key, value in event.meta.items() if key != "signed_by")
    text = " / ".join(filter(None, event.message.split("\n")))
    return f"{text}  {facts}" if event.source == "event" and facts else text


def line(event: EventView) -> Doc:
    """An event by itself, as it comes."""
    parts = (moment(event.at), event.type, who(event), event.task or "", what(event))
    return [Line("  ".join(filter(None, parts)))]


def written(event: EventView) -> Doc:
    about = f" about {event.task}" if event.task else ""
    return lines(f"{event.type} noted{about}: {what(event)}")
