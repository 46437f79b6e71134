"""gitcoord: many agents and people on one Git repository, without stepping on each other.

``Coordinator`` is the public API: every ``git coord`` verb is a method of the same name, with the same refusals.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["Coordinator", "__version__"]

TYPE_CHECKING = False  # type checkers know the name; importing typing costs 5 ms, and every hook pays (measured)
if TYPE_CHECKING:
    from gitcoord.coordinator import Coordinator


def __getattr__(name: str) -> object:
    """Import the API on first use: the console script imports this package too and must stay quick."""
    if name == "Coordinator":
        from gitcoord.coordinator import Coordinator

        return Coordinator
    raise AttributeError(name)
