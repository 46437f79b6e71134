"""Claiming: claim and takeover. Exactly one winner each.

A claim is one swap: the task's record with the new claim, a check that the claimer's session is still what it was, its
heartbeat if due and, where the former holder is dead, that holder's expiry. The worktree is made after it, and the
claim is given back if that fails.
"""

from __future__ import annotations

from gitcoord.coordinator.holding import Holding
from gitcoord.coordinator.joins import Board
from gitcoord.coordinator.places import Plot
from gitcoord.coordinator.records import CacheWrong, Loaded
from gitcoord.coordinator.tasks import check_id
from gitcoord.core import names, queue
from gitcoord.core import task_events as events
from gitcoord.core.lease import Verdict
from gitcoord.core.model import Hold, Session, Struct, Task
from gitcoord.core.views import Grant
from gitcoord.errors import Blocked, Held, NothingReady, Unsafe, Usage
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitcoord.coordinator.granting import Taken
    from gitcoord.core.lock_events import Target

TRIES_PER_LISTING = 8
"""Candidates tried from one listing before the queue is read anew; a lost swap costs far less than a listing."""

NEXT_LIMIT = 20.0
"""Seconds that ``claim --next`` goes on trying: every lost race there means that somebody else got work done."""


class Won(Struct, frozen=True, kw_only=True):
    """What the deciding swap granted."""

    task: Task
    me: Session
    changed: bool
    created: bool = False
    taken_from: Session | None = None
    plot: Plot | None = None
    taken: Taken | None = None


class Claims(Holding):
    """Grants: exactly one winner each."""

    # -- claim --------------------------------------------------------------------------------------------------------

    def claim(
        self,
        id: str | None = None,  # noqa: A002 - the argument's name
        *,
        next: bool = False,  # noqa: A002
        label: Sequence[str] = (),
        worktree: bool = True,
        base: str | None = None,
        branch: str | None = None,
        lock: Sequence[str] = (),
        provisional: bool = False,
    ) -> Grant:
        """Claim a task, or with ``next`` the best ready one. An unknown id becomes a task.

        ``lock``: names and path patterns to lock in the same swap, so that there is never one without the other; they
        stay locked until they are unlocked or the session ends. ``provisional``: this clone decides, not the hub, which
        may say otherwise at the next sync. Raises Held, Blocked, WrongState, NothingReady, Contended, HubUnreachable,
        HubRefused; Unsafe or GitFailed when the worktree cannot be made (claim and locks are given back then).
        """
        if (id is None) != next:
            raise Usage("say which task, or --next, and not both", hint="git coord claim --next")
        if id is not None:
            self.begin(*self.my_refs(), names.task_ref(check_id(id)))
        else:
            self.begin(*self.my_refs())
        self.provisional = provisional
        options = _Options(worktree=worktree, base=base, branch=branch, lock=_targets(lock))
        if id is not None:
            won = self.transact(lambda: self._decide_claim(id, options), exclusive=True)
        else:
            won = self.transact(self._decide_next(tuple(label), options), limit=NEXT_LIMIT, exclusive=True)
        return self._granted(won, worktree=worktree)

    def _decide_claim(self, task_id: str, options: _Options) -> Plan[Won]:
        me = self.me()
        base = self.task(task_id)
        session, verdict = self.holder(base.record) if base else (None, None)
        return self._locking(me, self._claim_of(me, task_id, base, session, verdict, options), options)

    def _decide_next(self, labels: Sequence[str], options: _Options) -> Callable[[], Plan[Won]]:
        """A decision that steps aside at every lost race: the best task first, then a random one of 4, 16, 64 …"""
        board: Board | None = None
        lost = 0
        tried: set[str] = set()
        refused: set[str] = set()

        def decide() -> Plan[Won]:
            nonlocal board, lost
            while True:
                if board is None or lost % TRIES_PER_LISTING == 0:
                    self.records.forget()
                    board = self.board()
                    tried.clear()
                me = self.me()
                few = 4 ** min(lost, 6)
                found = queue.best(board.known_tasks(), self.takeable(board), labels, tried | refused, few)
                if not found and not tried:
                    raise self._nothing_ready(board, labels)
                if not found:
                    lost, board = 0, None
                    continue
                task = found[int(self.chance.random() * len(found))]
                lost += 1
                tried.add(task.id)
                # Judged anew: after a lost race the board is old, and its holder may have been heard of since.
                holder, verdict = self.holder(task)
                try:
                    plan = self._claim_of(me, task.id, board.tasks[task.id], holder, verdict, options)
                except (Held, Blocked, Unsafe):  # Unsafe: somebody works on its branch without a claim
                    refused.add(task.id)
                except CacheWrong:
                    lost, board = 0, None
                else:
                    return self._locking(me, plan, options)  # what is locked is so whichever task it is

        return decide

    def _nothing_ready(self, board: Board, labels: Sequence[str]) -> NothingReady:
        tasks = [task for task in board.plain_tasks().values() if set(labels) <= set(task.labels)]
        waiting = sum(task.state == "pending" for task in tasks)
        held = sum(task.state == "claimed" for task in tasks)
        return NothingReady(
            f"no task is ready: {waiting} pending (blocked), {held} claimed", pending=waiting, claimed=held
        )

    def _claim_of(
        self,
        me: Loaded[Session],
        task_id: str,
        base: Loaded[Task] | None,
        holder: Loaded[Session] | None,
        verdict: Verdict | None,
        options: _Options,
    ) -> Plan[Won]:
        task = base.record if base else None
        mine = task is not None and task.claim is not None and task.claim.session == me.record.id
        taken = holder if task is not None and task.claim is not None and not mine else None
        event = events.ClaimTask(
            at=self.now(), session=me.record.id, id=task_id, taken_from=taken.record.id if taken else None
        )
        record = self.named_step(base, event, self.facts(task, verdict), holder, verdict)
        if task is not None and record is task:
            return Plan(self.renewal(me, base), Won(task=task, me=me.record, changed=False))
        plot = None
        if options.worktree:
            plot = self.plot(task_id, task, base=options.base, branch=options.branch)
            event = _placed(event, plot, self.host)
            record = self.named_step(base, event, self.facts(task, verdict), holder, verdict)
        subject = f"claim {task_id} by {me.record.name}, token {record.token}"
        if taken is not None:
            subject += f", taken from {taken.record.name}"
        change = self.write(names.task_ref(task_id), base, record, event, subject)
        won = Won(
            task=record,
            me=me.record,
            changed=True,
            created=base is None,
            taken_from=taken.record if taken else None,
            plot=plot,
        )
        return Plan(self._with(change, me, taken, verdict), won)

    def _locking(self, me: Loaded[Session], plan: Plan[Won], options: _Options) -> Plan[Won]:
        """``plan`` and the locks that go with it, in one swap."""
        if not options.lock:
            return plan
        from gitcoord.coordinator.granting import Granting, Wish

        task = plan.result.task
        wish = Wish(wants=options.lock, reason=f"task {task.id}", task=task.id, claim=task.token)
        taken = Granting(self).take(me, wish)
        together = [*plan.changes, *taken.changes]
        return Plan(
            self.changes(together[0], together[1:]) if together else [],
            msgspec.structs.replace(plan.result, taken=taken),
        )

    def _granted(self, won: Won, *, worktree: bool) -> Grant:
        if won.changed and won.plot is not None:
            self._make_place(won)
        elif not won.changed and worktree:
            won = msgspec.structs.replace(won, task=self.rejoin(won.task, won.me))
        if won.taken_from is not None:
            self.notice("taken-over", f"taken from {won.taken_from.name} ({won.taken_from.id}), which no longer lives")
        for name in won.taken.gone if won.taken is not None else ():
            self.notice("taken-over", f"a lock was taken from {name}, which no longer holds it")
        return Grant(
            task=self.task_view(won.task),
            guarantee=self.guarantee,
            changed=won.changed,
            created=won.created,
            taken_from=won.taken_from.id if won.taken_from else None,
            taken_from_name=won.taken_from.name if won.taken_from else None,
            locks=won.taken.locks if won.taken is not None else (),
            notices=tuple(self.notices),
        )

    def _make_place(self, won: Won) -> None:
        """The worktree of a fresh claim; when it cannot be made all is given back, also on Ctrl-C."""
        assert won.plot is not None
        try:
            self.settle(won.plot, won.task.id, won.me, won.task.token)
        except BaseException as failure:
            self._give_back(won.task, failure)
            if won.taken is not None:
                from gitcoord.coordinator.freeing import give_back

                give_back(self, won.taken.granted)
            raise

    # -- takeover -----------------------------------------------------------------------------------------------------

    def takeover(
        self,
        id: str,  # noqa: A002
        *,
        reason: str,
        force: bool = False,
        token: int | None = None,
        worktree: bool = True,
    ) -> Grant:
        """Take a task from a dead or stale holder; from a live one only with ``force`` and its current ``token``.

        A live holder keeps its worktree and what is in it; the taker gets a copy of the uncommitted work.
        """
        self.begin(*self.my_refs(), names.task_ref(check_id(id)))
        if force and token is None:
            raise Usage("--force needs the present token", hint=f"git coord task show {id}")

        def decide() -> Plan[Won]:
            me = self.me()
            base = self.known_task(id)
            holder, verdict = self.holder(base.record)
            alive = verdict is not None and verdict.live
            event = events.TakeOver(
                at=self.now(),
                session=me.record.id,
                token=token,
                reason=reason,
                force=force,
                hold=Hold(seconds=self.policy.lock_delay, boot=self.boot(), host=self.host) if alive else None,
                taken_from=holder.record.id if holder else None,
            )
            record = self.named_step(base, event, self.facts(base.record, verdict), holder, verdict)
            if record is base.record:
                return Plan(self.renewal(me, base), Won(task=record, me=me.record, changed=False))
            subject = f"take over {id} by {me.record.name}, token {record.token}: {reason}"
            change = self.write(base.ref, base, record, event, subject)
            won = Won(task=record, me=me.record, changed=True, taken_from=holder.record if holder else None)
            return Plan(self._with(change, me, None if alive else holder, verdict), won)

        won = self.transact(decide, exclusive=True)
        if won.changed and worktree:
            try:
                placed = self.resettle(won.task, won.me, shared=won.task.hold is not None)
            except BaseException as failure:
                self._give_back(won.task, failure)
                raise
            won = msgspec.structs.replace(won, task=placed)
        return self._granted(won, worktree=worktree and not won.changed)


class _Options(Struct, frozen=True, kw_only=True):
    worktree: bool
    base: str | None
    branch: str | None
    lock: tuple[Target, ...] = ()


def _targets(wants: Sequence[str]) -> tuple[Target, ...]:
    if not wants:
        return ()
    from gitcoord.coordinator.granting import targets

    return targets(wants)


def _placed(event: events.ClaimTask, plot: Plot, host: str) -> events.ClaimTask:
    return msgspec.structs.replace(event, branch=plot.branch, base=plot.base, host=host, path=plot.path)
