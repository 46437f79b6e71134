"""Which session an agent that has just announced itself is: the one it was, or a new one, bound to its process.

In this order: the session that ``git coord run`` exported; the one noted or recorded under the agent's own id; the one
of the same process (an agent that was told to clear its memory gets a new id of its own and goes on with its claims);
a session started by hand in this worktree that no agent is yet; else a new one. Two hooks of one agent at the same
moment get the same session: one looks at a time.
"""

from __future__ import annotations

import os

from gitcoord.agents.hook_payload import Call
from gitcoord.agents.hook_place import Place
from gitcoord.coordinator.noting import Noting
from gitcoord.coordinator.records import Loaded
from gitcoord.core.model import Session
from gitcoord.errors import NotFound
from gitcoord.git import binding, host
from gitcoord.git.ancestors import Ancestor, ancestors
from gitcoord.git.filelock import exclusive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gitcoord.coordinator import Coordinator

_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "fish", "ksh", "mksh", "ash", "busybox", "tcsh", "csh"))
_WRAPPERS = frozenset(
    ("git", "git-coord", "env", "timeout", "nice", "ionice", "setsid", "nohup", "stdbuf", "uv", "uvx", "time")
)
_PACKAGES = {
    "claude": frozenset(("claude", "claude-code")),
    "codex": frozenset(("codex",)),
    "gemini": frozenset(("gemini", "gemini-cli")),
    "copilot": frozenset(("copilot",)),
    "cursor": frozenset(("cursor", "cursor-agent")),
}
"""The names of agents' programs, and of the directories that hold their scripts."""


_ALONE = ("claude", "gemini", "copilot")
"""Agents with one conversation in a process; editors and servers have several, and each is a worker of its own."""


class Signed:
    """The session; ``own``: started by the hooks, so that they also end it. ``news``: it was not there before."""

    __slots__ = ("news", "own", "sid")

    def __init__(self, sid: str, *, own: bool, news: bool) -> None:
        self.sid = sid
        self.own = own
        self.news = news


def agent_pid(agent: str, above: list[Ancestor]) -> int | None:
    """The agent's process among our ancestors: by its name, else the nearest that is more than a wrapper of a command.

    None where a shell that somebody types into stands in between: then it is a person, or something that cannot be
    told, and a wrong death would take somebody's work away.
    """
    names = _PACKAGES.get(agent, frozenset((agent,)) if agent else frozenset())
    for process in above:
        if _is_called(process, names):
            return process.pid
    for process in above:
        name = os.path.basename(process.argv[0]).lstrip("-")
        if name in _SHELLS:
            if not _is_given_work(process):
                return None
        elif name not in _WRAPPERS and not _is_ours(process):
            return process.pid
    return None


def _is_called(process: Ancestor, names: frozenset[str]) -> bool:
    if os.path.basename(process.argv[0]) in names:
        return True
    script = process.argv[1] if len(process.argv) > 1 else ""
    runner = os.path.basename(process.argv[0])
    return runner in ("node", "bun", "deno") and script.startswith("/") and not names.isdisjoint(script.split("/"))


def _is_given_work(shell: Ancestor) -> bool:
    """Whether a shell runs a command or a script, and so nobody types into it."""
    return any(not word.startswith("-") or ("c" in word and word[1:2] != "-") for word in shell.argv[1:])


def _is_ours(process: Ancestor) -> bool:
    """A Python that runs ``git coord``."""
    return any(word == "gitcoord" or os.path.basename(word) == "git-coord" for word in process.argv[1:4])


def sign_on(coord: Coordinator, call: Call, place: Place, exported: str) -> Signed:
    """Find or start the agent's session, note it, bind the worktree. Raises CoordError."""
    with exclusive(os.path.join(coord.repo.coord_dir, "agents.lock")):
        coord.begin()
        pid = agent_pid(call.agent, ancestors())
        signed = _found(coord, call, place, exported, pid) or _new(coord, call, pid)
        place.prune()
        place.remember(call.external, signed.sid, own=signed.own, pid=pid)
    coord.wanted = signed.sid
    if binding.bound_session(coord.repo.git_dir) is None:
        binding.bind(coord.repo.git_dir, signed.sid)
    return signed


def _found(coord: Coordinator, call: Call, place: Place, exported: str, pid: int | None) -> Signed | None:
    if exported and (lent := _session(coord, exported)) is not None:
        return _go_on(coord, call, lent, pid, own=False)
    known = place.known(call.external)
    own = known is None or known[1]
    noted = _session(coord, known[0]) if known is not None else None
    if noted is None or noted.record.state != "live":
        noted = _recorded(coord, call.external) or noted
    if noted is not None and not _elsewhere(coord, noted, pid):
        return _go_on(coord, call, noted, pid, own=own)
    alone = call.reason == "clear" or call.agent in _ALONE
    if pid is not None and alone and (same := _of_process(coord, pid)) is not None:
        return _go_on(coord, call, same, pid, own=True)
    by_hand = _by_hand(coord, call, place)
    return None if by_hand is None else _go_on(coord, call, by_hand, None, own=False)


def _new(coord: Coordinator, call: Call, pid: int | None) -> Signed:
    started = coord.start(
        call.agent or "agent",
        agent=call.agent or None,
        model=call.model or None,
        external_id=call.external or None,
        pid=pid,
    )
    return Signed(started.id, own=True, news=True)


def _go_on(coord: Coordinator, call: Call, found: Loaded[Session], pid: int | None, *, own: bool) -> Signed:
    """The session goes on: as it is, in another process, or, where it is over, in a successor."""
    record, news = found.record, False
    sid = record.id
    if record.state != "live" or (own and pid is not None and not _is_process(coord, record, pid)):
        sid = coord.resume(sid, pid=pid).session.id
        news = sid != record.id
    model = call.model if call.model and call.model != record.model else None
    external = call.external if own and call.external and call.external != record.external_id else None
    if model is not None or external is not None:
        Noting(coord).note(sid, model=model, external_id=external)
    return Signed(sid, own=own, news=news)


def _session(coord: Coordinator, sid: str) -> Loaded[Session] | None:
    try:
        return coord.find_session(sid)
    except NotFound:
        return None


def _recorded(coord: Coordinator, external: str) -> Loaded[Session] | None:
    """The newest session under the agent's own id: also one that has ended, for an agent that is resumed."""
    if not external:
        return None
    known = [item for item in coord.sessions_loaded().values() if item.record.external_id == external]
    return max(known, key=lambda item: (item.record.state == "live", item.record.started_at), default=None)


def _of_process(coord: Coordinator, pid: int) -> Loaded[Session] | None:
    known = [
        item
        for item in coord.sessions_loaded().values()
        if item.record.state == "live" and _is_process(coord, item.record, pid)
    ]
    return max(known, key=lambda item: item.record.started_at, default=None)


def _is_process(coord: Coordinator, record: Session, pid: int) -> bool:
    """Whether the session is bound to that very process, here and now."""
    bound = record.process
    if bound is None or bound.pid != pid or record.host != coord.host:
        return False
    return host.process_verdict(bound.pid, bound.start, bound.ns, record.boot_id) == "alive"


def _elsewhere(coord: Coordinator, found: Loaded[Session], pid: int | None) -> bool:
    """Whether it goes on in another process that lives: one conversation opened twice is two workers."""
    record, bound = found.record, found.record.process
    if pid is None or record.state != "live" or bound is None or bound.pid == pid or record.host != coord.host:
        return False
    return host.process_verdict(bound.pid, bound.start, bound.ns, record.boot_id) == "alive"


def _by_hand(coord: Coordinator, call: Call, place: Place) -> Loaded[Session] | None:
    """The session that a person started here and no agent is: whoever works in this worktree is that one.

    It stays the person's: not bound to the agent's process, and not ended with it.
    """
    sid = binding.bound_session(coord.repo.git_dir)
    found = _session(coord, sid) if sid is not None else None
    if found is None or not coord.verdict(found).live:
        return None
    record = found.record
    if record.process is not None or record.external_id is not None or record.agent not in (None, call.agent):
        return None
    return None if record.id in _lent(place, call.external) else found


def _lent(place: Place, external: str) -> set[str]:
    """The sessions of people that other agents, which still run, work as."""
    folder, mine = os.path.split(place.note_path(external or "-"))
    try:
        names = os.listdir(folder)
    except OSError:
        return set()
    noted = [known for name in names if name != mine and (known := place.known(name)) is not None]
    return {sid for sid, own, pid in noted if not own and (not pid or host.pid_start(pid) is not None)}
