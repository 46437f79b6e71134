"""Merging two histories of one record: theirs stands, and our events since both were one are replayed on it.

Pure: records and events come in as bytes and leave as bytes. The rules are those by which the events were first
decided; one that they refuse now is handed back, never dropped. Facts about the world outside of the record are the
cautious ones: whoever else holds something is taken to be alive. Which commits are shared the caller knows.
"""

from __future__ import annotations

from gitcoord.core import codec, locking, locks, names, scope, session, task, task_events
from gitcoord.core import event as chronicle
from gitcoord.core.lock_events import AnyLockEvent
from gitcoord.core.model import Beat, Boot, Session, Struct, Task
from gitcoord.errors import CoordError, Corrupt
from gitcoord.lean import TYPE_CHECKING, Any, msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MARK = "Coord-Event: "

AnyTaskEvent = (
    task_events.Add
    | task_events.Edit
    | task_events.Cancel
    | task_events.Reopen
    | task_events.ClaimTask
    | task_events.Place
    | task_events.Unplace
    | task_events.Release
    | task_events.Free
    | task_events.Report
    | task_events.Renew
    | task_events.Finish
    | task_events.Offer
    | task_events.Accept
    | task_events.TakeBack
    | task_events.TakeOver
)
AnySessionEvent = session.Start | session.Resume | session.Note | session.End | session.Expire

_GRANTS = (task_events.ClaimTask, task_events.Accept, task_events.TakeBack, task_events.TakeOver)


class Link(Struct, frozen=True):
    """One commit of ours, as its message tells: the event's JSON (None where there is none), and where it stands."""

    message: str
    event: bytes | None


class Replayed(Struct, frozen=True):
    """A commit to be made on top of theirs: the record after the event, and the message of the commit it stood in."""

    message: str
    payload: bytes


class Lost(Struct, frozen=True):
    """An event of ours that the rules refuse on top of theirs."""

    message: str
    code: str
    why: str
    event: bytes | None


def link(message: str) -> Link:
    """What a record commit's message says about the event that made it."""
    for line in reversed(message.split("\n")):
        if line.startswith(_MARK):
            return Link(message, line[len(_MARK) :].encode("utf-8", "replace"))
    return Link(message, None)


def nonce(item: Link) -> str | None:
    """The random mark of an event, by which it is known again wherever it was replayed."""
    return _word(item, "nonce")


def _word(item: Link, field: str) -> str | None:
    """A field of an event that may be anything at all; None unless it is a word."""
    try:
        found = msgspec.json.decode(item.event or b"{}").get(field)
    except (msgspec.DecodeError, AttributeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, str) and found else None


def replay(ref: str, theirs: bytes | None, ours: Sequence[Link], known: Sequence[Link]) -> list[Replayed | Lost]:
    """``ours`` (oldest first) on top of ``theirs``; events that are among ``known``, theirs, happened already.

    An event that changes nothing any more is left out. Raises Corrupt, NewerFormat when their record cannot be read.
    """
    rule = _rule(ref)
    raw = None if theirs is None else codec.decode_raw(theirs)
    record = None if raw is None or rule is None else codec.convert(raw, rule.kind)
    seen = {mark for item in known if (mark := nonce(item)) is not None}
    done: list[Replayed | Lost] = []
    regranted = False
    for item in ours:
        if nonce(item) in seen:
            continue
        try:
            event = _event(rule, item, record if regranted else None)
            assert rule is not None  # otherwise there was no event
            after = rule.step(record, event)
            if after is record:
                continue
            payload = codec.encode(after, raw)
        except CoordError as refusal:
            if not _moot(record, item):
                done.append(Lost(item.message, refusal.code, refusal.message, item.event))
            continue
        regranted = regranted or isinstance(event, _GRANTS)
        record, raw = after, codec.decode_raw(payload)
        done.append(Replayed(item.message, payload))
    return done


def check(ref: str, payload: bytes) -> None:
    """Raises Corrupt unless ``payload`` is a record that may stand behind ``ref``; a later format may be anything."""
    rule = _rule(ref)
    raw = codec.decode_raw(payload)
    if rule is None or codec.is_newer(raw):
        return
    record: Any = codec.convert(raw, rule.kind)
    name = {names.TASKS: "id", names.SESSIONS: "id", names.DATA: "name"}.get(rule.prefix)
    if name is not None and rule.prefix + names.key(getattr(record, name)) != ref:
        raise Corrupt(f"{ref} holds the record of another name")


_AHEAD = 60.0
"""Seconds by which a heartbeat may be later than now; one from further on was forged, or the clock was set back."""


def is_later(ours: bytes, theirs: bytes, now: Boot | None) -> bool:
    """Whether our heartbeat of a session of ours came after the one that the hub has; ``now`` by our running clock.

    An earlier one must never be put back: others, who count how long it has not changed, would not see that it had.
    """
    try:
        mine, other = (codec.convert(codec.decode_raw(payload), Beat) for payload in (ours, theirs))
    except CoordError:
        return True  # one of the two is none, and is replaced by the next
    if now is None:
        return True  # without a boot id nobody can tell
    if other.boot == now.id and other.up is not None and other.up > now.at + _AHEAD:
        return True
    if mine.boot == other.boot and mine.up is not None and other.up is not None:
        return mine.up > other.up
    return mine.boot in (None, now.id)


def _event(rule: _Rule | None, item: Link, regranted: Struct | None) -> Any:
    """The event itself; after a grant that was replayed, what its holder did counts under the new token."""
    if rule is None or item.event is None:
        raise Corrupt("it is no event that can be replayed")
    try:
        event: Any = msgspec.json.decode(item.event, type=rule.events)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise Corrupt(f"its event cannot be read: {error}") from None
    if isinstance(regranted, Task) and getattr(event, "token", None) is not None and not isinstance(event, _GRANTS):
        return msgspec.structs.replace(event, token=regranted.token)
    return event


def _moot(record: Struct | None, item: Link) -> bool:
    """Whether a refused event wanted what has come about anyway: somebody dead was found dead by both."""
    kind = _word(item, "type")
    if isinstance(record, Session):
        return kind == "expire" and record.state != "live"
    return isinstance(record, Task) and kind == "free" and record.claim is None


class _Rule(Struct, frozen=True):
    prefix: str
    kind: type[Struct]
    events: Any
    step: Callable[[Any, Any], Struct]


def _task(record: Task | None, event: Any) -> Struct:
    return task.step(record, event, task.Facts(in_force=True))


def _table(record: locks.LockTable | None, event: Any) -> Struct:
    table = record or locks.EMPTY
    live = {lock.session for lock in table.locks} | {waiter.session for waiter in table.waiters}
    return locking.step(record, event, locks.Facts(live=frozenset(live | {event.session})))


_RULES = (
    _Rule(names.TASKS, Task, AnyTaskEvent, _task),
    _Rule(names.SESSIONS, Session, AnySessionEvent, session.step),
    _Rule(names.LOCKS, locks.LockTable, AnyLockEvent, _table),
    _Rule(names.DATA, scope.Scope, scope.AnyScopeEvent, scope.step),
    _Rule(names.EVENTS, chronicle.LogEntry, chronicle.Logged, chronicle.step),
)


def _rule(ref: str) -> _Rule | None:
    """The rules of the record behind ``ref``; None for what has none: meta, and whatever a later gitcoord keeps."""
    return next((rule for rule in _RULES if ref.startswith(rule.prefix)), None)
