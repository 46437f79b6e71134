"""Rescue: what is uncommitted in a worktree, kept under ``refs/coord/rescue/`` before anything could lose it."""

from __future__ import annotations

from gitcoord.coordinator.joins import Joins
from gitcoord.core import names
from gitcoord.errors import CoordError
from gitcoord.failpoint import hit
from gitcoord.store.base import Change, Existing
from gitcoord.store.transact import Plan

TIP = "+tip"
"""Ends the ref of a commit that is kept for who takes a task over; no key ends so."""


class Rescue(Joins):
    """Taking snapshots and bringing them back."""

    def rescue(self, name: str, path: str, reason: str) -> str | None:
        """Snapshot what is uncommitted in a worktree under ``refs/coord/rescue/``; its oid, or None if clean."""
        from gitcoord.git import snapshot

        ref = names.rescue_ref(name)

        def decide() -> Plan[str | None]:
            previous = self.store.list_refs(names.RESCUE).get(ref) or None
            parent = previous if previous is not None and self._is_snapshot(previous) else None
            taken = snapshot.take(
                self.repo,
                path,
                message=f"rescue {name}: {reason}",
                author=self.author(),
                previous=parent,
                durable=self.durable,
            )
            if taken is None:
                return Plan([], None)
            for text in taken.left_out:
                self.notice("left-out", f"not in the rescue snapshot of {path}: {text}")
            if parent is not None and snapshot.same_work(self.repo, parent, taken.oid):
                return Plan([], parent)
            return Plan([Change(ref, previous, Existing(taken.oid))], taken.oid)

        return self.transact(decide)

    def _is_snapshot(self, oid: str) -> bool:
        """Whoever can push puts there what they like: it must not keep anybody's work from being rescued."""
        from gitcoord.git import snapshot_shape

        try:
            snapshot_shape.read(self.repo, oid)
        except CoordError:
            return False
        return True

    def keep_tip(self, name: str, commit: str) -> None:
        """Keep a commit beside the snapshots, so that it travels with them to where the work goes on."""
        ref = names.rescue_ref(name) + TIP

        def decide() -> Plan[None]:
            now = self.store.list_refs(names.RESCUE).get(ref) or None
            return Plan([] if now == commit else [Change(ref, now, Existing(commit))], None)

        self.transact(decide)

    def bring_back(self, path: str, rescued: str) -> None:
        """Restore a rescue snapshot into a clean worktree; what it could not bring becomes notices."""
        from gitcoord.git import snapshot

        hit("mid_restore")
        for text in snapshot.restore(self.repo, path, rescued).notices:
            self.notice("restored", text)
