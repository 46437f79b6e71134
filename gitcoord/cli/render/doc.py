"""A document for people: lines, facts and tables, without a thought for where it is printed.

Text in it is raw; the printers make it safe.
"""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING, Literal, msgspec

Style = Literal["", "head", "good", "warn", "bad", "dim"]


class Cell(msgspec.Struct, frozen=True):
    """A table cell with a meaning that may be shown as a colour."""

    text: str
    style: Style = ""


class Line(msgspec.Struct, frozen=True):
    """One line; ``indent`` counts steps of two spaces."""

    text: str
    style: Style = ""
    indent: int = 0


class Facts(msgspec.Struct, frozen=True):
    """Names and values of one thing; a value of several lines stays several lines, an empty one is left out."""

    pairs: tuple[tuple[str, str], ...]


class Table(msgspec.Struct, frozen=True):
    """Rows below headings; the column numbered ``long`` gives way where the width does not suffice."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    long: int = -1


if TYPE_CHECKING:
    from collections.abc import Sequence

    Doc = Sequence[Line | Facts | Table]
else:
    Doc = tuple  # a name to import


def lines(*texts: str) -> Doc:
    """A document of plain lines."""
    return [Line(text) for text in texts]
