"""The whole public API in one class; see the package."""

from __future__ import annotations

from gitcoord.coordinator.across import Across
from gitcoord.coordinator.cleaning import Cleaning
from gitcoord.coordinator.commons import Commons
from gitcoord.coordinator.endings import Endings
from gitcoord.coordinator.keeping import Keeping
from gitcoord.coordinator.opening import Opening
from gitcoord.coordinator.overview import Overview
from gitcoord.coordinator.upkeep import Upkeep
from gitcoord.coordinator.worktrees import Worktrees


class Coordinator(Endings, Cleaning, Worktrees, Overview, Keeping, Commons, Across, Upkeep, Opening):
    """One repository, seen from one place by one caller. Not safe to share between threads: open one in each."""
