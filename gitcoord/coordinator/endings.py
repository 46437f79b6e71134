"""Endings: a session that signs off without losing work, and one that goes on after an end."""

from __future__ import annotations

from gitcoord.coordinator.handoffs import Handoffs
from gitcoord.coordinator.joins import Board
from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.sessions import Resumed, Sessions
from gitcoord.core import names
from gitcoord.core import session as session_rules
from gitcoord.core import task_events as events
from gitcoord.core.model import Session, Struct, Task
from gitcoord.core.views import SessionView
from gitcoord.errors import CoordError, Ended, Unsafe
from gitcoord.git import binding, claimfile
from gitcoord.lean import Any, msgspec
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

_FINISH = "finish with 'git coord done', or hand over with 'git coord end --handoff NOTE'"


class EndedSession(Struct, frozen=True, kw_only=True):
    """A session that signed off: tasks ``released`` or ``offered``, and the worktrees whose work was ``rescued``."""

    session: SessionView
    released: tuple[str, ...]
    offered: tuple[str, ...]
    unlocked: tuple[str, ...]
    rescued: tuple[str, ...]


class Endings(Sessions, Handoffs):
    """Signing off, and going on after an end."""

    # -- resume -------------------------------------------------------------------------------------------------------

    def resume(self, session: str, *, pid: int | None = None, bind: bool = True) -> Resumed:
        """The same session goes on, or, where it has ended or expired, a successor that takes back what is free."""
        self.begin()
        found = self.find_session(session)
        process = self._process(pid)
        if found.record.state == "live":
            here = self._new_session(found.record.name)
            event = session_rules.Resume(
                at=self.now(),
                session=found.record.id,
                host=self.host,
                host_name=here.host_name,
                boot_id=self.clock.boot(),
                process=process,
                worktree=self.repo.top,
                ssh_client=here.ssh_client,
            )
            sid = self.transact(lambda: self._go_on(found.record.id, event))
            return self._go_on_as(sid, found.record.resumed_from, bind=bind)
        successor = self._successor(found.record.id)
        if successor is not None:
            return self._go_on_as(successor, found.record.id, bind=bind)
        record = msgspec.structs.replace(
            self._new_session(found.record.name),
            agent=found.record.agent,
            model=found.record.model,
            external_id=found.record.external_id,
            labels=found.record.labels,
            process=process,
            resumed_from=found.record.id,
        )
        return self._go_on_as(self.transact(lambda: self._start(record)), found.record.id, bind=bind)

    def carry_on(self, session: str, *, pid: int | None, worktree: str | None = None) -> None:
        """A session that goes on, from now on with process ``pid``, or with none, and in ``worktree`` if it moved.

        Raises Ended, NotFound, Usage.
        """
        self.begin()
        was = self.find_session(session).record
        event = session_rules.Resume(
            at=self.now(),
            session=was.id,
            host=self.host,
            host_name=was.host_name,
            boot_id=self.clock.boot(),
            process=self._process(pid),
            worktree=worktree,
            ssh_client=was.ssh_client,
        )
        how = "without a process" if pid is None else f"as process {pid}"
        if worktree is not None:
            how = f"in {worktree}"
        self.transact(lambda: self._go_on(was.id, event, f"{was.name} goes on {how}"))

    def _successor(self, sid: str) -> str | None:
        """Who goes on for an ended session already: it was resumed before, perhaps by a command that was killed."""
        board = self.board()
        heirs = [item.record for item in board.sessions.values() if item.record.resumed_from == sid]
        living = [record for record in heirs if board.live(record.id)]
        return max(living, key=lambda record: record.started_at).id if living else None

    def _go_on_as(self, sid: str, former: str | None, *, bind: bool) -> Resumed:
        view = self._settle(sid, bind=bind)
        if former is None:
            return Resumed(session=view, retaken=(), lost=(), notices=tuple(self.notices))
        retaken, lost = self._take_back(former, sid)
        locked = self._lock_again(former)
        board = self.board()
        view = self.session_view(board.sessions[sid], board, sid)
        return Resumed(
            session=view, retaken=tuple(retaken), lost=tuple(lost), locked=locked, notices=tuple(self.notices)
        )

    def _lock_again(self, old: str) -> tuple[str, ...]:
        """The successor's locks: what the old session had locked and nobody has taken."""
        self.records.forget()
        if not self.records.oids(names.LOCKS_FOLDER):
            return ()
        from gitcoord.coordinator.granting import Granting

        try:
            return Granting(self).inherit(old)
        except CoordError:
            return ()  # the session goes on all the same, and 'whoami' says what it holds

    def _go_on(self, sid: str, event: session_rules.Resume, subject: str | None = None) -> Plan[str]:
        base = self.records.get(names.session_ref(sid), Session)
        record = session_rules.step(base.record if base else None, event)
        subject = subject or f"resume {record.name} ({sid})"
        change = self.write(names.session_ref(sid), base, record, event, subject)
        assert base is not None  # the rule refuses to resume nothing
        return Plan([change, *self.beat_change(base)], sid)

    def _take_back(self, old: str, new: str) -> tuple[list[str], list[str]]:
        """The successor's tasks: those still claimed by the old session are claimed anew, others are named."""
        retaken: list[str] = []
        lost: list[str] = []
        tasks = list(self.board().plain_tasks().values())
        self.wanted = new
        for task in tasks:
            former = task.former if task.former is not None and task.former.session == old else None
            unclaimed = former is not None and task.state == "pending" and task.token == former.token
            if unclaimed or (task.claim is not None and task.claim.session == old):
                try:
                    grant = self.transact(lambda name=task.id: self._reclaim(name), exclusive=True)  # type: ignore[misc]
                    retaken.append(grant.id)
                    self._rebind(grant, new)
                except CoordError:
                    lost.append(task.id)
            elif former is not None and task.token > former.token and not self._is_mine(task, new):
                lost.append(task.id)
        return sorted(retaken), sorted(lost)

    @staticmethod
    def _is_mine(task: Task, sid: str) -> bool:
        return task.claim is not None and task.claim.session == sid

    def _reclaim(self, task_id: str) -> Plan[Task]:
        """A claim by the successor: the lock delay protects against others, and this is the same worker."""
        me = self.me()
        base = self.known_task(task_id)
        holder, verdict = self.holder(base.record)
        facts = msgspec.structs.replace(self.facts(base.record, verdict), wait=0.0)
        event = events.ClaimTask(
            at=self.now(), session=me.record.id, id=task_id, taken_from=holder.record.id if holder else None
        )
        record = self.named_step(base, event, facts, holder, verdict)
        subject = f"claim {task_id} by {me.record.name}, token {record.token}, resumed"
        return Plan(self._with(self.write(base.ref, base, record, event, subject), me), record)

    def _rebind(self, task: Task, sid: str) -> None:
        found = self.worktree_for(task.id)
        if found is not None:
            binding.bind(found.git_dir, sid)
            claimfile.write(found.git_dir, claimfile.ClaimFile(task.id, sid, task.token))

    # -- end ----------------------------------------------------------------------------------------------------------

    def end(
        self,
        session: str | None = None,
        *,
        handoff: str | None = None,
        force: bool = False,
        worked_on: bool = False,
        exit_code: int | None = None,
    ) -> EndedSession:
        """Sign off. Raises Unsafe, listing it, while there is work that would be left behind.

        ``handoff`` offers the claims with that note, with ``worked_on`` only those for which there is work already;
        the others are released, as ``force`` does. All give back the locks and rescue what is uncommitted.
        """
        self.begin(*self.my_refs())
        target = self.find_session(session) if session is not None else self.me()
        if target.record.state != "live":
            raise Ended(f"session {target.record.name} ({target.record.id}) has {target.record.state} already")
        sid = target.record.id
        board = self.board()
        held = self._held_by(board, sid)
        locked = board.locks.held_by(sid) if board.locks is not None else ()
        places = self.bound_worktrees(sid)
        dirty = {item.path: files for item in places if (files := self.dirt(item))}
        if (held or locked or dirty) and handoff is None and not force:
            raise self._unsafe(target.record, held, locked, dirty)
        rescued = [path for path in dirty if self.rescue(self._task_at(path, held) or sid, path, "its session ended")]
        offered = [] if handoff is None else [task for task in held if not worked_on or self._worked_on(task, sid)]
        for task in held:
            self._let_go(target, task, handoff if task in offered else None)
        self.transact(lambda: self._end(sid, exit_code))
        for item in places:
            binding.unbind(item.git_dir, sid)
        board = self.board()
        return EndedSession(
            session=self.session_view(board.sessions[sid], board, sid),
            released=tuple(sorted(task.id for task in held if task not in offered)),
            offered=tuple(sorted(task.id for task in offered)),
            unlocked=locked,
            rescued=tuple(rescued),
        )

    def _let_go(self, target: Loaded[Session], task: Task, note: str | None) -> None:
        """Offer a claim with ``note``, or release it without one."""
        if note is not None:
            offer = self._offer_of(target, task, note=note)
            if self.config.hub is not None and offer.commit is not None:
                self.keep_tip(task.id, offer.commit)
            self.offer(task.id, offer)
        else:
            self._release_for(task.id, target.record.id)

    def _worked_on(self, task: Task, sid: str) -> bool:
        """Whether there is anything that another one could go on with: changes, commits, or reported progress."""
        if task.progress is not None and task.progress.by == sid:
            return True
        found = self.worktree_for(task.id)
        return found is not None and self.has_work(found, task.base)

    def _held_by(self, board: Board, sid: str) -> list[Task]:
        return [task for task in board.plain_tasks().values() if task.claim is not None and task.claim.session == sid]

    def _task_at(self, path: str, held: list[Task]) -> str | None:
        for task in held:
            found = self.worktree_for(task.id)
            if found is not None and found.path == path:
                return task.id
        return None

    def _unsafe(
        self, record: Session, held: list[Task], locked: tuple[str, ...], dirty: dict[str, list[str]]
    ) -> Unsafe:
        parts = []
        if held:
            parts.append(f"holds {', '.join(sorted(task.id for task in held))}")
        if locked:
            parts.append(f"locks {', '.join(locked)}")
        parts += [f"has {len(files)} uncommitted in {path}" for path, files in dirty.items()]
        listed: list[dict[str, Any]] = [{"path": path, "files": files[:50]} for path, files in dirty.items()]
        return Unsafe(
            f"{record.name} still {' and '.join(parts)}",
            hint="git coord unlock --all" if not (held or dirty) else _FINISH,
            tasks=sorted(task.id for task in held),
            locks=list(locked),
            worktrees=listed,
        )

    def _release_for(self, task_id: str, sid: str) -> None:
        def decide() -> Plan[None]:
            base = self.known_task(task_id)
            if base.record.claim is None or base.record.claim.session != sid:
                return Plan([], None)
            event = events.Release(at=self.now(), session=sid, reason="its session ended")
            record = self.named_step(base, event, self.facts(base.record, None), None, None)
            return Plan([self.write(base.ref, base, record, event, f"release {task_id}: its session ended")], None)

        self.transact(decide)

    def _end(self, sid: str, exit_code: int | None) -> Plan[None]:
        base = self.records.get(names.session_ref(sid), Session)
        me = self.find_me()
        event = session_rules.End(at=self.now(), session=sid, exit_code=exit_code, by=me.record.id if me else None)
        record = session_rules.step(base.record if base else None, event)
        change = self.write(names.session_ref(sid), base, record, event, f"end {record.name} ({sid})")
        return Plan([change, *self._unlocked(sid, record.name)], None)

    def _unlocked(self, sid: str, name: str) -> list[Change]:
        """The change that gives back all locks of a session."""
        if not self.records.oids(names.LOCKS_FOLDER):
            return []
        from gitcoord.coordinator import freeing

        return freeing.at_end(self, sid, name)
