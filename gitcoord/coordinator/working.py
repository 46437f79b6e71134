"""``few`` with the verbs of claims."""

from __future__ import annotations

from gitcoord.coordinator.across import Across
from gitcoord.coordinator.claims import Claims
from gitcoord.coordinator.few import Few


class Working(Claims, Across, Few):
    """Claiming, reporting, releasing and finishing too; whatever else it is asked for it turns into, as Few does."""
