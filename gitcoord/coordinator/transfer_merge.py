"""Bringing an exported record together with another one of the same name: ours stands, what is absent is added.

Nobody who holds something here loses it to a file, and no fencing token that was given out there is given out here
again: high-water marks become the larger of both. Pure, over the records' bytes.
"""

from __future__ import annotations

from gitcoord.core import codec
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Meta, Struct, Task
from gitcoord.core.scope import Scope
from gitcoord.core.transfer import Item
from gitcoord.lean import msgspec

KEPT = frozenset({"heartbeat", "conflicts"})
"""What differs from one moment to the next, and is nobody's work: ours is kept without asking."""

_KEPT = "the record here was kept"


class Old(Struct, frozen=True, kw_only=True):
    """What a ref of this repository holds, or held when it was archived."""

    ref: str
    oid: str
    payloads: tuple[bytes, ...]
    archived: bool = False


def merged(item: Item, old: Old) -> tuple[bytes | None, str]:
    """The bytes to write over ``old``, or None to leave it alone; and what that means, in words."""
    rule = _RULES.get(item.kind)
    return rule(item.payloads[0], old.payloads[0]) if rule is not None else (None, _KEPT)


def _task(theirs: bytes, ours: bytes) -> tuple[bytes | None, str]:
    there, here = codec.decode(theirs, Task), codec.decode(ours, Task)
    if there.token <= here.token:
        return None, _KEPT
    record = msgspec.structs.replace(here, token=there.token)
    return codec.encode(record, codec.decode_raw(ours)), f"the record here was kept, its token raised to {there.token}"


def _meta(theirs: bytes, ours: bytes) -> tuple[bytes | None, str]:
    there, here = codec.decode(theirs, Meta), codec.decode(ours, Meta)
    if there.epoch <= here.epoch:
        return None, "this repository stays what it is"
    record = msgspec.structs.replace(here, epoch=there.epoch)
    return codec.encode(record, codec.decode_raw(ours)), f"this repository stays what it is, in epoch {there.epoch}"


def _locks(theirs: bytes, ours: bytes) -> tuple[bytes | None, str]:
    """A lock of theirs may stand against one of ours, so only an empty table takes theirs."""
    there, here = codec.decode(theirs, LockTable), codec.decode(ours, LockTable)
    base = here if here.locks or here.waiters else there
    record = msgspec.structs.replace(
        base,
        next_token=max(there.next_token, here.next_token),
        next_ticket=max(there.next_ticket, here.next_ticket),
    )
    if record == here:
        return None, "the locks here were kept"
    raw = codec.decode_raw(ours if base is here else theirs)
    return codec.encode(record, raw), "the locks here were kept, their tokens raised" if base is here else "added"


def _scope(theirs: bytes, ours: bytes) -> tuple[bytes | None, str]:
    """Keys that are absent are added, at a version that neither side has seen."""
    there, here = codec.decode(theirs, Scope), codec.decode(ours, Scope)
    version = max(there.version, here.version) + 1
    new = {
        key: msgspec.structs.replace(item, version=version)
        for key, item in there.entries.items()
        if key not in here.entries
    }
    if not new:
        return None, "no key of it is absent here"
    record = msgspec.structs.replace(here, version=version, entries={**here.entries, **new})
    what = f"{len(new)} key{'s' if len(new) > 1 else ''} added"
    return codec.encode(record, codec.decode_raw(ours)), what


_RULES = {"task": _task, "repository": _meta, "locks": _locks, "scope": _scope, "private-scope": _scope}
