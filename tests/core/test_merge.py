"""Replaying events: what both sides have happens once, what cannot be is handed back, nothing vanishes."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.core import codec, merge, names, scope, task
from gitcoord.core import task_events as on
from gitcoord.core.merge import Link, Lost, Replayed
from gitcoord.core.model import Beat, Boot
from gitcoord.errors import CoordError, Corrupt

REF, DATA = names.task_ref("15"), names.data_ref("project:x")
ADD = on.Add(at="t", id="15", title="Fix", nonce="n0")
BASE = task.step(None, ADD, task.Facts())


def written(event: Any) -> Link:
    return merge.link(f"subject\n\nCoord-Event: {msgspec.json.encode(event).decode()}\n")


def told(items: list[Replayed | Lost]) -> list[str]:
    return [item.code if isinstance(item, Lost) else "ok" for item in items]


def outcome(theirs: bytes, items: list[Replayed | Lost]) -> Any:
    """The record that stands after a replay."""
    done = [item.payload for item in items if isinstance(item, Replayed)]
    return codec.decode_raw(done[-1] if done else theirs)


def test_an_event_that_they_have_already_does_not_happen_twice() -> None:
    """A push whose answer was lost: theirs holds our event, found again by its nonce."""
    claim = written(on.ClaimTask(at="t", session="s-aaaaaaaaaa", id="15", nonce="n1"))
    assert merge.replay(REF, codec.encode(BASE), [claim], [claim]) == []


def test_what_a_regranted_holder_did_counts_under_its_new_token() -> None:
    me, other = "s-aaaaaaaaaa", "s-bbbbbbbbbb"
    theirs = task.step(BASE, on.ClaimTask(at="t", session=other, id="15"), task.Facts())
    theirs = task.step(theirs, on.Release(at="t", session=other), task.Facts())
    ours = [
        written(on.ClaimTask(at="t", session=me, id="15", nonce="n1")),
        written(on.Report(at="t", session=me, token=1, percent=50, nonce="n2")),
    ]
    items = merge.replay(REF, codec.encode(theirs), ours, [])
    assert told(items) == ["ok", "ok"]
    after = outcome(b"", items)
    assert (after["token"], after["claim"]["token"], after["progress"]["percent"]) == (2, 2, 50)


def test_a_claim_that_others_hold_is_handed_back_with_all_that_was_founded_on_it() -> None:
    theirs = task.step(BASE, on.ClaimTask(at="t", session="s-bbbbbbbbbb", id="15"), task.Facts())
    ours = [
        written(on.ClaimTask(at="t", session="s-aaaaaaaaaa", id="15", nonce="n1")),
        written(on.Finish(at="t", session="s-aaaaaaaaaa", token=1, nonce="n2")),
    ]
    assert told(merge.replay(REF, codec.encode(theirs), ours, [])) == ["held", "not-holder"]


@pytest.mark.parametrize("event", [None, b"{", b"[]", b'{"type":"bogus"}', b"\xff", b'{"type":"edit"}'])
def test_what_is_no_event_is_handed_back(event: bytes | None) -> None:
    assert told(merge.replay(REF, codec.encode(BASE), [Link("x", event)], [])) == ["corrupt"]


def test_records_of_a_later_kind_are_taken_as_they_are() -> None:
    assert told(merge.replay("refs/coord/novel/x", b"{}", [written(ADD)], [])) == ["corrupt"]


def test_a_record_that_cannot_be_read_stops_the_merge_of_it() -> None:
    with pytest.raises(Corrupt):
        merge.replay(REF, b"{", [written(ADD)], [])


def test_unknown_fields_of_theirs_survive() -> None:
    theirs = msgspec.json.encode({**msgspec.to_builtins(BASE), "novel": 1})
    items = merge.replay(REF, theirs, [written(on.Edit(at="t", title="Other"))], [])
    assert (outcome(theirs, items)["novel"], outcome(theirs, items)["title"]) == (1, "Other")


KEYS = st.sampled_from(["a", "b", "c"])
CHANGES = st.lists(
    st.one_of(
        st.builds(
            lambda key, value: scope.Set(at="t", scope="project:x", key=key, value=value), KEYS, st.integers(0, 9)
        ),
        st.builds(lambda key: scope.Unset(at="t", scope="project:x", key=key), KEYS),
        st.builds(lambda key: scope.Incr(at="t", scope="project:x", key=key), KEYS),
        st.builds(
            lambda key, version: scope.Set(at="t", scope="project:x", key=key, value=0, if_version=version),
            KEYS,
            st.integers(0, 3),
        ),
    ),
    max_size=6,
)


def history(events: list[Any], mark: str) -> tuple[list[Link], scope.Scope | None]:
    """What one clone did alone: its links, and its record."""
    record: scope.Scope | None = None
    links = []
    for number, event in enumerate(events):
        event = msgspec.structs.replace(event, nonce=f"{mark}{number}")
        try:
            record = scope.step(record, event)
        except CoordError:
            continue
        links.append(written(event))
    return links, record


@settings(max_examples=150, deadline=None)
@given(ours=CHANGES, theirs=CHANGES)
def test_nothing_vanishes_and_increments_add_up(ours: list[Any], theirs: list[Any]) -> None:
    """Every event of ours is either in the merged record's chain or handed back; versions only grow."""
    mine, _record = history(ours, "a")
    others, theirs_record = history(theirs, "b")
    payload = None if theirs_record is None else codec.encode(theirs_record)
    items = merge.replay(DATA, payload, mine, others)
    assert len(items) == len(mine)  # a change of data always changes something: none is left out
    version = 0 if theirs_record is None else theirs_record.version
    for item in items:
        if isinstance(item, Replayed):
            version += 1
            assert codec.decode_raw(item.payload)["version"] == version


def test_every_rule_of_tasks_can_be_replayed() -> None:
    """A new event that nobody told the merge about would be lost in every partition."""
    known = {kind.__struct_config__.tag for kind in get_args(merge.AnyTaskEvent)}
    assert known == {name for _state, name in task.TABLE}


BOOT, ELSEWHERE = "11111111-2222-3333-4444-555555555555", "77777777-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("ours", "theirs", "stands"),
    [
        (Beat(utc=1, boot=BOOT, up=60), Beat(utc=1, boot=BOOT, up=50), True),
        (Beat(utc=9, boot=BOOT, up=50), Beat(utc=1, boot=BOOT, up=60), False),
        (Beat(utc=1, boot=BOOT, up=60), Beat(utc=1, boot=BOOT, up=60), False),
        (Beat(utc=1, boot=BOOT, up=60), Beat(utc=9, boot=ELSEWHERE, up=900), True),
        (Beat(utc=9, boot=ELSEWHERE, up=900), Beat(utc=1, boot=BOOT, up=60), False),
        (Beat(utc=9, boot=ELSEWHERE, up=50), Beat(utc=1, boot=ELSEWHERE, up=60), False),
        (Beat(utc=1, boot=BOOT, up=60), Beat(utc=1, boot=BOOT, up=999), True),  # forged, or this machine was set back
        (Beat(utc=1), Beat(utc=9, boot=BOOT, up=60), True),
    ],
)
def test_of_two_heartbeats_of_ours_the_later_stands(ours: Beat, theirs: Beat, stands: bool) -> None:
    pair = codec.encode(ours), codec.encode(theirs)
    assert merge.is_later(*pair, Boot(id=BOOT, at=100.0)) is stands
    assert merge.is_later(*pair, None)  # where nobody can tell, ours does


def test_a_heartbeat_that_is_none_is_replaced() -> None:
    assert merge.is_later(codec.encode(Beat(utc=1, boot=BOOT, up=60)), b"{", Boot(id=BOOT, at=100.0))
