"""The log: what happened, out of the records' own commit chains and the sessions' own entries. Nothing is logged twice.

Every write of a record is a commit with its event in the trailer; a session's entries are a chain of their own. All
these chains are merged, causes before their effects (``core.chronicle``). Of each chain the newest ``LIVE`` commits are
read unless everything is asked for. Loaded when first used.
"""

from __future__ import annotations

from gitcoord.coordinator import looking_back
from gitcoord.coordinator.entries import SOURCES, event_of, source_of
from gitcoord.coordinator.joins import Board
from gitcoord.coordinator.tasks import check_id
from gitcoord.coordinator.waiting import until
from gitcoord.core import codec, names
from gitcoord.core import event as rules
from gitcoord.core.chronicle import Item, merge
from gitcoord.core.event import LIVE, LogEntry, Logged
from gitcoord.core.model import Struct
from gitcoord.core.times import rfc3339
from gitcoord.core.views import EventView
from gitcoord.errors import NewerFormat, NotFound, TimedOut
from gitcoord.git import claimfile
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import BROKEN, Entry
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitcoord.coordinator.history import History

RECENT = 10
"""What ``follow`` begins with, unless told."""

_STEP = 20  # commits first looked through for what is new in a chain


class Filter(Struct, frozen=True, kw_only=True):
    """Which events are wanted: about a task, by a session, of a type, not before a moment."""

    task: str | None = None
    session: str | None = None
    type: str | None = None
    earliest: str = ""

    def wants(self, event: EventView) -> bool:
        return (
            (self.task is None or event.task == self.task)
            and (self.session is None or event.session == self.session)
            and (self.type is None or event.type == self.type)
            and event.at >= self.earliest
        )


class Log:
    """Reading and writing it, over a Coordinator."""

    def __init__(self, coord: History) -> None:
        self.coord = coord

    # -- writing ------------------------------------------------------------------------------------------------------

    def write(self, kind: str, text: str, *, meta: Mapping[str, str], task: str | None) -> EventView:
        """Append an entry to my session's chain."""
        coord = self.coord
        coord.begin(*coord.my_refs())
        about = check_id(task) if task is not None else self._task_here()

        def decide() -> Plan[tuple[LogEntry, str]]:
            me = coord.me()
            ref = names.events_ref(me.record.id)
            base = coord.records.get(ref, LogEntry)
            if base is not None and codec.is_newer(base.raw):
                raise NewerFormat(f"{ref} has format {base.record.v}")
            event = Logged(type=kind, at=coord.now(), session=me.record.id, task=about, text=text, meta=dict(meta))
            entry = rules.step(base.record if base is not None else None, event)
            oid = base.oid if base is not None else None
            # Each entry stands for itself: nothing of the one before it is carried on.
            change = coord.commit(ref, oid, codec.encode(entry), event, f"{kind}: {text}", _body(text))
            return Plan(coord._with(change, me), (entry, me.record.name))

        entry, name = coord.transact(decide)
        return EventView(
            at=entry.at,
            type=entry.type,
            session=entry.session,
            session_name=name,
            task=entry.task,
            message=entry.text,
            meta=dict(entry.meta),
            author=coord.author().name,
            source="event",
        )

    def _task_here(self) -> str | None:
        """The task that this worktree was made for, if it was made for my session."""
        note = claimfile.read(self.coord.repo.git_dir)
        mine = self.coord.find_me() if note is not None else None
        return note.task if note is not None and mine is not None and mine.record.id == note.session else None

    # -- reading ------------------------------------------------------------------------------------------------------

    def filter(self, task: str | None, session: str | None, kind: str | None, since: float | None) -> Filter:
        """The filter that a caller's words mean. Raises NotFound."""
        self.coord.begin()
        return Filter(
            task=task,
            session=self.coord.find_session(session).record.id if session is not None else None,
            type=kind,
            earliest=rfc3339(self.coord.clock.now() - since) if since is not None else "",
        )

    def read(self, wanted: Filter, *, limit: int | None, everything: bool) -> list[EventView]:
        """All that matches, oldest first."""
        board = self.coord.board()
        old: dict[str, str] = {}
        if self._reaches_back(wanted, everything=everything):
            alone = wanted.task is not None and not everything
            board, old = (
                looking_back.with_task(self.coord, board, str(wanted.task))
                if alone
                else looking_back.with_archive(self.coord, board)
            )
        if wanted.task is not None and wanted.task not in board.tasks:
            hint = "git coord task list --all"
            raise NotFound(f"there is no task {wanted.task}", hint=hint, task=wanted.task)
        tips = {ref: oid for ref, oid in old.items() if _is_about(ref, wanted)} | self.tips(board, wanted)
        deep = None if everything else _deep(limit, wanted)
        found = [event for event in self.events(tips, board, deep) if wanted.wants(event)]
        return found[-limit:] if limit else found

    def _reaches_back(self, wanted: Filter, *, everything: bool) -> bool:
        """Whether the archive has to be read as well: it is, where something definite is asked for."""
        if not self.coord.records.oids(names.ARCHIVE_FOLDER):
            return False
        since = rfc3339(self.coord.clock.now() - self.coord.config.archive_after)
        long_ago = bool(wanted.earliest) and wanted.earliest < since
        return everything or long_ago or wanted.task is not None or wanted.session is not None

    def follow(self, wanted: Filter, *, limit: int | None) -> Iterator[EventView]:
        """What matches among the recent, then whatever matches and is new, as it comes."""
        tail = Tail(self, wanted)
        yield from tail.start(limit or RECENT)

        def look() -> list[EventView] | None:
            self.coord.begin()
            return tail.fresh() if tail.moved() else None

        while True:
            yield from until(self.coord, look, list(SOURCES), timeout=None, late=TimedOut, beat=False)

    def tips(self, board: Board | None, wanted: Filter) -> dict[str, str]:
        """The ends of the chains in which there can be something wanted, by ref."""
        oids = {ref: oid for tree in (names.ROOT, names.LOCAL) for ref, oid in self.coord.store.list_refs(tree).items()}
        found = {}
        for ref, oid in oids.items():
            source = source_of(ref)
            about = _is_about(ref, wanted)
            if source is not None and oid != BROKEN and about:
                found[ref] = oid
            elif source is not None and about and board is not None:
                self._tell_corrupt(ref)
        return found

    def _tell_corrupt(self, ref: str) -> None:
        self.coord.notice("corrupt", f"{ref} cannot be read and its events are left out: git coord doctor")

    def events(self, tips: Mapping[str, str], board: Board, limit: int | None) -> list[EventView]:
        chains = self.coord.store.history(tips.values(), limit)
        for ref, oid in tips.items():
            if oid not in chains:
                self._tell_corrupt(ref)
            elif limit == LIVE and len(chains[oid]) == limit and chains[oid][-1].parent is not None:
                self.coord.notice("older", f"{ref} has more than {limit} events; --all shows the older ones too")
        return self.merged({ref: chains.get(oid, []) for ref, oid in tips.items()}, board)

    def merged(self, chains: Mapping[str, list[Entry]], board: Board) -> list[EventView]:
        """The events of chains that are given newest first."""
        tasks = {item.ref: name for name, item in board.tasks.items()}
        return merge(
            [
                Item(event.at, event.session, event)
                for event in (event_of(ref, entry, tasks.get(ref), board) for entry in reversed(chain))
            ]
            for ref, chain in chains.items()
        )


class Tail:
    """The end of the log: what was written last, and then what is new since one last looked."""

    def __init__(self, log: Log, wanted: Filter) -> None:
        self._log = log
        self._wanted = wanted
        self._seen: dict[str, str] = {}
        self._tips: dict[str, str] = {}

    def start(self, limit: int) -> list[EventView]:
        """The last ``limit`` events that match, as far as the newest of each record tell."""
        board = self._log.coord.board()
        self._seen = self._log.tips(board, self._wanted)
        deep = _deep(limit, self._wanted)
        return [event for event in self._log.events(self._seen, board, deep) if self._wanted.wants(event)][-limit:]

    def moved(self) -> bool:
        """Whether any record has; begins no reading of its own."""
        self._tips = self._log.tips(None, self._wanted)
        return self._tips != self._seen

    def fresh(self) -> list[EventView]:
        """The events that match and were not there when one last looked (``moved``)."""
        chains = self._since(self._tips)
        self._seen = self._tips
        return [event for event in self._log.merged(chains, self._log.coord.board()) if self._wanted.wants(event)]

    def _since(self, tips: Mapping[str, str]) -> dict[str, list[Entry]]:
        """What was added to each chain since it was last seen."""
        moved = {ref: oid for ref, oid in tips.items() if self._seen.get(ref) != oid}
        found: dict[str, list[Entry]] = {}
        for limit in (_STEP, LIVE):
            chains = self._log.coord.store.history([oid for ref, oid in moved.items() if ref not in found], limit)
            for ref, oid in moved.items():
                if ref not in found and oid in chains:
                    fresh = _before(chains[oid], self._seen.get(ref))
                    if len(fresh) < limit or limit == LIVE:
                        found[ref] = fresh
        return found


def _is_about(ref: str, wanted: Filter) -> bool:
    """Whether there can be something wanted in a record's chain."""
    return wanted.task is None or source_of(ref) == "event" or ref == names.task_ref(wanted.task)


def _deep(limit: int | None, wanted: Filter) -> int:
    """How far back to read each record: of the newest N events of all, none has more than its own newest N."""
    return limit if limit is not None and limit < LIVE and wanted == Filter() else LIVE


def _before(chain: list[Entry], last: str | None) -> list[Entry]:
    """The links above ``last``; all of them when it is not there."""
    for place, entry in enumerate(chain):
        if entry.oid == last:
            return chain[:place]
    return chain


def _body(text: str) -> str:
    """What the subject of an entry's commit leaves out, for ``git log``."""
    if "\n" not in text and len(text) <= 100:
        return ""
    return "\n".join("".join(char if char.isprintable() else " " for char in line) for line in text.split("\n"))
