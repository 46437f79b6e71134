"""Reading records: from refs through the codec, decoded once per oid.

Owns the decoded cache and the *view*: what one command has read so far. A view is dropped before every decision that is
taken again, so a decision and its expected values always come from the same read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec

from gitcoord.core import codec, names
from gitcoord.core.model import Beat, Meta, Session, Struct, Task
from gitcoord.errors import CoordError, Corrupt
from gitcoord.store.base import BROKEN, RefStore

R = TypeVar("R", bound=Struct)

_KINDS: tuple[tuple[str, type[Struct]], ...] = (
    (names.TASKS, Task),
    (names.SESSIONS, Session),
    (names.HEARTBEATS, Beat),
    (names.META, Meta),
)
_CACHE_LIMIT = 50_000


class Loaded(msgspec.Struct, Generic[R], frozen=True):
    """A record as read: its ref, the oid to expect, the plain values (with unknown fields) and the typed record."""

    ref: str
    oid: str
    raw: dict[str, Any]
    record: R


class Records:
    """Typed reads over one store."""

    def __init__(self, store: RefStore) -> None:
        self._store = store
        self._decoded: dict[str, Loaded[Any]] = {}
        self._view: dict[str, Loaded[Any] | None] = {}
        self._listed: dict[str, dict[str, str]] = {}

    def forget(self) -> None:
        """Drop the view; the next read asks the store again."""
        self._view.clear()
        self._listed.clear()

    def has(self, ref: str) -> bool:
        """Whether ``ref`` was read and exists."""
        return self._view.get(ref) is not None

    def fetch(self, refs: Iterable[str]) -> None:
        """Bring refs into the view, in one batch. Raises Corrupt for one that is there but unreadable."""
        wanted = [ref for ref in dict.fromkeys(refs) if ref not in self._view]
        if not wanted:
            return
        for ref, found in self._store.read(wanted).items():
            self._view[ref] = None if found is None else self._decode(ref, found.oid, found.payload)

    def get(self, ref: str, kind: type[R]) -> Loaded[R] | None:
        """One record, or None where there is none. Raises Corrupt or NewerFormat."""
        self.fetch([ref])
        found = self._view[ref]
        if found is not None and not isinstance(found.record, kind):
            raise Corrupt(f"{ref} does not hold a {kind.__name__.lower()}")
        return found

    def all(self, prefix: str, kind: type[R]) -> tuple[dict[str, Loaded[R]], list[str]]:
        """Every readable record below ``prefix``, by ref, and the refs that cannot be read."""
        oids = self.oids(prefix)
        missing = [oid for oid in oids.values() if oid != BROKEN and oid not in self._decoded]
        payloads = self._store.load(missing) if missing else {}
        found: dict[str, Loaded[R]] = {}
        corrupt: list[str] = []
        for ref, oid in oids.items():
            try:
                if oid == BROKEN or (oid not in self._decoded and oid not in payloads):
                    raise Corrupt(f"{ref} cannot be read")
                loaded = self._decode(ref, oid, payloads.get(oid, b""))
            except CoordError:
                corrupt.append(ref)
                continue
            found[ref] = loaded
            self._view[ref] = loaded
        return found, corrupt

    def oids(self, prefix: str) -> dict[str, str]:
        """Every ref below ``prefix`` with its oid (BROKEN where unreadable)."""
        if prefix not in self._listed:
            self._listed[prefix] = dict(self._store.list_refs(prefix))
        return self._listed[prefix]

    def _decode(self, ref: str, oid: str, payload: bytes) -> Loaded[Any]:
        known = self._decoded.get(oid)
        if known is None or known.ref != ref:
            known = _loaded(ref, oid, payload)
            if len(self._decoded) >= _CACHE_LIMIT:
                self._decoded.clear()
            self._decoded[oid] = known
        return known


def _loaded(ref: str, oid: str, payload: bytes) -> Loaded[Any]:
    try:
        raw = codec.decode_raw(payload)
        record = codec.convert(raw, _kind(ref))
    except CoordError as error:
        raise type(error)(f"{ref}: {error.message}", ref=ref) from None
    _check_name(ref, record)
    return Loaded(ref, oid, raw, record)


def _kind(ref: str) -> type[Struct]:
    for prefix, kind in _KINDS:
        if ref.startswith(prefix):
            return kind
    if ref == names.LOCKS:
        from gitcoord.core.locks import LockTable  # with its rules 3 ms of import, which no command without locks needs

        return LockTable
    if ref.startswith((names.DATA, names.PRIVATE)):
        from gitcoord.core.scope import Scope

        return Scope
    raise Corrupt(f"{ref} is not a kind of record this gitcoord knows")


def _check_name(ref: str, record: Struct) -> None:
    """A record that says it is something else than its ref says was put there by no gitcoord."""
    expected = ref
    if isinstance(record, Task):
        expected = names.task_ref(record.id)
    elif isinstance(record, Session):
        expected = names.SESSIONS + record.id
    elif ref.startswith((names.DATA, names.PRIVATE)):
        expected = names.data_ref(getattr(record, "name", ""))
    if expected != ref:
        raise Corrupt(f"{ref} holds the record of another name", ref=ref)
