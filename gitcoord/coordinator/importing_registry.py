"""Reading a registry of Claude sessions: ``~/.claude/sessions/.registry`` and ``<id>/metadata.json`` beside it.

Each becomes a session that has ended and keeps the agent's own id, so that resuming it here makes its successor. The
private directories (history, todos, …) stay where they are; nothing in them is read.
"""

from __future__ import annotations

import os
import re

from gitcoord.coordinator.harvest import Fields, Harvest, read_object
from gitcoord.errors import Usage
from gitcoord.lean import Any

REGISTRY = ".registry"
METADATA = "metadata.json"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_IGNORED = ("sessionId", "status")


def find(place: str) -> str | None:
    """The sessions directory at ``place``: itself, ``sessions`` in it, or around one of its files."""
    if os.path.isfile(place):
        folder, name = os.path.split(place)
        if name == REGISTRY:
            return folder
        return place if name == METADATA and "sessionId" in (read_object(place) or {}) else None
    for folder in (place, os.path.join(place, "sessions"), os.path.join(place, ".claude", "sessions")):
        if os.path.isfile(os.path.join(folder, REGISTRY)):
            return folder
    return None


def read(place: str, harvest: Harvest) -> None:
    """Every session that the registry or a metadata file tells of. Raises Usage for what is no JSON object."""
    if os.path.isfile(place):
        _session("", Fields(read_object(place) or {}), harvest)
        return
    registry = Fields(read_object(os.path.join(place, REGISTRY)) or {})
    registry.get("version")
    known = _by_id(registry.get("sessions"))
    for name in sorted({*known, *_folders(place)}):
        if not _ID.match(name):
            harvest.skip("session", name, "its id cannot be the name of a directory")
            continue
        try:
            beside = read_object(os.path.join(place, name, METADATA)) or {}
        except Usage as error:
            harvest.not_understood(f"registry: {error.message}")
            beside = {}
        both = {**known.get(name, {}), **{key: value for key, value in beside.items() if value is not None}}
        if both:
            _session(name, Fields(both), harvest)
    harvest.unread("registry", registry)


def _by_id(sessions: Any) -> dict[str, dict[str, Any]]:
    """The registry's sessions, which it keeps by id; a list of them serves as well."""
    if isinstance(sessions, dict):
        return {name: item if isinstance(item, dict) else {} for name, item in sessions.items()}
    listed = [item for item in sessions if isinstance(item, dict)] if isinstance(sessions, list) else []
    return {str(item.get("sessionId") or item.get("id")): item for item in listed}


def _folders(place: str) -> list[str]:
    return [name for name in os.listdir(place) if os.path.isfile(os.path.join(place, name, METADATA))]


def _session(name: str, item: Fields, harvest: Harvest) -> None:
    sid = item.word("sessionId", "id") or name
    if not sid:
        harvest.skip("session", METADATA, "it has no id")
        return
    item.get(*_IGNORED)
    started = item.time("startTime", "createdAt") or harvest.now
    client = item.word("sshClient")
    harvest.add_session(
        sid,
        sid,
        name=item.text("sessionName", "name"),
        agent="claude",
        external_id=sid[:200],
        model=item.text("model"),
        user=item.text("userId", "user"),
        ssh_client=client.split(" ")[0] if client and client != "local" else None,
        worktree=item.text("workingDirectory", "cwd"),
        started_at=started,
        ended_at=item.time("endTime") or item.time("lastActivity") or started,
        exit_code=item.number("exitCode"),
        messages=item.number("messageCount"),
        tool_calls=item.number("toolCallCount"),
        mcp_servers=item.words("mcpServers"),
    )
    item.get("lastActivity")
    harvest.unread("registry", item)
