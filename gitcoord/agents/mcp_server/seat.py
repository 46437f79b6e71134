"""Which session this server acts as, from its client's sign-on to the end of the client.

In this order: the session that ``GIT_COORD_SESSION`` names, then the one that the hooks of the agent around know by the
agent's own id or process; then whatever the client calls itself; then one that a killed server of the same client left
behind; else a new one. A session is bound to the client's process, so that its death is seen at once; this server may
come and go. It ends what it started itself, and nothing else, when the client goes and nothing is held.

Owns notes ``<common>/coord/agents/mcp-<pid>-…`` (``hook_place``): which session the server in that process is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from threading import Event, RLock

import msgspec

from gitcoord.agents.hook_place import Place, is_session
from gitcoord.agents.hook_session import agent_pid
from gitcoord.agents.mcp_server.desk import Desk
from gitcoord.core.digest import sha256_hex
from gitcoord.core.ids import AGENT_IDS
from gitcoord.core.model import Session
from gitcoord.errors import CoordError, NotFound
from gitcoord.git import host
from gitcoord.git.ancestors import ancestors

ALONE = ("claude", "gemini", "copilot")
"""Agents with one conversation in a process: every server below such a process belongs to the same worker."""

_CLIENTS = {"claude": "claude", "codex": "codex", "gemini": "gemini", "copilot": "copilot", "cursor": "cursor"}


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A session to act as. ``lent``: somebody else's, who ends it; ``mine``: started by a server, which ends it."""

    sid: str
    lent: bool
    mine: bool


class Seat:
    """The session of one server. Its verbs are called from several threads, one at a time."""

    def __init__(self, start: str, environ: Mapping[str, str]) -> None:
        self.start = start
        self.environ = environ
        self.lock = RLock()
        self.taken: Taken | None = None
        self.left = False
        """Whether the client signed off: then it is nobody until it signs on again."""
        self.client = ""
        """What the client calls itself."""
        self._client_pid: int | None = None
        self._looked = False

    def desk(self, stop: Event) -> Desk:
        """A desk for one call, as the session that this is so far. Raises NoRepository, GitFailed."""
        desk = Desk.at(self.start, self.environ, stop)
        with self.lock:
            if self.taken is None and not self.left:
                self.taken = self.recognised(self.place(desk))
            desk.wanted = self.taken.sid if self.taken is not None else None
        return desk

    # -- who the client is --------------------------------------------------------------------------------------------

    @property
    def agent(self) -> str:
        """Which agent the client is: by its variables, else by what it calls itself; empty where neither says."""
        for variable, agent in AGENT_IDS:
            if self.environ.get(variable):
                return agent
        words = self.client.lower()
        return next((agent for part, agent in _CLIENTS.items() if part in words), self.client.strip()[:60])

    @property
    def external(self) -> str:
        """The agent's own id of its session, if it is exported."""
        found = [value for name, _agent in AGENT_IDS if (value := self.environ.get(name))]
        return next((value for value in found if not is_session(value)), "")

    @property
    def client_pid(self) -> int | None:
        """The client's process: the agent's by its name, else the parent, but no shell that somebody types into."""
        if not self._looked:
            self._client_pid, self._looked = agent_pid(self.agent, ancestors()), True
        return self._client_pid

    # -- what is known already ----------------------------------------------------------------------------------------

    @staticmethod
    def place(desk: Desk) -> Place:
        """Where the notes are."""
        return Place(desk.repo.top or desk.repo.common, desk.repo.git_dir)

    def exported(self, place: Place) -> str:
        """The session that was started around the client, if it is one of this repository."""
        sid = self.environ.get("GIT_COORD_SESSION", "")
        return sid if is_session(sid) and os.path.isdir(place.session_file(sid, "")) else ""

    def recognised(self, place: Place) -> Taken | None:
        """The session that others know this client by, without its signing on here."""
        if sid := self.exported(place):
            return Taken(sid=sid, lent=True, mine=False)
        if known := place.known(self.external):
            return Taken(sid=known[0], lent=not known[1], mine=False)
        if self.agent not in ALONE or self.client_pid is None:
            return None
        for name, (sid, own, pid) in _notes(place):
            if pid == self.client_pid and not name.startswith("mcp-"):
                return Taken(sid=sid, lent=not own, mine=False)
        return None

    def orphan(self, desk: Desk, place: Place) -> Taken | None:
        """The session of a server of the same client, in the same worktree, that was killed."""
        if self.client_pid is None:
            return None
        for name, (sid, own, pid) in _notes(place):
            if pid != self.client_pid or not name.startswith("mcp-") or _serves(name):
                continue
            record = _live(desk, sid)
            if record is not None and record.worktree == desk.repo.top:
                place.forget(name)
                return Taken(sid=sid, lent=not own, mine=own)
        return None

    def served_elsewhere(self, place: Place, sid: str) -> bool:
        """Whether another server that runs acts as this session."""
        notes = ((name, known[0]) for name, known in _notes(place))
        return any(known == sid and name != self.note_name and _serves(name) for name, known in notes)

    # -- taking it and leaving it -------------------------------------------------------------------------------------

    @property
    def note_name(self) -> str:
        return f"mcp-{os.getpid()}-{_mark(os.getpid())}"

    def take(self, desk: Desk, taken: Taken) -> None:
        """Act as this session from now on."""
        with self.lock:
            self.taken, self.left = taken, False
        desk.wanted = taken.sid
        place = self.place(desk)
        place.prune()
        place.remember(self.note_name, taken.sid, own=not taken.lent, pid=self.client_pid)

    def leave(self, desk: Desk) -> None:
        """Be nobody, until the client signs on again."""
        with self.lock:
            self.taken, self.left = None, True
        self.place(desk).forget(self.note_name)

    def close(self) -> None:
        """The client has gone: end what was started for it, if it holds no claim. Never fails.

        With a claim it goes on as it is: its process is about to be gone, which everybody can see, and a server that
        the same client starts again finds it.
        """
        from gitcoord.coordinator.leaving import leave

        taken = self.taken
        if taken is None:
            return
        try:
            desk = Desk.at(self.start, self.environ, Event(), session=taken.sid)
            with desk:
                if not taken.mine:
                    self.place(desk).forget(self.note_name)
                elif leave(desk, taken.sid):
                    self.place(desk).forget(self.note_name)
                    desk.sync_soon()
        except (CoordError, OSError):
            pass  # the repository is gone, or busy: the session's process is gone too


def _live(desk: Desk, sid: str) -> Session | None:
    """The record of a session that goes on."""
    try:
        record = desk.find_session(sid).record
    except NotFound:
        return None
    return record if record.state == "live" else None


def _notes(place: Place) -> Iterator[tuple[str, tuple[str, bool, int]]]:
    """The notes about agents and servers, newest first: the name, and what it says (see ``Place.known``)."""
    folder = os.path.dirname(place.note_path("-"))
    try:
        found = sorted(os.scandir(folder), key=lambda item: item.stat().st_mtime, reverse=True)
    except OSError:
        return
    for item in found:
        known = place.known(item.name)
        if known is not None:
            yield item.name, known


def _mark(pid: int) -> str | None:
    """What tells a process from a later one of the same number; None where there is none."""
    start = host.pid_start(pid)
    return None if start is None else sha256_hex(start)[:8]


def _serves(name: str) -> bool:
    """Whether the server of a note still runs."""
    words = name.split("-")
    return len(words) == 3 and words[1].isdecimal() and _mark(int(words[1])) == words[2]
