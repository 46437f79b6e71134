"""How shared data looks."""

from __future__ import annotations

from gitcoord.cli.render.doc import Cell, Doc, Table, lines
from gitcoord.cli.render.words import count, moment, or_dash
from gitcoord.lean import TYPE_CHECKING, Any, msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.sharing import Entry, Removed, ScopeRow, ScopeView


def value(found: Any) -> str:
    """A text as it is, everything else as JSON."""
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()


def written(entry: Entry) -> Doc:
    return lines(f"set {entry.key} in {entry.scope}, version {entry.version}")


def removed(answer: Removed) -> Doc:
    return lines(f"removed {count(len(answer.removed), 'key')} from {answer.scope}, version {answer.version}")


def scope(found: ScopeView) -> Doc:
    if not found.entries:
        return lines(f"{found.scope} is empty")
    return [
        Table(
            ("KEY", "VERSION", "BY", "AT", "VALUE"),
            tuple(
                (key, str(item.version), or_dash(item.by), moment(item.at), value(item.value))
                for key, item in found.entries.items()
            ),
            long=4,
        )
    ]


def listed(found: Sequence[ScopeRow]) -> Doc:
    if not found:
        return lines("no shared data")
    return [
        Table(
            ("SCOPE", "KEYS", "VERSION", "CHANGED", ""),
            tuple(
                (
                    row.scope,
                    str(row.keys),
                    str(row.version),
                    moment(row.updated_at),
                    Cell("stays in this clone", "dim") if row.private else "",
                )
                for row in found
            ),
            long=0,
        )
    ]
