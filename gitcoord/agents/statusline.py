"""One short line about the session for an agent's status bar: who it is, what it works on, who else is here.

Owns what is said and in which order. Called after every message of a conversation, so it must be quick, must never fail
and counts as no sign of life. Text of others in it is raw: whoever prints it makes it harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gitcoord.coordinator import Coordinator
from gitcoord.core.views import Status, TaskView

_LONGEST = 40


def line(said: bytes, start: str, environ: Mapping[str, str]) -> str:
    """The line for what Claude Code ``said`` on stdin (code.claude.com/docs: statusline); empty where there is nothing.

    ``start`` counts where it names no directory.
    """
    try:
        asked = _asked(said)
        place = asked.get("workspace")
        directory = (place.get("current_dir") if isinstance(place, dict) else None) or asked.get("cwd") or start
        sid = asked.get("session_id")
        if isinstance(sid, str) and sid:
            environ = {**environ, "CLAUDE_CODE_SESSION_ID": sid}
        with Coordinator.open(str(directory), environ, long_lived=False) as coord:
            return words(coord.status())
    except Exception:
        return ""  # whatever it is: a status bar is no place to complain in


def words(status: Status) -> str:
    """What is to be said about ``status``."""
    me = status.me
    others = sum(session.shown == "active" and not session.mine for session in status.sessions)
    parts = [me.name if me is not None and me.state == "live" else ""]
    if me is not None:
        mine = [task for task in status.claims if task.claim is not None and task.claim.session == me.id]
        parts += [_task(task) for task in mine[:1]] + [f"{len(mine) - 1} more" for _ in mine[1:2]]
    if others:
        parts.append(f"{others} other{'s' if others > 1 else ''} active")
    return " · ".join(filter(None, parts))


def _task(task: TaskView) -> str:
    title = "" if task.title in ("", task.id) else f" {_short(task.title)}"
    progress = task.progress
    percent = f" {progress.percent}%" if progress is not None and progress.percent is not None else ""
    lost = "" if task.in_force else " (claim lost)"
    return f"{_short(task.id)}{title}{percent}{lost}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _asked(said: bytes) -> dict[str, Any]:
    try:
        asked = msgspec.json.decode(said)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}
