"""Joining records into what callers see: sessions with their tasks, tasks with their holder and what blocks them.

Nothing joined here is ever stored. ``board`` reads everything once; the single views read only what they need, so that
a one-shot command stays quick in a repository of many tasks.
"""

from __future__ import annotations

from gitcoord.coordinator.identity import Identity
from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.task_view import sessions_of, task_view
from gitcoord.coordinator.taskindex import TaskIndex
from gitcoord.core import lease, names, queue
from gitcoord.core.lease import Verdict
from gitcoord.core.model import Beat, Meta, Session, Struct, Task
from gitcoord.core.task import Facts
from gitcoord.core.views import SessionView, TaskView
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING, TypeVar, msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gitcoord.coordinator.sight import Sight

R = TypeVar("R", bound=Struct)

EPOCH_BITS = 20
"""Each epoch of the repository has that many bits of fencing tokens."""


class Board(msgspec.Struct, frozen=True):
    """Everything at one moment: sessions and verdicts by session id, tasks by task id, refs that cannot be read.

    ``locks`` is None where there have never been any, or where they cannot be read. ``folded``: finished tasks out of
    the archive, as far as others wait for them.
    """

    sessions: dict[str, Loaded[Session]]
    verdicts: dict[str, Verdict]
    tasks: dict[str, Loaded[Task]]
    corrupt: list[str]
    locks: Sight | None = None
    folded: dict[str, Task] = {}
    index: TaskIndex | None = None

    def plain_tasks(self) -> dict[str, Task]:
        """The tasks' records by id; not to be changed."""
        return self._index().plain

    def in_order(self) -> list[Task]:
        """The same in the order of the queue; not to be changed."""
        return sorted(self.known_tasks().values(), key=queue.order) if self.folded else self._index().in_order()

    def views(self) -> dict[str, TaskView]:
        """Where views are kept that show nothing but a task's own record."""
        return self._index().views

    def held_by(self, sid: str) -> tuple[str, ...]:
        """The ids of the tasks that a session holds."""
        return self._index().held.get(sid, ())

    def _index(self) -> TaskIndex:
        known = self.index
        # Where other tasks were put in the place of those read, it is about others.
        return known if known is not None and known.tasks is self.tasks else TaskIndex(self.tasks)

    def known_tasks(self) -> dict[str, Task]:
        """The same with those that others wait for, though they are archived."""
        return {**self.folded, **self.plain_tasks()} if self.folded else self.plain_tasks()

    def live(self, sid: str | None) -> bool:
        """Whether claims of this session are in force; those of one that cannot be read are."""
        verdict = self.verdicts.get(sid) if sid else None
        return verdict.live if verdict is not None else self._unreadable(sid)

    def _unreadable(self, sid: str | None) -> bool:
        return sid is not None and names.SESSIONS + sid in self.corrupt

    def free(self, task: Task) -> bool:
        """Whether a claimed task can be taken at this moment: its holder is gone and the lock delay is over."""
        if task.claim is None:
            return True
        verdict = self.verdicts.get(task.claim.session)
        if verdict is None:
            return not self._unreadable(task.claim.session)
        return not verdict.live and verdict.wait <= 0


class Joins(Identity):
    """Reading for display and for decisions."""

    indexed: TaskIndex | None = None
    """All tasks as the last board showed them, where one was asked for."""

    def board(self) -> Board:
        """Read all sessions, heartbeats and tasks of this moment."""
        sessions, bad_sessions = self.records.all(names.SESSIONS, Session)
        _beats, _bad_beats = self.records.all(names.HEARTBEATS, Beat)
        tasks, bad_tasks = self.records.all(names.TASKS, Task)
        by_id = {item.record.id: item for item in sessions.values()}
        index = self._index_of(tasks)
        board = Board(
            sessions=by_id,
            verdicts={sid: self.verdict(item) for sid, item in by_id.items()},
            tasks=index.tasks,
            corrupt=sorted(bad_sessions + bad_tasks),
            folded=self._awaited(index),
            index=index,
        )
        return self._with_locks(board) if self.records.oids(names.LOCKS_FOLDER) else board

    def _index_of(self, found: Mapping[str, Loaded[Task]]) -> TaskIndex:
        if self.indexed is None or self.indexed.found is not found:
            self.indexed = TaskIndex(found, self.indexed)
        return self.indexed

    def _awaited(self, index: TaskIndex) -> dict[str, Task]:
        """The archived tasks among those that others wait for."""
        gone = {names.task_ref(name) for name in index.awaited.difference(index.tasks)}
        gone.difference_update(self.records.oids(names.TASKS))  # those that are there, and cannot be read
        if not gone or not self.records.oids(names.ARCHIVE_FOLDER):
            return {}
        return {item.record.id: item.record for item in self.readable(sorted(gone), Task)}

    def _with_locks(self, board: Board) -> Board:
        """``board`` with the lock table; what that takes is loaded only where there are locks."""
        from gitcoord.coordinator import sight

        unreadable = [ref.removeprefix(names.SESSIONS) for ref in board.corrupt if ref.startswith(names.SESSIONS)]
        try:
            seen = sight.judged(self, board.sessions, board.verdicts, unreadable=unreadable)
        except CoordError:
            return msgspec.structs.replace(board, corrupt=sorted([*board.corrupt, names.LOCKS]))
        return msgspec.structs.replace(board, locks=seen)

    # -- what the rules need to know about one task ------------------------------------------------------------------

    def task(self, task_id: str) -> Loaded[Task] | None:
        return self.records.get(names.task_ref(task_id), Task)

    def holder(self, task: Task) -> tuple[Loaded[Session] | None, Verdict | None]:
        """The session that holds a task, or that an open offer is addressed to (its giver, if to anyone)."""
        sid = task.claim.session if task.claim else task.handoff.to or task.handoff.from_ if task.handoff else None
        if sid is None or not names.is_session_id(sid):
            return None, None
        try:
            self.records.fetch([names.session_ref(sid), names.heartbeat_ref(sid)])
        except CoordError:
            pass  # a session that cannot be read is told below; a heartbeat that cannot be read only delays
        session = self.records.get(names.session_ref(sid), Session)
        return session, self.verdict(session) if session is not None else None

    def open_dependencies(self, task: Task) -> tuple[str, ...]:
        """The dependencies of a task that are not done."""
        found = self.readable([names.task_ref(name) for name in task.after], Task)
        return queue.blocked_by(task, {item.record.id: item.record for item in found})

    def readable(self, refs: Sequence[str], kind: type[R]) -> list[Loaded[R]]:
        """Those records that are there and can be read: the others count neither as done nor as anybody's."""
        try:
            self.records.fetch(refs)
        except CoordError:
            pass  # so not in one batch
        found = []
        for ref in refs:
            try:
                item = self.records.get(ref, kind)
            except CoordError:
                continue
            if item is not None:
                found.append(item)
        return found

    def takeable(self, board: Board) -> Callable[[Task], bool]:
        """Whether a task's former holder is gone and every lock delay over, as ``queue.ready`` asks it."""
        return lambda task: board.free(task) and self.hold_left(task) <= 0

    def facts(self, task: Task | None, verdict: Verdict | None) -> Facts:
        """What the task rules need besides the record."""
        floor = self.token_floor()
        if task is None:
            return Facts(floor=floor)
        wait = verdict.wait if verdict is not None and not verdict.live else 0.0
        return Facts(
            in_force=verdict is not None and verdict.live,
            blocked_by=self.open_dependencies(task),
            wait=max(wait, self.hold_left(task)),
            floor=floor,
        )

    def token_floor(self) -> int:
        """Tokens granted from now on are larger than this: each epoch of the repository has a range of its own."""
        meta = self.records.get(names.META, Meta)
        return 0 if meta is None else (meta.record.epoch - 1) << EPOCH_BITS

    # -- views --------------------------------------------------------------------------------------------------------

    def task_view(self, task: Task, board: Board | None = None) -> TaskView:
        """One task as callers see it."""
        if board is None:
            in_force = self._in_force(task)
            blocked = self.open_dependencies(task)
            known = self._names(task)
        else:
            in_force = board.live(task.claim.session if task.claim else None)
            blocked = queue.blocked_by(task, board.known_tasks()) if task.after else ()
            known = {sid: item.record.name for sid in sessions_of(task) if (item := board.sessions.get(sid))}
        return task_view(task, known, blocked=blocked, in_force=in_force, worktree=task.worktrees.get(self.host))

    def task_views(self, tasks: Iterable[Task], board: Board) -> list[TaskView]:
        """Many tasks as callers see them; the joins are made once."""
        plain, kept, everything = board.plain_tasks(), board.views(), board.known_tasks()
        known = {sid: item.record.name for sid, item in board.sessions.items()}
        host = self.host
        found = []
        for task in tasks:
            view = kept.get(task.id)
            if view is None:
                view = task_view(
                    task,
                    known,
                    blocked=queue.blocked_by(task, everything) if task.after else (),
                    in_force=task.claim is not None and board.live(task.claim.session),
                    worktree=task.worktrees.get(host) if task.worktrees else None,
                )
                if not (task.after or task.claim or task.handoff) and plain.get(task.id) is task:
                    kept[task.id] = view
            found.append(view)
        return found

    def _names(self, task: Task) -> dict[str, str]:
        refs = [names.session_ref(sid) for sid in sessions_of(task) if names.is_session_id(sid)]
        return {item.record.id: item.record.name for item in self.readable(refs, Session)}

    def _in_force(self, task: Task) -> bool:
        """Whether a task's claim counts, for display: one of a holder that cannot be read does."""
        if task.claim is None:
            return False
        try:
            _session, verdict = self.holder(task)
        except CoordError:
            return True
        return verdict is not None and verdict.live

    def session_view(self, session: Loaded[Session], board: Board, mine: str | None) -> SessionView:
        """One session as callers see it."""
        record = session.record
        verdict = board.verdicts.get(record.id) or self.verdict(session)
        beat = self._beat_of(record.id) if names.is_session_id(record.id) else None
        return SessionView(
            id=record.id,
            name=record.name,
            agent=record.agent,
            model=record.model,
            external_id=record.external_id,
            user=record.user,
            host=record.host_name,
            pid=record.process.pid if record.process else None,
            worktree=record.worktree,
            started_at=record.started_at,
            ended_at=record.ended_at,
            state=record.state,
            shown=verdict.shown,
            heartbeat_age=None if verdict.silent is None else round(verdict.silent, 1),
            resumed_from=record.resumed_from,
            exit_code=record.exit_code,
            tasks=board.held_by(record.id),
            locks=board.locks.held_by(record.id) if board.locks is not None and record.state == "live" else (),
            labels=record.labels,
            mine=record.id == mine,
            why=verdict.why,
            activity=lease.last_activity(record, beat.record if beat else None),
            messages=record.counters.messages,
            tool_calls=record.counters.tool_calls,
            mcp_servers=record.mcp_servers,
            ssh_client=record.ssh_client,
        )

    def hold_left(self, task: Task) -> float:
        """Seconds of lock delay left on the task itself (after a forced take-over or a clean-up)."""
        hold = task.hold
        if hold is None:  # nearly always, and asked of every task of the queue
            return 0.0
        now = self.boot()
        seen = 0.0
        if hold.boot is None or now is None or hold.boot.id != now.id:
            which = f"{task.token}:{hold.boot.at if hold.boot else task.updated_at}"
            seen = self.seen_for(f"{names.key(task.id)}.hold", which)
        return lease.hold_left(hold, now, seen)
