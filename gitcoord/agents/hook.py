"""``git coord hook agent``: what a coding agent calls at each step of its session, with JSON on standard input.

Owns the quick road: read, find the place, and answer from local notes, without Git, msgspec or typer, as long as
nothing is due (most tool calls). ``hook_work`` does the rest. Whatever happens here, an agent's work goes on: anything
that is not understood, missing, newer or broken is exit 0 and silence (a line for ``GIT_COORD_DEBUG``), and exit 2
means one thing alone, that an edit is denied.
"""

from __future__ import annotations

import os
import sys

from gitcoord.agents import hook_payload
from gitcoord.agents.hook_locks import clear
from gitcoord.agents.hook_payload import Call
from gitcoord.agents.hook_place import Place, find, is_session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LARGEST = 16 << 20
"""Bytes of input that are looked at; an agent that says more than that in one call is not understood."""

_DRAIN = 1 << 30
_CHUNK = 1 << 20


class Answer:
    """What the agent hears: a document on standard output, a line on standard error, and 2 where an edit is denied."""

    __slots__ = ("code", "err", "out")

    def __init__(self, out: str = "", err: str = "", code: int = 0) -> None:
        self.out = out
        self.err = err
        self.code = code


NOTHING = Answer()


def main(argv: Sequence[str], environ: Mapping[str, str], prepare: Callable[[bool], object] = bool) -> int | None:
    """Serve ``hook agent ARGV``; None where ``argv`` is more than this understands (help, global options).

    ``prepare``: makes the process fit for the slow road, where that has to be taken; told whether little will be read.
    """
    agent = named(argv)
    if agent is None:
        return None
    answer = serve(agent, environ, prepare)
    try:
        if answer.out:
            sys.stdout.buffer.write(answer.out.encode("utf-8", "backslashreplace") + b"\n")
            sys.stdout.buffer.flush()
        if answer.err:
            sys.stderr.buffer.write(answer.err.encode("utf-8", "backslashreplace") + b"\n")
            sys.stderr.buffer.flush()
    except (OSError, ValueError):
        pass  # nobody listens any more
    return answer.code


def named(argv: Sequence[str]) -> str | None:
    """The agent in ``[--agent NAME]``, empty without one; None for any other words."""
    if not argv:
        return ""
    if len(argv) == 2 and argv[0] == "--agent" and not argv[1].startswith("-"):
        return argv[1]
    if len(argv) == 1 and argv[0].startswith("--agent="):
        return argv[0][8:]
    return None


def serve(agent: str, environ: Mapping[str, str], prepare: Callable[[bool], object] = bool) -> Answer:
    """Read the call from standard input and answer it. Never raises."""
    try:
        data = heard()
        call = hook_payload.read(data, agent.lower(), environ) if data else None
        if call is None:
            log(environ, f"nothing to do in {len(data)} bytes of input")
            return NOTHING
        return answered(call, environ, prepare)
    except Exception as error:  # whatever it is: the agent's work goes on
        log(environ, f"{type(error).__name__}: {error}")
        return NOTHING


def heard() -> bytes:
    """Standard input to its end; empty where it is a terminal, or more than anybody means."""
    if os.isatty(0):
        return b""
    parts, size = [], 0
    while size < _DRAIN:  # read even what is not looked at: who writes to a closed pipe complains
        part = os.read(0, _CHUNK)
        if not part:
            break
        size += len(part)
        if size <= LARGEST:
            parts.append(part)
    return b"".join(parts) if size <= LARGEST else b""


def answered(call: Call, environ: Mapping[str, str], prepare: Callable[[bool], object] = bool) -> Answer:
    """Do what the event asks for. Raises whatever goes wrong."""
    place = find(call.cwd or os.getcwd(), dict(environ))
    if place is None or not place.coordinated():
        return NOTHING
    known = place.known(call.external)
    exported = _exported(place, environ)
    sid = known[0] if known else exported  # the note knows what became of the one that was exported
    pid = known[2] if known else 0
    if _quickly(call, place, sid, pid):
        return NOTHING
    prepare(call.event == "before" or place.small())
    from gitcoord.agents.hook_work import work

    return work(call, place, sid, exported, environ)


def _exported(place: Place, environ: Mapping[str, str]) -> str:
    """The session that ``git coord run`` started around the agent, if it is one of this repository."""
    sid = environ.get("GIT_COORD_SESSION", "")
    return sid if is_session(sid) and os.path.isdir(place.session_file(sid, "")) else ""


def _quickly(call: Call, place: Place, sid: str, pid: int) -> bool:
    """Whether that is all: counted where it counts, and nothing else to be done."""
    if call.event == "before":
        return not call.paths or clear(call, place, sid)
    if call.event == "start":
        return False
    if not sid:
        return call.event != "prompt"  # from the first prompt on it has a session, also where no start was announced
    if call.event in ("prompt", "after"):
        place.count(sid, "m" if call.event == "prompt" else "t")
    if call.event in ("stop", "end"):
        return False
    return not place.due(sid) and not (call.event == "prompt" and pid and not _runs(pid))


def _runs(pid: int) -> bool:
    """Whether there is a process of that number; good enough to notice that the agent is another one now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def log(environ: Mapping[str, str], text: str) -> None:
    """A line for whoever debugs: to standard error, or to the file that GIT_COORD_DEBUG names."""
    where = environ.get("GIT_COORD_DEBUG", "")
    if where in ("", "0"):
        return
    line = "git coord hook agent: " + "".join(char if char.isprintable() else " " for char in text[:500]) + "\n"
    try:
        if where in ("1", "true", "yes"):
            sys.stderr.write(line)
            return
        fd = os.open(where, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.write(fd, line.encode("utf-8", "backslashreplace"))
        finally:
            os.close(fd)
    except (OSError, ValueError):
        pass  # debugging must not be in the way either
