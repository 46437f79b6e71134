"""The export format: the state as JSON lines, one record a line, sorted by ref; and back into what the lines say.

    {"kind":"gitcoord-export","format":1}
    {"kind":"task","ref":"refs/coord/tasks/15","record":{…}}
    …
    {"kind":"end","lines":2}

A record's bytes come back exactly: where JSON written in our own way would give other bytes (somebody else wrote them),
they stand there in base64. A session's log is one line an entry, oldest first. What is neither a record nor a blob (a
rescue snapshot) is only named. The last line counts, so that a file that was cut off is noticed. Pure; whoever can
hand somebody a file writes what is read here.
"""

from __future__ import annotations

import re

from gitcoord.core import codec, conflicts, names
from gitcoord.core.model import Struct
from gitcoord.errors import CoordError, NewerFormat, Usage
from gitcoord.lean import TYPE_CHECKING, Any, Literal, get_args, msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORMAT = 1
MARK = "gitcoord-export"

MAX_FILE = 256 << 20
"""Largest file that is read, in bytes."""

MAX_LINES = 500_000
MAX_LINE = (codec.MAX_RECORD * 4 // 3) + (4 << 10)
"""Longest line, in bytes: the largest record there is, in base64."""

_FOLDERS = {
    names.SESSIONS: "session",
    names.HEARTBEATS: "heartbeat",
    names.TASKS: "task",
    names.DATA: "scope",
    names.PRIVATE: "private-scope",
    names.EVENTS: "event",
    names.RESCUE: "rescue",
}
_REFS = {names.META: "repository", names.LOCKS: "locks", conflicts.REF: "conflicts"}
_OTHER = re.compile(r"refs/coord(?:-local)?/[a-z][a-z0-9-]{0,40}/[a-z0-9][a-z0-9_.+-]{0,119}\Z")
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")

Action = Literal["created", "changed", "exists", "skipped"]


class Item(Struct, frozen=True, kw_only=True):
    """What one ref holds: one record (a log: one for each entry), or the oid of something that is none."""

    kind: str
    ref: str
    payloads: tuple[bytes, ...] = ()
    blob: bool = False
    oid: str | None = None


class Row(Struct, frozen=True, kw_only=True):
    """What became of one thing that was to be imported: what it was there, and what it is here."""

    kind: str
    source: str
    target: str | None
    action: Action
    reason: str | None = None


class Import(Struct, frozen=True, kw_only=True):
    """The event in the commit of a record that was imported."""

    type: str = "import"
    at: str
    session: str | None = None
    source: str
    nonce: str = ""


class Imported(Struct, frozen=True, kw_only=True):
    """The report of an import. ``unread``: what was found besides, and not understood."""

    source: str
    dry_run: bool
    rows: tuple[Row, ...]
    unread: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each action."""
        actions = [row.action for row in self.rows]
        return {each: actions.count(each) for each in get_args(Action)}


def kind_of(ref: str) -> str:
    """What the ref holds, in a word; ``other`` for what this gitcoord does not know."""
    return _REFS.get(ref) or _FOLDERS.get(f"{ref.rpartition('/')[0]}/", "other")


def is_private(ref: str) -> bool:
    """Whether it leaves the clone only when asked for: all that is kept out of every push, but for the conflicts."""
    return ref.startswith(names.LOCAL) and ref != conflicts.REF


# -- writing ----------------------------------------------------------------------------------------------------------


def lines(items: Iterable[Item]) -> Iterator[bytes]:
    """The lines of an export, each without its newline."""
    yield msgspec.json.encode({"kind": MARK, "format": FORMAT})
    count = 0
    for item in sorted(items, key=lambda item: item.ref):
        for line in _lines_of(item):
            count += 1
            yield line
    yield msgspec.json.encode({"kind": "end", "lines": count})


def _lines_of(item: Item) -> Iterator[bytes]:
    head: dict[str, Any] = {"kind": item.kind, "ref": item.ref}
    if item.oid is not None:
        yield msgspec.json.encode({**head, "oid": item.oid})
    if item.blob and item.kind != "heartbeat":
        head["blob"] = True
    for payload in item.payloads:
        if _is_ours(payload):
            yield msgspec.json.encode({**head, "record": msgspec.Raw(payload[:-1])})
        else:
            yield msgspec.json.encode({**head, "base64": payload})


def _is_ours(payload: bytes) -> bool:
    """Whether reading the JSON and writing it again gives the same bytes."""
    try:
        return _written(codec.decode_raw(payload)) == payload
    except (CoordError, UnicodeEncodeError):
        return False


def _written(record: Any) -> bytes:
    return msgspec.json.encode(record, order="sorted") + b"\n"


# -- reading ----------------------------------------------------------------------------------------------------------


def is_export(data: bytes) -> bool:
    """Whether the data says in its first line that it is an export."""
    line = data[:200].partition(b"\n")[0]
    return line.startswith(b"{") and f'"{MARK}"'.encode() in line


def read(data: bytes) -> list[Item]:
    """What an export says, by ref. Raises Usage, which names the line; NewerFormat.

    The records themselves are not looked at yet: only that they are where a record may be.
    """
    if len(data) > MAX_FILE:
        raise Usage(f"{len(data)} bytes are too many: at most {MAX_FILE}")
    if not is_export(data):
        raise Usage("this is no export of gitcoord", hint="git coord help import")
    rows = data.split(b"\n")
    if rows[-1] == b"":
        rows.pop()
    if len(rows) > MAX_LINES:
        raise Usage(f"{len(rows)} lines are too many: at most {MAX_LINES}")
    _check_head(_plain(rows[0], 1))
    found: dict[str, list[Item]] = {}
    last = None
    for number, line in enumerate(rows[1:-1], 2):
        item = _item(_plain(line, number), number)
        if item.ref in found and (last != item.ref or item.kind != "event"):
            raise Usage(f"line {number}: there is a line for {item.ref} already")
        found.setdefault(item.ref, []).append(item)
        last = item.ref
    _check_end(_plain(rows[-1], len(rows)), len(rows))
    return [_joined(items) for items in found.values()]


def _joined(items: list[Item]) -> Item:
    """One item for one ref: a log has a line for each entry."""
    if len(items) == 1:
        return items[0]
    return msgspec.structs.replace(items[0], payloads=tuple(payload for item in items for payload in item.payloads))


def _plain(line: bytes, number: int) -> dict[str, Any]:
    try:
        return codec.decode_raw(line, limit=MAX_LINE, depth=codec.MAX_DEPTH + 1)
    except CoordError as error:
        raise Usage(f"line {number}: {error.message}", hint="was the file cut off or edited?") from None


def _check_head(head: dict[str, Any]) -> None:
    version = head.get("format")
    if not isinstance(version, int) or version > FORMAT:
        raise NewerFormat(f"the export has format {version}; this gitcoord reads {FORMAT}")


def _check_end(end: dict[str, Any], count: int) -> None:
    if end.get("kind") != "end" or count < 2:
        raise Usage("the export is cut off: its last line is missing", hint="export it again")
    if end.get("lines") != count - 2:
        raise Usage(f"the export should have {end.get('lines')} records, and has {count - 2}", hint="export it again")


def _item(plain: dict[str, Any], number: int) -> Item:
    ref, kind = plain.get("ref"), plain.get("kind")
    if not isinstance(ref, str) or not _may_be(ref):
        raise Usage(f"line {number}: {str(ref)[:100]!r} is no ref of coordination state")
    if kind != kind_of(ref):
        raise Usage(f"line {number}: {ref} holds a {kind_of(ref)}, not a {str(kind)[:40]}")
    oid = plain.get("oid")
    if oid is not None:
        if not isinstance(oid, str) or not _OID.match(oid) or kind not in ("rescue", "other"):
            raise Usage(f"line {number}: {ref} is not a snapshot that can be named")
        return Item(kind=kind, ref=ref, oid=oid)
    blob = kind == "heartbeat" or (kind == "other" and plain.get("blob") is True)
    return Item(kind=kind, ref=ref, payloads=(_payload(plain, number),), blob=blob)


def _may_be(ref: str) -> bool:
    """Not the archive: its records stand in an export one by one, like those that are not archived."""
    if not _OTHER.match(ref) or ref.startswith(names.ARCHIVE_FOLDER):
        return False
    return ".." not in ref and not ref.endswith((".", ".lock"))


def _payload(plain: dict[str, Any], number: int) -> bytes:
    try:
        if "base64" in plain:
            payload = msgspec.convert(plain["base64"], bytes)
        else:
            payload = _written(msgspec.convert(plain.get("record"), dict[str, Any]))
    except (msgspec.ValidationError, UnicodeEncodeError, ValueError):
        raise Usage(f"line {number}: there is no record in it") from None
    if len(payload) > codec.MAX_RECORD:
        raise Usage(f"line {number}: a record of {len(payload)} bytes is over the limit of {codec.MAX_RECORD}")
    return payload
