"""Session rules: a state × event table and one step. What is absent from the table is refused and changes nothing.

Liveness is not decided here (see ``lease``); this is only what may be written into a session's record.
"""

from __future__ import annotations

from gitcoord.core.model import Counters, Ending, Process, Session, SessionState, Struct
from gitcoord.errors import Ended, Exists, NotFound
from gitcoord.lean import msgspec

TABLE: dict[tuple[SessionState | None, str], SessionState] = {
    (None, "start"): "live",
    ("live", "resume"): "live",
    ("live", "note"): "live",
    ("live", "end"): "ended",
    ("live", "expire"): "expired",
}


class SessionEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of session events; ``at`` is the author's wall clock, for people."""

    at: str
    session: str
    nonce: str = ""


class Start(SessionEvent, frozen=True, kw_only=True, tag="start"):
    record: Session


class Resume(SessionEvent, frozen=True, kw_only=True, tag="resume"):
    """The same worker goes on, perhaps in another place."""

    host: str
    host_name: str | None = None
    boot_id: str | None = None
    process: Process | None = None
    worktree: str | None = None
    ssh_client: str | None = None


class Note(SessionEvent, frozen=True, kw_only=True, tag="note"):
    """Facts about the session that changed; None leaves a field as it is."""

    model: str | None = None
    external_id: str | None = None
    counters: Counters | None = None
    mcp_servers: tuple[str, ...] | None = None
    labels: dict[str, str] | None = None
    exit_code: int | None = None


class End(SessionEvent, frozen=True, kw_only=True, tag="end"):
    exit_code: int | None = None
    by: str | None = None


class Expire(SessionEvent, frozen=True, kw_only=True, tag="expire"):
    """Somebody found it stale or dead; the swap also verifies that its heartbeat has not moved."""

    ending: Ending


def step(session: Session | None, event: SessionEvent) -> Session:
    """The record after ``event``. Raises NotFound, Exists or Ended; then nothing has changed."""
    name = str(type(event).__struct_config__.tag)
    state = TABLE.get((session.state if session else None, name))
    if state is None:
        raise _refusal(session, event)
    if isinstance(event, Start):
        return event.record
    assert session is not None  # the table allows None for start alone
    change = msgspec.structs.replace
    if isinstance(event, Resume):
        return change(
            session,
            host=event.host,
            host_name=event.host_name,
            boot_id=event.boot_id,
            process=event.process,
            worktree=event.worktree or session.worktree,
            ssh_client=event.ssh_client,
        )
    if isinstance(event, Note):
        return _noted(session, event)
    if isinstance(event, End):
        ending = Ending(how="ended", by=event.by)
        return change(session, state=state, ended_at=event.at, exit_code=event.exit_code, ending=ending)
    assert isinstance(event, Expire)
    return change(session, state=state, ended_at=event.at, ending=event.ending)


def _noted(session: Session, event: Note) -> Session:
    given = {
        name: value
        for name in ("model", "external_id", "counters", "mcp_servers", "labels", "exit_code")
        if (value := getattr(event, name)) is not None
    }
    return msgspec.structs.replace(session, **given)


def _refusal(session: Session | None, event: SessionEvent) -> Exception:
    if session is None:
        return NotFound(f"there is no session {event.session}", hint="git coord sessions --all")
    if isinstance(event, Start):
        return Exists(f"session {session.id} exists already")
    return Ended(f"session {session.name} ({session.id}) has {session.state}")


def numbered(name: str, taken: set[str]) -> str:
    """``name``, or the first of ``name-2``, ``name-3``, … that no live session uses."""
    if name not in taken:
        return name
    count = 2
    while f"{name}-{count}" in taken:
        count += 1
    return f"{name}-{count}"
