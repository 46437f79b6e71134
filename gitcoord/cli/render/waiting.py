"""How what was waited for looks."""

from __future__ import annotations

from gitcoord.cli.render.doc import Doc, lines
from gitcoord.cli.render.words import listed
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.waits import Awaited


def awaited(found: Awaited) -> Doc:
    if found.what == "task":
        return lines(*(f"{task.id} is {task.state}" for task in found.tasks))
    if found.what == "lock":
        return lines(f"free: {listed(found.free, 20)}")
    if found.what == "ready":
        return lines(f"ready: {listed((task.id for task in found.tasks), 20)}")
    return lines(f"changed: {listed(found.changed, 20)}")
