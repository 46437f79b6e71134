"""The slow road of the agent hooks: what needs the records. Loaded only when a note does not answer.

Start and prompt find the agent's session and tell it the facts (``prime``); a due heartbeat is written, with what was
counted since the last; an edit is checked against the locks; stop reminds of work that nobody was told of; the end
signs off, if nothing is held. An agent gives its last hook a second and a half and sometimes none at all, so an end
rescues nothing and hands nothing over: what is held stays held by a process that is seen to be gone.
"""

from __future__ import annotations

import os

from gitcoord.agents import hook_answer as say
from gitcoord.agents.hook import NOTHING, Answer
from gitcoord.agents.hook_payload import Call
from gitcoord.agents.hook_place import Place
from gitcoord.coordinator.few import piecemeal
from gitcoord.errors import CoordError
from gitcoord.git.repo import LOCAL_VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitcoord.coordinator import Coordinator

_GOES_ON = ("clear", "resume", "compact")
"""Reasons of a session's end after which the same process goes on with another conversation."""


def work(call: Call, place: Place, sid: str, exported: str, environ: Mapping[str, str]) -> Answer:
    """Do what the event asks for. Raises CoordError.

    ``sid``: the agent's session as far as it is known; ``exported``: the one that was started around it, or empty.
    """
    env = dict(environ)
    if not place.exported:
        env = {name: value for name, value in env.items() if name not in LOCAL_VARIABLES}
    if not exported:
        env.pop("GIT_COORD_SESSION", None)  # some other repository's
    start = os.getcwd() if place.exported else place.top
    with piecemeal().open(start, env, session=sid or None, long_lived=False) as coord:
        if call.event == "before":
            from gitcoord.agents.hook_edit import check

            return check(coord, call, place, sid)
        if call.event == "start" or not sid:
            return _sign_on(coord, call, place, exported)
        if call.event == "end":
            return _end(coord, call, place, sid)
        if call.event == "stop":
            _flush(coord, place, sid)
            from gitcoord.agents.hook_stop import unreported

            text = None if call.again else unreported(coord, place, sid)
            return NOTHING if text is None else say.remind(call, text)
        return _beat(coord, call, place, sid, exported)


def _sign_on(coord: Coordinator, call: Call, place: Place, exported: str) -> Answer:
    from gitcoord.agents.hook_session import sign_on
    from gitcoord.agents.prime import told

    signed = sign_on(coord, call, place, exported)
    if call.event == "start":
        _export(coord.environ, signed.sid)
    else:
        place.count(signed.sid, "m" if call.event == "prompt" else "t")
    coord.sync_soon()
    return say.context(call, told(coord, os.path.abspath(call.cwd or place.top)), signed.sid)


def _export(environ: Mapping[str, str], sid: str) -> None:
    """Let every command that the agent's shell starts act as this session (Claude Code reads that file before each)."""
    path = environ.get("CLAUDE_ENV_FILE")
    if not path:
        return
    line = f"export GIT_COORD_SESSION='{sid}'\n".encode()
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.read(fd, 1 << 16).endswith(line):
                return
            os.write(fd, line)
        finally:
            os.close(fd)
    except OSError:
        pass  # the agent's commands find the session by its own id or by the worktree


def _beat(coord: Coordinator, call: Call, place: Place, sid: str, exported: str) -> Answer:
    """Say that the session lives; where it is over, an agent that speaks again gets a successor, and is told."""
    place.tried(sid)  # until it has worked: at most one try a minute
    coord.begin(*coord.my_refs())
    me = coord.find_me()
    if me is None or me.record.state != "live":
        return _sign_on(coord, call, place, exported) if call.event in ("prompt", "after") else NOTHING
    if call.event == "prompt" and not coord.verdict(me).live:
        return _sign_on(coord, call, place, exported)
    coord.touch(me)
    _flush(coord, place, sid)
    coord.sync_soon()
    return NOTHING


def _flush(coord: Coordinator, place: Place, sid: str) -> None:
    """Write down what was counted."""
    messages, calls = place.take_counts(sid)
    if not messages and not calls:
        return
    from gitcoord.coordinator.noting import Noting

    try:
        Noting(coord).note(sid, messages=messages, tool_calls=calls)
    except CoordError:
        for what, number in (("m", messages), ("t", calls)):
            place.count(sid, what * number)


def _end(coord: Coordinator, call: Call, place: Place, sid: str) -> Answer:
    _flush(coord, place, sid)
    known = place.known(call.external)
    if known is None or not known[1] or known[0] != sid or call.reason in _GOES_ON:
        return NOTHING  # not ours to end, or only the conversation ends
    from gitcoord.coordinator.leaving import leave

    if leave(coord, sid):
        place.forget(call.external)
        coord.sync_soon()
    return NOTHING
