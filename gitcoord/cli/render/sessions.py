"""How sessions look."""

from __future__ import annotations

from gitcoord.cli.render.doc import Cell, Doc, Facts, Line, Style, Table, lines
from gitcoord.cli.render.words import ago, count, moment, or_dash
from gitcoord.cli.render.words import listed as in_words
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.sessions import Beaten, Resumed
    from gitcoord.core.views import SessionView

SHOWN: dict[str, Style] = {"active": "good", "idle": "", "stale": "warn", "ended": "dim", "expired": "dim"}


def started(session: SessionView) -> Doc:
    return lines(f"started {session.name} ({session.id})")


def resumed(answer: Resumed) -> Doc:
    session = answer.session
    doc = [Line(f"resumed {session.name} ({session.id})")]
    if session.resumed_from:
        doc[0] = Line(f"started {session.name} ({session.id}), which goes on for {session.resumed_from}")
    if answer.retaken:
        doc.append(Line(f"holds again: {in_words(answer.retaken)}", indent=1))
    if answer.locked:
        doc.append(Line(f"has locked again: {in_words(answer.locked)}", indent=1))
    if answer.lost:
        doc.append(Line(f"held by others now: {in_words(answer.lost)}", "warn", indent=1))
    return doc


def beaten(answer: Beaten) -> Doc:
    if answer.written:
        return lines(f"heartbeat of {answer.session} written")
    return lines(f"no heartbeat due: the last one of {answer.session} is {ago(answer.age)} old")


def listed(found: Sequence[SessionView]) -> Doc:
    if not found:
        return lines("no sessions; 'git coord start' begins one")
    return [table(found)]


def chosen(found: Sequence[SessionView]) -> Doc:
    """The list that was asked for, as people expect one: id, name, status, start, activity, and then the rest."""
    if not found:
        return lines("no such session; 'git coord sessions --all' also lists those that ended")
    return [
        Table(
            ("", "ID", "NAME", "STATUS", "STARTED", "ACTIVITY", "TASKS", "AGENT", "HOST", "WHY"),
            tuple(
                (
                    "*" if session.mine else "",
                    session.id,
                    session.name,
                    Cell(session.shown, SHOWN[session.shown]),
                    moment(session.started_at),
                    moment(session.activity),
                    or_dash(in_words(session.tasks)),
                    or_dash(session.agent),
                    or_dash(session.host),
                    "-" if session.shown == "active" else session.why,
                )
                for session in found
            ),
            long=9,
        )
    ]


def table(found: Sequence[SessionView]) -> Table:
    """Sessions as a table; ``*`` marks the reader's own. Why one is not simply active stands in its own column."""
    return Table(
        ("", "SESSION", "STATE", "BEAT", "WHY", "TASKS", "AGENT", "HOST", "STARTED", "ID"),
        tuple(
            (
                "*" if session.mine else "",
                session.name,
                Cell(session.shown, SHOWN[session.shown]),
                ago(session.heartbeat_age),
                "-" if session.shown == "active" else session.why,
                or_dash(in_words(session.tasks)),
                or_dash(session.agent),
                or_dash(session.host),
                moment(session.started_at),
                session.id,
            )
            for session in found
        ),
        long=4,
    )


def details(session: SessionView) -> Doc:
    return [Facts(facts(session))]


def facts(session: SessionView) -> tuple[tuple[str, str], ...]:
    """All there is to say about one session."""
    return (
        ("session", f"{session.name} ({session.id})"),
        ("state", f"{session.shown}: {session.why}" if session.why else session.shown),
        ("tasks", in_words(session.tasks, 20)),
        ("locks", in_words(session.locks, 20)),
        ("agent", " ".join(filter(None, (session.agent, session.model)))),
        ("agent's id", session.external_id or ""),
        ("user", "@".join(filter(None, (session.user, session.host)))),
        ("process", "" if session.pid is None else str(session.pid)),
        ("worktree", session.worktree or ""),
        ("ssh from", session.ssh_client or ""),
        ("started", moment(session.started_at)),
        ("activity", "" if session.activity is None else moment(session.activity)),
        ("ended", "" if session.ended_at is None else moment(session.ended_at)),
        ("exit code", "" if session.exit_code is None else str(session.exit_code)),
        ("so far", _counted(session)),
        ("MCP servers", in_words(session.mcp_servers, 20)),
        ("resumed from", session.resumed_from or ""),
        ("labels", in_words((f"{key}={value}" for key, value in session.labels.items()), 20)),
    )


def _counted(session: SessionView) -> str:
    if not session.messages and not session.tool_calls:
        return ""
    return f"{count(session.messages, 'message')}, {count(session.tool_calls, 'tool call')}"


def choices(found: Sequence[SessionView]) -> list[str]:
    """The lines to pick a session from."""
    wide = max(len(session.name) for session in found)
    return [
        f"{session.name:<{wide}}  {session.shown:<7}  last heartbeat {ago(session.heartbeat_age)} ago"
        + (f"  tasks {in_words(session.tasks)}" if session.tasks else "")
        + f"  {session.id}"
        for session in found
    ]


def old(session: SessionView) -> str:
    """The question before a session is resumed that has been silent for long."""
    return f"{session.name} has been silent for {ago(session.heartbeat_age)}; its work may be out of date. Resume it?"
