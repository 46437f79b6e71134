"""Task verbs that need no claim: add, show, list, edit, cancel, ready."""

from __future__ import annotations

from gitcoord.coordinator.joins import Board, Joins
from gitcoord.coordinator.records import Loaded
from gitcoord.core import ids, names, queue
from gitcoord.core import task as rules
from gitcoord.core import task_events as events
from gitcoord.core.lease import Verdict
from gitcoord.core.model import Session, Task, TaskState
from gitcoord.core.views import TaskView
from gitcoord.errors import Blocked, Held, NotFound, Usage
from gitcoord.lean import TYPE_CHECKING, Any, get_args, msgspec
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitcoord.coordinator.batch import Batch

MAX_TITLE = 500
MAX_BODY = 64 * 1024
MAX_LABEL = 100
MAX_LIST = 100


class Tasks(Joins):
    """The list of work."""

    def task_add(
        self,
        title: str,
        *,
        id: str | None = None,  # noqa: A002 - the option's name
        body: str | None = None,
        priority: int = 2,
        after: Sequence[str] = (),
        labels: Sequence[str] = (),
    ) -> TaskView:
        """Add a task. Without ``id`` it gets one made from the title. Raises Exists, Blocked (a cycle), Usage."""
        self.begin(*self.my_refs())
        check_task(title=title, body=body, priority=priority, labels=labels, after=after)
        task_id = check_id(id) if id is not None else self.new_id(title)

        def decide() -> Plan[None]:
            me = self.find_me()
            event = events.Add(
                at=self.now(),
                session=me.record.id if me else None,
                id=task_id,
                title=title,
                body=body,
                priority=priority,
                after=tuple(dict.fromkeys(after)),
                labels=tuple(dict.fromkeys(labels)),
            )
            base = self.task(task_id)
            record = rules.step(base.record if base else None, event, rules.Facts())
            self._refuse_cycle(task_id, record.after)
            return Plan([self.write(names.task_ref(task_id), base, record, event, f"add {task_id}: {title}")], None)

        self.transact(decide)
        return self._shown(task_id)

    def task_add_many(self, items: Sequence[Mapping[str, Any]], *, lines: Sequence[int] | None = None) -> Batch:
        """Add many tasks, all or none: mappings with ``title`` and perhaps id, body, priority, after, labels.

        ``lines``: the line on which each was read, for the refusals. Raises Exists, Blocked (a circle), Usage.
        """
        from gitcoord.coordinator.batch import add_many

        return add_many(self, items, lines)

    def new_id(self, title: str) -> str:
        """A short readable id: the title's slug, with random letters so that two clones never choose the same."""
        tail = ids.session_id(self.chance.bytes(ids.SESSION_BYTES))[2:6]
        return f"{names.slug(title, 24) or 'task'}-{tail}"

    def _refuse_cycle(self, task_id: str, after: Sequence[str]) -> None:
        if not after:
            return
        chain = queue.cycle(task_id, after, self._with_archive(self.board()).known_tasks())
        if chain is not None:
            raise Blocked(
                f"task {task_id} would wait for itself: {' → '.join(chain)}",
                hint=f"git coord task show {chain[-2]}",
                cycle=chain,
            )

    def _shown(self, task_id: str) -> TaskView:
        self.records.forget()
        return self.task_view(self.known_task(task_id).record)

    def known_task(self, task_id: str) -> Loaded[Task]:
        """The record of a task. Raises NotFound."""
        found = self.task(task_id)
        if found is None:
            raise NotFound(f"there is no task {task_id}", hint="git coord task list", task=task_id)
        return found

    def task_show(self, id: str) -> TaskView:  # noqa: A002
        """One task."""
        self.begin(names.task_ref(check_id(id)))
        return self.task_view(self.known_task(id).record)

    def task_list(
        self,
        *,
        state: str | None = None,
        label: Sequence[str] = (),
        mine: bool = False,
        all: bool = False,  # noqa: A002
    ) -> list[TaskView]:
        """Tasks in queue order: those still open, or of one ``state``, or ``all``."""
        if state is not None and state not in get_args(TaskState):
            raise Usage(f"'{state}' is no task state", hint=f"choose one of {', '.join(get_args(TaskState))}")
        self.begin(*self.my_refs())
        me = self.me().record.id if mine else None
        board = self.board()
        if not mine and (all or state in ("done", "failed", "cancelled")):
            board = self._with_archive(board)
        self.tell_corrupt(board.corrupt)
        chosen = [
            task
            for task in board.in_order()
            if (task.state == state if state else all or task.state not in ("done", "cancelled"))
            and (not label or set(label) <= set(task.labels))
            and (me is None or (task.claim is not None and task.claim.session == me))
        ]
        return self.task_views(chosen, board)

    def _with_archive(self, board: Board) -> Board:
        """``board`` with every archived task."""
        if not self.records.oids(names.ARCHIVE_FOLDER):
            return board
        from gitcoord.coordinator.archive import every

        found, corrupt = every(self.records, names.TASKS, Task)
        folded = {item.record.id: item.record for item in found.values()}
        return msgspec.structs.replace(board, folded=folded, corrupt=sorted([*board.corrupt, *corrupt]))

    def tell_corrupt(self, refs: Sequence[str]) -> None:
        """A list that leaves something out says so."""
        for ref in refs:
            self.notice("corrupt", f"{ref} cannot be read and is not listed: git coord doctor")

    def task_edit(
        self,
        id: str,  # noqa: A002
        *,
        title: str | None = None,
        body: str | None = None,
        priority: int | None = None,
        add_labels: Sequence[str] = (),
        remove_labels: Sequence[str] = (),
        add_after: Sequence[str] = (),
        remove_after: Sequence[str] = (),
        reopen: bool = False,
    ) -> TaskView:
        """Change a task's description; with ``reopen`` a finished one goes back into the queue."""
        self.begin(*self.my_refs(), names.task_ref(check_id(id)))
        check_task(title=title, body=body, priority=priority, labels=add_labels, after=add_after)

        def decide() -> Plan[None]:
            base = self.known_task(id)
            me = self.find_me()
            author = me.record.id if me else None
            record = base.record
            event: events.TaskEvent
            if reopen:
                event = events.Reopen(at=self.now(), session=author)
            else:
                after = _merged(record.after, add_after, remove_after)
                labels = _merged(record.labels, add_labels, remove_labels)
                self._refuse_cycle(id, after if after != record.after else ())
                event = events.Edit(
                    at=self.now(),
                    session=author,
                    title=title,
                    body=body,
                    priority=priority,
                    # None, where nothing is meant to change: another clone's change must survive a replay of ours.
                    after=after if after != record.after else None,
                    labels=labels if labels != record.labels else None,
                )
            edited = rules.step(record, event, rules.Facts())
            if edited is record:
                return Plan([], None)
            return Plan([self.write(base.ref, base, edited, event, f"{'reopen' if reopen else 'edit'} {id}")], None)

        self.transact(decide)
        return self._shown(id)

    def task_cancel(self, id: str, *, reason: str) -> TaskView:  # noqa: A002
        """Give a task up for good. Raises Held while somebody else works on it."""
        self.begin(*self.my_refs(), names.task_ref(check_id(id)))
        claim = self.known_task(id).record.claim
        holder = self.holder(self.known_task(id).record)[0] if claim is not None else None
        # Whether a holder elsewhere is gone only the hub can say.
        elsewhere = claim is not None and (holder is None or holder.record.host != self.host)

        def decide() -> Plan[None]:
            base = self.known_task(id)
            me = self.find_me()
            session, verdict = self.holder(base.record)
            event = events.Cancel(at=self.now(), session=me.record.id if me else None, reason=reason)
            record = self.named_step(base, event, self.facts(base.record, verdict), session, verdict)
            change = self.write(base.ref, base, record, event, f"cancel {id}: {reason}")
            dead = session if base.record.claim is not None else None
            return Plan(self.changes(change, self.expiry_if_dead(dead, verdict, event.session)), None)

        self.transact(decide, exclusive=elsewhere)
        return self._shown(id)

    def ready(self, *, label: Sequence[str] = ()) -> list[TaskView]:
        """What can be claimed now, best first."""
        self.begin()
        board = self.board()
        self.tell_corrupt(board.corrupt)
        found = queue.startable(board.known_tasks(), self.takeable(board), label, board.in_order())
        return self.task_views(found, board)

    def named_step(
        self,
        base: Loaded[Task] | None,
        event: events.TaskEvent,
        facts: rules.Facts,
        session: Loaded[Session] | None,
        verdict: Verdict | None,
    ) -> Task:
        """The rule's answer; a ``held`` refusal gets the holder's name and the age of its heartbeat."""
        try:
            return rules.step(base.record if base else None, event, facts)
        except Held as refusal:
            if session is None:
                raise
            age = None if verdict is None or verdict.silent is None else round(verdict.silent, 1)
            message = refusal.message.replace(f"held by {session.record.id}", f"held by {session.record.name}")
            raise Held(
                f"{message} ({verdict.why})" if verdict is not None and verdict.live else message,
                hint=refusal.hint,
                **{**refusal.fields, "holder_name": session.record.name, "heartbeat_age": age},
            ) from None

    @staticmethod
    def changes(change: Change, *more: Sequence[Change]) -> list[Change]:
        """One list of changes, at most one for each ref: a real one beats a mere verification."""
        merged = {change.ref: change}
        for item in (item for items in more for item in items):
            if item.ref not in merged or merged[item.ref].new is None:
                merged[item.ref] = item
        return list(merged.values())


def check_id(task_id: str) -> str:
    """``task_id`` itself. Raises Usage for one that cannot name a task."""
    if not task_id.strip() or task_id != task_id.strip() or len(task_id) > names.MAX_NAME:
        raise Usage(f"a task id has 1 to {names.MAX_NAME} characters and no blanks at its ends")
    if not task_id.isprintable():
        raise Usage("a task id has no control characters or line breaks")
    return task_id


def check_task(
    *,
    title: str | None,
    body: str | None,
    priority: int | None,
    labels: Sequence[str],
    after: Sequence[str],
) -> None:
    """Raises Usage for what no task may have."""
    if title is not None and (not title.strip() or len(title) > MAX_TITLE):
        raise Usage(f"a title has 1 to {MAX_TITLE} characters", hint="put the rest into the body: -F FILE")
    if body is not None and len(body.encode("utf-8", "surrogatepass")) > MAX_BODY:
        raise Usage(f"a body has at most {MAX_BODY} bytes")
    if priority is not None and not 0 <= priority <= 4:
        raise Usage("a priority is a number from 0 (most urgent) to 4")
    if any(not label.strip() or len(label) > MAX_LABEL or not label.isprintable() for label in labels):
        raise Usage(f"a label has 1 to {MAX_LABEL} printable characters")
    if len(labels) > MAX_LIST or len(after) > MAX_LIST:
        raise Usage(f"a task has at most {MAX_LIST} labels and {MAX_LIST} dependencies")
    for name in after:
        check_id(name)


def _merged(old: tuple[str, ...], add: Sequence[str], remove: Sequence[str]) -> tuple[str, ...]:
    return tuple(item for item in dict.fromkeys([*old, *add]) if item not in remove)
