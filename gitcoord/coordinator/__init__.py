"""The public API: one method per verb, the only owner of the clock and of nonces.

    with Coordinator.open(".") as coord:
        grant = coord.claim("15")

Every method raises the errors of ``gitcoord.errors``; nothing was changed unless an error says so. The verbs live in
the sibling files, one noun each; each of those classes builds on the ones below it (``base`` ← ``liveness`` ←
``identity`` ← ``joins`` ← tasks, places ← claims ← handoffs ← endings). ``api`` puts them together, ``few`` puts
together what a command of one quick verb needs.
"""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.api import Coordinator

__all__ = ["Coordinator"]


def __getattr__(name: str) -> object:
    """Import the API on first use: its parts are imported one by one where a command must start quickly."""
    if name == "Coordinator":
        from gitcoord.coordinator.api import Coordinator

        return Coordinator
    raise AttributeError(name)
