"""Replaying histories of every kind of record: nothing vanishes, nothing comes back, and once is once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.core import codec, locking, locks, merge, names, scope, session, task
from gitcoord.core import event as log
from gitcoord.core import lock_events as lock
from gitcoord.core import task_events as on
from gitcoord.core.merge import Link, Lost, Replayed
from gitcoord.core.model import Ending, Session, Struct
from gitcoord.errors import CoordError

WHO = ["s-aaaaaaaaaa", "s-bbbbbbbbbb", "s-cccccccccc"]
SID = st.sampled_from(WHO)
TARGET = st.sampled_from([lock.target(text, path="/" in text) for text in ("docs", "src/**", "src/a.py")])
KEY = st.sampled_from(["a", "b"])
AT = "2026-11-21T00:00:00.000Z"


Drawn = tuple[Any, st.SearchStrategy[Any]]


def a(kind: Any, **fields: st.SearchStrategy[Any]) -> Drawn:
    """An event of ``kind``; what no strategy is given for is left out."""
    return kind, st.fixed_dictionaries(fields).map(lambda drawn: kind(at=AT, **drawn))


NEW = Session(id=WHO[0], name="ann", host="h", started_at=AT)
TASK_EVENTS = (
    a(on.Add, id=st.just("15"), title=KEY, session=SID),
    a(on.Edit, title=KEY, session=SID),
    a(on.Edit, priority=st.integers(0, 4), labels=st.just(("web",)), session=SID),
    a(on.Cancel, reason=KEY, session=SID),
    a(on.Reopen, session=SID),
    a(on.ClaimTask, id=st.just("15"), session=SID),
    a(on.Place, host=KEY, path=KEY, session=SID),
    a(on.Unplace, host=KEY, session=SID),
    a(on.Release, session=SID),
    a(on.Free, reason=KEY),
    a(on.Report, percent=st.integers(0, 100), session=SID, exact=st.booleans()),
    a(on.Renew, session=SID, commit=KEY),
    a(on.Finish, session=SID, status=st.sampled_from(["passed", "failed"]), review=st.booleans()),
    a(on.Offer, session=SID, note=KEY, to=st.none() | SID),
    a(on.Accept, session=SID),
    a(on.TakeBack, session=SID),
    a(on.TakeOver, session=SID, reason=KEY),
)
LOCK_EVENTS = (
    a(lock.Acquire, session=SID, wants=st.tuples(TARGET), mode=st.sampled_from(["exclusive", "shared"])),
    a(lock.Renew, session=SID, targets=st.tuples(TARGET), ttl=st.just(60.0)),
    a(lock.Release, session=SID, targets=st.tuples(TARGET)),
    a(lock.ReleaseAll, session=SID),
    a(lock.Drop, session=SID),
    a(lock.Wait, session=SID, wants=st.tuples(TARGET), ttl=st.just(60.0)),
    a(lock.Leave, session=SID, wants=st.tuples(TARGET)),
)
SESSION_EVENTS = (
    a(session.Start, session=st.just(WHO[0]), record=st.just(NEW)),
    a(session.Resume, session=st.just(WHO[0]), host=KEY),
    a(session.Note, session=st.just(WHO[0]), model=KEY),
    a(session.End, session=st.just(WHO[0])),
    a(session.Expire, session=st.just(WHO[0]), ending=st.just(Ending(how="observed", silent=9.0))),
)
SCOPE = st.just("project:x")
SCOPE_EVENTS = (
    a(scope.Set, scope=SCOPE, key=KEY, value=st.integers(0, 9)),
    a(scope.Set, scope=SCOPE, key=KEY, value=st.just(0), if_version=st.integers(0, 3)),
    a(scope.Set, scope=SCOPE, key=KEY, value=st.just(0), if_absent=st.just(True)),
    a(scope.Unset, scope=SCOPE, key=st.none() | KEY),
    a(scope.Incr, scope=SCOPE, key=KEY),
)
LOG_EVENTS = (a(log.Logged, type=KEY, session=st.just(WHO[0]), text=KEY),)


class Kind(Struct, frozen=True):
    """A kind of record: where it stands, how its author decides, and what never may happen from one to the next."""

    ref: str
    events: tuple[Drawn, ...]
    step: Callable[[Any, Any], Any]
    grows: Callable[[Any, Any], None]


def task_grows(old: Any, new: Any) -> None:
    granted = new.claim is not None and (old is None or new.claim != old.claim)
    assert new.token == (old.token if old is not None else 0) + granted
    assert new.claim is None or new.claim.token == new.token


def table_grows(old: Any, new: Any) -> None:
    before = old or locks.EMPTY
    fresh = [item for item in new.locks if item.token not in {known.token for known in before.locks}]
    assert all(before.next_token <= item.token < new.next_token for item in fresh)
    held = [item for item in new.locks if item.mode == "exclusive"]
    assert not any(
        one.session != other.session and locks.meet(one.target, other.target) for one in held for other in new.locks
    )


def session_grows(old: Any, new: Any) -> None:
    assert old is None or old.state == "live"


def scope_grows(old: Any, new: Any) -> None:
    assert new.version == (old.version if old is not None else 0) + 1


def log_grows(old: Any, new: Any) -> None:
    assert new.seq == (old.seq if old is not None else 0) + 1


def held_table(record: Any, event: Any) -> Any:
    """As its author sees it: everybody lives."""
    return locking.step(record, event, locks.Facts(live=frozenset(WHO)))


KINDS = {
    "tasks": Kind(
        names.task_ref("15"), TASK_EVENTS, lambda record, event: task.step(record, event, task.Facts()), task_grows
    ),
    "locks": Kind(names.LOCKS, LOCK_EVENTS, held_table, table_grows),
    "sessions": Kind(names.session_ref(WHO[0]), SESSION_EVENTS, session.step, session_grows),
    "scopes": Kind(names.data_ref("project:x"), SCOPE_EVENTS, scope.step, scope_grows),
    "log": Kind(names.events_ref(WHO[0]), LOG_EVENTS, log.step, log_grows),
}


def link(event: Any) -> Link:
    return merge.link(f"{event.nonce}\n\nCoord-Event: {msgspec.json.encode(event).decode()}\n")


def history(kind: Kind, record: Any, events: Sequence[Any], mark: str) -> tuple[list[Link], Any]:
    """What one clone did alone, from ``record`` on."""
    links = []
    for number, event in enumerate(events):
        event = msgspec.structs.replace(event, nonce=f"{mark}{number}")
        try:
            after = kind.step(record, event)
        except CoordError:
            continue
        if after is not record:
            links.append(link(event))
            record = after
    return links, record


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_event_counts_once_or_is_handed_back(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    some = st.lists(st.one_of(*(drawn for _event, drawn in kind.events)), max_size=5)
    _links, base = history(kind, None, data.draw(some), "0")
    mine, _ours = history(kind, base, data.draw(some), "a")
    others, theirs = history(kind, base, data.draw(some), "b")
    payload = None if theirs is None else codec.encode(theirs)
    items = merge.replay(kind.ref, payload, mine, others)
    final = checked(kind, theirs, mine, items)
    if final is not None:
        assert merge.replay(kind.ref, codec.encode(final), mine, [*others, *mine]) == []  # and once is once


def checked(kind: Kind, theirs: Any, mine: Sequence[Link], items: Sequence[Replayed | Lost]) -> Any:
    """The record in the end; on the way each event was taken, handed back, or wanted nothing that was not so."""
    rule = merge._rule(kind.ref)
    assert rule is not None
    left, record = list(items), theirs
    for entry in mine:
        if not left or left[0].message != entry.message:
            assert changes_nothing(rule, record, entry), entry.message
            continue
        item = left.pop(0)
        if isinstance(item, Replayed):
            after = codec.decode(item.payload, rule.kind)
            kind.grows(record, after)
            record = after
    assert left == []
    return record


def changes_nothing(rule: Any, record: Any, entry: Link) -> bool:
    event = msgspec.json.decode(entry.event or b"", type=rule.events)
    try:
        return bool(rule.step(record, event) == record)
    except CoordError:
        return merge._moot(record, entry)


def test_every_kind_of_event_is_among_these() -> None:
    """A new one that is not tried here would be the one that vanishes."""
    for kind, every in (
        ("tasks", merge.AnyTaskEvent),
        ("sessions", merge.AnySessionEvent),
        ("locks", lock.AnyLockEvent),
        ("scopes", scope.AnyScopeEvent),
    ):
        tried = {event.__struct_config__.tag for event, _drawn in KINDS[kind].events}
        assert tried == {event.__struct_config__.tag for event in get_args(every)}
