"""Reading records: from refs through the codec, decoded once per oid.

Owns the decoded cache and the *view*: what one command has read so far. A view is dropped before every decision that is
taken again, so a decision and its expected values always come from the same read. Where there are many records their
bytes come out of one file (``store.cache``); a record that is going to be changed is proved first (``prove``).
"""

from __future__ import annotations

from gitcoord.coordinator.listing import still_known
from gitcoord.core import codec, names
from gitcoord.core.model import Beat, Meta, Session, Struct, Task
from gitcoord.errors import CoordError, Corrupt, NewerFormat
from gitcoord.lean import TYPE_CHECKING, Any, Generic, TypeVar, msgspec
from gitcoord.store import cache
from gitcoord.store.base import BROKEN, RefStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gitcoord.store.base import Snapshot
    from gitcoord.sync.shelf import Shelf

    _Listing = tuple[Mapping[str, str], Mapping[str, "Loaded[Any]"], Sequence[str]]  # oids, records, what is corrupt

R = TypeVar("R", bound=Struct)

_KINDS: tuple[tuple[str, type[Struct]], ...] = (
    (names.TASKS, Task),
    (names.SESSIONS, Session),
    (names.HEARTBEATS, Beat),
    (names.META, Meta),
)
_FOLDED = (names.TASKS, names.SESSIONS)  # what is looked for in the archive where its ref does not exist
_SPARE = 500
"""Decoded records kept beside twice those that are live: in the end a process sees every version of each."""
_NOTHING: _Listing = ({}, {}, ())
_MANY = 200
"""More records than these missing at once are worth a look into the cache file, and writing it anew."""


class Loaded(msgspec.Struct, Generic[R], frozen=True):
    """A record as read: its ref, the oid to expect, its bytes and the typed record.

    ``sure``: read from its object. One out of the cache is not, and has no bytes: see ``Records.prove``.
    ``folded``: its ref does not exist; it is in the archive, and ``oid`` is the commit at which it ended.
    """

    ref: str
    oid: str
    payload: bytes
    record: R
    sure: bool = True
    folded: bool = False

    @property
    def raw(self) -> dict[str, Any]:
        """The plain values, with unknown fields. Raises Corrupt."""
        return codec.decode_raw(self.payload)


class CacheWrong(Exception):
    """The cache file said something else than the objects; it is gone now, and nothing was written."""


class Records:
    """Typed reads over one store; ``common``: the Git directory below which there may be a cache file."""

    def __init__(self, store: RefStore, common: str | None = None) -> None:
        self.store = store
        self._common = common
        self._decoded: dict[str, Loaded[Any]] = {}
        self._view: dict[str, Loaded[Any] | None] = {}
        self._listed: dict[str, dict[str, str]] = {}
        self._last: dict[str, _Listing] = {}  # outlives views: equal oids are equal records
        self.has_archive: bool | None = None
        self.archived: Shelf | None = None  # if it was looked into for this view; and whichever was the last one
        self.shelf: Shelf | None = None

    def forget(self) -> None:
        """Drop the view; the next read asks the store again."""
        self._view.clear()
        self._listed.clear()
        self.has_archive = self.archived = None
        if len(self._decoded) > _SPARE + 2 * sum(len(found) for _, found, _ in self._last.values()):
            self._decoded = {item.oid: item for _, found, _ in self._last.values() for item in found.values()}

    def outdated(self, refs: Iterable[str]) -> None:
        """Drop what was just written, and every listing; what else is in the view stays."""
        for ref in refs:
            self._view.pop(ref, None)
        self._listed.clear()

    def fetch(self, refs: Iterable[str]) -> None:
        """Bring refs into the view, in one batch. Raises Corrupt for one that is there but unreadable."""
        wanted = [ref for ref in dict.fromkeys(refs) if ref not in self._view]
        if not wanted:
            return
        for ref, found in self._read(wanted).items():
            self._view[ref] = None if found is None else self.decode(ref, found.oid, found.payload)
        if any(self._view[ref] is None for ref in wanted if ref.startswith(_FOLDED)):
            self.archived = None  # a fold moves the archive and then deletes the ref: look into it after this

    def _read(self, wanted: list[str]) -> dict[str, Snapshot | None]:
        if not any(ref.startswith(_FOLDED) for ref in wanted):
            return self.store.read(wanted)
        try:
            found = self.store.read([*wanted, names.ARCHIVE])
        except Corrupt:  # if that is the archive, it concerns only what is not found elsewhere
            self.has_archive = True
            return self.store.read(wanted)
        self.has_archive = found.pop(names.ARCHIVE) is not None
        return found

    def get(self, ref: str, kind: type[R]) -> Loaded[R] | None:
        """One record, or None where there is none. Raises Corrupt or NewerFormat."""
        self.fetch([ref])
        found = self._view[ref]
        if found is None and self.has_archive and ref.startswith(_FOLDED):
            from gitcoord.coordinator import archive

            found = self._view[ref] = archive.find(self, ref)
        if found is not None and not isinstance(found.record, kind):
            raise Corrupt(f"{ref} does not hold a {kind.__name__.lower()}")
        return found

    def troubled(self, refs: Iterable[str]) -> tuple[set[str], set[str]]:
        """Those of ``refs`` that are corrupt, and those of a newer format. Kinds that we do not know are neither."""
        known = [ref for ref in refs if _find_kind(ref) is not None]
        corrupt: set[str] = set()
        newer: set[str] = set()
        for folder in {f"{ref.rpartition('/')[0]}/" for ref in known}:
            for ref in set(self.all(folder, Struct)[1]).intersection(known):
                try:
                    self.get(ref, Struct)
                except NewerFormat:
                    newer.add(ref)
                except CoordError:
                    corrupt.add(ref)
        return corrupt, newer

    def all(self, prefix: str, kind: type[R]) -> tuple[Mapping[str, Loaded[R]], list[str]]:
        """Every readable record below ``prefix``, by ref, and the refs that cannot be read.

        The same mapping as before while nothing changed: not to be changed by anybody.
        """
        oids = self.oids(prefix)
        before, found, corrupt = self._last.get(prefix, _NOTHING)
        if before != oids or corrupt:
            _, found, corrupt = self._last[prefix] = self._listing(prefix, oids, before, found)
        self._view.update(found)
        return found, list(corrupt)

    def _listing(
        self, prefix: str, oids: Mapping[str, str], before: Mapping[str, str], known: Mapping[str, Loaded[Any]]
    ) -> _Listing:
        """What is at ``oids``; what is ``known`` of ``before`` and still there is not read again."""
        found, new = still_known(oids, before, known)
        if len(new) > _MANY:
            found.update(self._recalled(prefix, new))
            new = {ref: oid for ref, oid in new.items() if ref not in found}
        payloads = self._payloads(new)
        corrupt: list[str] = []
        for ref, oid in new.items():
            loaded = self._decoded.get(oid)
            if loaded is None or loaded.ref != ref:
                try:
                    loaded = self.decode(ref, oid, payloads.get(oid) or self._payload(oid))
                except CoordError:
                    corrupt.append(ref)
                    continue
            found[ref] = loaded
        if len(payloads) > _MANY and self._common is not None:
            from gitcoord.coordinator.recall import keep

            keep(self._common, prefix, found.values())
        return oids, found, corrupt

    def _payload(self, oid: str) -> bytes:
        """The bytes of one that was decoded before, for another ref, or could not be read with the others."""
        known = self._decoded.get(oid)
        payload = known.payload if known is not None and known.sure else None
        if payload is None and oid != BROKEN:
            payload = self.store.load([oid]).get(oid)
        if payload is None:
            raise Corrupt(f"{oid} cannot be read")
        return payload

    def _payloads(self, oids: Mapping[str, str]) -> Mapping[str, bytes]:
        """What the objects say of those that are not decoded yet."""
        missing = [oid for oid in dict.fromkeys(oids.values()) if oid not in self._decoded and oid != BROKEN]
        return self.store.load(missing) if missing else {}

    def _recalled(self, prefix: str, oids: Mapping[str, str]) -> dict[str, Loaded[Any]]:
        """What the cache file has of ``oids``."""
        kind = _find_kind(prefix + "x")
        if self._common is None or kind is None:
            return {}
        from gitcoord.coordinator.recall import recall

        return recall(self._common, prefix, kind, oids)

    def prove(self, loaded: Loaded[R]) -> Loaded[R]:
        """``loaded`` as its object says, to be built upon. Raises CacheWrong where the cache said something else."""
        if loaded.sure:
            return loaded
        try:
            proved = _loaded(loaded.ref, loaded.oid, self.store.load([loaded.oid]).get(loaded.oid, b""))
        except CoordError:
            proved = None
        if proved is None or proved.record != loaded.record:
            if self._common is not None:
                cache.drop(self._common)
            self.only_objects()
            raise CacheWrong(loaded.ref)
        return proved

    def only_objects(self) -> None:
        """From now on believe nothing but objects: to find out which of them are damaged, say."""
        self._common = None
        self._decoded.clear()
        self._last.clear()
        self.forget()

    def oids(self, prefix: str) -> dict[str, str]:
        """Every ref below ``prefix`` with its oid (BROKEN where unreadable)."""
        if prefix not in self._listed:
            self._listed[prefix] = dict(self.store.list_refs(prefix))
        return self._listed[prefix]

    def decode(self, ref: str, oid: str, payload: bytes) -> Loaded[Any]:
        """The record that these bytes are, decoded once. Raises Corrupt, NewerFormat."""
        known = self._decoded.get(oid)
        if known is None or known.ref != ref or not known.sure:
            known = self._decoded[oid] = _loaded(ref, oid, payload)
        return known


def understood(ref: str, payload: bytes) -> Struct | None:
    """What ``payload``, from elsewhere, would be at ``ref``; None for an unknown kind. Raises Corrupt, NewerFormat."""
    if _find_kind(ref) is None:
        return None
    record: Struct = _loaded(ref, "", payload).record
    return record


def _loaded(ref: str, oid: str, payload: bytes) -> Loaded[Any]:
    try:
        record = codec.decode(payload, _kind(ref))
    except CoordError as error:
        raise type(error)(f"{ref}: {error.message}", ref=ref) from None
    _check_name(ref, record)
    return Loaded(ref, oid, payload, record)


def _kind(ref: str) -> type[Struct]:
    kind = _find_kind(ref)
    if kind is None:
        raise Corrupt(f"{ref} is not a kind of record this gitcoord knows")
    return kind


def _find_kind(ref: str) -> type[Struct] | None:
    for prefix, kind in _KINDS:
        if ref.startswith(prefix):
            return kind
    if ref == names.LOCKS:
        from gitcoord.core.locks import LockTable  # with its rules 3 ms of import, which no command without locks needs

        return LockTable
    if ref.startswith((names.DATA, names.PRIVATE)):
        from gitcoord.core.scope import Scope

        return Scope
    if ref.startswith(names.EVENTS):
        from gitcoord.core.event import LogEntry

        return LogEntry
    if ref == names.ARCHIVE:
        from gitcoord.core.archive import Archive

        return Archive
    return None


def _check_name(ref: str, record: Struct) -> None:
    """A record that says it is something else than its ref says was put there by no gitcoord."""
    expected = ref
    if isinstance(record, Task):
        expected = names.task_ref(record.id)
    elif isinstance(record, Session):
        expected = names.SESSIONS + record.id if names.is_session_id(record.id) else ""
    elif ref.startswith(names.EVENTS):
        expected = names.EVENTS + getattr(record, "session", "")
    elif ref.startswith((names.DATA, names.PRIVATE)):
        expected = names.data_ref(getattr(record, "name", ""))
    if expected != ref:
        raise Corrupt(f"{ref} holds the record of another name", ref=ref)
