"""Making a damaged archive anew: its commits have all that was ever folded as their parents, so its pages can be lost.

Loaded by the doctor. Goes through the archive's own commits, newest first; what a parent is says its record. Heartbeats
are no commits and are not found again, which nobody misses.
"""

from __future__ import annotations

from gitcoord.core import archive, codec, names
from gitcoord.core.archive import Archive, Fold
from gitcoord.core.event import LogEntry
from gitcoord.core.model import Session, Struct, Task
from gitcoord.errors import CoordError, Corrupt
from gitcoord.git.repo import OFFLINE
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import Commit
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitcoord.coordinator.joins import Joins


def mend(coord: Joins) -> int:
    """Write the pages anew, from the commits; how many refs are on them. Raises Corrupt where there are no commits."""

    def decide() -> Plan[int]:
        coord.records.forget()
        tip = coord.store.list_refs(names.ARCHIVE_FOLDER).get(names.ARCHIVE)
        if not tip:
            raise Corrupt(f"{names.ARCHIVE} holds no commit")
        entries, records = _entries(coord, tip)
        whole = archive.grown(Archive(at=coord.now()), records, coord.now())
        event = Fold(type="mend-archive", at=coord.now(), refs=len(entries))
        change = coord.commit(names.ARCHIVE, tip, codec.encode(whole), event, f"mend the archive: {len(entries)} refs")
        assert isinstance(change.new, Commit)
        pages = archive.spread(entries)
        files = {path: archive.page({ref: entries[ref] for ref in refs}) for path, refs in sorted(pages.items())}
        return Plan(
            [msgspec.structs.replace(change, new=msgspec.structs.replace(change.new, files=files))], len(entries)
        )

    return coord.transact(decide, limit=30.0)


def _entries(coord: Joins, tip: str) -> tuple[dict[str, str], list[Struct]]:
    """What was folded last under each name, and these records."""
    entries: dict[str, str] = {}
    records: list[Struct] = []
    for oid, payload in _folded(coord, tip):
        found = _record(payload)
        if found is not None and found[0] not in entries:
            entries[found[0]] = oid
            records.append(found[1])
    return entries, records


def _folded(coord: Joins, tip: str) -> Iterator[tuple[str, bytes]]:
    """Every commit that the archive's own commits have as a further parent, the newest first, with its record."""
    done = coord.repo.git("rev-list", "--first-parent", "--parents", tip, env=OFFLINE)
    others = []
    for line in done.text.split("\n"):
        _oid, *parents = line.split(" ")
        payloads = coord.store.load(parents[1:]) if len(parents) > 1 else {}
        for oid in parents[1:]:
            if oid in payloads and _is_archive(payloads[oid]):
                others.append(oid)
            elif oid in payloads:
                yield oid, payloads[oid]
    for oid in others:  # two archives that were joined: what the other one had
        yield from _folded(coord, oid)


def _is_archive(payload: bytes) -> bool:
    try:
        return not {"id", "session"}.intersection(codec.decode_raw(payload)) and bool(codec.decode(payload, Archive).at)
    except CoordError:
        return False


def _record(payload: bytes) -> tuple[str, Struct] | None:
    """The ref and the record that these bytes are, if they may be in an archive."""
    for kind in (Task, Session, LogEntry):
        try:
            record = codec.decode(payload, kind)
        except CoordError:
            continue
        if isinstance(record, Task) and archive.is_over(record):
            return names.task_ref(record.id), record
        if isinstance(record, Session) and archive.is_over(record) and names.is_session_id(record.id):
            return names.session_ref(record.id), record
        if isinstance(record, LogEntry) and names.is_session_id(record.session):
            return names.events_ref(record.session), record
    return None
