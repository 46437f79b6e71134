"""The log: what happened, out of the records' own commit chains. Nothing is logged twice.

Order is causal, then by time: within one record a cause always comes before its effect, whatever the clocks said.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gitcoord.coordinator.joins import Board, Joins
from gitcoord.core import names
from gitcoord.core.times import rfc3339
from gitcoord.core.views import EventView
from gitcoord.errors import NotFound
from gitcoord.store.base import BROKEN, Entry

TRAILER = "Coord-Event: "
_HIDDEN = frozenset({"type", "at", "session", "nonce", "record"})
_MAX_TRAILER = 1 << 17


class History(Joins):
    """Reading the past."""

    def log(
        self,
        *,
        task: str | None = None,
        session: str | None = None,
        type: str | None = None,  # noqa: A002 - the option's name
        since: float | None = None,
        limit: int | None = None,
    ) -> list[EventView]:
        """Events, oldest first; the last ``limit`` of those that match. ``since``: at most that many seconds ago."""
        self.begin()
        board = self.board()
        chains = self._chains(board, task)
        sid = self.find_session(session).record.id if session is not None else None
        earliest = rfc3339(self.clock.now() - since) if since is not None else ""
        found = [
            (moment, place, event)
            for ref, oid in chains.items()
            for place, (moment, event) in enumerate(self._events(ref, oid, board))
            if (type is None or event.type == type) and (sid is None or event.session == sid) and event.at >= earliest
        ]
        found.sort(key=lambda item: (item[0], item[1]))
        events = [event for _moment, _place, event in found]
        return events[-limit:] if limit else events

    def _chains(self, board: Board, task: str | None) -> dict[str, str]:
        if task is not None:
            found = board.tasks.get(task)
            if found is None:
                raise NotFound(f"there is no task {task}", hint="git coord task list --all", task=task)
            return {found.ref: found.oid}
        oids = {**self.records.oids(names.TASKS), **self.records.oids(names.SESSIONS)}
        return {ref: oid for ref, oid in oids.items() if oid != BROKEN}

    def _events(self, ref: str, oid: str, board: Board) -> list[tuple[str, EventView]]:
        """One record's events, oldest first, each with a moment that never runs backwards."""
        by_ref = {item.ref: name for name, item in board.tasks.items()}
        moment = ""
        found = []
        for entry in reversed(self.store.history([oid]).get(oid, [])):
            event = _event(entry, by_ref.get(ref), board)
            moment = max(moment, event.at)
            found.append((moment, event))
        return found


def _event(entry: Entry, task: str | None, board: Board) -> EventView:
    """A commit as an event. Its text may have been written by anybody: only plain values come out of it."""
    subject, _, rest = entry.message.partition("\n")
    plain = _trailer(rest)
    session = plain.get("session")
    sid = session if isinstance(session, str) else None
    known = board.sessions.get(sid) if sid else None
    at, kind = plain.get("at"), plain.get("type")
    return EventView(
        at=at if isinstance(at, str) and len(at) == 24 else rfc3339(entry.author.when),
        type=kind if isinstance(kind, str) else "unknown",
        session=sid,
        session_name=known.record.name if known else None,
        task=task,
        message=subject,
        meta={name: value for name, value in plain.items() if name not in _HIDDEN and value not in (None, [], {})},
        author=entry.author.name,
    )


def _trailer(text: str) -> dict[str, Any]:
    for line in reversed(text.split("\n")):
        if line.startswith(TRAILER) and len(line) <= _MAX_TRAILER:
            try:
                plain = msgspec.json.decode(line.removeprefix(TRAILER))
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                return {}
            return plain if isinstance(plain, dict) else {}
    return {}
