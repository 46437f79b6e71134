"""Ref names: which ref holds which record, and how a free-text name becomes one safe path component.

Owns the layout of ``refs/coord/`` and of ``refs/coord-local/``, which never leaves the clone, and the slug rule.
Rules: one fixed depth (so ``a`` and ``a/b`` can never collide), injective (two names never share a ref), readable where
the name allows, safe on case-insensitive disks, on hosts that refuse 40-hex names, in shells and as an option-less
argument. The true name stands in the record.
"""

from __future__ import annotations

from gitcoord.core.digest import sha256_hex

ROOT = "refs/coord/"
META = "refs/coord/meta/repo"
SESSIONS = "refs/coord/sessions/"
HEARTBEATS = "refs/coord/heartbeats/"
TASKS = "refs/coord/tasks/"
LOCKS = "refs/coord/locks/table"
LOCKS_FOLDER = "refs/coord/locks/"
DATA = "refs/coord/data/"
EVENTS = "refs/coord/events/"
RESCUE = "refs/coord/rescue/"
ARCHIVE = "refs/coord/archive/finished"
ARCHIVE_FOLDER = "refs/coord/archive/"
LOCAL = "refs/coord-local/"
PRIVATE = "refs/coord-local/data/"
"""Scopes that stay in this clone, outside of what is ever pushed or fetched."""

TRACKED = "refs/coord-remotes/"
"""What hubs had when they were last heard of: rebuilt by every fetch."""

OURS = (ROOT, LOCAL)
"""The trees of refs that are looked after: found, mended, purged."""

MAX_NAME = 1000
"""Longest task or scope name, in characters; longer ones are refused, not cut."""

# Sets, not regular expressions: importing re and compiling these takes 3 ms of a command (measured).
_DIGITS = frozenset("0123456789")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyz") | _DIGITS
_PLAIN = _WORD | frozenset("_-.")
_MAX_PLAIN = 80
_HEX = frozenset("0123456789abcdef")
_BASE32 = frozenset("abcdefghijklmnopqrstuvwxyz234567")
_DEVICES = frozenset(("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))))


def slug(text: str, limit: int = 40) -> str:
    """The readable part of a name: lower-case ASCII words joined by ``-``, at most ``limit`` long; may be empty."""
    words = "".join(sign if sign in _WORD else " " for sign in text.lower()).split()
    return "-".join(words)[:limit].rstrip("-")


def key(name: str) -> str:
    """The path component for ``name``.

    The name itself when it is safe as it stands, else a slug, ``+`` and 20 hex digits of its SHA-256. No plain name
    contains ``+``, so the two kinds cannot meet.
    """
    if _is_plain(name):
        return name
    digest = sha256_hex(name)[:20]
    return f"{slug(name) or 'x'}+{digest}"


def _is_plain(name: str) -> bool:
    """Whether ``name`` may stand in a ref as it is, on every file system and at every host."""
    if not 0 < len(name) <= _MAX_PLAIN or name[0] not in _WORD or not _PLAIN.issuperset(name) or ".." in name:
        return False
    return not (name.endswith((".", ".lock")) or is_oid(name) or name.partition(".")[0] in _DEVICES)


def is_oid(text: str) -> bool:
    """Whether ``text`` looks like a full object id: 40 or 64 hex digits."""
    return len(text) in (40, 64) and _HEX.issuperset(text)


def is_session_id(text: str) -> bool:
    """Whether ``text`` has the form of a session id: ``s-`` and ten base-32 characters."""
    return len(text) == 12 and text.startswith("s-") and _BASE32.issuperset(text[2:])


def task_ref(task_id: str) -> str:
    """The ref of a task's record."""
    return TASKS + key(task_id)


def rescue_ref(name: str) -> str:
    """The ref of the newest rescue snapshot taken for a task (or for a session id where there is no task)."""
    return RESCUE + key(name)


def data_ref(scope: str) -> str:
    """The ref of a scope's record."""
    return (PRIVATE if is_private(scope) else DATA) + key(scope)


def is_private(scope: str) -> bool:
    """Whether the scope must never leave this clone: it is ``private:…``, however spelled, or ``private`` alone."""
    return scope.partition(":")[0].strip().casefold() == "private"


def session_ref(sid: str) -> str:
    """The ref of a session's record. ``sid`` must be a session id: anything else never reaches a path."""
    return SESSIONS + _checked(sid)


def heartbeat_ref(sid: str) -> str:
    """The ref whose blob says when the session was last active."""
    return HEARTBEATS + _checked(sid)


def events_ref(sid: str) -> str:
    """The ref of a session's own event log."""
    return EVENTS + _checked(sid)


def _checked(sid: str) -> str:
    if not is_session_id(sid):
        raise ValueError(f"not a session id: {sid!r}")
    return sid
