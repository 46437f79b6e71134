"""Rescue snapshots: uncommitted work as a commit, taken without touching it and brought back with its staging.

The one name by which the rest of gitcoord knows them; the format stands in ``snapshot_shape``.
"""

from __future__ import annotations

from gitcoord.git import snapshot_shape
from gitcoord.git.repo import Repo
from gitcoord.git.snapshot_restore import Restored, restore
from gitcoord.git.snapshot_shape import Kinds
from gitcoord.git.snapshot_take import Author, Snapshot, take
from gitcoord.lean import msgspec

__all__ = ["Author", "Description", "Kinds", "Restored", "Snapshot", "describe", "restore", "same_work", "take"]


class Description(msgspec.Struct, frozen=True):
    """What a stored snapshot holds. ``base`` is the commit it was taken on, None before the first one."""

    oid: str
    base: str | None
    kinds: Kinds
    operation: str | None


def describe(repo: Repo, oid: str) -> Description:
    """What the snapshot ``oid`` holds, for messages. Raises Corrupt, NewerFormat."""
    found = snapshot_shape.read(repo, oid)
    base = found.base or snapshot_shape.empty_tree(repo)
    state = snapshot_shape.state_entries(repo, found.state_tree)
    kinds = snapshot_shape.kinds(repo, base, found.index_tree, found.tree, state)
    return Description(oid, found.base, kinds, found.operation)


def same_work(repo: Repo, one: str, other: str) -> bool:
    """Whether two snapshots hold the same work on the same commit. Raises Corrupt, NewerFormat."""
    return one == other or snapshot_shape.read(repo, one).work == snapshot_shape.read(repo, other).work
