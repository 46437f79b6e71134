"""How the set-up of agents looks: what was written, what is missing, and what would change, as a diff."""

from __future__ import annotations

import re

from gitcoord.cli.render.doc import Doc, Facts, Line, lines
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.agents.setup import Change

_DONE = {"create": "created", "update": "updated", "remove": "removed", "unchanged": "unchanged"}
_FOUND = {"create": "missing", "update": "out of date", "unchanged": "in place"}


def written(agent: str, changes: Sequence[Change], undo: str) -> Doc:
    if all(change.action == "unchanged" for change in changes):
        return lines(f"nothing to do: {agent} is set up already")
    return [Line(f"{agent} takes part now:"), _facts(changes, _DONE), Line(f"undo: {undo}")]


def removed(changes: Sequence[Change]) -> Doc:
    if not changes:
        return lines("nothing to take out")
    return [Line("taken out:"), _facts(changes, {**_DONE, "update": "restored"})]


def checked(changes: Sequence[Change]) -> Doc:
    return [_facts(changes, _FOUND)]


def printed(diffs: Sequence[Sequence[str]]) -> Doc:
    shown = [Line(line.rstrip("\r\n").expandtabs(4)) for diff in diffs for line in diff]
    return shown or lines("nothing would change")


def diff(change: Change) -> list[str]:
    """What would happen to the file, as a unified diff; empty where nothing would."""
    from difflib import unified_diff

    old, new = _lines(change.file.data), _lines(change.new)
    before = change.path if change.file.data is not None else "/dev/null"
    after = change.path if change.new is not None else "/dev/null"
    return [line if line.endswith("\n") else f"{line}\n" for line in unified_diff(old, new, before, after)]


def _lines(data: bytes | None) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", (data or b"").decode("utf-8", "surrogateescape"))


def _facts(changes: Sequence[Change], names: dict[str, str]) -> Facts:
    return Facts(tuple((f"  {names[change.action]}", change.path) for change in changes))
