"""Reading ``.claude/session-state/``: one JSON file a scope, ``{"scope": …, "data": {key: value}, "metadata": …}``.

A scope is called MACHINE:OWNER/REPO:TYPE:ID there. Here the repository is known and machines share, so that the first
two parts are left out: ``session:claude_1``. A file without ``scope`` is named by its own name, where ``__`` stands for
``:`` and ``/``. Keys are added where they are absent; what has another value here stays.
"""

from __future__ import annotations

import os
import re

from gitcoord.coordinator.harvest import Fields, Harvest, Wanted, moment, read_object
from gitcoord.core.scope import checked_name
from gitcoord.errors import Usage
from gitcoord.lean import Any

_FOLDERS = ("", "session-state", os.path.join(".claude", "session-state"))
_MACHINE = re.compile(r"[^:]+:[^:/]+/[^:]+:(.+)")


def find(place: str) -> str | None:
    """The directory of scope files at ``place``, or the one scope file that it is."""
    if os.path.isfile(place):
        return place if place.endswith(".json") and _is_scope(place) else None
    for name in _FOLDERS:
        folder = os.path.join(place, name).rstrip("/")
        if os.path.isdir(folder) and any(_is_scope(os.path.join(folder, each)) for each in _files(folder)):
            return folder
    return None


def _files(folder: str) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(".json"))


def _is_scope(path: str) -> bool:
    try:
        plain = read_object(path) or {}
    except Usage:
        return False
    return isinstance(plain.get("data"), dict) and ("metadata" in plain or "scope" in plain)


def read(place: str, harvest: Harvest) -> None:
    """Every scope file at ``place``; one that is none is told of, and the others are read all the same."""
    if os.path.isfile(place):
        _scope(place, harvest)
        return
    for name in _files(place):
        path = os.path.join(place, name)
        if _is_scope(path):
            _scope(path, harvest)
        else:
            harvest.not_understood(f"session-state: {name} is no scope file")


def _scope(path: str, harvest: Harvest) -> None:
    plain = Fields(read_object(path) or {})
    file = os.path.basename(path)
    name = _short(plain.word("scope") or _of_file(file))
    metadata = plain.get("metadata")
    entries: dict[str, Any] = plain.get("data") or {}
    harvest.unread("session-state", plain)
    try:
        checked_name(name)
    except Usage as error:
        harvest.skip("scope", file, error.message)
        return
    if not entries:
        harvest.skip("scope", file, "it is empty")
    elif name in harvest.scopes:
        known = harvest.scopes[name]
        for key in entries.keys() & known.entries.keys():
            if entries[key] != known.entries[key]:
                harvest.skip("key", f"{file}: {key[:100]}", f"{known.source} has another value for it")
        merged = {**entries, **known.entries}
        harvest.scopes[name] = Wanted(f"{known.source}, {file}", known.at, merged)
    else:
        harvest.scopes[name] = Wanted(file, _written(metadata) or harvest.now, entries)


def _short(name: str) -> str:
    found = _MACHINE.fullmatch(name)
    return found.group(1) if found is not None else name


def _of_file(file: str) -> str:
    """The scope that a file name stands for: machine, owner, repository, type, id."""
    parts = file.removesuffix(".json").split("__")
    return ":".join(parts[3:]) if len(parts) >= 4 else ":".join(parts)


def _written(metadata: Any) -> str | None:
    """When it was last written: of the file, or the latest of its keys."""
    if not isinstance(metadata, dict):
        return None
    times = [
        metadata.get("updated_at"),
        *(item.get("updated_at") for item in metadata.values() if isinstance(item, dict)),
    ]
    return max(filter(None, map(moment, times)), default=None)
