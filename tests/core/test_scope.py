"""Shared data: what each event does in each state, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.core import codec
from gitcoord.core.scope import (
    INTEGERS,
    AnyScopeEvent,
    Incr,
    Item,
    Scope,
    ScopeEvent,
    Set,
    Unset,
    step,
)
from gitcoord.errors import Conflict, CoordError, NotFound, WrongState
from tests.core.scope_support import ANN, AT, NAME, after, incr, put, refused, unset


def values(scope: Scope) -> dict[str, tuple[Any, int]]:
    return {key: (item.value, item.version) for key, item in scope.entries.items()}


# --- setting and removing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, True, 0, -1, 1.5, "", "text é", [], [1, [2]], {}, {"a": {"b": [None]}}])
def test_a_value_is_kept_with_its_writer_and_version(value: Any) -> None:
    scope = after(put("next", value))
    assert scope == Scope(name=NAME, version=1, entries={"next": Item(value=value, version=1, by=ANN, at=AT)})
    assert codec.convert(codec.decode_raw(codec.encode(scope)), Scope) == scope


def test_each_write_takes_the_next_version_of_the_scope() -> None:
    scope = after(put("a", 1), put("b", 2), put("a", 3))
    assert (values(scope), scope.version) == ({"a": (3, 3), "b": (2, 2)}, 3)


def test_a_version_never_comes_back_when_a_key_is_removed_and_set_anew() -> None:
    scope = after(put("a", 1), unset("a"), put("a", 1))
    assert values(scope) == {"a": (1, 3)}
    refused(Conflict, scope, put("a", 2, if_version=1))


def test_unset_removes_one_key_or_all() -> None:
    scope = after(put("a", 1), put("b", 2))
    assert (values(after(unset("a"), scope=scope)), after(unset("a"), scope=scope).version) == ({"b": (2, 2)}, 3)
    assert after(unset(), scope=scope) == Scope(name=NAME, version=3)
    assert after(unset(if_version=2), scope=scope).entries == {}


@pytest.mark.parametrize(
    ("scope", "event"),
    [(None, unset("a")), (None, unset()), (after(put("a", 1)), unset("b")), (after(put("a", 1), unset()), unset())],
)
def test_what_is_not_there_cannot_be_removed(scope: Scope | None, event: Unset) -> None:
    refused(NotFound, scope, event)


# --- conditions: state × condition -> does it go through --------------------------------------------------------------

STATES: dict[str, Scope | None] = {
    "no scope": None,
    "key absent": after(put("other", 1)),
    "key at 1": after(put("a", "old")),
    "key at 3": after(put("a", 1), put("b", 2), put("a", "old")),
    "key removed": after(put("a", 1), unset("a")),
}


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({}, {"no scope", "key absent", "key at 1", "key at 3", "key removed"}),
        ({"if_absent": True}, {"no scope", "key absent", "key removed"}),
        ({"if_version": 0}, {"no scope", "key absent", "key removed"}),
        ({"if_version": 1}, {"key at 1"}),
        ({"if_version": 2}, set()),
        ({"if_version": 3}, {"key at 3"}),
        ({"if_version": -1}, set()),
        ({"if_version": 1, "if_absent": True}, set()),
        ({"if_version": 0, "if_absent": True}, {"no scope", "key absent", "key removed"}),
    ],
)
@pytest.mark.parametrize("state", list(STATES))
def test_set_goes_through_exactly_where_its_condition_holds(
    state: str, condition: dict[str, Any], allowed: set[str]
) -> None:
    scope, event = STATES[state], put("a", "new", **condition)
    if state in allowed:
        assert after(event, scope=scope).entries["a"].value == "new"
    else:
        refused(Conflict, scope, event)


def test_a_conflict_tells_the_present_version_and_value() -> None:
    scope = after(put("a", 1), put("a", {"n": 2}))
    error = refused(Conflict, scope, put("a", 3, if_version=1))
    assert (error.code, error.exit) == ("conflict", 1)
    assert error.message == f"a in scope {NAME} is at version 2, not at version 1"
    assert error.fields == {"scope": NAME, "key": "a", "version": 2, "value": {"n": 2}}
    assert f"git coord get {NAME} a" in error.hint
    error = refused(Conflict, scope, put("b", 3, if_version=1))
    assert (error.fields["version"], error.fields["value"]) == (0, None)
    assert "absent, not at version 1" in error.message
    assert "there already" in refused(Conflict, scope, put("a", 3, if_absent=True)).message
    assert refused(Conflict, scope, unset("a", if_version=1)).fields["version"] == 2
    assert refused(Conflict, scope, unset(if_version=1)).fields["version"] == 2


# --- counting ---------------------------------------------------------------------------------------------------------


def test_incr_counts_from_nothing_and_by_any_step() -> None:
    scope = after(incr("n"), incr("n"), incr("n", 10), incr("n", -2))
    assert values(scope) == {"n": (10, 4)}


@pytest.mark.parametrize("value", [None, True, 1.0, "1", [1], {}])
def test_incr_of_what_is_no_whole_number_is_refused(value: Any) -> None:
    error = refused(WrongState, after(put("n", value)), incr("n"))
    assert error.fields["value"] == value


@pytest.mark.parametrize(("value", "by"), [(INTEGERS[1], 1), (INTEGERS[0], -1), (0, 2**64)])
def test_incr_stops_at_64_bits(value: int, by: int) -> None:
    refused(WrongState, after(put("n", value)), incr("n", by))


# --- whatever happens -------------------------------------------------------------------------------------------------

keys = st.sampled_from(["a", "b"])
versions = st.none() | st.integers(0, 6)
json = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.lists(st.integers(0, 1), max_size=2)
events = st.one_of(
    st.builds(put, keys, json, if_version=versions, if_absent=st.booleans()),
    st.builds(unset, st.none() | keys, if_version=versions),
    st.builds(incr, keys, st.integers(-3, 3)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(events, max_size=20))
def test_versions_only_grow_and_replaying_comes_to_the_same(history: list[ScopeEvent]) -> None:
    scope: Scope | None = None
    model: dict[str, Any] = {}
    seen: set[int] = {0}
    for event in history:
        again = msgspec.json.decode(msgspec.json.encode(event), type=AnyScopeEvent)
        try:
            scope, before = step(scope, event), scope
        except CoordError as refusal:
            refused(type(refusal), scope, again)
            continue
        assert step(before, again) == scope
        assert scope.version not in seen
        assert scope.version == max(seen) + 1
        seen.add(scope.version)
        if isinstance(event, Set):
            model[event.key] = event.value
        elif isinstance(event, Incr):
            model[event.key] = model.get(event.key, 0) + event.by
        elif isinstance(event, Unset):
            model = {key: value for key, value in model.items() if event.key not in (None, key)}
        assert {key: item.value for key, item in scope.entries.items()} == model
