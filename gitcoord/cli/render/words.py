"""Small wordings: durations, moments, counts, lists."""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def ago(seconds: float | None) -> str:
    """How long ago, in the one unit that tells enough: ``42s``, ``12m``, ``5h``, ``3d``; ``-`` where unknown."""
    if seconds is None:
        return "-"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def moment(at: str | None) -> str:
    """An RFC 3339 moment as people read it, to the minute: ``2026-11-20 13:03Z``; anything else as it stands."""
    if at is None:
        return "-"
    if len(at) >= 17 and at[10] == "T" and at.endswith("Z"):
        return f"{at[:10]} {at[11:16]}Z"
    return at


def count(number: int, one: str, many: str = "") -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(items: Iterable[str], limit: int = 5) -> str:
    """``a, b, c and 4 more``."""
    all_of_them = list(items)
    shown = ", ".join(all_of_them[:limit])
    more = len(all_of_them) - limit
    return f"{shown} and {more} more" if more > 0 else shown


def or_dash(text: str | None) -> str:
    """``-`` where there is nothing to say."""
    return text or "-"
