"""What a program that gitcoord starts finds in its environment: one table, and the two functions that fill it in.

Owns the names of these variables and of the places below a session's private directory. Must not know how the program
is started, nor what an agent keeps in those places (``isolate``). ``recipes/launch.md`` shows the same table, and a
test compares the two.

``CLAUDE_SESSION_ID`` is this session's own id: whatever looks itself up by it (``core.ids.AGENT_IDS``) finds the
session that it runs in. An agent's own ``CLAUDE_CODE_SESSION_ID`` beside it changes nothing: ``GIT_COORD_SESSION``
counts first.

``CLAUDE_PROJECT_DIR`` is where people's hook scripts are (``"$CLAUDE_PROJECT_DIR"/.claude/hooks/…``): it names the
worktree and never a directory of the session, or none of them would be found. Claude Code sets it anew for its hooks,
to the same value. Without a worktree it is left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from gitcoord.core.ids import AGENT_IDS
from gitcoord.core.views import SessionView
from gitcoord.git import localfile
from gitcoord.git.beatfile import session_dir as local_dir
from gitcoord.git.repo import LOCAL_VARIABLES


class Variable(msgspec.Struct, frozen=True):
    """One variable. ``place`` is its path below the session's directory, where it names one; a file has a suffix."""

    name: str
    meaning: str
    reader: str
    place: str | None = None


GITCOORD, AGENT = "every git coord command and hook", "Claude Code's users' scripts, agents that look for it"

TABLE = (
    Variable("GIT_COORD_SESSION", "id of the session", GITCOORD),
    Variable("GIT_COORD_TASK", "id of the claimed task; absent without one", GITCOORD),
    Variable("GIT_COORD_TOKEN", "fencing token of that claim; absent without one", GITCOORD),
    Variable("GIT_COORD_SESSION_DIR", "the session's private local directory (0700)", "scripts, agents", ""),
    Variable("CLAUDE_SESSION_ID", "the same id as GIT_COORD_SESSION", AGENT),
    Variable("CLAUDE_SESSION_NAME", "name of the session, free text", AGENT),
    Variable("CLAUDE_SESSION_DIR", "the same directory as GIT_COORD_SESSION_DIR", AGENT, ""),
    Variable("CLAUDE_SESSION_START_TIME", "when the session started, RFC 3339 UTC", AGENT),
    Variable("CLAUDE_HISTORY_FILE", "the history of what was typed", AGENT, "history.jsonl"),
    Variable("CLAUDE_SESSION_ENV_DIR", "environment that the session's shells share", AGENT, "session-env"),
    Variable("CLAUDE_TODOS_DIR", "the agent's own lists of what to do", AGENT, "todos"),
    Variable("CLAUDE_SHELL_SNAPSHOTS_DIR", "snapshots of the user's shell", AGENT, "shell-snapshots"),
    Variable("CLAUDE_FILE_HISTORY_DIR", "earlier versions of edited files", AGENT, "file-history"),
    Variable("CLAUDE_DEBUG_DIR", "debug logs", AGENT, "debug"),
    Variable("CLAUDE_PROJECT_DIR", "root of the worktree; absent outside of one", AGENT),
    Variable("CLAUDE_MCP_STATE_DIR", "state of the session's MCP servers", "MCP servers", "mcp"),
)
"""Every variable that is set, what it says and who reads it."""

NAMES = frozenset(variable.name for variable in TABLE)


def session_environment(
    session: SessionView,
    session_dir: str,
    *,
    task: str | None = None,
    token: int | None = None,
    worktree: str | None = None,
    isolated: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """What to add to a program's environment so that it is ``session``; ``isolated`` (``isolate.prepare``) goes on top.

    ``worktree`` is where it starts to work, None outside of one.
    """
    values: dict[str, str | None] = {
        "GIT_COORD_SESSION": session.id,
        "GIT_COORD_TASK": task,
        "GIT_COORD_TOKEN": None if token is None else str(token),
        "CLAUDE_SESSION_ID": session.id,
        "CLAUDE_SESSION_NAME": session.name.replace("\0", ""),
        "CLAUDE_SESSION_START_TIME": session.started_at,
        "CLAUDE_PROJECT_DIR": worktree,
    }
    for variable in TABLE:
        if variable.place is not None:
            values[variable.name] = os.path.join(session_dir, variable.place).rstrip(os.sep)
    found = {name: value for name, value in values.items() if value is not None}
    return {**found, **(isolated or {})}


def whole_environment(environ: Mapping[str, str], added: Mapping[str, str], *, elsewhere: bool) -> dict[str, str]:
    """``environ`` with what was ``added``, and without what spoke of another session or another agent around us.

    ``elsewhere``: the program starts in another worktree than we did, so a ``GIT_DIR`` exported here must not count.
    """
    gone = NAMES | {name for name, _agent in AGENT_IDS} | (LOCAL_VARIABLES if elsewhere else set())
    return {**{name: value for name, value in environ.items() if name not in gone}, **added}


def private_places(common: str, sid: str) -> str:
    """The private directory of a session with the places that the table names in it, made where missing; its path.

    Raises GitFailed.
    """
    path = local_dir(common, sid)  # refuses what is no session id
    localfile.private_dir(common, "coord", "sessions", sid)
    for variable in TABLE:
        if variable.place and "." not in variable.place:
            localfile.private_dir(path, variable.place)
    return path
