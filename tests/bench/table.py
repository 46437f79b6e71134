"""What was measured and what was wished for, as rows; and how they are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Budget:
    """A limit of a row: its value at most, its ratio to the floor at most or at least, or what it adds to the floor."""

    limit: float
    kind: Literal["value", "ratio", "added", "share"]

    def __str__(self) -> str:
        text = {"value": "≤ {:g}", "ratio": "≤ {:g} x", "added": "floor + {:g}", "share": "≥ {:g} x"}[self.kind]
        return text.format(self.limit)


def at_most(limit: float) -> Budget:
    return Budget(limit, "value")


def times(limit: float) -> Budget:
    """At most so many times the floor."""
    return Budget(limit, "ratio")


def share(limit: float) -> Budget:
    """At least this share of the floor, which is the best there can be."""
    return Budget(limit, "share")


def over_floor(limit: float) -> Budget:
    """At most the floor and so much more."""
    return Budget(limit, "added")


@dataclass(frozen=True)
class Row:
    """One measurement: ``floor`` names what it is held against, ``budget`` is its limit, ``note`` what to know of it.

    ``value`` is a median, or None of what could not be measured; ``cpu`` the CPU time of the processes in it, in ms.
    """

    name: str
    value: float | None
    unit: str = "ms"
    cpu: float | None = None
    floor: str = ""
    floor_value: float | None = None
    floor_cpu: float | None = None
    budget: Budget | None = None
    note: str = ""
    error: bool = False

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor_value if self.value is not None and self.floor_value else None

    @property
    def cpu_ratio(self) -> float | None:
        return self.cpu / self.floor_cpu if self.cpu and self.floor_cpu else None

    @property
    def met(self) -> bool | None:
        """Whether it keeps to its budget; None where there is nothing to say."""
        if self.value is None or self.budget is None:
            return None
        limit, ratio = self.budget.limit, self.ratio
        match self.budget.kind:
            case "value":
                return self.value <= limit
            case "added":
                return None if self.floor_value is None else self.value <= self.floor_value + limit
            case "ratio":
                return None if ratio is None else ratio <= limit
            case "share":
                return None if ratio is None else ratio >= limit

    def document(self, part: str) -> dict[str, Any]:
        """As an object of the JSON file."""
        return {
            "part": part,
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "cpu": self.cpu or None,
            "floor": self.floor or None,
            "floor_value": self.floor_value,
            "floor_cpu": self.floor_cpu or None,
            "ratio": self.ratio,
            "cpu_ratio": self.cpu_ratio,
            "budget": str(self.budget) if self.budget else None,
            "met": self.met,
            "note": self.note or None,
            "error": self.error,
        }


def absent(name: str, why: str) -> Row:
    """A row for what is not here to be measured."""
    return Row(name, None, note=why)


def failed(part: str, why: str) -> Row:
    """A row for what a part could not measure, because it broke."""
    return Row(f"{part} failed", None, note=why, error=True)


HEAD = ("what", "median", "CPU", "floor", "ratio", "CPU x", "budget", "note")


def table(parts: Mapping[str, Sequence[Row]]) -> str:
    """The rows of all parts as aligned text; what is over its budget is marked."""
    cells = {part: [_cells(row) for row in rows] for part, rows in parts.items()}
    every = [HEAD, *(line for lines in cells.values() for line in lines)]
    widths = [max(len(line[column]) for line in every) for column in range(len(HEAD))]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip("<>><>><<", widths, strict=True))
    lines = [form.format(*HEAD)]
    for part, rows in cells.items():
        lines += ["", f"{part}:", *(form.format(*row) for row in rows)]
    return "\n".join(line.rstrip() for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        "-" if row.value is None else f"{_number(row.value)} {row.unit}",
        f"{row.cpu:.1f}" if row.cpu else "",
        "" if row.floor_value is None else f"{row.floor} {_number(row.floor_value)}",
        _ratio(row.ratio),
        _ratio(row.cpu_ratio),
        f"{row.budget or ''}{' !' if row.met is False else ''}",
        row.note,
    )


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
