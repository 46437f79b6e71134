"""The state as it was at a moment: tasks, claims, locks, sessions and shared data, out of the records' own chains.

Of each record it is the newest commit whose event is not after that moment, by its author's clock: within a record the
order is certain, between machines it is as good as their clocks. The archive is looked into as well. Read-only, and
loaded when first used.
"""

from __future__ import annotations

import re

from gitcoord.coordinator.archive import shelf_of
from gitcoord.coordinator.entries import happened
from gitcoord.coordinator.joins import Board
from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.taskindex import TaskIndex
from gitcoord.coordinator.tasks import check_id
from gitcoord.core import locks, names, queue, when
from gitcoord.core.lease import Verdict
from gitcoord.core.locks import Lock, LockTable
from gitcoord.core.model import Session, Struct, Task
from gitcoord.core.scope import Scope
from gitcoord.core.views import LockView, SessionView, TaskView
from gitcoord.errors import CoordError, NotFound, Usage
from gitcoord.lean import TYPE_CHECKING, Any, msgspec
from gitcoord.store.base import BROKEN, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gitcoord.coordinator.history import History

_KINDS = (names.TASKS, names.SESSIONS, names.LOCKS_FOLDER, names.DATA, names.PRIVATE)
_FIRST, _TIMES = 8, 8  # links of each chain looked through at first, and how many times more where that is not enough
_OID = re.compile(r"[0-9a-f]{7,64}\Z")
_HINT = "write it as '2h ago', '2026-11-20 13:03', 2026-11-20T13:03:11Z, or name a commit of 'git log refs/coord/…'"


class PastScope(Struct, frozen=True, kw_only=True):
    """A scope and its values as they were."""

    scope: str
    version: int
    entries: dict[str, Any]


class Past(Struct, frozen=True, kw_only=True):
    """What was the case at ``as_of_time``. Without ``all``, finished tasks and sessions that had ended are left out."""

    as_of_time: str
    tasks: tuple[TaskView, ...]
    locks: tuple[LockView, ...]
    sessions: tuple[SessionView, ...]
    data: tuple[PastScope, ...]


class LookingAt:
    """The question, over a Coordinator."""

    def __init__(self, coord: History) -> None:
        self.coord = coord

    def at(self, moment: str, *, task: str | None, everything: bool) -> Past:
        """The state at ``moment``. Raises Usage for what is no moment, NotFound for what was not there then."""
        self.coord.begin()
        time = self.moment(moment)
        found = self._records(time, names.task_ref(check_id(task)) if task is not None else None)
        board = _board(found, time)
        if task is not None and task not in board.tasks:
            raise NotFound(f"there was no task {task} at {time}", hint=f"git coord log --task {task}", task=task)
        table = next((item.record for item in found if isinstance(item.record, LockTable)), locks.EMPTY)
        wanted = [
            record
            for record in sorted(board.plain_tasks().values(), key=queue.order)
            if record.id == task or (task is None and (everything or record.state not in ("done", "cancelled")))
        ]
        going = [item for item in board.sessions.values() if everything or item.record.state == "live"]
        going.sort(key=lambda item: item.record.started_at, reverse=True)
        return Past(
            as_of_time=time,
            tasks=tuple(self.coord.task_views(wanted, board)),
            locks=tuple(_lock(lock, table, board) for lock in table.locks) if task is None else (),
            sessions=tuple(self._session(item, board, table) for item in going) if task is None else (),
            data=tuple(_scope(item.record) for item in found if isinstance(item.record, Scope)) if task is None else (),
        )

    def moment(self, text: str) -> str:
        """What ``text`` says, as we write times: a time, so long ago, or when the event of a commit was."""
        found = when.parse(text, self.coord.clock.now())
        if found is not None:
            return found
        if not _OID.match(text):
            raise Usage(f"{text[:80]!r} is no moment", hint=_HINT)
        done = self.coord.repo.git("rev-parse", "--verify", "-q", f"{text}^{{commit}}", check=False)
        chain = self.coord.store.history([done.text], 1).get(done.text, []) if done.code == 0 else []
        at = happened(chain[0])[0] if chain else None
        if at is None:
            raise NotFound(f"{text} is no commit of a coordination record", hint=_HINT)
        return at

    # -- reading ------------------------------------------------------------------------------------------------------

    def _records(self, time: str, only: str | None) -> list[Loaded[Any]]:
        """Every record that was there then, as it was; one that cannot be read is told of."""
        tips = self._tips(only)
        then = self._then(tips, time)
        payloads = self.coord.store.load(then.values())
        found = []
        for ref, oid in then.items():
            try:
                found.append(self.coord.records.decode(ref, oid, payloads.get(oid, b"")))
            except CoordError:
                self.coord.tell_corrupt([ref])
        return found

    def _tips(self, only: str | None) -> dict[str, str]:
        live = {ref: oid for tree in (names.ROOT, names.LOCAL) for ref, oid in self.coord.store.list_refs(tree).items()}
        shelf = shelf_of(self.coord.records)
        folded = shelf.everything() if shelf is not None else {}
        tips = {ref: oid for ref, oid in {**folded, **live}.items() if ref.startswith(_KINDS)}
        self.coord.tell_corrupt([ref for ref, oid in tips.items() if oid == BROKEN])
        return {
            ref: oid
            for ref, oid in tips.items()
            if oid != BROKEN and (only is None or ref == only or ref.startswith((names.SESSIONS, names.TASKS)))
        }

    def _then(self, tips: Mapping[str, str], time: str) -> dict[str, str]:
        """The commit at which each record was; those that were not there yet are left out."""
        found: dict[str, str] = {}
        depth, left = _FIRST, dict(tips)
        while left:
            chains = self.coord.store.history(left.values(), depth)
            self.coord.tell_corrupt([ref for ref, oid in left.items() if oid not in chains])
            deeper = {}
            for ref, tip in left.items():
                chain = chains.get(tip, [])
                at = _newest(chain, time)
                if at is not None:
                    found[ref] = at
                elif len(chain) == depth and chain[-1].parent is not None:
                    deeper[ref] = tip
            depth, left = depth * _TIMES, deeper
        return found

    def _session(self, item: Loaded[Session], board: Board, table: LockTable) -> SessionView:
        """A session as its record said then; its heartbeats are not kept."""
        view = self.coord.session_view(item, board, None)
        held = tuple(lock.target.text for lock in table.locks if lock.session == item.record.id)
        return msgspec.structs.replace(view, locks=held, heartbeat_age=None, activity=None)


def _newest(chain: Iterable[Entry], time: str) -> str | None:
    return next((entry.oid for entry in chain if (happened(entry)[1]) <= time), None)


def _board(found: Iterable[Loaded[Any]], time: str) -> Board:
    sessions = {item.record.id: item for item in found if isinstance(item.record, Session)}
    index = TaskIndex({item.ref: item for item in found if isinstance(item.record, Task)})
    return Board(
        sessions=sessions,
        verdicts={sid: _verdict(item.record, time) for sid, item in sessions.items()},
        tasks=index.tasks,
        corrupt=[],
        index=index,
    )


def _verdict(session: Session, time: str) -> Verdict:
    """As its record said: whether it was silent then nobody knows any more."""
    if session.state == "live":
        return Verdict(shown="active", live=True, why=f"it had not ended at {time}")
    return Verdict(shown=session.state, live=False, why=f"it had {session.state} by {time}")


def _lock(lock: Lock, table: LockTable, board: Board) -> LockView:
    def name(sid: str) -> str | None:
        known = board.sessions.get(sid)
        return known.record.name if known is not None else None

    waiting = [
        waiter
        for waiter in table.waiters
        if waiter.session != lock.session and any(locks.meet(lock.target, target) for target in waiter.wants)
    ]
    return LockView(
        name=lock.target.name,
        path=lock.target.path,
        mode=lock.mode,
        session=lock.session,
        session_name=name(lock.session),
        token=lock.token,
        reason=lock.reason,
        since=lock.since,
        expires_at=None,
        in_force=board.live(lock.session),
        waiting=tuple(name(waiter.session) or waiter.session for waiter in waiting),
    )


def _scope(scope: Scope) -> PastScope:
    return PastScope(
        scope=scope.name, version=scope.version, entries={key: item.value for key, item in scope.entries.items()}
    )
