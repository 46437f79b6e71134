"""A store that tells the tracer of every swap. Loaded only while tracing; otherwise there is the bare store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from gitcoord.git.trace import Tracer
from gitcoord.store.base import Busy, Change, Entry, Lost, RefStore, Snapshot


class TracedStore:
    """All that the store underneath does."""

    def __init__(self, store: RefStore, tracer: Tracer) -> None:
        self._store = store
        self._tracer = tracer

    @property
    def kind(self) -> str:
        return self._store.kind

    def read(self, refs: Sequence[str]) -> dict[str, Snapshot | None]:
        begun = time.monotonic()
        found = self._store.read(refs)
        self._tracer.note("read", f"{self.kind}: {len(refs)} refs", begun)
        return found

    def list_refs(self, prefix: str) -> dict[str, str]:
        begun = time.monotonic()
        found = self._store.list_refs(prefix)
        self._tracer.note("list", f"{self.kind}: {prefix} -> {len(found)} refs", begun)
        return found

    def load(self, oids: Iterable[str]) -> dict[str, bytes]:
        wanted = list(oids)
        begun = time.monotonic()
        found = self._store.load(wanted)
        self._tracer.note("load", f"{self.kind}: {len(wanted)} objects", begun)
        return found

    def files(self, oid: str, paths: Sequence[str]) -> dict[str, bytes]:
        return self._store.files(oid, paths)

    def history(self, oids: Iterable[str], limit: int | None = None) -> dict[str, list[Entry]]:
        wanted = list(oids)
        begun = time.monotonic()
        found = self._store.history(wanted, limit)
        self._tracer.note("load", f"{self.kind}: {len(wanted)} chains", begun)
        return found

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        begun = time.monotonic()
        refs = [change.ref for change in changes if change.new is not None]
        try:
            moved = self._store.swap(changes)
        except Lost as lost:
            self._tracer.swap(self.kind, refs, f"lost: {lost.ref} moved", begun)
            raise
        except Busy as busy:
            self._tracer.swap(self.kind, refs, f"busy: {busy.ref} is locked", begun)
            raise
        except Exception as error:
            self._tracer.swap(self.kind, refs, type(error).__name__, begun)
            raise
        self._tracer.swap(self.kind, refs, "won", begun)
        return moved

    def close(self) -> None:
        self._store.close()
