"""A session's copies of the files that an agent both reads and writes, on disk: read, merged anew, written.

Owns ``<session dir>/base``, what the copies were made of, which tells what a session changed since. The merging itself
is ``isolate_merge``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from typing import Any

import msgspec

from gitcoord.agents import isolate_merge as merge
from gitcoord.agents import isolate_toml
from gitcoord.agents.isolate_table import Row
from gitcoord.core import names
from gitcoord.errors import Usage
from gitcoord.git import localfile

BASE, MCP = "base", "mcp"
_LIMIT = 1 << 26


class Copies:
    """The merged files of one session."""

    def __init__(self, row: Row, session_dir: str, home: str, beside: str, inner: str) -> None:
        self.row = row
        self.session_dir = session_dir
        self.home, self.beside, self.inner = home, beside, inner
        self.base = localfile.private_dir(session_dir, BASE)

    def write(self, project: str, own: Sequence[merge.Data]) -> None:
        """Make them anew; nothing is written before everything could be read."""
        fresh, found = {}, {}
        for name in self.row.merged:
            data = merge.forgetful(read(os.path.join(self._source(name), name)))
            for patch in own if name == self.row.settings else ():
                data = merge.patched(data, patch)
            fresh[name] = merge.plain(data)
            before = read(os.path.join(self.base, name))
            path = os.path.join(self.inner, name)
            mine = merge.plain(read(path)) if os.path.exists(path) else before
            found[name] = merge.kept(before, mine, fresh[name])
        self._take_in_project(found, project)
        for name, key in self.row.servers:
            if name in found:
                found[name] = merge.apart(found[name], key, project, self._state)
        for name, data in found.items():
            if data or os.path.exists(os.path.join(self.inner, name)):
                write_file(os.path.join(self.inner, name), data)
            write_file(os.path.join(self.base, name), fresh[name])

    def _source(self, name: str) -> str:
        return self.beside if name in self.row.beside else self.home

    def _take_in_project(self, found: dict[str, merge.Data], project: str) -> None:
        """The servers of the project's ``.mcp.json``, as far as they are agreed to."""
        if ".claude.json" in found and "settings.json" in found:
            data, settings = found[".claude.json"], found["settings.json"]
            agreed = merge.approved(data, settings, project, _servers_of(project))
            found[".claude.json"] = merge.with_approved(data, project, agreed)

    def _state(self, server: str) -> str:
        """Where an MCP server keeps what belongs to this session."""
        return localfile.private_dir(self.session_dir, MCP, names.key(server))


def _servers_of(project: str) -> merge.Data:
    """The MCP servers that a project brings along; whatever else its file may be is the agent's to complain about."""
    try:
        found = msgspec.json.decode(localfile.read_all(os.path.join(project, ".mcp.json")) or b"{}")
    except (ValueError, msgspec.DecodeError, RecursionError):
        return {}
    servers = found.get("mcpServers") if isinstance(found, dict) else None
    return servers if isinstance(servers, dict) else {}


def read(path: str, *, missing: bool = True) -> merge.Data:
    """What a file of JSON or TOML says; nothing where there is none. Raises Usage for one that cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LIMIT)
    except FileNotFoundError:
        if missing:
            return {}
        raise Usage(f"there is no file {path}", hint="git config --get-regexp '^coord[.]isolate'") from None
    except OSError as error:
        raise Usage(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
        found = tomllib.loads(text) if path.endswith(".toml") else _json(text if text.strip() else "{}")
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise Usage(f"{path} cannot be understood: {error}", hint="mend it; nothing was changed") from None
    if not isinstance(found, dict):
        raise Usage(f"{path} holds no object", hint="mend it; nothing was changed")
    return found


def _json(text: str) -> Any:
    """JSON, also with the comments and trailing commas that agents accept in settings. Raises NotJson, a ValueError."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        from gitcoord.agents.setup import jsontree

        return jsontree.read(text).value


def write_file(path: str, data: merge.Data) -> None:
    if path.endswith(".toml"):
        text = isolate_toml.dumps(data).encode()
    else:
        text = msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n"
    localfile.write_atomic(path, text)
