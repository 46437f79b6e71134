"""What the tests of shared data share: short spellings of events, and what a refusal must leave."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gitcoord.core.scope import Incr, Scope, ScopeEvent, Set, Unset, step
from gitcoord.errors import CoordError

ANN = "s-aaaaaaaaaa"
AT = "2026-11-20T13:03:11.402Z"
NAME = "project:migrations"


def put(key: str, value: Any, **conditions: Any) -> Set:
    return Set(at=AT, session=ANN, scope=NAME, key=key, value=value, **conditions)


def unset(key: str | None = None, **conditions: Any) -> Unset:
    return Unset(at=AT, session=ANN, scope=NAME, key=key, **conditions)


def incr(key: str, by: int = 1) -> Incr:
    return Incr(at=AT, session=ANN, scope=NAME, key=key, by=by)


def after(*events: ScopeEvent, scope: Scope | None = None) -> Scope:
    for event in events:
        scope = step(scope, event)
    assert scope is not None
    return scope


def refused(error: type[CoordError], scope: Scope | None, event: ScopeEvent) -> CoordError:
    """The refusal; what was there before is the same, to the byte, afterwards."""
    before = msgspec.json.encode(scope)
    with pytest.raises(error) as caught:
        step(scope, event)
    assert msgspec.json.encode(scope) == before
    return caught.value
