"""The local files of sessions: shown, exported, archived, removed. Loaded when first used.

Owns ``<common>/coord/archive/`` (packed private directories) and ``<common>/coord/removing/`` (what a removal that was
killed left, gone with the next). Only a session that has ended, and whose process is not seen alive, may lose its
directory; its record and its events stay where they are.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

from gitcoord.coordinator.belongings import somebodys
from gitcoord.coordinator.kept import Archive, Archived, Exported, Private, Removed, Shown, Whereabouts
from gitcoord.coordinator.records import Loaded
from gitcoord.core import codec, names
from gitcoord.core.model import Session
from gitcoord.core.times import rfc3339
from gitcoord.errors import Exists, NotFound, Unsafe, Usage
from gitcoord.git import beatfile, host, localfile, localtree, tmuxnote
from gitcoord.git.filelock import exclusive, turn
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from typing import BinaryIO

    from gitcoord.coordinator.keeping import Keeping
    from gitcoord.core.views import EventView

_ISOLATION = "isolation.json"
_WAIT = 60.0


class Archiving:
    """Over one Coordinator."""

    def __init__(self, coord: Keeping) -> None:
        self.coord = coord

    # -- looking ------------------------------------------------------------------------------------------------------

    def show(self, session: str) -> Shown:
        """See ``Keeping.show_session``."""
        found = self._find(session)
        coord = self.coord
        sid = found.record.id
        board = coord.board()
        mine = coord.find_me()
        here = found.record.host == coord.host
        note = tmuxnote.read(self._directory(sid)) if here else None
        return Shown(
            session=coord.session_view(found, board, mine.record.id if mine else None),
            private=self._private(sid),
            archives=tuple(path for path in self._archives(sid) if os.path.lexists(path)),
            tmux=note.pane if note else None,
        )

    def attach(self, session: str) -> Whereabouts:
        """See ``Keeping.attach``."""
        shown = self.show(session)
        environ = self.coord.environ
        here = self._find(session).record.host == self.coord.host
        pane = tmuxnote.read(self._directory(shown.session.id)) if here else None
        mine = tmuxnote.around(environ)
        return Whereabouts(
            session=shown.session,
            here=here,
            in_front=pane is not None and tmuxnote.bring_to_front(pane, environ),
            inside=pane is not None and mine is not None and mine.socket == pane.socket,
            tmux=pane.pane if pane else None,
            socket=pane.socket if pane else None,
        )

    def _find(self, session: str) -> Loaded[Session]:
        self.coord.begin(*self.coord.my_refs())
        try:
            found = self.coord.find_session(session)
        except NotFound:
            found = self._ended_as(session)
        if not names.is_session_id(found.record.id):
            raise NotFound(f"there is no session '{session}'", hint="git coord sessions --all", session=session)
        return found

    def _ended_as(self, name: str) -> Loaded[Session]:
        """The one session of that name that has ended: elsewhere a name is only for those that go on."""
        known = [item for item in self._known() if item.record.name == name]
        if len(known) == 1:
            return known[0]
        listed = ", ".join(sorted(item.record.id for item in known))
        message = f"'{name}' may be any of {listed}" if known else f"there is no session '{name}'"
        raise NotFound(message, hint="git coord sessions --all", session=name)

    def _directory(self, sid: str) -> str:
        return beatfile.session_dir(self.coord.repo.common, sid)

    def _private(self, sid: str) -> Private | None:
        """What is here of a session; None where there is no directory of its own."""
        path = self._directory(sid)
        if os.path.islink(path) or not os.path.isdir(path):
            return None
        found = list(localtree.items(path))
        files = [item for item in found if item.kind == "file"]
        return Private(
            path=path,
            files=len(files),
            bytes=sum(item.size for item in files),
            agent=_isolated(path),
            touched=max((item.touched for item in found), default=0.0),
        )

    # -- packing ------------------------------------------------------------------------------------------------------

    def export(self, session: str, path: str | None, *, mask: bool) -> Exported:
        """See ``Keeping.export_session``."""
        from gitcoord.coordinator.packing import pack

        found = self._find(session)
        sid = found.record.id
        target = os.path.abspath(path if path is not None else f"{sid}.tar.gz")
        if os.path.lexists(target):
            raise Exists(f"{target} is there already, and stays as it is", hint="name another file", path=target)
        if not os.path.isdir(os.path.dirname(target)):
            raise Usage(f"there is no directory {os.path.dirname(target)}", hint="name a file in one that exists")
        private = self._private(sid)
        events = self._events(sid)
        lines = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
        extra = {"record.json": self._record(found), "events.jsonl": lines}
        packed = []

        def write(file: BinaryIO) -> None:
            packed.append(pack(sid, private.path if private else None, extra, file, mask=mask))

        with turn(self._lock, _WAIT):  # where nothing can be locked, nothing is taken away either
            made = localtree.create([target], write)
        if made is None:
            raise Exists(f"{target} is there already, and stays as it is", hint="name another file", path=target)
        return Exported(
            session=sid,
            session_name=found.record.name,
            path=target,
            events=len(events),
            files=packed[0].files,
            masked=packed[0].masked,
            left_out=packed[0].left_out,
        )

    def _record(self, found: Loaded[Session]) -> bytes:
        """The record as it is stored, with what a newer gitcoord may have added."""
        proved = self.coord.records.prove(found)
        return codec.encode(proved.record, proved.raw)

    def _events(self, sid: str) -> list[EventView]:
        """What the session did, and everything that happened to the tasks it had to do with."""
        every = self.coord.log(all=True)
        tasks = {event.task for event in every if event.session == sid and event.task is not None}
        return [event for event in every if event.session == sid or event.task in tasks]

    # -- archiving and removing ---------------------------------------------------------------------------------------

    def archive(self, older_than: float | None, *, dry_run: bool) -> Archive:
        """See ``Keeping.archive_sessions``."""
        coord = self.coord
        limit = coord.config.session_retention if older_than is None else older_than
        coord.begin(*coord.my_refs())
        done, bare = [], []
        with nullcontext() if dry_run else exclusive(self._lock):
            for found in sorted(self._known(), key=lambda item: item.record.started_at):
                planned = self._archived(found.record, coord.clock.now() - limit)
                if planned is not None and somebodys(localtree.items(self._directory(planned.session))):
                    done.append(planned if dry_run else self._put_away(planned))
                elif planned is not None:
                    bare.append(planned.session)
                    if not dry_run:
                        self._take_away(planned.session, shred=False)
        return Archive(sessions=tuple(done), bare=tuple(bare), older_than=limit, dry_run=dry_run)

    def _known(self) -> list[Loaded[Session]]:
        """Every session, also those whose record was folded away with other finished ones."""
        found = list(self.coord.sessions_loaded().values())
        if self.coord.records.oids(names.ARCHIVE_FOLDER):
            from gitcoord.coordinator.archive import every

            found += every(self.coord.records, names.SESSIONS, Session)[0].values()
        return found

    def _archived(self, record: Session, before: float) -> Archived | None:
        """What archiving would do to a session; None where it is too young, or has nothing here.

        Both must be old: what its record says, which another machine's clock wrote, and what this one last saw change.
        """
        if not names.is_session_id(record.id) or self._in_use(record) is not None:
            return None
        private = self._private(record.id) if (record.ended_at or "z") < rfc3339(before) else None
        if private is None or private.touched > before:
            return None
        free = next(path for path in self._archives(record.id) if not os.path.lexists(path))
        return Archived(
            session=record.id,
            session_name=record.name,
            ended_at=record.ended_at,
            path=free,
            files=private.files,
            bytes=private.bytes,
        )

    def _put_away(self, planned: Archived) -> Archived:
        """Pack, then remove: killed in between, the next time finds the same archive and only removes."""
        from gitcoord.coordinator.packing import pack

        sid, directory = planned.session, self._directory(planned.session)
        localfile.private_dir(self.coord.repo.common, "coord", "archive")
        path = localtree.create(self._archives(sid), lambda file: pack(sid, directory, {}, file, mask=False))
        if path is None:
            raise Exists(f"{planned.path} is there already, and stays as it is", hint="move it away", path=planned.path)
        self._take_away(sid, shred=False)
        return msgspec.structs.replace(planned, path=path)

    def _archives(self, sid: str) -> list[str]:
        """Where a session's archives are or may go: one that was resumed has several."""
        base = os.path.join(self.coord.repo.coord_dir, "archive", sid)
        return [f"{base}.tar.gz", *(f"{base}-{number}.tar.gz" for number in range(2, 100))]

    def remove(self, session: str, *, shred: bool) -> Removed:
        """See ``Keeping.remove_session``."""
        record = self._find(session).record
        self.check_removable(record)
        private = self._private(record.id)
        if private is None:
            raise NotFound(
                f"there is nothing private of {record.name} ({record.id}) here",
                hint=f"git coord sessions show {record.id}",
                session=record.id,
            )
        with exclusive(self._lock):
            left = self._take_away(record.id, shred=shred)
        return Removed(
            session=record.id,
            session_name=record.name,
            path=private.path,
            files=private.files,
            bytes=private.bytes,
            shredded=private.files - left if shred else 0,
        )

    def check_removable(self, record: Session) -> None:
        """Raises Unsafe while somebody may be at work in the session's directory."""
        why = self._in_use(record)
        if why is not None:
            hint = f"git coord end {record.id}" if record.state == "live" else f"git coord sessions show {record.id}"
            raise Unsafe(f"{record.name} ({record.id}) {why}; its directory stays", hint=hint, session=record.id)

    def _in_use(self, record: Session) -> str | None:
        if record.state == "live":
            return "has not ended"
        process = record.process
        if process is None or record.host != self.coord.host:
            return None
        seen = host.process_verdict(process.pid, process.start, process.ns, record.boot_id)
        return f"has {record.state}, but its process {process.pid} still runs" if seen == "alive" else None

    @property
    def _lock(self) -> str:
        """One at a time packs or removes here: nobody packs what is being taken away."""
        return os.path.join(self.coord.repo.coord_dir, "keeping.lock")

    def _take_away(self, sid: str, *, shred: bool) -> int:
        trash = localfile.private_dir(self.coord.repo.common, "coord", "removing")
        return localtree.remove(self._directory(sid), trash, shred=shred)


def _isolated(path: str) -> str | None:
    """Whose state it is, where the session was isolated."""
    data = localfile.read_all(os.path.join(path, _ISOLATION))
    try:
        said = msgspec.json.decode(data or b"null")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    agent = said.get("agent") if isinstance(said, dict) else None
    return agent if isinstance(agent, str) else None
