"""``few`` with the verbs of claims."""

from __future__ import annotations

from gitcoord.coordinator.across import Across
from gitcoord.coordinator.claims import Claims
from gitcoord.coordinator.commons import Commons
from gitcoord.coordinator.opening import Opening
from gitcoord.lean import Any


class Working(Claims, Commons, Across, Opening):
    """Claiming, reporting, releasing and finishing; whatever else it is asked for it turns into."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        from gitcoord.coordinator.api import Coordinator

        self.__class__ = Coordinator  # type: ignore[assignment]  # it has all that Working has
        return getattr(self, name)
