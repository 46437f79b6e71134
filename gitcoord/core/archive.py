"""The archive: which finished records were folded into one ref, and at which commit each of them ended.

Owns the shape of the archive's tree: ``record.json`` says how much is in it, and ``<kind>/<two hex digits>`` is a page,
one line ``<key> <oid>`` for each folded ref whose key hashes to these digits. 256 pages a kind keep an update small
with 100,000 entries too. The records themselves are the folded commits, which the archive's own commits have as
parents. Pure; whoever can push writes what is read here, so anything that is not exactly of this shape is Corrupt.
"""

from __future__ import annotations

import re

from gitcoord.core import codec, names
from gitcoord.core.digest import sha256_hex
from gitcoord.core.model import FORMAT, Session, Struct, Task
from gitcoord.errors import Corrupt
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS = (names.TASKS, names.SESSIONS, names.EVENTS, names.HEARTBEATS)
"""What is folded: a session goes together with its log and its last heartbeat."""

RECORDS = (names.TASKS, names.SESSIONS)
"""Of these a record is looked for in the archive when its ref does not exist."""

FINISHED = ("done", "failed", "cancelled")
OVER = ("ended", "expired")

_KEY = re.compile(r"[a-z0-9][a-z0-9._+-]{0,150}\Z")
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_DIGITS = "0123456789abcdef"
PAGES = tuple(high + low for high in _DIGITS for low in _DIGITS)


class Archive(Struct, frozen=True, kw_only=True):
    """``record.json``: how many tasks, by state, and sessions were folded; ``token``: the largest of their tokens.

    A task that was taken out again counts on: these are numbers for people, and a floor for tokens.
    """

    v: int = FORMAT
    tasks: dict[str, int] = {}
    sessions: int = 0
    token: int = 0
    at: str


class Fold(Struct, frozen=True, kw_only=True):
    """The event of a fold: how many refs went into the archive."""

    type: str = "fold"
    at: str
    session: str | None = None
    refs: int
    nonce: str = ""


def is_over(record: Struct) -> bool:
    """Whether a record may be in the archive: a finished task, or a session that has come to its end."""
    return (isinstance(record, Task) and record.state in FINISHED) or (
        isinstance(record, Session) and record.state in OVER
    )


def is_over_at(ref: str, payload: bytes) -> bool:
    """The same of a record's bytes; anything else but a task or a session may be. Raises Corrupt, NewerFormat."""
    if ref.startswith(names.TASKS):
        return is_over(codec.decode(payload, Task))
    return not ref.startswith(names.SESSIONS) or is_over(codec.decode(payload, Session))


def page_of(ref: str) -> str:
    """The path of the page on which a folded ref stands."""
    kind, _, key = ref.removeprefix(names.ROOT).partition("/")
    return f"{kind}/{sha256_hex(key)[:2]}"


def pages_of(prefix: str) -> list[str]:
    """The paths of all pages of a kind, given as the prefix of its refs."""
    kind = prefix.removeprefix(names.ROOT)
    return [kind + page for page in PAGES]


def parse(path: str, data: bytes) -> dict[str, str]:
    """The folded refs on a page, each with the commit at which it ended. Raises Corrupt."""
    found: dict[str, str] = {}
    kind = path.partition("/")[0]
    last = ""
    for line in data.decode("ascii", "replace").splitlines():
        key, _, oid = line.partition(" ")
        ref = f"{names.ROOT}{kind}/{key}"
        if not _KEY.match(key) or ".." in key or key.endswith((".", ".lock")) or not _OID.match(oid):
            raise Corrupt(f"the page {path} of {names.ARCHIVE} has a line that is none of ours")
        if key <= last or page_of(ref) != path:
            raise Corrupt(f"the page {path} of {names.ARCHIVE} is not in order")
        found[ref] = oid
        last = key
    return found


def page(entries: Mapping[str, str]) -> bytes:
    """A page of these folded refs."""
    lines = sorted((ref.rpartition("/")[2], oid) for ref, oid in entries.items())
    return "".join(f"{key} {oid}\n" for key, oid in lines).encode("ascii")


def spread(refs: Iterable[str]) -> dict[str, list[str]]:
    """``refs`` by the page on which they stand."""
    found: dict[str, list[str]] = {}
    for ref in refs:
        found.setdefault(page_of(ref), []).append(ref)
    return found


def grown(base: Archive, records: Iterable[Struct], at: str) -> Archive:
    """The archive's own record after ``records`` were folded into it."""
    tasks, sessions, token = dict(base.tasks), base.sessions, base.token
    for record in records:
        if isinstance(record, Task):
            tasks[record.state] = tasks.get(record.state, 0) + 1
            token = max(token, record.token)
        elif isinstance(record, Session):
            sessions += 1
    return Archive(tasks=tasks, sessions=sessions, token=token, at=at)
