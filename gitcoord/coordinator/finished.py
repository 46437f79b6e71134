"""What ``maintain`` may fold: finished long enough ago, and named by nothing live. Reads only."""

from __future__ import annotations

from gitcoord.coordinator.archive import shelf_of
from gitcoord.coordinator.joins import Board
from gitcoord.core import archive, locks, names
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Struct
from gitcoord.core.times import rfc3339
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import BROKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gitcoord.coordinator.history import History

_WHEN = 24  # characters of a time as we write it


class Chosen(Struct, frozen=True):
    """A record to fold, with the refs that go along: each with the oid that it is at."""

    record: Struct | None
    refs: dict[str, str]


def chosen(coord: History, limit: float) -> list[Chosen]:
    """What was finished ``limit`` seconds ago or earlier, by its author's clock, and what nothing live names."""
    board = coord.board()
    coord.tell_corrupt(board.corrupt)
    earliest = rfc3339(coord.clock.now() - limit)
    old = [
        item
        for item in board.tasks.values()
        if archive.is_over(item.record) and _not_after(item.record.updated_at, earliest)
    ]
    found = [Chosen(item.record, {item.ref: item.oid}) for item in old]
    refs = coord.store.list_refs(names.ROOT)
    needed = _needed(coord, board)
    for sid, session in board.sessions.items():
        over = archive.is_over(session.record) and _not_after(session.record.ended_at, earliest)
        if over and sid not in needed and names.is_session_id(sid):
            beside = [names.events_ref(sid), names.heartbeat_ref(sid)]
            whole = {session.ref: session.oid, **{ref: oid for ref in beside if (oid := refs.get(ref))}}
            found.append(Chosen(session.record, whole))
    return found + _left_behind(coord, refs)


def _needed(coord: History, board: Board) -> set[str]:
    """Sessions that somebody may still ask for: my own, holders, givers and receivers, owners of locks."""
    mine = coord.find_me()
    found = {mine.record.id} if mine is not None else set()
    for task in board.plain_tasks().values():
        if task.claim is not None:
            found.add(task.claim.session)
        if task.handoff is not None:
            found.update(sid for sid in (task.handoff.from_, task.handoff.to) if sid is not None)
    if coord.records.oids(names.LOCKS_FOLDER):
        table = coord.records.get(names.LOCKS, LockTable)
        found.update(locks.concerned(table.record) if table is not None else ())
    return found


def _left_behind(coord: History, refs: Mapping[str, str]) -> list[Chosen]:
    """Logs and heartbeats of sessions that were folded before: they moved while that was done."""
    shelf = shelf_of(coord.records)
    if shelf is None:
        return []
    alone: dict[str, str] = {}
    for prefix in (names.EVENTS, names.HEARTBEATS):
        for ref, oid in refs.items():
            session = names.SESSIONS + ref.removeprefix(prefix)
            if ref.startswith(prefix) and oid != BROKEN and session not in refs:
                alone[ref] = session
    folded = shelf.find(set(alone.values()))
    gone = {ref: refs[ref] for ref, session in alone.items() if session in folded}
    known = shelf.find(gone)
    fresh = {ref: oid for ref, oid in gone.items() if known.get(ref) != oid}
    return [Chosen(None, fresh)] if fresh else []


def _not_after(at: str | None, earliest: str) -> bool:
    """Whether a record's time is one of ours, and no later; what somebody else wrote there stays."""
    return at is not None and len(at) == _WHEN and at <= earliest


def batches(chosen: Sequence[Chosen], limit: int) -> Iterator[list[Chosen]]:
    """Portions of at most ``limit`` refs, each record with all of its refs in one."""
    some: list[Chosen] = []
    count = 0
    for item in chosen:
        if some and count + len(item.refs) > limit:
            yield some
            some, count = [], 0
        some.append(item)
        count += len(item.refs)
    if some:
        yield some
