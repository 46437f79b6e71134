"""What the tests of the lock rules share: three sessions, short spellings of events, and what a refusal must leave."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gitcoord.core.lock_events import Acquire, LockEvent, Mode, Release, Target, target
from gitcoord.core.lock_events import Wait as Queue
from gitcoord.core.locking import step
from gitcoord.core.locks import EMPTY, Facts, LockTable
from gitcoord.errors import CoordError

ANN, BEN, CAT = "s-aaaaaaaaaa", "s-bbbbbbbbbb", "s-cccccccccc"
LIVE = Facts(live=frozenset({ANN, BEN, CAT}))
AT = "2026-11-20T13:03:11.402Z"
BOTH: tuple[Mode, ...] = ("exclusive", "shared")


def on(*texts: str) -> tuple[Target, ...]:
    """Targets as the command line reads them: with a slash or a glob sign it is a pattern."""
    return tuple(target(text, path=any(sign in text for sign in "/*?[")) for text in texts)


def acquire(session: str, *texts: str, mode: Mode = "exclusive", **more: Any) -> Acquire:
    return Acquire(at=AT, session=session, wants=on(*texts), mode=mode, **more)


def release(session: str, *texts: str, tokens: tuple[int, ...] = ()) -> Release:
    return Release(at=AT, session=session, targets=on(*texts), tokens=tokens)


def queue(session: str, *texts: str, mode: Mode = "exclusive", ttl: float = 60) -> Queue:
    return Queue(at=AT, session=session, wants=on(*texts), mode=mode, ttl=ttl)


def after(*events: LockEvent, table: LockTable | None = None, facts: Facts = LIVE) -> LockTable:
    for event in events:
        table = step(table, event, facts)
    return table or EMPTY


def refused(error: type[CoordError], table: LockTable | None, event: LockEvent, facts: Facts = LIVE) -> CoordError:
    """The refusal; what was there before is the same, to the byte, afterwards."""
    before = msgspec.json.encode(table)
    with pytest.raises(error) as caught:
        step(table, event, facts)
    assert msgspec.json.encode(table) == before
    return caught.value


def holders(table: LockTable) -> list[tuple[str, str, str, int]]:
    return [(lock.target.text, lock.mode, lock.session, lock.token) for lock in table.locks]
