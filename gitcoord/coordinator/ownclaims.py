"""What one session holds, found without reading every task: ``whoami`` is asked often, and tasks may be thousands.

Owns a cache of who holds the task at each oid: lines of an oid and, where that record has a claim, its session. An oid
never means anything else later, so what the cache says stays right and only ever is too little. Rebuildable, and never
the truth.
"""

from __future__ import annotations

from gitcoord.coordinator.joins import Board, Joins
from gitcoord.coordinator.records import Loaded
from gitcoord.core import names
from gitcoord.core.model import Session, Task
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store import cache
from gitcoord.store.base import BROKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = "claims"
_FEW = 20
"""So many unknown oids are read again and again rather than the cache written."""

_MANY = 200
"""From so many on the whole board is read, which has a quicker way to many records than one by one."""


def own_board(coord: Joins, me: Loaded[Session]) -> Board:
    """Of the board what concerns one session: itself, what it holds and has locked."""
    sid = me.record.id
    tasks = {item.record.id: item for item in held_by(coord, sid)}
    board = Board(sessions={sid: me}, verdicts={sid: coord.verdict(me)}, tasks=tasks, corrupt=[])
    if not coord.records.oids(names.LOCKS_FOLDER):
        return board
    from gitcoord.coordinator import sight

    try:
        return msgspec.structs.replace(board, locks=sight.look(coord, me))
    except CoordError:
        return board  # the table cannot be read: 'status' says so


def held_by(coord: Joins, sid: str) -> list[Loaded[Task]]:
    """The tasks that a session holds; one that cannot be read is nobody's."""
    if coord.indexed is not None or coord.store.kind == "memory":
        return _on(coord.board(), sid)
    oids = coord.records.oids(names.TASKS)
    lines = _read(coord.repo.common)
    known = set(lines.split())
    unknown = [ref for ref, oid in oids.items() if oid not in known and oid != BROKEN]
    if len(unknown) > _MANY:
        board = coord.board()
        _write(coord.repo.common, {item.oid: _holder(item) for item in board.tasks.values()})
        return _on(board, sid)
    fresh = {item.oid: item for item in coord.readable(unknown, Task)}
    found = [item for item in fresh.values() if _holder(item) == sid]
    mine = {line.partition(" ")[0] for line in lines.split("\n") if line.endswith(sid)} if sid in lines else ()
    claimed = [ref for ref, oid in oids.items() if oid in mine] if mine else []
    found += [item for item in coord.readable(claimed, Task) if _holder(item) == sid]
    if len(fresh) > _FEW:
        holders = dict(_pairs(lines))
        present = {oid: holders[oid] for oid in oids.values() if oid in holders}
        _write(coord.repo.common, {**present, **{oid: _holder(item) for oid, item in fresh.items()}})
    return found


def _on(board: Board, sid: str) -> list[Loaded[Task]]:
    return [board.tasks[name] for name in board.held_by(sid)]


def _holder(item: Loaded[Task]) -> str:
    return item.record.claim.session if item.record.claim is not None else ""


def _read(common: str) -> str:
    data = cache.read(cache.path_of(common, _NAME))
    return "" if data is None else data.decode("ascii", "replace")


def _pairs(lines: str) -> Iterable[tuple[str, str]]:
    """The session that holds the task at each oid that is known, "" where nobody does."""
    return ((oid, sid) for oid, _, sid in (line.partition(" ") for line in lines.split("\n")))


def _write(common: str, holders: Mapping[str, str]) -> None:
    """Replace the cache. Best effort."""
    lines = [f"{oid} {sid}" if sid else oid for oid, sid in holders.items() if not sid or names.is_session_id(sid)]
    cache.write(common, _NAME, "\n".join(lines).encode())
