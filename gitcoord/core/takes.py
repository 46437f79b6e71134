"""Who lost a claim or a lock by somebody else's doing: told from records and the events between them.

Pure. A decision that this clone took alone (a provisional claim) rests on a silence that only the hub can vouch for; by
this it is known again before it is pushed.
"""

from __future__ import annotations

from gitcoord.core import codec, locks, names
from gitcoord.core.merge import Link
from gitcoord.core.model import Task
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING, Any, msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_FREELY = ("release", "done", "offer", "free", "unlock", "unlock-all", "drop-locks", "renew-lock")
"""Events that take nothing from anybody: what was held is given back, or its holder's end was written down before."""


def parted(ref: str, before: bytes, after: bytes) -> frozenset[str]:
    """The sessions that hold something in the record ``before`` which they do not in the one ``after``."""
    old, new = _held(ref, before), _held(ref, after)
    return frozenset(sid for token, sid in old.items() if token not in new)


def losers(ref: str, before: bytes, steps: Sequence[tuple[Link, bytes]]) -> frozenset[str]:
    """Those of them from whom another session took it, unforced; ``steps``: each event and the record after it."""
    found: set[str] = set()
    for link, after in steps:
        event = _event(link)
        if event.get("type") not in _FREELY and not event.get("force"):
            found |= parted(ref, before, after) - {event.get("session")}
        before = after
    return frozenset(found)


def _held(ref: str, payload: bytes) -> dict[int, str]:
    """The holder by token; nothing where it cannot be read, which others refuse to touch."""
    try:
        raw = codec.decode_raw(payload)
        if ref == names.LOCKS:
            return {lock.token: lock.session for lock in codec.convert(raw, locks.LockTable).locks}
        claim = codec.convert(raw, Task).claim if ref.startswith(names.TASKS) else None
    except CoordError:
        return {}
    return {} if claim is None else {claim.token: claim.session}


def _event(link: Link) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(link.event or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
