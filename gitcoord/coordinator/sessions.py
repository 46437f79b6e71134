"""Session verbs: start, resume, sessions, whoami, heartbeat. (``end`` and ``cleanup`` are in ``endings``.)"""

from __future__ import annotations

import os

from gitcoord.coordinator.joins import Joins
from gitcoord.core import ids, names
from gitcoord.core import session as rules
from gitcoord.core.model import Process, Session, Struct
from gitcoord.core.views import Notice, SessionView
from gitcoord.errors import CoordError, Usage
from gitcoord.git import binding, host
from gitcoord.git.filelock import exclusive
from gitcoord.git.run import BACKGROUND
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_TEXT = 200
"""Longest session name, agent, model or label, in characters."""


class Beaten(Struct, frozen=True, kw_only=True):
    """A heartbeat: whether one was written, and how old the last one is now (seconds)."""

    session: str
    written: bool
    age: float | None


class Resumed(Struct, frozen=True, kw_only=True):
    """A session that goes on: ``retaken`` tasks it holds again, ``lost`` ones that others took meanwhile.

    ``locked``: what it has locked again.
    """

    session: SessionView
    retaken: tuple[str, ...]
    lost: tuple[str, ...]
    locked: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


class Sessions(Joins):
    """Signing on, and who is here."""

    def start(
        self,
        name: str | None = None,
        *,
        agent: str | None = None,
        model: str | None = None,
        external_id: str | None = None,
        pid: int | None = None,
        labels: Mapping[str, str] | None = None,
        bind: bool = True,
    ) -> SessionView:
        """Start a new session, always; bound to this worktree unless a live one is.

        Raises Usage for a pid that does not run or a text over ``MAX_TEXT``.
        """
        self.begin()
        wanted = _text("name", name) or agent or self.environ.get("USER") or "session"
        record = self._new_session(
            wanted,
            agent=_text("agent", agent),
            model=_text("model", model),
            external_id=_text("external id", external_id),
            process=self._process(pid),
            labels=dict(labels or {}),
        )
        # Names are not identities, but two sessions started at once should not look alike: one start at a time.
        with exclusive(os.path.join(self.repo.coord_dir, "start.lock")):
            sid = self.transact(lambda: self._start(record))
        view = self._settle(sid, bind=bind)
        from gitcoord.coordinator.tidying import tidy_if_due

        tidy_if_due(self)
        return view

    def _new_session(self, name: str, **fields: object) -> Session:
        where = self.environ.get("SSH_CONNECTION") or self.environ.get("SSH_CLIENT")
        return Session(
            id=ids.session_id(self.chance.bytes(ids.SESSION_BYTES)),
            name=name,
            user=self.environ.get("USER") or self.environ.get("LOGNAME"),
            host=self.host,
            host_name=os.uname().nodename if hasattr(os, "uname") else None,
            boot_id=self.clock.boot(),
            worktree=self.repo.top or self.repo.git_dir,
            ssh_client=where.split(" ")[0] if where else None,
            started_at=self.now(),
            **fields,  # type: ignore[arg-type]
        )

    def _process(self, pid: int | None) -> Process | None:
        if pid is None:
            return None
        start = host.pid_start(pid) if pid > 0 else None
        if start is None:
            raise Usage(f"there is no process {pid}", hint="give the pid of a running process, or leave --pid out")
        return Process(pid=pid, start=start, ns=host.pid_ns())

    def _start(self, record: Session, resumed: list[Change] | None = None) -> Plan[str]:
        taken = {item.record.name for item in self.sessions_loaded().values() if item.record.state == "live"}
        named = rules.numbered(record.name, taken)
        event = rules.Start(at=record.started_at, session=record.id, record=_named(record, named))
        change = self.write(
            names.session_ref(record.id), None, rules.step(None, event), event, f"start {named} ({record.id})"
        )
        beat = self.first_beat(record.id)
        return Plan([change, beat, *(resumed or [])], record.id)

    def _settle(self, sid: str, *, bind: bool) -> SessionView:
        """After a start or resume: bind the worktree, tell the hooks, show the session."""
        self.acting = sid
        board = self.board()
        session = board.sessions[sid]
        self.note_beat(session)
        self._note_pane(sid)
        if bind:
            bound = binding.bound_session(self.repo.git_dir)
            if bound is None or bound == sid or not board.live(bound):
                binding.bind(self.repo.git_dir, sid)
            else:
                other = board.sessions[bound].record.name
                self.notice(
                    "not-bound",
                    f"this worktree stays bound to {other}: say --session {sid}, or export GIT_COORD_SESSION={sid}",
                )
        return self.session_view(session, board, sid)

    def _note_pane(self, sid: str) -> None:
        """Remember where on this machine the session can be seen at work, for ``attach``. Best effort."""
        from gitcoord.git import beatfile, localfile, tmuxnote

        directory = beatfile.session_dir(self.repo.common, sid)
        try:
            localfile.private_dir(self.repo.common, "coord", "sessions", sid)
            tmuxnote.note(directory, tmuxnote.around(self.environ))
        except CoordError:
            pass  # read-only .git

    def sessions(self, *, all: bool = False) -> list[SessionView]:  # noqa: A002 - the option's name
        """Sessions that go on, newest first; with ``all`` also those that ended or expired."""
        self.begin(*self.my_refs())
        board = self.board()
        if all and self.records.oids(names.ARCHIVE_FOLDER):
            from gitcoord.coordinator.archive import every

            gone = {item.record.id: item for item in every(self.records, names.SESSIONS, Session)[0].values()}
            self.records.fetch([names.heartbeat_ref(sid) for sid in gone])
            board = msgspec.structs.replace(board, sessions={**gone, **board.sessions})
        mine = self.my_id()
        return [
            self.session_view(item, board, mine)
            for item in sorted(board.sessions.values(), key=lambda item: item.record.started_at, reverse=True)
            if all or item.record.state == "live"
        ]

    def my_id(self) -> str | None:
        """My session's id, or None."""
        found = self.find_me()
        return found.record.id if found else None

    def whoami(self) -> SessionView:
        """My session. Raises NoSession, Ended."""
        self.begin(*self.my_refs())
        me = self.me()
        from gitcoord.coordinator.ownclaims import own_board

        return self.session_view(me, own_board(self, me), me.record.id)

    def heartbeat(self, *, if_older: float | None = None) -> Beaten:
        """Say that my session lives; with ``if_older`` only when the last heartbeat is older than that (seconds)."""
        self.begin(*self.my_refs())
        me = self.me()
        written = self.touch(me, if_older=if_older or 0.0)
        self.records.forget()
        age = self.beat_age(me.record.id)
        return Beaten(session=me.record.id, written=written, age=None if age is None else round(age, 1))

    def note(
        self,
        session: str | None = None,
        *,
        messages: int = 0,
        tool_calls: int = 0,
        model: str | None = None,
        external_id: str | None = None,
        mcp_servers: Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        exit_code: int | None = None,
    ) -> SessionView:
        """Write facts into a session's record (mine, unless named); counters are added to what is there.

        ``exit_code``: of a program that ended, where the session goes on without it.
        Raises NoSession, Ended, NotFound, Contended.
        """
        from gitcoord.coordinator.noting import Noting

        noting = Noting(self)
        sid = noting.note(
            session,
            messages=messages,
            tool_calls=tool_calls,
            model=_text("model", model),
            external_id=_text("external id", external_id),
            mcp_servers=mcp_servers,
            labels=labels,
            exit_code=exit_code,
        )
        return noting.view(sid)

    def keep_alive(self) -> None:
        """Every command counts as a heartbeat: refresh mine if it is due. Never fails.

        Except one that runs by itself in the background: nobody is at work there, and each would start the next.
        """
        if BACKGROUND in self.environ:
            return
        if self.begun and not self.newer:
            me = self.find_me()
            if me is not None and me.record.state == "live":
                self.touch(me)
                self.sync_soon()


def _named(record: Session, name: str) -> Session:
    return msgspec.structs.replace(record, name=name)


def _text(what: str, text: str | None) -> str | None:
    if text is not None and (not text.strip() or len(text) > MAX_TEXT):
        raise Usage(f"a session's {what} must be 1 to {MAX_TEXT} characters long")
    return text
