"""A session's private copy of what an agent keeps: its own history and state, links to what all sessions share.

Owns ``<session dir>/<agent>``, ``<session dir>/mcp`` (a directory for each MCP server), ``<session dir>/base`` (the
merged files as they were last made) and ``<session dir>/isolation.json``. What belongs where is in ``isolate_table``,
how files are merged in ``isolate_merge`` and ``isolate_copies``.

A link leads to the entry of that name in the user's own directory for the agent, and nowhere else. We never write
through one. An agent may: a plugin that is installed in one session is there in all of them. One that replaces a link
by a file of its own (a renewed login, say) keeps that file in this session.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gitcoord.agents import isolate_copies as copies
from gitcoord.agents import isolate_merge as merge
from gitcoord.agents.environment import TABLE
from gitcoord.agents.isolate_table import Row, Settings, described, expanded, overrides
from gitcoord.core import names
from gitcoord.errors import GitFailed
from gitcoord.git import beatfile, host, localfile

if TYPE_CHECKING:
    from gitcoord.coordinator import Coordinator

_NOTE, _INHERITED = "isolation.json", "inherited"
_OWN = "settings.json"
_LIMIT = 1 << 26
_HEIRLOOMS = (*(variable.place for variable in TABLE if variable.place), copies.BASE, _OWN)
"""What a successor takes over besides the agent's own directory."""


class Former(msgspec.Struct, frozen=True):
    """The directory of a session that this one goes on for, and whether it is certain that nobody works in it."""

    directory: str
    gone: bool


def for_session(
    coord: Coordinator, sid: str, *, agent: str, environ: Mapping[str, str], project: str | None = None
) -> dict[str, str]:
    """What to add to the environment of an agent so that session ``sid`` has its state to itself.

    ``project``: where it is going to work (the coordinator's worktree if left out). Raises Usage, GitFailed.
    """
    return prepare(
        agent=agent,
        sid=sid,
        session_dir=localfile.private_dir(coord.repo.common, "coord", "sessions", sid),
        environ=environ,
        config=_configured(coord),
        project=project or coord.repo.top or os.getcwd(),
        former=formers(coord, sid),
    )


def examine(coord: Coordinator, *, agent: str, environ: Mapping[str, str]) -> None:
    """Raises the Usage that ``for_session`` would, before a session is begun that could not be isolated."""
    config = _configured(coord)
    row = described(agent, config)
    home, beside = _homes(row, environ)
    for name in row.merged:
        copies.read(os.path.join(beside if name in row.beside else home, name))
    named = overrides(agent, config)
    if named is not None:
        copies.read(expanded(named, environ), missing=False)


def _configured(coord: Coordinator) -> dict[str, list[str]]:
    done = coord.repo.git("config", "-z", "--get-regexp", r"^coord\.isolate\.", check=False)
    settings: dict[str, list[str]] = {}
    for item in done.out.split(b"\0")[:-1]:
        name, _, value = os.fsdecode(item).partition("\n")
        settings.setdefault(name, []).append(value)
    return settings


def formers(coord: Coordinator, sid: str) -> list[Former]:
    """The sessions that ``sid`` goes on for, nearest first."""
    coord.begin()
    known = coord.sessions_loaded()
    found: list[Former] = []
    seen = {sid}
    before = known[sid].record.resumed_from if sid in known else None
    while before is not None and before not in seen and names.is_session_id(before):
        seen.add(before)
        record = known[before].record if before in known else None
        process = record.process if record is not None and record.host == coord.host else None
        gone = (
            process is not None
            and record is not None
            and (host.process_verdict(process.pid, process.start, process.ns, record.boot_id) == "dead")
        )
        found.append(Former(beatfile.session_dir(coord.repo.common, before), gone))
        before = record.resumed_from if record is not None else None
    return found


def inherit(coord: Coordinator, sid: str, session_dir: str) -> None:
    """Let a session find what those that it goes on for had in its private directory; nothing of its own gives way.

    What ``prepare`` does by itself, for a program that keeps its state to the session without being isolated.
    """
    try:
        _inherit(formers(coord, sid), session_dir, _HEIRLOOMS)
    except OSError as error:
        raise GitFailed(f"the private directory of {sid} cannot be made: {error.strerror}: {error.filename}") from None


def prepare(
    *,
    agent: str,
    sid: str,
    session_dir: str,
    environ: Mapping[str, str],
    config: Settings,
    project: str,
    former: Sequence[Former] = (),
) -> dict[str, str]:
    """Make a session's private directory for ``agent``, or bring it up to date; the environment that leads there.

    Everything that was the session's own stays. ``config``: every ``coord.isolate.*`` by its key. ``former``: sessions
    that this one goes on for, nearest first: what they have is this one's now. Raises Usage, GitFailed.
    """
    if os.path.basename(session_dir) != sid or not names.is_session_id(sid):
        raise ValueError(f"{session_dir} is not the directory of session {sid}")
    row = described(agent, config)
    try:
        home, beside = _homes(row, environ)
        folder = _folder(agent)
        _inherit(former, session_dir, (folder, *_HEIRLOOMS))
        outer = localfile.private_dir(session_dir, folder)
        inner = localfile.private_dir(outer, row.folder) if row.folder else outer
        _make_private(row, inner)
        _link_shared(row, home, inner)
        own = _own_settings(row, session_dir, config, environ)
        copies.Copies(row, session_dir, home, beside, inner).write(project, own)
        note = {"agent": agent, "home": home, "beside": beside, "private": outer}
        localfile.write_atomic(os.path.join(session_dir, _NOTE), msgspec.json.encode(note))
    except OSError as error:
        raise GitFailed(f"the private directory of {sid} cannot be made: {error.strerror}: {error.filename}") from None
    return _environment(row, session_dir, outer, inner)


def _folder(agent: str) -> str:
    """The name of an agent's directory, beside what every session's directory has in it."""
    name = names.key(agent)
    return f"{name}-agent" if name in (*_HEIRLOOMS, copies.MCP, _NOTE, _INHERITED, "beat", "tmux") else name


def _environment(row: Row, session_dir: str, outer: str, inner: str) -> dict[str, str]:
    found = dict.fromkeys(row.variables, outer)
    own = {name.removesuffix("/") for name in row.private}
    for variable in TABLE:
        if variable.place in own:
            found[variable.name] = os.path.join(inner, variable.place)
    return {**found, merge.STATE: localfile.private_dir(session_dir, copies.MCP)}


def _homes(row: Row, environ: Mapping[str, str]) -> tuple[str, str]:
    """Where the shared originals are: the agent's own directory, and the one of what lies beside it.

    Inside of an isolated session the variable names that session's private directory, which is nobody else's to share.
    """
    named = environ.get(row.variables[0])
    if not named:
        home = expanded(row.home, environ)
        return home, os.path.dirname(home)
    outer = expanded(named, environ)
    note = localfile.read_all(os.path.join(os.path.dirname(outer), _NOTE), _LIMIT)
    try:
        plain: Any = msgspec.json.decode(note or b"null")
        if plain and plain["private"] == outer and isinstance(plain["home"] + plain["beside"], str):
            return plain["home"], plain["beside"]
    except (msgspec.DecodeError, KeyError, TypeError):
        pass  # a file of that name, but none of ours
    home = os.path.join(outer, row.folder) if row.folder else outer
    return home, home


def _inherit(former: Sequence[Former], session_dir: str, things: Sequence[str]) -> None:
    """Take over each of ``things``, once, from the nearest former session that has it.

    Moved where nobody works there any more, else copied. What was looked for is noted: what a session threw away later
    does not come back.
    """
    note = os.path.join(session_dir, _INHERITED)
    done = (localfile.read_all(note) or b"").decode("utf-8", "replace").split("\n")
    left = [name for name in things if name not in done]
    for name in left if former else ():
        target = os.path.join(session_dir, name)
        rich = next((old for old in former if _filled(os.path.join(old.directory, name))), None)
        if rich is not None and not _filled(target):
            _take_over(os.path.join(rich.directory, name), target, move=rich.gone)
    if left and former:
        localfile.write_atomic(note, "\n".join([*filter(None, done), *left]).encode())


def _filled(path: str) -> bool:
    """Whether there is anything: a file, or a directory with something in it."""
    if os.path.isdir(path) and not os.path.islink(path):
        return bool(os.listdir(path))
    return os.path.isfile(path) and not os.path.islink(path)


def _take_over(source: str, target: str, *, move: bool) -> None:
    if not move:
        copy = localfile.new_name(target)
        if os.path.isdir(source):
            shutil.copytree(source, copy, symlinks=True, ignore=_special)
        else:
            shutil.copy2(source, copy, follow_symlinks=False)
        source = copy
    os.rename(source, target)  # an empty directory in its place gives way


def _special(folder: str, found: Sequence[str]) -> list[str]:
    """Sockets and the like: they belong to a running program and cannot be copied."""
    paths = ((name, os.path.join(folder, name)) for name in found)
    return [name for name, path in paths if not (os.path.islink(path) or os.path.isdir(path) or os.path.isfile(path))]


def _make_private(row: Row, inner: str) -> None:
    for name in row.private:
        if name.endswith("/"):
            localfile.private_dir(inner, *name.removesuffix("/").split("/"))


def _link_shared(row: Row, home: str, inner: str) -> None:
    """Links to what is shared and there; one to what is gone, or was elsewhere, goes."""
    own = {*row.merged, *(name.removesuffix("/") for name in row.private)}
    for name in (named.removesuffix("/") for named in row.shared):
        *above, last = name.split("/")
        if name in own:
            continue
        source = os.path.join(home, name)
        target = os.path.join(localfile.private_dir(inner, *above) if above else inner, last)
        if os.path.islink(target) and (os.readlink(target) != source or not os.path.exists(source)):
            os.unlink(target)
        if os.path.exists(source) and not os.path.lexists(target):
            os.symlink(source, target)


def _own_settings(row: Row, session_dir: str, config: Settings, environ: Mapping[str, str]) -> list[merge.Data]:
    """What goes on top of the shared settings: what is configured for isolated sessions, then this session's own."""
    named = overrides(row.agent, config)
    configured = [] if named is None else [copies.read(expanded(named, environ), missing=False)]
    return [*configured, copies.read(os.path.join(session_dir, _OWN))]
