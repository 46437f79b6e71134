"""Looking at what was: the archive beside what is live, for whoever asks for something definite or for everything.

Loaded when first used, and writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gitcoord.coordinator.archive import every, shelf_of
from gitcoord.coordinator.joins import Board
from gitcoord.core import names
from gitcoord.core.model import Session, Task
from gitcoord.store.base import BROKEN

if TYPE_CHECKING:
    from gitcoord.coordinator.history import History


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
    return whole, {ref: oid for ref, oid in tips.items() if oid != BROKEN}
