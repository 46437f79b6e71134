"""Documents as plain aligned text: for pipes, files and narrow or dumb terminals. No escapes, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitcoord.cli.render.doc import Cell, Doc, Facts, Line, Table
from gitcoord.cli.render.safe import safe, safe_lines


def plain(doc: Doc) -> str:
    """``doc`` as text that ends in a newline, or nothing when it is empty."""
    return "".join(line.rstrip(" ") + "\n" for line in _lines(doc))


def _lines(doc: Doc) -> Iterator[str]:
    for part in doc:
        if isinstance(part, Line):
            yield "  " * part.indent + safe(part.text)
        elif isinstance(part, Facts):
            yield from facts(part)
        else:
            yield from _table(part)


def facts(part: Facts) -> Iterator[str]:
    """``name  value`` with the values aligned."""
    shown = [(name, safe_lines(value)) for name, value in part.pairs if value]
    wide = max((len(name) for name, _ in shown), default=0)
    for name, values in shown:
        for number, value in enumerate(values):
            yield f"{name if number == 0 else '':<{wide}}  {value}"


def _table(part: Table) -> Iterator[str]:
    if not part.rows:
        return
    rows = [part.heads, *([safe(text_of(cell)) for cell in row] for row in part.rows)]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(part.heads))]
    for row in rows:
        yield "  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True))


def text_of(cell: str | Cell) -> str:
    """The text of a cell, styled or not."""
    return cell if isinstance(cell, str) else cell.text


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns that ``text`` takes on a terminal: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    import unicodedata  # a shared library: loaded only where somebody writes more than ASCII

    return sum(_columns(unicodedata.east_asian_width(c), unicodedata.combining(c)) for c in text)


def _columns(wide: str, combining: int) -> int:
    if combining:
        return 0
    return 2 if wide in "WF" else 1


def widest(doc: Doc) -> Sequence[int]:
    """Width of every line of ``doc`` in columns."""
    return [_width(line) for line in _lines(doc)]
