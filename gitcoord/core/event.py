"""A session's own log entries: what may be written down, and the record that holds one.

Each entry is one commit on the session's chain, and its record is that entry; nothing is ever rewritten. The newest
``LIVE`` commits of a chain are what ``log`` reads; older ones stay in the chain, for ``log --all`` and ``git log``.
"""

from __future__ import annotations

from gitcoord.core.model import FORMAT, Struct
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

LIVE = 1000
"""How many of the newest commits of one chain are read unless everything is asked for."""

MAX_TEXT = 4000
MAX_META = 50
MAX_KEY = 100
MAX_VALUE = 2000
MAX_BYTES = 16 << 10
"""Largest entry, in bytes of JSON: a log is read whole, by agents too."""

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_TYPE = _LETTERS | frozenset("0123456789._-")
_MAX_TYPE = 50

RESERVED = frozenset(
    {
        "accept",
        "add",
        "cancel",
        "claim",
        "done",
        "drop-locks",
        "edit",
        "end",
        "epoch",
        "expire",
        "fold",
        "found-archive",
        "free",
        "import",
        "incr",
        "leave-lock",
        "lock",
        "mend-archive",
        "offer",
        "place",
        "progress",
        "release",
        "renew",
        "renew-lock",
        "reopen",
        "resume",
        "set",
        "start",
        "take-back",
        "take-over",
        "unlock",
        "unlock-all",
        "unplace",
        "unset",
        "wait-lock",
    }
)
"""What records' own events are called: nobody writes a ``claim`` into the log that never was one."""


class Logged(Struct, frozen=True, kw_only=True):
    """The event of an entry, as its trailer says it."""

    type: str
    at: str
    session: str
    task: str | None = None
    text: str
    meta: dict[str, str] = {}
    nonce: str = ""


class LogEntry(Struct, frozen=True, kw_only=True):
    """The record: one entry, ``seq`` counting a session's entries from 1."""

    v: int = FORMAT
    session: str
    seq: int
    type: str
    text: str
    task: str | None = None
    meta: dict[str, str] = {}
    at: str


def step(last: LogEntry | None, event: Logged) -> LogEntry:
    """The entry after ``last``. Raises Usage for what does not belong into a log."""
    _check(event)
    return LogEntry(
        session=event.session,
        seq=last.seq + 1 if last is not None else 1,
        type=event.type,
        text=event.text,
        task=event.task,
        meta=event.meta,
        at=event.at,
    )


def checked_type(name: str) -> str:
    """``name`` itself if an entry may be of that type. Raises Usage."""
    if not 0 < len(name) <= _MAX_TYPE or name[0] not in _LETTERS or not _TYPE.issuperset(name):
        raise Usage(f"{name[:60]!r} is no type of event", hint="1 to 50 of a-z 0-9 . _ -, a letter first, as in deploy")
    if name in RESERVED:
        raise Usage(f"events of type '{name}' are written by gitcoord itself", hint=f"call it my-{name}, or 'info'")
    return name


def _check(event: Logged) -> None:
    checked_type(event.type)
    if not event.text.strip() or len(event.text) > MAX_TEXT:
        raise Usage(f"the text of an event has 1 to {MAX_TEXT} characters")
    _check_meta(event.meta)
    try:
        size = len(msgspec.json.encode(event))
    except UnicodeEncodeError:
        raise Usage("the event is not valid UTF-8") from None
    if size > MAX_BYTES:
        raise Usage(f"the event takes {size} bytes; at most {MAX_BYTES}", hint="commit large data, and name the commit")


def _check_meta(meta: Mapping[str, str]) -> None:
    if len(meta) > MAX_META:
        raise Usage(f"an event has at most {MAX_META} facts beside its text, not {len(meta)}")
    for key, value in meta.items():
        if not key.strip() or len(key) > MAX_KEY or not key.isprintable():
            raise Usage(f"the name of a fact has 1 to {MAX_KEY} printable characters")
        if len(value) > MAX_VALUE:
            raise Usage(f"the fact '{key}' is longer than {MAX_VALUE} characters")
