"""Shared data: what scopes and keys may be called, how large values may be, and choosing scopes by a glob."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gitcoord.core import codec
from gitcoord.core.scope import (
    MAX_DEPTH,
    MAX_NAME,
    MAX_VALUE,
    Incr,
    Scope,
    Set,
    checked_name,
    matching,
    step,
)
from gitcoord.errors import Corrupt, Usage, WrongState
from tests.core.scope_support import AT, NAME, after, incr, put, refused, unset


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        " a",
        "-x",
        "a*",
        "a?",
        "[a]",
        "a\\b",
        "a\nb",
        "a\x1b[0m",
        "a\u202eb",
        "\ud800",
        ":x",
        "issue:",
        "x" * 201,
    ],
)
def test_a_scope_name_that_would_mislead_is_refused(name: str) -> None:
    with pytest.raises(Usage):
        checked_name(name)
    refused(Usage, None, Set(at=AT, scope=name, key="a", value=1))


@pytest.mark.parametrize(
    "name", ["issue:15", "session:backend", NAME, "branch:feature/x", "büro", "a.b-c_d@1", "x" * 200]
)
def test_ordinary_scope_names_are_fine(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("key", ["", " a", "a ", "-x", "a\nb", "a\0b", "\ud800", "x" * (MAX_NAME + 1)])
@pytest.mark.parametrize("event", [put("k", 1), incr("k")])
def test_a_key_that_would_mislead_is_refused(key: str, event: Set | Incr) -> None:
    refused(Usage, after(put("a", 1)), msgspec.structs.replace(event, key=key))


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        *(float("nan"), float("inf"), -float("inf"), [float("nan")], 2**63, -(2**63) - 1, {1: 2}, {"a": {3}}, b"x"),
        *(nested(MAX_DEPTH + 1), nested(100_000), "x" * MAX_VALUE, "\ud800", {"\ud800": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_keep_or_a_scope_should_not_is_refused(value: Any) -> None:
    with pytest.raises(Usage):
        step(None, put("a", value))


def test_the_largest_value_and_the_deepest_fit() -> None:
    after(put("a", "x" * (MAX_VALUE - 2)), put("b", nested(MAX_DEPTH)))


def test_a_full_scope_refuses_more_and_can_still_be_written() -> None:
    scope: Scope | None = None
    for n in range(15):
        scope = step(scope, put(f"k{n}", "x" * (MAX_VALUE - 2)))
    refused(WrongState, scope, put("one more", "x" * (MAX_VALUE - 2)))
    assert scope is not None
    assert len(codec.encode(scope)) <= codec.MAX_RECORD
    assert "k3" not in after(unset("k3"), scope=scope).entries


def test_a_record_of_another_name_is_corrupt() -> None:
    refused(Corrupt, Scope(name="other"), put("a", 1))


# --- globs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*", ["issue:15", "issue:7", "session:a/b", "büro"]),
        ("issue:*", ["issue:15", "issue:7"]),
        ("issue:?", ["issue:7"]),
        ("session:*", ["session:a/b"]),  # a scope's name is no path
        ("b?ro", ["büro"]),  # and its characters are no bytes
        ("*[0-9]", ["issue:15", "issue:7"]),
        ("[!i]*", ["session:a/b", "büro"]),
        ("issue:15", ["issue:15"]),
        ("issue", []),
    ],
)
def test_globs_choose_scopes_by_name(glob: str, found: list[str]) -> None:
    assert matching(glob, ["issue:15", "issue:7", "session:a/b", "büro"]) == found


@pytest.mark.parametrize("glob", ["[a", "a\\", "[[:nope:]]"])
def test_a_broken_glob_is_a_usage_error(glob: str) -> None:
    with pytest.raises(Usage):
        matching(glob, ["a"])
