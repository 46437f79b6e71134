"""How locks look."""

from __future__ import annotations

from gitcoord.cli.render.doc import Cell, Doc, Line, Table, lines
from gitcoord.cli.render.words import count, moment, or_dash
from gitcoord.cli.render.words import listed as in_words
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.locks import Checked, HeldPath, Locked
    from gitcoord.core.views import LockView


def locked(answer: Locked) -> Doc:
    verb = "locked" if answer.changed else "you hold already"
    return [Line(f"{verb} {_what(lock)}, token {lock.token}{_until(lock)}") for lock in answer.locks]


def unlocked(gone: Sequence[LockView]) -> Doc:
    return lines(*(f"unlocked {_what(lock)}" for lock in gone)) if gone else lines("you held no lock")


def _what(lock: LockView) -> str:
    what = lock.name if lock.name is not None else f"'{lock.path}'"
    return f"{what} (shared)" if lock.mode == "shared" else what


def _until(lock: LockView) -> str:
    return "" if lock.expires_at is None else f", until {moment(lock.expires_at)}"


def listed(found: Sequence[LockView]) -> Doc:
    return [table(found)] if found else lines("no locks")


def table(found: Sequence[LockView]) -> Table:
    """Locks as a table."""
    return Table(
        ("LOCK", "MODE", "HOLDER", "TOKEN", "SINCE", "UNTIL", "WAITING", "REASON"),
        tuple(
            (
                lock.name if lock.name is not None else lock.path or "",
                lock.mode,
                _holder(lock),
                str(lock.token),
                moment(lock.since),
                moment(lock.expires_at),
                or_dash(in_words(lock.waiting)),
                or_dash(lock.reason),
            )
            for lock in found
        ),
        long=7,
    )


def _holder(lock: LockView) -> Cell:
    name = lock.session_name or lock.session
    return Cell(name) if lock.in_force else Cell(f"{name}, gone: free to take", "warn")


def held(found: Sequence[HeldPath]) -> Doc:
    """Paths that others hold: one line each."""
    return [Line(f"{item.path}: locked by {_by(item.lock)}") for item in found]


def _by(lock: LockView) -> str:
    why = f": {lock.reason}" if lock.reason else ""
    return f"{lock.session_name or lock.session} with {_what(lock)}{why}"


def free(answer: Checked) -> Doc:
    return lines(f"{count(len(answer.paths), 'path')} free, or locked by you")
