"""A session's own copy of the files that an agent both reads and writes: merged anew at every start. No files here.

Three sources: what is shared, the session's own settings on top (JSON Merge Patch, RFC 7396: objects merge, null takes
away, anything else replaces), and what the agent changed in its copy since it was last made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Data = dict[str, Any]

STATE = "CLAUDE_MCP_STATE_DIR"
"""The variable that tells an MCP server where its own state belongs."""
_OURS = "GIT_COORD_FROM"
"""In the environment of a server that was taken over from the project's ``.mcp.json``: it is ours to take away."""


def patched(data: Data, patch: Data) -> Data:
    """``data`` with ``patch`` on top, as RFC 7396 has it."""
    found = dict(data)
    for name, item in patch.items():
        if item is None:
            found.pop(name, None)
        elif isinstance(item, dict):
            below = found.get(name)
            found[name] = patched(below if isinstance(below, dict) else {}, item)
        else:
            found[name] = item
    return found


def kept(base: Data, mine: Data, fresh: Data) -> Data:
    """``fresh`` with what ``mine`` changed since it was ``base``: a session's own changes outlive a new start."""
    found = dict(fresh)
    for name in {**base, **mine}:
        if name not in mine:
            found.pop(name, None)
        elif name not in base or mine[name] != base[name]:
            both = isinstance(mine[name], dict) and isinstance(fresh.get(name), dict)
            before = base.get(name)
            found[name] = (
                kept(before if isinstance(before, dict) else {}, mine[name], fresh[name]) if both else mine[name]
            )
    return found


def forgetful(data: Data) -> Data:
    """Claude Code's ``.claude.json`` without what was typed in other sessions, which older versions kept there."""
    projects = data.get("projects")
    if not isinstance(projects, dict):
        return data
    bare = {
        path: {name: item for name, item in entry.items() if name != "history"} if isinstance(entry, dict) else entry
        for path, entry in projects.items()
    }
    return {**data, "projects": bare}


def approved(data: Data, settings: Data, project: str, servers: Data) -> Data:
    """Those of a project's own ``.mcp.json`` servers that the user has agreed to.

    The file comes with the repository, and whoever wrote it may not start programs here unasked.
    """
    entry = _at(data, "projects", project)
    refused = {*_names(entry, "disabledMcpjsonServers"), *_names(settings, "disabledMcpjsonServers")}
    agreed = {*_names(entry, "enabledMcpjsonServers"), *_names(settings, "enabledMcpjsonServers")}
    all_of_them = settings.get("enableAllProjectMcpServers") is True
    return {
        name: {**server, "env": {**_at(server, "env"), _OURS: ".mcp.json"}}
        for name, server in servers.items()
        if isinstance(server, dict) and name not in refused and (all_of_them or name in agreed)
    }


def plain(data: Data) -> Data:
    """``data`` without what ``approved`` and ``apart`` added to it."""
    found = {}
    for name, item in data.items():
        if not isinstance(item, dict):
            found[name] = item
        elif _OURS not in (env := _at(item, "env")):
            bare = {variable: value for variable, value in env.items() if variable != STATE}
            rest = plain({key: below for key, below in item.items() if key != "env" or not env})
            found[name] = {**rest, "env": bare} if bare else rest
    return found


def with_approved(data: Data, project: str, servers: Data) -> Data:
    """``data`` with ``servers`` among the project's own, where they count before those of ``.mcp.json``."""
    if not servers:
        return data
    own = _at(data, "projects", project, "mcpServers")
    return patched(data, {"projects": {project: {"mcpServers": {**servers, **own}}}})


def apart(data: Data, key: str, project: str, place: Callable[[str], str]) -> Data:
    """``data`` in which every MCP server that is a program gets a place of its own for its state."""
    found = dict(data)
    if isinstance(data.get(key), dict):
        found[key] = {name: _with_state(server, name, place) for name, server in data[key].items()}
    entry = _at(data, "projects", project)
    if entry:
        found["projects"] = {**data["projects"], project: apart(entry, key, project, place)}
    return found


def _with_state(server: Any, name: str, place: Callable[[str], str]) -> Any:
    if not isinstance(server, dict) or "command" not in server:
        return server  # reached over the network: it has no files here
    return {**server, "env": {**_at(server, "env"), STATE: place(name)}}


def _at(data: Data, *path: str) -> Data:
    """The object at ``path``, empty where there is none."""
    for name in path:
        below = data.get(name)
        data = below if isinstance(below, dict) else {}
    return data


def _names(data: Data, key: str) -> Iterator[str]:
    listed = data.get(key)
    return (item for item in (listed if isinstance(listed, list) else ()) if isinstance(item, str))
