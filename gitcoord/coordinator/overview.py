"""Status: the whole picture in one read, what needs a person first."""

from __future__ import annotations

from gitcoord.coordinator.joins import Board, Joins
from gitcoord.core import names, queue
from gitcoord.core.model import Task
from gitcoord.core.views import Attention, LockView, Status
from gitcoord.errors import CoordError
from gitcoord.git import claimfile


class Overview(Joins):
    """What everybody is doing."""

    def status(self) -> Status:
        """Sessions, claims, offers, counts, and first of all what needs attention."""
        self.begin(*self.my_refs())
        board = self.board()
        archived = self._archived(board)  # which may have to say that it cannot be read
        mine = self.find_me()
        sid = mine.record.id if mine is not None else None
        tasks = board.plain_tasks()
        counts: dict[str, int] = {}
        for task in tasks.values():
            counts[task.state] = counts.get(task.state, 0) + 1
        going = [item for item in board.sessions.values() if item.record.state == "live"]
        going.sort(key=lambda item: item.record.started_at)
        claimed = sorted((task for task in tasks.values() if task.claim is not None), key=queue.order)
        offered = sorted((task for task in tasks.values() if task.state == "offered"), key=queue.order)
        return Status(
            attention=tuple(self._attention(board, tasks, sid)),
            me=self.session_view(mine, board, sid) if mine is not None else None,
            claims=tuple(self.task_views(claimed, board)),
            locks=tuple(self._all_locks(board)),
            sessions=tuple(self.session_view(item, board, sid) for item in going),
            offered=tuple(self.task_views(offered, board)),
            counts=counts,
            archived=archived,
            ready=sum(1 for _ in queue.startable(board.known_tasks(), self.takeable(board))),
        )

    def _archived(self, board: Board) -> int:
        """How many finished tasks were folded into the archive."""
        if not self.records.oids(names.ARCHIVE_FOLDER):
            return 0
        from gitcoord.core.archive import Archive

        try:
            found = self.records.get(names.ARCHIVE, Archive)
        except CoordError:
            board.corrupt.append(names.ARCHIVE)
            return 0
        return sum(found.record.tasks.values()) if found is not None else 0

    def _all_locks(self, board: Board) -> list[LockView]:
        if board.locks is None:
            return []
        from gitcoord.coordinator import sight

        return sight.views(self, board.locks)

    def _attention(self, board: Board, tasks: dict[str, Task], sid: str | None) -> list[Attention]:
        found = [
            Attention(code="corrupt", message=f"{ref} cannot be read", hint="git coord doctor") for ref in board.corrupt
        ]
        found += self._lost(tasks, sid)
        found += self._abandoned(board)
        if self.config.hub is not None:
            from gitcoord.coordinator import standing

            found += standing.attention(self, tasks, sid)
        known = board.known_tasks()
        concerned = [task for task in tasks.values() if task.state in ("offered", "failed", "review") or task.after]
        for task in sorted(concerned, key=queue.order):
            if task.state == "offered":
                found += _offered(task, board, sid)
            elif task.state == "failed":
                reason = task.result.summary if task.result and task.result.summary else "no summary"
                message = f"{task.id} failed: {reason}"
                found.append(Attention(code="failed", message=message, hint=f"git coord claim {task.id}", task=task.id))
            elif task.state == "review":
                where = task.result.pr or task.result.commit if task.result else None
                message = f"{task.id} waits for review" + (f": {where}" if where else "")
                found.append(Attention(code="review", message=message, hint=f"git coord done {task.id}", task=task.id))
            elif task.state == "pending":
                found += _stuck(task, known)
        return found

    def _lost(self, tasks: dict[str, Task], sid: str | None) -> list[Attention]:
        """The claim that this worktree was made for has gone to somebody else."""
        note = claimfile.read(self.repo.git_dir)
        if note is None or note.session != sid:
            return []
        task = tasks.get(note.task)
        if task is None or task.token == note.token:
            return []
        message = f"your claim of {note.task} (token {note.token}) is no longer valid: it is at token {task.token}"
        hint = f"git coord log --task {note.task}"
        return [Attention(code="lost", message=message, hint=hint, task=note.task, session=sid)]

    def _abandoned(self, board: Board) -> list[Attention]:
        found = []
        for sid, item in board.sessions.items():
            verdict = board.verdicts[sid]
            held = sorted(board.held_by(sid))
            name = item.record.name
            if held and not verdict.live:
                message = f"{name} ({verdict.shown}: {verdict.why}) leaves {', '.join(held)}"
                hint = f"git coord claim {held[0]}"
                found.append(Attention(code="abandoned", message=message, hint=hint, task=held[0], session=sid))
            elif verdict.live and verdict.silent is not None and verdict.silent >= self.policy.cleanup:
                message = f"{name} has been idle: {verdict.why}"
                found.append(Attention(code="idle", message=message, hint="git coord cleanup --dry-run", session=sid))
        return found


def _offered(task: Task, board: Board, sid: str | None) -> list[Attention]:
    """An offer that I may accept: one to me, to anyone, or to somebody who is gone."""
    offer = task.handoff
    if offer is None or (offer.to not in (None, sid) and board.live(offer.to)):
        return []
    known = board.sessions.get(offer.to) if offer.to else None
    whom = "anyone" if offer.to is None else "you" if offer.to == sid else f"{known.record.name if known else offer.to}"
    gone = ", who is gone" if offer.to not in (None, sid) else ""
    message = f"{task.id} is offered to {whom}{gone}: {offer.note}"
    return [Attention(code="offered", message=message, hint=f"git coord accept {task.id}", task=task.id)]


def _stuck(task: Task, tasks: dict[str, Task]) -> list[Attention]:
    """A pending task that waits for something that will not come by itself."""
    found = []
    for name in task.after:
        state = tasks[name].state if name in tasks else "unknown"
        if state in ("failed", "cancelled", "unknown"):
            message = f"{task.id} waits for {name}, which is {state}"
            hint = f"git coord task edit {task.id} --remove-after {name}"
            found.append(Attention(code="stuck", message=message, hint=hint, task=task.id))
    return found
