"""``undo``: takes back the last operation of my session, as a new event through the same rules. Loaded when first used.

Owns how that operation is found, and whether somebody built on it: a record that others have changed since is left as
it is. Every way back is one swap, decided on the very record that was looked at, so a refusal changes nothing.
"""

from __future__ import annotations

import os

from gitcoord.coordinator.archive import shelf_of
from gitcoord.coordinator.entries import event_of
from gitcoord.coordinator.joins import Board
from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.turns import in_turn
from gitcoord.core import codec, names, undo
from gitcoord.core import task_events as events
from gitcoord.core.archive import Archive
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Session, Struct, Task
from gitcoord.core.scope import Scope
from gitcoord.core.times import rfc3339
from gitcoord.core.undo import BY_ITSELF, Back
from gitcoord.core.views import EventView, Guarantee, TaskView
from gitcoord.errors import Conflict, Held, NotFound
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import BROKEN, Entry
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitcoord.coordinator.history import History

_WHERE = (names.TASKS, names.LOCKS_FOLDER, names.DATA, names.PRIVATE)
_DEEP = {names.LOCKS_FOLDER: 1000}
_LOOK = 50  # links of a record's chain in which an operation is sought that others have built on
_SKEW = 3600.0  # by so much may the clocks of others be wrong, and an operation of theirs still be seen


class Undone(Struct, frozen=True, kw_only=True):
    """What was taken back (with ``dry_run``: would be) and how; the task as it is then, where it was about one."""

    operation: EventView
    steps: tuple[str, ...]
    task: TaskView | None
    guarantee: Guarantee
    dry_run: bool


class Operation(Struct, frozen=True):
    """My last one: its event, the commit that it made, and what was written on top of it (newest first)."""

    ref: str
    event: EventView
    entry: Entry
    since: tuple[Entry, ...]

    @property
    def tip(self) -> str:
        return self.since[0].oid if self.since else self.entry.oid


class Undoing:
    """The verb, over a Coordinator."""

    def __init__(self, coord: History) -> None:
        self.coord = coord

    def run(self, *, dry_run: bool) -> Undone:
        """Find it and take it back. Raises NotFound, Conflict, Held, WrongState, NotHolder, NoSession, Ended."""
        coord = self.coord
        coord.begin(*coord.my_refs())
        me = coord.me()
        board = coord.board()
        found = self.last(me.record, board)
        if found is None:
            raise NotFound(f"{me.record.name} has done nothing yet that could be taken back", hint="git coord log")
        steps, task = self._take_back(found, me.record, board, dry_run=dry_run)
        coord.records.forget()
        return Undone(
            operation=found.event,
            steps=tuple(steps),
            task=coord.task_view(coord.known_task(task).record) if task is not None else None,
            guarantee=coord.guarantee,
            dry_run=dry_run,
        )

    # -- which one ----------------------------------------------------------------------------------------------------

    def last(self, me: Session, board: Board) -> Operation | None:
        """The newest operation of session ``me`` by its own clock. What it did to its own record or log is none."""
        tips = {
            ref: oid
            for tree in (names.ROOT, names.LOCAL)
            for ref, oid in self.coord.store.list_refs(tree).items()
            if ref.startswith(_WHERE) and oid != BROKEN
        }
        tips = {**self._archived(me), **tips}
        newest = self.coord.store.history(tips.values(), 1)
        seen = self._operations({ref: newest.get(oid, []) for ref, oid in tips.items()}, me, board)
        since = max((item.event.at for item in seen), default=me.started_at)
        known = {item.ref for item in seen}
        # Beneath what others wrote there may be one of mine that is newer. They wrote after it, so these are few.
        others = [
            ref
            for ref, oid in tips.items()
            if ref not in known and oid in newest and rfc3339(newest[oid][0].author.when + _SKEW) >= since
        ]
        for deep, refs in self._by_depth(others).items():
            chains = self.coord.store.history([tips[ref] for ref in refs], deep)
            seen += self._operations({ref: chains.get(tips[ref], []) for ref in refs}, me, board)
        return max(seen, key=lambda item: item.event.at, default=None)

    def _archived(self, me: Session) -> dict[str, str]:
        """Archived tasks, if anything was archived since ``me`` began: even that can be taken out again."""
        if not self.coord.records.oids(names.ARCHIVE_FOLDER):
            return {}
        base = self.coord.records.get(names.ARCHIVE, Archive)
        shelf = shelf_of(self.coord.records) if base is not None and base.record.at >= me.started_at else None
        return shelf.all(names.TASKS) if shelf is not None else {}

    def _by_depth(self, refs: Sequence[str]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for ref in refs:
            found.setdefault(_DEEP.get(ref.rpartition("/")[0] + "/", _LOOK), []).append(ref)
        return found

    def _operations(self, chains: Mapping[str, Sequence[Entry]], me: Session, board: Board) -> list[Operation]:
        """The newest operation of mine in each chain."""
        ids = {item.ref: name for name, item in board.tasks.items()}
        found = []
        for ref, chain in chains.items():
            for place, entry in enumerate(chain):
                event = event_of(ref, entry, ids.get(ref), board)
                if event.session == me.id and event.type not in BY_ITSELF:
                    if event.task is None and ref.startswith(names.TASKS):
                        event = event_of(ref, entry, self._name(ref), board)
                    found.append(Operation(ref, event, entry, tuple(chain[:place])))
                    break
        return found

    def _name(self, ref: str) -> str | None:
        found = self.coord.records.get(ref, Task)
        return found.record.id if found is not None else None

    # -- the way back -------------------------------------------------------------------------------------------------

    def _take_back(
        self, last: Operation, me: Session, board: Board, *, dry_run: bool
    ) -> tuple[Sequence[str], str | None]:
        """What was done, in words, and the task it was about."""
        if last.ref.startswith(names.TASKS):
            return self._task(last, me, board, dry_run=dry_run)
        before, after = self._payloads(last.entry)
        if last.ref.startswith(names.LOCKS_FOLDER):
            from gitcoord.coordinator.undoing_locks import LockUndo

            table = codec.decode(after, LockTable)
            former = codec.decode(before, LockTable) if before is not None else LockTable()
            return LockUndo(self.coord, self).take_back(last.event, former, table, me, board, dry_run=dry_run)
        from gitcoord.coordinator.undoing_data import take_back

        former_scope = codec.decode(before, Scope) if before is not None else None
        return take_back(self.coord, last.event, former_scope, codec.decode(after, Scope), dry_run=dry_run), None

    def _payloads(self, entry: Entry) -> tuple[bytes | None, bytes]:
        """The record before and after a commit. An unreadable one is corrupt where it is decoded."""
        found = self.coord.store.load([oid for oid in (entry.parent, entry.oid) if oid is not None])
        before = None if entry.parent is None else found.get(entry.parent, b"")
        return before, found.get(entry.oid, b"")

    def _task(self, last: Operation, me: Session, board: Board, *, dry_run: bool) -> tuple[Sequence[str], str | None]:
        way = self.way(last, me, board)
        task = str(last.event.task)

        def decide() -> Plan[Task]:
            return self.decide(last, way)

        if dry_run:
            decide()
            return [way.says], task
        record = self.coord.transact(decide, exclusive=way.grants)
        self._at_home(record, me, grants=way.grants)
        return [way.says], task

    def way(self, last: Operation, me: Session, board: Board) -> Back:
        """How to take an operation on a task back. Raises what is in the way."""
        before, after = self._payloads(last.entry)
        now = self.coord.records.get(last.ref, Task)
        assert now is not None  # its chain was read a moment ago
        found = undo.back(
            last.event.type,
            codec.decode(before, Task) if before is not None else None,
            codec.decode(after, Task),
            now.record,
        )
        if last.event.type != "edit":  # which looks at each of its fields
            self._refuse_built_upon(last, now.record, me, board)
        return found

    def _refuse_built_upon(self, last: Operation, now: Task, me: Session, board: Board) -> None:
        """Raises Held or Conflict where somebody else acted on the same task since."""
        for entry in last.since:
            event = event_of(last.ref, entry, now.id, board)
            if event.session == me.id and event.type in BY_ITSELF:
                continue
            who = event.session_name or event.session or "somebody"
            kind = Held if now.claim is not None and now.claim.session != me.id else Conflict
            raise kind(
                f"{who} has built on it: {event.message}",
                hint=f"git coord log --task {now.id}",
                task=now.id,
                holder=now.claim.session if now.claim is not None else None,
                token=now.token,
            )

    def decide(self, last: Operation, way: Back) -> Plan[Task]:
        """The swap, on the very commit that was looked at."""
        coord = self.coord
        me = coord.me()
        base: Loaded[Task] = coord.known_task(str(last.event.task))
        if base.oid != last.tip and not isinstance(way.event, events.Edit):
            raise Conflict(f"task {base.record.id} changed just now", hint="git coord undo --dry-run")
        given = {"at": coord.now(), "session": me.record.id}
        if not way.grants:
            given["token"] = coord.my_token(base.record.id, me.record.id)  # type: ignore[assignment]
        event = msgspec.structs.replace(way.event, **given)
        holder, verdict = coord.holder(base.record)
        facts = coord.facts(base.record, verdict)
        if isinstance(event, events.Accept):  # what was offered nobody holds: see ``withdraw``
            facts = msgspec.structs.replace(facts, wait=coord.hold_left(base.record))
        record = coord.named_step(base, event, facts, holder, verdict)
        if record is base.record:
            return Plan([], record)
        token = f", token {record.token}" if way.grants else ""
        subject = f"undo {last.event.type} {base.record.id} by {me.record.name}: {way.says}{token}"
        return Plan(coord._with(coord.write(base.ref, base, record, event, subject), me), record)

    def _at_home(self, record: Task, me: Session, *, grants: bool) -> None:
        """After a new grant: the worktree that the task has here, if it has one, is told the new token."""
        place = self.coord.worktree_for(record.id) if grants else None
        if place is not None and os.path.isdir(place.path):
            self.coord.rejoin(record, me)

    def turn(self, decide: Callable[[], Plan[None]], what: str, *, exclusive: bool, dry_run: bool) -> None:
        """Decide, and unless ``dry_run`` swap, one at a time among all here that write ``what``."""
        if dry_run:
            decide()
        else:
            in_turn(self.coord, decide, what, exclusive=exclusive)
