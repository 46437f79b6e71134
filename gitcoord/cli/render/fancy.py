"""Documents on a terminal, through rich: colour where it carries meaning, tables that fit the width.

Imported only for terminals. Text goes in as ``rich.text.Text``, never as markup: it may be an attacker's.
"""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from gitcoord.cli.render.doc import Cell, Doc, Facts, Line, Table
from gitcoord.cli.render.plain import facts
from gitcoord.cli.render.safe import safe

_STYLES = {"": "", "head": "bold", "good": "green", "warn": "yellow", "bad": "red", "dim": "dim"}


def fancy(doc: Doc, *, width: int, colour: bool) -> str:
    """``doc`` with the escapes of a terminal ``width`` columns wide."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        no_color=not colour,
        color_system="standard" if colour else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as printed:
        for part in doc:
            if isinstance(part, Line):
                console.print(Text("  " * part.indent + safe(part.text), style=_STYLES[part.style]), soft_wrap=True)
            elif isinstance(part, Facts):
                for line in facts(part):
                    console.print(Text(line), soft_wrap=True)
            elif part.rows:
                console.print(_table(part))
    return "".join(line.rstrip(" ") + "\n" for line in printed.get().splitlines())


def _table(part: Table) -> RichTable:
    table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, head in enumerate(part.heads):
        gives_way = number == part.long
        table.add_column(
            head,
            no_wrap=not gives_way,
            overflow="fold" if gives_way else "ellipsis",
            min_width=12 if gives_way else None,
        )
    for row in part.rows:
        table.add_row(*(_text(cell) for cell in row))
    return table


def _text(cell: str | Cell) -> Text:
    return Text(safe(cell)) if isinstance(cell, str) else Text(safe(cell.text), style=_STYLES[cell.style])
