"""A commit of a record as an event: what its trailer says, as far as that can be believed.

Whoever can push writes what is read here, so only plain values come out of it; showing them harmlessly is the
command line's business. Must not know where commits come from.
"""

from __future__ import annotations

from gitcoord.coordinator.joins import Board
from gitcoord.core import names
from gitcoord.core.times import rfc3339
from gitcoord.core.views import EventView
from gitcoord.lean import Any, msgspec
from gitcoord.store.base import Entry

TRAILER = "Coord-Event: "
SOURCES = {
    names.TASKS: "task",
    names.SESSIONS: "session",
    names.EVENTS: "event",
    names.LOCKS_FOLDER: "lock",
    names.DATA: "data",
    names.PRIVATE: "data",
    names.META.rpartition("/")[0] + "/": "repository",
    names.ARCHIVE_FOLDER: "repository",
}
"""Where events come from, and what they are said to be about."""

_HIDDEN = frozenset({"type", "at", "session", "nonce", "record", "id"})
_MAX_TRAILER = 1 << 17
_MAX_VALUE = 200  # of shared data: a log tells that it changed; what it is now is in the record


def source_of(ref: str) -> str | None:
    """What the events of a record are about; None for a ref that has none."""
    return SOURCES.get(ref.rpartition("/")[0] + "/")


def said(entry: Entry) -> tuple[str | None, str | None]:
    """The type and the author of an event, as the commit says."""
    plain = _trailer(entry.message.partition("\n")[2])
    return _text(plain.get("type")), _text(plain.get("session"))


def happened(entry: Entry) -> tuple[str | None, str]:
    """When an event was, as its trailer says (None: it has none), and as far as can be told at all."""
    at = _text(_trailer(entry.message.partition("\n")[2]).get("at"))
    at = at if at is not None and len(at) == 24 else None
    return at, at if at is not None else rfc3339(entry.author.when)


def event_of(ref: str, entry: Entry, task: str | None, board: Board) -> EventView:
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
