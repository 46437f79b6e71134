"""``MemoryStore``: the protocol's meaning in two dictionaries, for rules and simulations that need no disk.

Same oids, same refusals as the real stores (the contract suite runs over it); shared by threads.
"""

from __future__ import annotations

from threading import Lock

from gitcoord.errors import Corrupt, GitFailed
from gitcoord.failpoint import hit
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import (
    BROKEN,
    MAX_PAYLOAD,
    PAYLOAD,
    Blob,
    Change,
    Commit,
    Delete,
    Entry,
    Existing,
    Lost,
    Snapshot,
)
from gitcoord.store.chain import chains
from gitcoord.store.checks import check_prefix, check_ref, ordered
from gitcoord.store.objects import Obj, build, commit_header, files_in, make, tree_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORMAT = "sha1"


class MemoryStore:
    """Refs and objects of no repository at all."""

    kind = "memory"

    def __init__(self) -> None:
        self._refs: dict[str, str] = {}
        self._objects: dict[str, Obj] = {}
        self._listed: dict[str, dict[str, str]] = {}
        """What was asked for by prefix since a ref last moved."""
        self._lock = Lock()

    def plant(self, ref: str, oid: str) -> None:
        """Put any ``oid`` (BROKEN too) behind ``ref`` without a swap: damage, as a disk or another program does it."""
        with self._lock:
            self._refs[check_ref(ref)] = oid
            self._listed.clear()

    def put(self, kind: str, data: bytes) -> str:
        """Add an object without a ref, as ``Existing`` expects it; its oid."""
        obj = make(kind, data, _FORMAT)
        with self._lock:
            self._objects[obj.oid] = obj
        return obj.oid

    def read(self, refs: Sequence[str]) -> dict[str, Snapshot | None]:
        with self._lock:
            return {check_ref(ref): self._snapshot(ref) for ref in refs}

    def _snapshot(self, ref: str) -> Snapshot | None:
        oid = self._refs.get(ref)
        if oid is None:
            return None
        payload = self._payload(oid)
        if payload is None:
            raise Corrupt(f"{ref} exists but cannot be read")
        return Snapshot(ref, oid, payload)

    def _payload(self, oid: str) -> bytes | None:
        obj = self._objects.get(oid)
        if obj is not None and obj.kind == "commit":
            tree = self._objects.get(commit_header(obj.data, "tree") or BROKEN)
            obj = self._objects.get(tree_entry(tree.data, PAYLOAD, 20) or BROKEN) if tree is not None else None
        if obj is None or obj.kind != "blob" or len(obj.data) > MAX_PAYLOAD:
            return None
        return obj.data

    def list_refs(self, prefix: str) -> dict[str, str]:
        with self._lock:
            found = self._listed.get(prefix)
            if found is None:
                check_prefix(prefix)
                found = {ref: oid for ref, oid in self._refs.items() if ref.startswith(prefix)}
                self._listed[prefix] = found
            return found.copy()

    def load(self, oids: Iterable[str]) -> dict[str, bytes]:
        with self._lock:
            found = {oid: self._payload(oid) for oid in oids}
        return {oid: payload for oid, payload in found.items() if payload is not None}

    def files(self, oid: str, paths: Sequence[str]) -> dict[str, bytes]:
        with self._lock:
            return files_in(commit_header(self._object(oid, "commit"), "tree") or BROKEN, paths, self._object, 20)

    def _object(self, oid: str, kind: str) -> bytes:
        obj = self._objects.get(oid)
        if obj is None or obj.kind != kind or len(obj.data) > MAX_PAYLOAD:
            raise Corrupt(f"{oid} is not a {kind} that can be read")
        return obj.data

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        changes = ordered(changes)
        new: dict[str, str] = {}
        with self._lock:
            for change in changes:
                if isinstance(change.new, Commit | Blob):
                    made = build(change.new, change.expected, _FORMAT)
                    self._objects.update((obj.oid, obj) for obj in made)
                    new[change.ref] = made[-1].oid
                elif isinstance(change.new, Existing):
                    new[change.ref] = self._existing(change.new.oid)
            hit("after_objects")
            self._compare(changes)
            hit("before_ref")
            for change in changes:
                if isinstance(change.new, Delete):
                    del self._refs[change.ref]
            self._refs.update(new)
            self._listed.clear()
        hit("after_ref")
        return new

    def _existing(self, oid: str) -> str:
        if oid not in self._objects:
            raise GitFailed(f"there is no object {oid}")
        return oid

    def _compare(self, changes: Sequence[Change]) -> None:
        for change in changes:
            current = self._refs.get(change.ref)
            if current == BROKEN:
                raise Corrupt(f"{change.ref} exists but cannot be read")
            if current != change.expected:
                raise Lost(change.ref)

    def history(self, oids: Iterable[str], limit: int | None = None) -> dict[str, list[Entry]]:
        with self._lock:
            return chains(oids, self._commits, None, limit)

    def _commits(self, oids: Sequence[str]) -> dict[str, bytes]:
        return {oid: obj.data for oid in oids if (obj := self._objects.get(oid)) and obj.kind == "commit"}

    def close(self) -> None:
        """Nothing to let go of."""
