"""Facts about a session that come to light while it runs: its model, how much it has said and done, what it serves."""

from __future__ import annotations

from gitcoord.coordinator.joins import Joins
from gitcoord.core import names
from gitcoord.core import session as rules
from gitcoord.core.model import Counters, Session
from gitcoord.core.views import SessionView
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Noting:
    """Notes in session records, for one Coordinator."""

    def __init__(self, coord: Joins) -> None:
        self.coord = coord

    def note(
        self,
        session: str | None,
        *,
        messages: int = 0,
        tool_calls: int = 0,
        model: str | None = None,
        external_id: str | None = None,
        mcp_servers: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        exit_code: int | None = None,
    ) -> str:
        """Write what is new, and nothing where nothing is; the session's id."""
        coord = self.coord
        known = [names.session_ref(session)] if session is not None and names.is_session_id(session) else []
        coord.begin(*known, *coord.my_refs())
        sid = (coord.find_session(session) if session is not None else coord.me()).record.id

        def decide() -> Plan[None]:
            base = coord.records.get(names.session_ref(sid), Session)
            was = base.record.counters if base else Counters()
            event = rules.Note(
                at=coord.now(),
                session=sid,
                model=model,
                external_id=external_id,
                counters=Counters(messages=was.messages + messages, tool_calls=was.tool_calls + tool_calls)
                if messages or tool_calls
                else None,
                mcp_servers=tuple(mcp_servers) if mcp_servers is not None else None,
                labels={**(base.record.labels if base else {}), **labels} if labels is not None else None,
                exit_code=exit_code,
            )
            record = rules.step(base.record if base else None, event)
            if base is not None and record == base.record:
                return Plan([], None)
            return Plan([coord.write(names.session_ref(sid), base, record, event, f"note {record.name} ({sid})")], None)

        coord.transact(decide)
        return sid

    def view(self, sid: str) -> SessionView:
        """The session as callers see it."""
        coord = self.coord
        board = coord.board()
        mine = coord.find_me()
        return coord.session_view(board.sessions[sid], board, mine.record.id if mine else None)
