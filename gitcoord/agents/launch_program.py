"""Programs by name: where they are, which agent they are, and how one speaks of them before and after a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gitcoord.errors import NotFound

if TYPE_CHECKING:
    from gitcoord.agents.launch import Launched
    from gitcoord.agents.launch_start import Launching

AGENTS = {
    "claude": "claude",
    "codex": "codex",
    "gemini": "gemini",
    "cursor-agent": "cursor",
    "copilot": "copilot",
}
"""Programs that are known agents."""

_LONGEST = 100


def find(name: str, cwd: str | None, environ: Mapping[str, str]) -> str | None:
    """The path of a program: on PATH, or for a name with a slash from ``cwd``, where it is going to run.

    None where that directory is not known yet. Raises NotFound.
    """
    if "/" in name and not os.path.isabs(name) and cwd is None:
        return None
    if "/" in name:
        candidates = [os.path.normpath(os.path.join(cwd or "/", name))]
    else:
        candidates = [os.path.join(folder, name) for folder in environ.get("PATH", os.defpath).split(os.pathsep)]
    for path in candidates:
        if name and os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.abspath(path)
    if "/" in name and os.path.exists(candidates[0]):
        raise NotFound(f"{candidates[0]} is not a program", hint="make it executable, or name what runs it")
    where = f"no program {candidates[0]}" if "/" in name else f"no program '{name}' on PATH"
    raise NotFound(f"there is {where}; nothing was started", hint="check the name, or give its path")


def plain_name(program: str) -> str:
    """What a session is called after its program."""
    return os.path.basename(program.rstrip("/"))[:_LONGEST].strip() or "session"


def agent_of(program: str) -> str | None:
    """Which agent a program is, if it is one."""
    return AGENTS.get(os.path.basename(program))


def signal_name(number: int) -> str:
    """What a signal is called; those without a name of their own by their number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def started(begun: Launching, program: str) -> str:
    """A line about what now runs."""
    session = begun.session
    parts = [f"running {plain_name(program)} as {session.name} ({session.id})"]
    if begun.task is not None:
        parts.append(f"task {begun.task}, token {begun.token}")
    if begun.worktree is not None:
        parts.append(f"in {begun.worktree}")
    if begun.lost:
        parts.append(f"others have {', '.join(begun.lost)} by now")
    return ", ".join(parts)


def over(done: Launched) -> str:
    """A line about what has ended, and what became of what it held."""
    name = done.session.name
    how = f"was killed by {done.signal}" if done.signal else f"ended with exit code {done.exit_code}"
    parts = [f"{name} {how}"]
    if done.offered:
        parts.append(f"offered {', '.join(done.offered)}")
    if done.released:
        parts.append(f"released {', '.join(done.released)}")
    if done.unlocked:
        parts.append(f"unlocked {', '.join(done.unlocked)}")
    if done.kept:
        parts.append(f"it keeps what it holds: git coord run --resume {done.session.id} -- ...")
    if done.trouble:
        parts.append(f"not recorded: {done.trouble}")
    return "; ".join(parts)
