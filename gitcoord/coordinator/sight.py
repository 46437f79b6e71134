"""The lock table as it stands at one moment: read, with what the rules need to know of its holders and waiters.

Owns the evidence behind ``locks.Facts`` (who lives, which ttls have passed, who waits no more) and the views that
callers see. Loaded only where there are locks. Decides nothing and writes nothing.
"""

from __future__ import annotations

from gitcoord.coordinator.records import Loaded
from gitcoord.core import locks, names
from gitcoord.core.lease import Verdict
from gitcoord.core.locks import Facts, Lock, LockTable, Waiter
from gitcoord.core.model import Boot, Session, Task
from gitcoord.core.times import rfc3339
from gitcoord.core.views import LockView
from gitcoord.errors import CoordError, Held
from gitcoord.git import host
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gitcoord.coordinator.joins import Joins


class Sight(msgspec.Struct, frozen=True):
    """The table, whom it concerns, and the facts. ``base`` is None while there has never been a lock."""

    base: Loaded[LockTable] | None
    facts: Facts
    sessions: Mapping[str, Loaded[Session]]
    verdicts: Mapping[str, Verdict]

    @property
    def table(self) -> LockTable:
        return locks.EMPTY if self.base is None else self.base.record

    def name(self, sid: str) -> str | None:
        """What the session calls itself."""
        known = self.sessions.get(sid)
        return known.record.name if known is not None else None

    def goes_on(self, sid: str) -> bool:
        """Whether the session's record is there and says that it has not come to an end, or cannot be read."""
        known = self.sessions.get(sid)
        return sid in self.facts.live if known is None else known.record.state == "live"

    def held_by(self, sid: str) -> tuple[str, ...]:
        """What a session has locked, but for locks whose ttl has passed."""
        mine = (lock for lock in self.table.locks if lock.session == sid and lock.token not in self.facts.lapsed)
        return tuple(lock.target.text for lock in mine)


def look(coord: Joins, me: Loaded[Session] | None) -> Sight:
    """Read the table and all that it hangs on. Raises Corrupt or NewerFormat for the table itself.

    ``me``: who acts, and therefore lives.
    """
    base = coord.records.get(names.LOCKS, LockTable)
    sids = sorted(filter(names.is_session_id, locks.concerned(base.record))) if base is not None else []
    sessions, unreadable = _sessions(coord, sids)
    verdicts = {sid: coord.verdict(item) for sid, item in sessions.items()}
    if me is not None:
        sessions[me.record.id] = me
    return judged(coord, sessions, verdicts, me=me.record.id if me else None, unreadable=unreadable)


def judged(
    coord: Joins,
    sessions: Mapping[str, Loaded[Session]],
    verdicts: Mapping[str, Verdict],
    *,
    me: str | None = None,
    unreadable: Iterable[str] = (),
) -> Sight:
    """The table, where its sessions are known. Those that cannot be read count as live: corrupt is never free."""
    base = coord.records.get(names.LOCKS, LockTable)
    table = locks.EMPTY if base is None else base.record
    now = coord.boot()
    live = {sid for sid, verdict in verdicts.items() if verdict.live} | set(unreadable)
    facts = Facts(
        live=frozenset(live if me is None else live | {me}),
        delay={sid: verdict.wait for sid, verdict in verdicts.items() if not verdict.live and verdict.wait > 0},
        lapsed=frozenset(
            lock.token for lock in table.locks if time_left(coord, lock, now) == 0 or _unclaimed(coord, lock)
        ),
        over=frozenset(waiter.ticket for waiter in table.waiters if _over(coord, waiter, now)),
        floor=coord.token_floor(),
    )
    return Sight(base, facts, sessions, verdicts)


def _sessions(coord: Joins, sids: list[str]) -> tuple[dict[str, Loaded[Session]], list[str]]:
    """The sessions of these ids, read in one batch, and the ids of those that cannot be read."""
    refs = [names.session_ref(sid) for sid in sids]
    try:
        coord.records.fetch([*refs, *(names.heartbeat_ref(sid) for sid in sids)])
    except CoordError:
        pass  # one of them is unreadable: which one shows below
    found: dict[str, Loaded[Session]] = {}
    unreadable = []
    for sid, ref in zip(sids, refs, strict=True):
        try:
            session = coord.records.get(ref, Session)
        except CoordError:
            unreadable.append(sid)
            continue
        if session is not None:
            found[sid] = session
    return found, unreadable


def time_left(coord: Joins, item: Lock | Waiter, now: Boot | None) -> float | None:
    """Seconds of its ttl still to run, by the running clock, or by how long we have seen it as it is."""
    if item.ttl is None or (item.mark is not None and now is not None and item.mark.id == now.id):
        return locks.left(item, now, 0.0)
    note, seen = ("lock", item.token) if isinstance(item, Lock) else ("ticket", item.ticket)
    version = f"{item.since}.{item.renewals}" if isinstance(item, Lock) else item.since
    return locks.left(item, now, coord.seen_for(f"{note}.{seen}", version))


def _unclaimed(coord: Joins, lock: Lock) -> bool:
    """Whether the claim that it was taken with never came about."""
    if lock.task is None or lock.claim is None:
        return False
    task = coord.records.get(names.task_ref(lock.task), Task)
    return task is None or task.record.token < lock.claim


def _over(coord: Joins, waiter: Waiter, now: Boot | None) -> bool:
    if time_left(coord, waiter, now) == 0:
        return True
    process, boot = waiter.process, waiter.mark.id if waiter.mark else None
    if process is None or waiter.host != coord.host:
        return False
    return host.process_verdict(process.pid, process.start, process.ns, boot) == "dead"


# -- what callers see -----------------------------------------------------------------------------------------------


def views(coord: Joins, sight: Sight, chosen: Iterable[Lock] | None = None) -> list[LockView]:
    """Locks as callers see them, oldest first."""
    found = sight.table.locks if chosen is None else chosen
    return [_view(coord, sight, lock) for lock in sorted(found, key=lambda lock: lock.token)]


def _view(coord: Joins, sight: Sight, lock: Lock) -> LockView:
    left = time_left(coord, lock, coord.boot())
    return LockView(
        name=lock.target.name,
        path=lock.target.path,
        mode=lock.mode,
        session=lock.session,
        session_name=sight.name(lock.session),
        token=lock.token,
        reason=lock.reason,
        since=lock.since,
        expires_at=None if left is None else rfc3339(coord.clock.now() + left),
        in_force=locks.in_force(lock, sight.facts),
        waiting=tuple(sight.name(waiter.session) or waiter.session for waiter in _queue(sight, lock)),
    )


def described(lock: LockView) -> str:
    """``backend with 'src/**': reason``."""
    what = f"'{lock.path}'" if lock.path is not None else lock.name
    return f"{lock.session_name or lock.session} with {what}" + (f": {lock.reason}" if lock.reason else "")


def _queue(sight: Sight, lock: Lock) -> list[Waiter]:
    return [
        waiter
        for waiter in sight.table.waiters
        if locks.waits(waiter, sight.facts)
        and waiter.session != lock.session
        and any(locks.meet(lock.target, target) for target in waiter.wants)
    ]


def named(refusal: Held, sight: Sight) -> Held:
    """The rules' refusal with what people ask first: the holder's name, and how long it has been silent."""
    sid = str(refusal.fields.get("holder"))
    known, verdict = sight.sessions.get(sid), sight.verdicts.get(sid)
    if known is None:
        return refusal
    message = refusal.message.replace(sid, known.record.name, 1)
    if verdict is not None and verdict.live:
        message += f"; {verdict.why}"
    silent = verdict.silent if verdict is not None else None
    age = None if silent is None else round(silent, 1)
    fields = {**refusal.fields, "holder_name": known.record.name, "heartbeat_age": age}
    return Held(message, hint=refusal.hint, **fields)
