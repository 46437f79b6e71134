"""Across machines: hub and sync. Thin, because every command starts with it; the work is done in ``hub``, loaded when
first used.
"""

from __future__ import annotations

from gitcoord.coordinator.holding import Holding
from gitcoord.core.views import Check, Wrote
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.hub import Hubs, HubView, SyncView
    from gitcoord.coordinator.pushing import PushView


class Across(Holding):
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

    def push(self, refspec: str | None = None, *, task: str | None = None) -> PushView:
        """Push a branch (what is checked out, or ``SRC:DST``) to the hub, only while I hold its task.

        One atomic push with a renewed record: a take-over at any instant rejects both. Raises NotHolder, StaleToken,
        Conflict (the branch there has moved on), HubUnreachable, HubRefused (also without atomic push), Usage.
        """
        from gitcoord.coordinator.pushing import Pushing

        return Pushing(self).push(refspec, task)

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
