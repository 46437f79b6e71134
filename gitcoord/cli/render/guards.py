"""How a guard's verdict looks: a word for the hook in the first line, and then what the hook says on stderr."""

from __future__ import annotations

from gitcoord.cli.render.safe import safe
from gitcoord.cli.render.words import count
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.guards import Offence

_MOST = 20
_DOING = {"pre-commit": "commit", "pre-push": "push"}


def verdict(word: str, found: Sequence[Offence], event: str) -> str:
    """The verdict and one line for each offence."""
    lines = [word]
    if found:
        stopped = "stopped" if word == "block" else "not stopped (coord.guard = warn)"
        lines.append(f"git coord: {_DOING[event]} {stopped}: {count(len(found), 'offence')}")
        lines += [f"  {offence.message} - {offence.hint}" for offence in found[:_MOST]]
    if len(found) > _MOST:
        lines.append(f"  and {len(found) - _MOST} more: git coord check --staged")
    return "\n".join(safe(line) for line in lines)


def unable(error: Exception) -> str:
    """Nothing is stopped because of us, and it is said that nothing was checked."""
    return "\n".join(("warn", safe(f"git coord: this could not be checked, and goes ahead: {error}")))
