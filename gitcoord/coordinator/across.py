"""Across machines: hub and sync. Thin, because every command starts with it; the work is done in ``hub``, loaded when
first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitcoord.coordinator.joins import Joins
from gitcoord.core.views import Check, Wrote
from gitcoord.errors import CoordError

if TYPE_CHECKING:
    from gitcoord.coordinator.hub import Hubs, HubView, SyncView


class Across(Joins):
    """Working with other clones through a remote."""

    @property
    def _hubs(self) -> Hubs:
        from gitcoord.coordinator.hub import Hubs

        return Hubs(self)

    def hub_show(self) -> HubView:
        """The hub and how far this clone is in step with it, without asking it."""
        return self._hubs.show()

    def hub_set(self, remote: str, *, republish: bool = False) -> HubView:
        """Make ``remote`` the hub: take part in the state it has, or publish ours where it has none.

        ``republish``: it lost state; ours is published again, under a new epoch. Raises HubRefused when it holds the
        state of another repository, HubUnreachable, Usage, NotInitialised.
        """
        return self._hubs.set(remote, republish=republish)

    def hub_probe(self, remote: str | None = None) -> list[Check]:
        """What a remote (None: the hub) allows, found out with two harmless refs. Raises HubUnreachable, Usage."""
        return self._hubs.probe(remote)

    def hub_unset(self) -> list[Wrote]:
        """Work without a hub from now on; the state stays, here and there."""
        return self._hubs.unset()

    def sync(self) -> SyncView:
        """Fetch from the hub, merge, push what changed. Raises HubUnreachable, HubRefused, Usage (no hub)."""
        return self._hubs.sync()

    def as_of(self) -> float | None:
        """Seconds since the hub was last fetched; None without a hub, or where that is not known."""
        unheard = self.unheard()
        return None if self.config.hub is None or unheard == float("inf") else round(unheard, 1)

    def share(self) -> None:
        """Sync, for those who wait for what was just done; where that fails it is told, and nothing else."""
        if self.config.hub is None:
            return
        try:
            self.sync()
        except CoordError as error:
            self.notice("not-shared", f"others do not see it before the next sync: {error.message}")
