"""The log: what happened, out of the records' own commit chains and the sessions' own entries. Nothing is logged twice.

Every write of a record is a commit with its event in the trailer; a session's entries are a chain of their own. All
these chains are merged, causes before their effects (``core.chronicle``). Of each chain the newest ``LIVE`` commits are
read unless everything is asked for. Loaded when first used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

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
from gitcoord.store.base import BROKEN, Entry
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from gitcoord.coordinator.history import History

TRAILER = "Coord-Event: "
SOURCES = {
    names.TASKS: "task",
    names.SESSIONS: "session",
    names.EVENTS: "event",
    names.LOCKS_FOLDER: "lock",
    names.DATA: "data",
    names.PRIVATE: "data",
    names.META.rpartition("/")[0] + "/": "repository",
}
"""Where events come from, and what they are said to be about."""

RECENT = 10
"""What ``follow`` begins with, unless told."""

_HIDDEN = frozenset({"type", "at", "session", "nonce", "record", "id"})
_MAX_TRAILER = 1 << 17
_MAX_VALUE = 200  # of shared data: a log tells that it changed; what it is now is in the record
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
        if wanted.task is not None and wanted.task not in board.tasks:
            hint = "git coord task list --all"
            raise NotFound(f"there is no task {wanted.task}", hint=hint, task=wanted.task)
        tips = self._tips(board, wanted)
        found = [event for event in self._events(tips, board, None if everything else LIVE) if wanted.wants(event)]
        return found[-limit:] if limit else found

    def follow(self, wanted: Filter, *, limit: int | None) -> Iterator[EventView]:
        """What matches among the recent, then whatever matches and is new, as it comes."""
        board = self.coord.board()
        seen = self._tips(board, wanted)
        yield from [event for event in self._events(seen, board, LIVE) if wanted.wants(event)][-(limit or RECENT) :]

        def look() -> dict[str, str] | None:
            self.coord.begin()
            tips = self._tips(None, wanted)
            return tips if tips != seen else None

        while True:
            tips = until(self.coord, look, list(SOURCES), timeout=None, late=TimedOut, beat=False)
            fresh = self._since(seen, tips)
            seen = tips
            yield from (event for event in self._merged(fresh, self.coord.board()) if wanted.wants(event))

    def _tips(self, board: Board | None, wanted: Filter) -> dict[str, str]:
        """The ends of the chains in which there can be something wanted, by ref."""
        oids = {ref: oid for tree in (names.ROOT, names.LOCAL) for ref, oid in self.coord.store.list_refs(tree).items()}
        found = {}
        for ref, oid in oids.items():
            source = source_of(ref)
            about = wanted.task is None or source == "event" or ref == names.task_ref(wanted.task)
            if source is not None and oid != BROKEN and about:
                found[ref] = oid
            elif source is not None and about and board is not None:
                self._tell_corrupt(ref)
        return found

    def _tell_corrupt(self, ref: str) -> None:
        self.coord.notice("corrupt", f"{ref} cannot be read and its events are left out: git coord doctor")

    def _events(self, tips: Mapping[str, str], board: Board, limit: int | None) -> list[EventView]:
        chains = self.coord.store.history(tips.values(), limit)
        for ref, oid in tips.items():
            if oid not in chains:
                self._tell_corrupt(ref)
            elif limit is not None and len(chains[oid]) == limit and chains[oid][-1].parent is not None:
                self.coord.notice("older", f"{ref} has more than {limit} events; --all shows the older ones too")
        return self._merged({ref: chains.get(oid, []) for ref, oid in tips.items()}, board)

    def _since(self, seen: Mapping[str, str], tips: Mapping[str, str]) -> dict[str, list[Entry]]:
        """What was added to each chain since it ended as ``seen`` says."""
        moved = {ref: oid for ref, oid in tips.items() if seen.get(ref) != oid}
        found: dict[str, list[Entry]] = {}
        for limit in (_STEP, LIVE):
            chains = self.coord.store.history([oid for ref, oid in moved.items() if ref not in found], limit)
            for ref, oid in moved.items():
                if ref not in found and oid in chains:
                    fresh = _before(chains[oid], seen.get(ref))
                    if len(fresh) < limit or limit == LIVE:
                        found[ref] = fresh
        return found

    def _merged(self, chains: Mapping[str, list[Entry]], board: Board) -> list[EventView]:
        """The events of chains that are given newest first."""
        tasks = {item.ref: name for name, item in board.tasks.items()}
        return merge(
            [
                Item(event.at, event.session, event)
                for event in (_event(ref, entry, tasks.get(ref), board) for entry in reversed(chain))
            ]
            for ref, chain in chains.items()
        )


def _before(chain: list[Entry], last: str | None) -> list[Entry]:
    """The links above ``last``; all of them when it is not there."""
    for place, entry in enumerate(chain):
        if entry.oid == last:
            return chain[:place]
    return chain


def source_of(ref: str) -> str | None:
    """What the events of a record are about; None for a ref that has none."""
    return SOURCES.get(ref.rpartition("/")[0] + "/")


def _body(text: str) -> str:
    """What the subject of an entry's commit leaves out, for ``git log``."""
    if "\n" not in text and len(text) <= 100:
        return ""
    return "\n".join("".join(char if char.isprintable() else " " for char in line) for line in text.split("\n"))


def _event(ref: str, entry: Entry, task: str | None, board: Board) -> EventView:
    """A commit as an event. Its text may have been written by anybody: only plain values come out of it."""
    subject, _, rest = entry.message.partition("\n")
    plain = _trailer(rest)
    at, kind, signed = (_text(plain.get(name)) for name in ("at", "type", "session"))
    source = source_of(ref) or ""
    session, message = signed, subject
    meta = {name: value for name, value in plain.items() if name not in _HIDDEN and value not in (None, [], {})}
    if source == "event":
        session, message = ref.removeprefix(names.EVENTS), _text(plain.get("text")) or subject
        task, meta = _text(plain.get("task")), _dict(plain.get("meta"))
        if signed != session:
            meta["signed_by"] = signed  # somebody wrote into another session's log
    elif len(str(meta.get("value", ""))) > _MAX_VALUE:
        meta["value"] = str(meta["value"])[:_MAX_VALUE] + "…"
    known = board.sessions.get(session) if session else None
    return EventView(
        at=at if at is not None and len(at) == 24 else rfc3339(entry.author.when),
        type=kind or "unknown",
        session=session,
        session_name=known.record.name if known else None,
        task=task,
        message=message,
        meta=meta,
        author=entry.author.name,
        source=source,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _dict(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _trailer(text: str) -> dict[str, Any]:
    """The event in a commit's message; the last one, because a text before it may look like one."""
    for line in reversed(text.split("\n")):
        if line.startswith(TRAILER) and len(line) <= _MAX_TRAILER:
            try:
                plain = msgspec.json.decode(line.removeprefix(TRAILER))
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                return {}
            return plain if isinstance(plain, dict) else {}
    return {}
