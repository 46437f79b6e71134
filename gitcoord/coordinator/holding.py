"""What a holder may do: release, progress, done. A stale token is refused, whoever shows it."""

from __future__ import annotations

import os

from gitcoord.coordinator.places import Places
from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.tasks import Tasks, check_id
from gitcoord.core import names
from gitcoord.core import task_events as events
from gitcoord.core.lease import Verdict
from gitcoord.core.model import Session, Struct, Task
from gitcoord.core.views import TaskView
from gitcoord.errors import CoordError, NotHolder, Usage
from gitcoord.git import claimfile
from gitcoord.lean import TYPE_CHECKING, Literal
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Callable


class Finished(Struct, frozen=True, kw_only=True):
    """A finished task; ``removable``: its worktree is clean and its work merged or pushed."""

    task: TaskView
    worktree: str | None
    worktree_removed: bool
    removable: bool


def _said(event: events.TaskEvent) -> str:
    """What the holder had to say, for the subject of the commit."""
    if isinstance(event, events.Report):
        percent = None if event.percent is None else f"{event.percent}%"
        parts = [percent, event.phase, event.message]
    elif isinstance(event, events.Finish):
        parts = [event.summary, event.pr]
    elif isinstance(event, events.Release):
        parts = [event.reason]
    else:
        parts = []
    return ": " + ", ".join(part for part in parts if part) if any(parts) else ""


class Holding(Tasks, Places):
    """Working on what one holds."""

    def release(self, id: str | None = None, *, reason: str | None = None) -> TaskView:  # noqa: A002
        """Give a claim back; the task is free at once. Its branch and worktree stay."""
        task = self._act(
            id, lambda at, who, token: events.Release(at=at, session=who, token=token, reason=reason), "release"
        )
        return self.task_view(task)

    def progress(
        self,
        id: str | None = None,  # noqa: A002
        *,
        percent: int | None = None,
        phase: str | None = None,
        message: str | None = None,
    ) -> TaskView:
        """Say how far a held task is."""
        if percent is not None and not 0 <= percent <= 100:
            raise Usage("percent is a number from 0 to 100")

        def event(at: str, who: str, token: int | None) -> events.TaskEvent:
            return events.Report(at=at, session=who, token=token, percent=percent, phase=phase, message=message)

        return self.task_view(self._act(id, event, "progress"))

    def _act(self, task_id: str | None, make: Callable[[str, str, int | None], events.TaskEvent], verb: str) -> Task:
        """A change that only the holder may make."""
        refs = [names.task_ref(check_id(task_id))] if task_id is not None else []
        self.begin(*self.my_refs(), *refs)

        def decide() -> Plan[Task]:
            me = self.me()
            base = self.known_task(self.default_task(me, task_id))
            session, verdict = self.holder(base.record)
            event = make(self.now(), me.record.id, self.my_token(base.record.id, me.record.id))
            record = self.named_step(base, event, self.facts(base.record, verdict), session, verdict)
            subject = f"{verb} {base.record.id} by {me.record.name}{_said(event)}"
            return Plan(self._with(self.write(base.ref, base, record, event, subject), me), record)

        return self.transact(decide)

    def _with(
        self, change: Change, me: Loaded[Session], taken: Loaded[Session] | None = None, verdict: Verdict | None = None
    ) -> list[Change]:
        """``change`` by me: my session must still be what it was, my heartbeat counts, the dead holder expires."""
        return self.changes(
            change, self.verify(me), self.beat_change(me), self.expiry_if_dead(taken, verdict, me.record.id)
        )

    def renewal(self, me: Loaded[Session], held: Loaded[Task] | None) -> list[Change]:
        """My heartbeat if it is due, provided that I still hold what I was found to hold."""
        beat = self.beat_change(me)
        return self.changes(beat[0], self.verify(me, *([held] if held else []))) if beat else []

    def default_task(self, me: Loaded[Session], task_id: str | None) -> str:
        """``task_id``, or the one this worktree was made for if I hold it, or my only claim."""
        if task_id is not None:
            return task_id
        note = claimfile.read(self.repo.git_dir)
        if note is not None and note.session == me.record.id:
            return note.task
        from gitcoord.coordinator.ownclaims import held_by

        held = [item.record.id for item in held_by(self, me.record.id)]
        if len(held) == 1:
            return held[0]
        if not held:
            raise NotHolder(f"{me.record.name} holds no task", hint="git coord claim --next")
        raise Usage(f"you hold several tasks: {', '.join(sorted(held))}", hint="say which one")

    def my_token(self, task_id: str, sid: str) -> int | None:
        """The fencing token I was given, where I can know it: in the worktree made for the claim, or exported to me."""
        note = claimfile.read(self.repo.git_dir)
        if note is not None and note.task == task_id and note.session == sid:
            return note.token
        exported = self.environ.get("GIT_COORD_TOKEN", "")
        if self.environ.get("GIT_COORD_TASK") == task_id and exported.isdecimal():
            return int(exported)
        return None

    def done(
        self,
        id: str | None = None,  # noqa: A002
        *,
        status: Literal["passed", "failed"] = "passed",
        pr: str | None = None,
        commit: str | None = None,
        summary: str | None = None,
        review: bool = False,
        remove_worktree: bool = False,
    ) -> Finished:
        """Finish a held task with its result, which frees the claim.

        ``commit`` defaults to the tip of the task's branch; ``review`` says that it still waits to be merged. Raises
        Unsafe, before anything changes, when ``remove_worktree`` would lose work.
        """
        if status not in ("passed", "failed"):
            raise Usage("status is passed or failed")
        self.begin(*self.my_refs(), *([names.task_ref(check_id(id))] if id is not None else []))
        me = self.me()
        found = self.known_task(self.default_task(me, id))
        place = self.worktree_for(found.record.id)
        if remove_worktree and place is not None:
            self.require_removable(place, found.record.base)
        tip = commit or self.branch_tip(found.record.branch)

        def event(at: str, who: str, token: int | None) -> events.TaskEvent:
            return events.Finish(
                at=at, session=who, token=token, status=status, review=review, pr=pr, commit=tip, summary=summary
            )

        task = self._act(found.record.id, event, "fail" if status == "failed" else "done")
        removable = place is not None and self.is_removable(place, task.base)
        if remove_worktree and place is not None:
            self.remove_place(place, base=task.base)
        return Finished(
            task=self.task_view(task),
            worktree=place.path if place else None,
            worktree_removed=remove_worktree and place is not None,
            removable=removable and not remove_worktree,
        )

    def _give_back(self, granted: Task, failure: BaseException) -> None:
        """Release what was granted a moment ago. Where even that fails the claim stays: claiming again goes on."""
        why = failure.message if isinstance(failure, CoordError) else type(failure).__name__
        reason = f"its worktree could not be made: {why}"[:500]

        def decide() -> Plan[None]:
            me = self.me()
            base = self.known_task(granted.id)
            event = events.Release(at=self.now(), session=me.record.id, token=granted.token, reason=reason)
            record = self.named_step(base, event, self.facts(base.record, None), me, None)
            change = self.write(base.ref, base, record, event, f"release {granted.id}: {reason}")
            return Plan(self._with(change, me), None)

        try:
            self.transact(decide)
            if not os.path.isdir(granted.worktrees.get(self.host, "")):
                self.transact(lambda: self._unplace(granted.id))
            self.share()
        except CoordError:
            pass  # the failure itself is what the caller has to hear of
