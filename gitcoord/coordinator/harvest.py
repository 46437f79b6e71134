"""What an import has read and not written yet, and how to read files of other tools without trusting them.

Owns the tolerant reading of their fields: one that is missing or of another type is none, one that nobody asked for is
reported. Must not know any of those tools.
"""

from __future__ import annotations

import os
from collections import Counter

from gitcoord.coordinator.tasks import MAX_BODY, MAX_LABEL, MAX_LIST, MAX_TITLE, check_id, check_task
from gitcoord.core import codec, ids
from gitcoord.core.digest import new
from gitcoord.core.model import Counters, Ending, Session, Task
from gitcoord.core.times import rfc3339
from gitcoord.core.transfer import Row
from gitcoord.errors import CoordError, Usage
from gitcoord.git import localfile
from gitcoord.lean import TYPE_CHECKING, Any, msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_FILE = 64 << 20
MAX_ITEMS = 50_000
_LONGEST = 200  # of a name of a session, and of what it is called in a report


class Found(msgspec.Struct, frozen=True):
    """A record to be made, what it was made from, and what was lost on the way."""

    record: Any
    source: str
    reason: str | None = None


class Wanted(msgspec.Struct, frozen=True):
    """A scope to be filled."""

    source: str
    at: str
    entries: dict[str, Any]


class Fields:
    """An object of another tool's: what was asked for is known, and so is what nobody asked for."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self._plain = plain
        self._asked: set[str] = set()

    def get(self, *wanted: str) -> Any:
        """The first of these fields that is there and says something."""
        self._asked.update(wanted)
        return next((value for name in wanted if (value := self._plain.get(name)) not in (None, "")), None)

    def text(self, *wanted: str) -> str | None:
        value = self.get(*wanted)
        return value if isinstance(value, str) and value.strip() else None

    def word(self, *wanted: str) -> str | None:
        """A short text that may have been written as a number."""
        value = self.get(*wanted)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value.strip() if isinstance(value, str) and value.strip() else None

    def number(self, *wanted: str) -> int | None:
        value = self.word(*wanted)
        digits = (value or "").removeprefix("P").removeprefix("p")
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None

    def time(self, *wanted: str) -> str | None:
        """A moment as we write it, from ISO 8601 or seconds since the epoch."""
        value = self.get(*wanted)
        return moment(value)

    def items(self, *wanted: str) -> Sequence[Any]:
        value = self.get(*wanted)
        return value if isinstance(value, list) else []

    def objects(self, *wanted: str) -> Iterator[Fields]:
        return (Fields(item) for item in self.items(*wanted) if isinstance(item, dict))

    def words(self, *wanted: str) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(item.strip() for item in self.items(*wanted) if isinstance(item, str) and item.strip())
        )

    def unread(self) -> list[str]:
        return [
            name for name, value in self._plain.items() if name not in self._asked and value not in (None, "", [], {})
        ]


class Harvest:
    """What was read: tasks, sessions and scopes by name, and rows about what is none of these."""

    def __init__(self, source: str, *, now: str, host: str) -> None:
        self.source = source
        self.now = now
        self.tasks: dict[str, Found] = {}
        self.sessions: dict[str, Found] = {}
        self.scopes: dict[str, Wanted] = {}
        self.rows: list[Row] = []
        self._host = host
        self._unread: Counter[str] = Counter()

    def skip(self, kind: str, source: str, reason: str) -> None:
        """Tell of something that becomes nothing here."""
        self.rows.append(Row(kind=kind, source=source[:_LONGEST], target=None, action="skipped", reason=reason))

    def unread(self, where: str, fields: Fields) -> None:
        """Remember the fields that nobody asked for."""
        self._unread.update(f"{where}: {name[:60]}" for name in fields.unread())

    def not_understood(self, what: str) -> None:
        self._unread[what] += 1

    def unread_notes(self) -> list[str]:
        """What was not understood, each thing once."""
        return [f"{what} ({count})" if count > 1 else what for what, count in sorted(self._unread.items())]

    def add_task(self, source: str, reason: str | None = None, **fields: Any) -> None:
        """Take a task, cut to what a task may have; or say why not."""
        try:
            record, cut = self._task(**fields)
        except CoordError as error:
            self.skip("task", source, error.message)
            return
        if record.id in self.tasks:
            self.skip("task", source, f"task {record.id[:100]} was there before in the same file")
        elif len(self.tasks) >= MAX_ITEMS:
            raise Usage(f"more than {MAX_ITEMS} tasks at once are too many")
        else:
            said = "; ".join(filter(None, (reason, cut)))
            self.tasks[record.id] = Found(record, source[:_LONGEST], said or None)

    def _task(self, **fields: Any) -> tuple[Task, str | None]:
        title = " ".join((fields.pop("title") or fields["id"]).split())
        body: str | None = fields.pop("body", None)
        wanted = (*fields.pop("labels", ()), f"source:{self.source}")
        labels = tuple(dict.fromkeys(label for label in wanted if label.isprintable() and len(label) <= MAX_LABEL))
        after = tuple(dict.fromkeys(fields.pop("after", ())))
        cut = []
        if len(title) > MAX_TITLE:
            body, title = f"{title}\n\n{body or ''}".rstrip(), f"{title[: MAX_TITLE - 1]}…"
        if body is not None and len(body.encode("utf-8", "replace")) > MAX_BODY:
            body = body.encode("utf-8", "replace")[: MAX_BODY - 4].decode("utf-8", "ignore") + "…"
            cut.append(f"its body was cut to {MAX_BODY >> 10} KiB")
        if len(labels) < len(set(wanted)) or len(labels) > MAX_LIST:
            labels = (*labels[: MAX_LIST - 1], labels[-1])  # the last one says where it is from
            cut.append("labels that cannot be were left out")
        if len(after) > MAX_LIST:
            after = after[:MAX_LIST]
            cut.append(f"only its first {MAX_LIST} dependencies were taken")
        priority = min(4, max(0, fields.pop("priority", 2)))
        check_id(fields["id"])
        check_task(title=title, body=body, priority=priority, labels=labels, after=after)
        record = Task(
            title=title, body=body, labels=tuple(dict.fromkeys(labels)), after=after, priority=priority, **fields
        )
        codec.encode(record)
        return record, "; ".join(cut) or None

    def add_session(self, source_id: str, source: str, **fields: Any) -> None:
        """Take a session as one that has ended; its id follows from where it comes from, so twice is once."""
        digest: bytes = new("sha256", f"{self.source}:{source_id}".encode("utf-8", "replace")).digest()
        sid = ids.session_id(digest)
        name = "".join(char if char.isprintable() else " " for char in fields.pop("name") or source_id)
        record = Session(
            id=sid,
            name=name.strip()[:_LONGEST] or sid,
            host=self._host,
            state="ended",
            ending=Ending(how="ended", reason=f"imported from {self.source}"),
            labels={"source": self.source, "source_id": source_id[:_LONGEST]},
            counters=Counters(messages=fields.pop("messages", 0) or 0, tool_calls=fields.pop("tool_calls", 0) or 0),
            **fields,
        )
        try:
            codec.encode(record)
        except (CoordError, UnicodeEncodeError):
            self.skip("session", source, "it cannot be written down")
            return
        self.sessions.setdefault(sid, Found(record, source[:_LONGEST]))


def read_object(path: str) -> dict[str, Any] | None:
    """The JSON object in a plain file; None where there is no such file. Raises Usage for anything else in it."""
    if not os.path.lexists(path):
        return None
    data = localfile.read_all(path, MAX_FILE)
    if data is None:
        raise Usage(f"{path} cannot be read, or is no plain file", hint="check its permissions")
    return parsed(data, path)


def parsed(data: bytes, where: str) -> dict[str, Any]:
    """A JSON object. Raises Usage, saying where."""
    try:
        return codec.decode_raw(data.removeprefix(b"\xef\xbb\xbf"), limit=MAX_FILE)
    except CoordError as error:
        raise Usage(f"{where}: {error.message}", hint="check the file: nothing was imported") from None


def moment(value: object) -> str | None:
    """A moment as we write it (RFC 3339, UTC, milliseconds); None for what is none."""
    from datetime import UTC, datetime

    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return rfc3339(value / 1000 if value > 1e11 else float(value))
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return rfc3339((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, OSError):
        pass  # not a time: then it is not known when
    return None
