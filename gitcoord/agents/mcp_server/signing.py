"""Signing on and off: which session a client is, made or taken up; and its end. Who it is, ``seat`` knows.

A session that runs in another process, or in another server of the same client, is not taken up: two programs that act
as one worker would both "hold" what one of them claimed.
"""

from __future__ import annotations

import os

import msgspec

from gitcoord.agents.hook_payload import Call
from gitcoord.agents.hook_place import Place
from gitcoord.agents.hook_session import sign_on as sign_on_like_a_hook
from gitcoord.agents.mcp_server.desk import Desk
from gitcoord.agents.mcp_server.seat import Seat, Taken
from gitcoord.agents.mcp_server.wishes import SignOff, SignOn
from gitcoord.core.model import Session
from gitcoord.core.names import is_session_id
from gitcoord.core.views import SessionView
from gitcoord.errors import Held, NoSession, NotFound, Unsafe
from gitcoord.git import host
from gitcoord.git.filelock import exclusive


class SignedOn(msgspec.Struct, frozen=True, kw_only=True):
    """The session; ``resumed``: it was there before. ``retaken`` tasks it holds again, ``lost`` ones others took."""

    session: SessionView
    resumed: bool
    retaken: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()


class SignedOff(msgspec.Struct, frozen=True, kw_only=True):
    """How it was left; ``ended``: not where it was started by somebody else around this client, who ends it."""

    session: SessionView
    ended: bool
    released: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()
    rescued: tuple[str, ...] = ()


def sign_on(seat: Seat, desk: Desk, wish: SignOn) -> SignedOn:
    """Be a session from now on. Raises Held where the one that is named runs elsewhere."""
    with seat.lock, exclusive(os.path.join(desk.repo.coord_dir, "mcp.lock")):
        desk.begin()
        place = seat.place(desk)
        taken = seat.taken or seat.recognised(place)
        record = _record(desk, taken.sid) if taken is not None else None
        if taken is not None and record is not None:
            _say_if_otherwise(desk, record, wish)
            return _go_on(seat, desk, record, taken)
        found = _asked_for(seat, desk, wish)
        if found is not None:
            _require_rest(seat, desk, place, found)
            by_hand = found.state == "live" and found.process is None and found.external_id is None
            return _go_on(seat, desk, found, Taken(sid=found.id, lent=by_hand, mine=not by_hand), moved=not by_hand)
        if wish.session_id is None and (left := seat.orphan(desk, place)) is not None:
            seat.take(desk, left)
            return SignedOn(session=desk.whoami(), resumed=True)
        return _begin(seat, desk, place, wish)


def _begin(seat: Seat, desk: Desk, place: Place, wish: SignOn) -> SignedOn:
    """A new session, or the one that a person started in this worktree and that no agent is yet."""
    name = wish.name or wish.session_id
    if name is None and not seat.external:
        call = Call("start", "SessionStart", seat.agent)
        signed = sign_on_like_a_hook(desk, call, place, "")
        seat.take(desk, Taken(sid=signed.sid, lent=not signed.own, mine=signed.news))
        if wish.model is not None:
            desk.note(signed.sid, model=wish.model)
        return SignedOn(session=desk.whoami(), resumed=not signed.news)
    session = desk.start(
        name or seat.agent or "agent",
        agent=seat.agent or None,
        model=wish.model,
        external_id=seat.external or wish.session_id,
        pid=seat.client_pid,
    )
    place.remember(seat.external, session.id, own=True, pid=seat.client_pid)
    seat.take(desk, Taken(sid=session.id, lent=False, mine=True))
    return SignedOn(session=desk.whoami(), resumed=False)


def _go_on(seat: Seat, desk: Desk, record: Session, taken: Taken, *, moved: bool = False) -> SignedOn:
    """The session goes on: as it is, in this client's process (``moved``), or, where it is over, in a successor."""
    if record.state == "live" and not moved:
        seat.take(desk, taken)
        return SignedOn(session=desk.whoami(), resumed=True)
    resumed = desk.resume(record.id, pid=seat.client_pid)
    ours = taken.mine or taken.lent  # a successor of what others had started is nobody's but ours
    seat.take(desk, Taken(sid=resumed.session.id, lent=False, mine=ours))
    return SignedOn(
        session=resumed.session, resumed=True, retaken=resumed.retaken, lost=resumed.lost, locked=resumed.locked
    )


def _asked_for(seat: Seat, desk: Desk, wish: SignOn) -> Session | None:
    """The session that goes by the agent's own id, else by what the client calls itself."""
    wanted = seat.external or wish.session_id
    if wanted is None:
        return None
    known = [
        item.record
        for item in desk.sessions_loaded().values()
        if wanted in (item.record.id, item.record.external_id)
        or (wanted == item.record.name and item.record.state == "live" and not seat.external)
    ]
    if not known and is_session_id(wanted):
        raise NotFound(f"there is no session {wanted}", hint="leave session_id out to begin a new one", session=wanted)
    return max(known, key=lambda record: (record.state == "live", record.started_at), default=None)


def _require_rest(seat: Seat, desk: Desk, place: Place, record: Session) -> None:
    """Raises Held for a session that somebody else acts as at this moment."""
    bound = record.process
    if record.state != "live":
        return
    elsewhere = (
        bound is not None
        and bound.pid != seat.client_pid
        and (record.host != desk.host or _runs(record))
        and desk.verdict(desk.find_session(record.id)).live
    )
    if elsewhere or seat.served_elsewhere(place, record.id):
        raise Held(
            f"session {record.name} ({record.id}) is at work already",
            hint="call sign_on with another session_id, or without one",
            holder=record.id,
            holder_name=record.name,
        )


def _runs(record: Session) -> bool:
    bound = record.process
    return bound is not None and host.process_verdict(bound.pid, bound.start, bound.ns, record.boot_id) == "alive"


def _say_if_otherwise(desk: Desk, record: Session, wish: SignOn) -> None:
    for asked in (wish.session_id, wish.name):
        if asked is not None and asked not in (record.id, record.name, record.external_id):
            text = f"you are session {record.name} ({record.id}) already and stay it; sign_off comes before another one"
            desk.notice("signed-on", text)


def _record(desk: Desk, sid: str) -> Session | None:
    try:
        return desk.find_session(sid).record
    except NotFound:
        return None


def sign_off(seat: Seat, desk: Desk, wish: SignOff) -> SignedOff:
    """Be nobody from now on, and end the session unless somebody else started it. Raises Unsafe, Ended, NoSession."""
    with seat.lock:
        taken = seat.taken
        if taken is None:
            raise NoSession()
        if taken.lent:
            desk.notice("lent", "the session goes on: it was started around this client, and ends with what started it")
            left = SignedOff(session=desk.whoami(), ended=False)
            seat.leave(desk)
            return left
        try:
            ended = desk.end(taken.sid, handoff=wish.handoff, force=wish.force)
        except Unsafe as error:
            hint = "finish with done, release and unlock; or call sign_off with handoff, a note to whoever goes on"
            raise Unsafe(error.message, hint=hint, **error.fields) from None
        if seat.external:
            seat.place(desk).forget(seat.external)
        seat.leave(desk)
        return SignedOff(
            session=ended.session,
            ended=True,
            released=ended.released,
            offered=ended.offered,
            unlocked=ended.unlocked,
            rescued=ended.rescued,
        )
