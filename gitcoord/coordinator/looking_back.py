"""Looking at what was: the archive beside what is live, for whoever asks for something definite or for everything.

Loaded when first used, and writes nothing.
"""

from __future__ import annotations

from gitcoord.coordinator.archive import every, shelf_of
from gitcoord.coordinator.entries import said
from gitcoord.coordinator.joins import Board
from gitcoord.coordinator.records import Loaded
from gitcoord.core import names
from gitcoord.core.model import Session, Task
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from gitcoord.coordinator.history import History


def with_task(coord: History, board: Board, task_id: str) -> tuple[Board, dict[str, str]]:
    """``board`` with one archived task and the sessions that may have something to say of it; their chains by ref."""
    shelf, ref = shelf_of(coord.records), names.task_ref(task_id)
    logs = shelf.all(names.EVENTS) if shelf is not None else {}
    tips = {**(shelf.find([ref]) if shelf is not None else {}), **logs}
    found = coord.task(task_id)
    writers = {name.removeprefix(names.EVENTS) for name in logs}
    if found is not None:
        chain = coord.store.history([found.oid]).get(found.oid, [])
        writers |= {sid for entry in chain if (sid := said(entry)[1]) is not None and names.is_session_id(sid)}
    known = {sid: item for sid in sorted(writers) if (item := _session(coord, sid)) is not None}
    tasks = {task_id: found} if found is not None else {}
    whole = msgspec.structs.replace(board, tasks={**tasks, **board.tasks}, sessions={**known, **board.sessions})
    return whole, tips


def _session(coord: History, sid: str) -> Loaded[Session] | None:
    try:
        return coord.records.get(names.session_ref(sid), Session)
    except CoordError:
        return None  # then it is shown by its id


def with_archive(coord: History, board: Board) -> tuple[Board, dict[str, str]]:
    """``board`` with the archived tasks and sessions, and the ends of all archived chains, by ref."""
    tasks, bad_tasks = every(coord.records, names.TASKS, Task)
    sessions, bad_sessions = every(coord.records, names.SESSIONS, Session)
    shelf = shelf_of(coord.records)
    kinds = (names.TASKS, names.SESSIONS, names.EVENTS)
    tips = {ref: oid for kind in kinds for ref, oid in shelf.all(kind).items()} if shelf is not None else {}
    whole = msgspec.structs.replace(
        board,
        tasks={**{item.record.id: item for item in tasks.values()}, **board.tasks},
        sessions={**{item.record.id: item for item in sessions.values()}, **board.sessions},
        corrupt=sorted([*board.corrupt, *bad_tasks, *bad_sessions]),
    )
    return whole, tips
