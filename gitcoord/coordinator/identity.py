"""Which session am I: explicit, environment, the agent's own id, then the session bound to this worktree.

Owns that order and the ways of naming a session. Never picks a session that has ended.
"""

from __future__ import annotations

from gitcoord.coordinator.liveness import Liveness
from gitcoord.coordinator.records import Loaded
from gitcoord.core import ids, names
from gitcoord.core.model import Session
from gitcoord.errors import Ended, NoSession, NotFound, Refused
from gitcoord.git import binding


class Identity(Liveness):
    """Finding sessions by what people and agents call them."""

    def sessions_loaded(self) -> dict[str, Loaded[Session]]:
        """Every readable session record by id."""
        found, _corrupt = self.records.all(names.SESSIONS, Session)
        return {item.record.id: item for item in found.values()}

    def my_refs(self) -> list[str]:
        """The refs that tell who I am, as far as that is known without listing: to be read along with other things."""
        sid = self.wanted or self.environ.get("GIT_COORD_SESSION") or binding.bound_session(self.repo.git_dir)
        if sid is None or not names.is_session_id(sid):
            return []
        return [names.session_ref(sid), names.heartbeat_ref(sid)]

    def me(self) -> Loaded[Session]:
        """The session that acts. Raises NoSession where there is none, Ended where it has ended or was expired."""
        found = self.find_me()
        if found is None:
            raise NoSession()
        if found.record.state != "live":
            raise Ended(
                f"your session {found.record.name} ({found.record.id}) has {found.record.state}",
                hint=f"git coord resume {found.record.id}",
                session=found.record.id,
            )
        return found

    def find_me(self) -> Loaded[Session] | None:
        """The session that acts, in whatever state, or None."""
        found = self._find_me()
        if found is not None:
            self.acting = found.record.id
        return found

    def _find_me(self) -> Loaded[Session] | None:
        for named in (self.wanted, self.environ.get("GIT_COORD_SESSION")):
            if named:
                return self.find_session(named)
        bound = binding.bound_session(self.repo.git_dir)
        mine = self.records.get(names.session_ref(bound), Session) if bound else None
        external = [value for name, _agent in ids.AGENT_IDS if (value := self.environ.get(name))]
        if external and (mine is None or not _goes_by(mine.record, external)):
            mine = self._by_external(external) or mine
        if mine is not None and mine.record.state == "ended":
            return None  # it said goodbye here: whoever comes now is somebody else
        return mine

    def _by_external(self, external: list[str]) -> Loaded[Session] | None:
        matching = [
            item
            for item in self.sessions_loaded().values()
            if _goes_by(item.record, external) and item.record.state != "ended"
        ]
        # An agent that was resumed keeps its own id: the newest of its sessions is the one that goes on.
        return max(matching, key=lambda item: (item.record.state == "live", item.record.started_at), default=None)

    def find_session(self, named: str) -> Loaded[Session]:
        """The session called ``named``: an id, a unique prefix of one, an external id or a name in use.

        Raises NotFound, or Refused (as not-found) where several match.
        """
        if names.is_session_id(named):
            found = self.records.get(names.session_ref(named), Session)
            if found is not None:
                return found
        sessions = self.sessions_loaded()
        going = [item for item in sessions.values() if item.record.state != "ended"]
        for matching in (
            [item for item in going if item.record.name == named and item.record.state == "live"],
            [item for item in going if item.record.name == named],
            [item for item in sessions.values() if item.record.external_id == named],
            [item for item in sessions.values() if len(named) >= 3 and item.record.id.startswith(named)],
        ):
            if matching:
                return _only(named, matching)
        raise NotFound(f"there is no session '{named}'", hint="git coord sessions --all", session=named)


def _goes_by(session: Session, external: list[str]) -> bool:
    """Whether an agent's variable means this session: by the agent's id, or by ours, which launched programs get."""
    return session.external_id in external or session.id in external


def _only(named: str, matching: list[Loaded[Session]]) -> Loaded[Session]:
    if len(matching) == 1:
        return matching[0]
    live = [item for item in matching if item.record.state == "live"]
    if len(live) == 1:
        return live[0]
    listed = ", ".join(sorted(item.record.id for item in matching))
    error: Refused = NotFound(
        f"'{named}' may be any of {listed}", hint=f"say which: --session {matching[0].record.id}", session=named
    )
    raise error
