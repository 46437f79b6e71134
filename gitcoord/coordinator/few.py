"""The coordinator of a command that does one quick thing: it has a few verbs, and becomes more when asked for more.

Its whole point is not to import: of the classes of ``api`` only those of sessions, locks and shared data, then those of
claims, then all (1 to 4 ms of 25). It is no other coordinator: the same classes, the same object.
"""

from __future__ import annotations

from gitcoord.coordinator.commons import Commons
from gitcoord.coordinator.opening import Opening
from gitcoord.lean import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from gitcoord.coordinator.api import Coordinator


class Few(Commons, Opening):
    """Sessions, locks and shared data; whatever else it is asked for it turns into."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        from gitcoord.coordinator.working import Working

        if hasattr(Working, name):
            self.__class__ = Working
        else:
            self._become_all()
        return getattr(self, name)

    def share(self) -> None:
        """As with all verbs: what goes to a hub is not of the few."""
        self._become_all()
        self.share()

    def _become_all(self) -> None:
        from gitcoord.coordinator.api import Coordinator

        self.__class__ = Coordinator  # type: ignore[assignment]  # it has all that Few has


def piecemeal() -> type[Coordinator]:
    """The class to open for one command: a Coordinator, imported piece by piece as it is asked for more."""
    return cast("type[Coordinator]", Few)
