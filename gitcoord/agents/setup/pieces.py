"""What may stand of ours in a settings file: hook entries, one named entry, a version. Text in, text out.

Owns how ours is told from what others wrote: by the command it calls, because JSON has no room for a mark. Must not
know files or agents. Every piece can be put in twice and stands there once, and can be taken out again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from gitcoord.agents.setup import jsonedit
from gitcoord.agents.setup.jsontree import Node, read

_HOOK = re.compile(r"\bgit[- ]coord hook agent\b")
_STATUS_LINE = re.compile(r"\bgit[- ]coord statusline\b")


class CannotEdit(ValueError):
    """Why a file cannot be edited without harm."""


class Taken(ValueError):
    """Somebody else uses the one place that there is."""


class Piece(Protocol):
    """One thing of ours in a text."""

    def put(self, text: str) -> str:
        """``text`` with this in it, once and up to date. Raises NotJson, CannotEdit, Taken."""

    def drop(self, text: str) -> str:
        """``text`` without it, whatever version of it is there. Raises NotJson, CannotEdit."""


class Hooks(msgspec.Struct, frozen=True):
    """Hook entries by event, below ``hooks``: each a group with handlers (``{"hooks": […]}``), or a handler itself."""

    events: Mapping[str, dict[str, Any]]

    def put(self, text: str) -> str:
        if _root(text).get("hooks") is None:
            return jsonedit.insert(text, _root(text), "hooks", {event: [item] for event, item in self.events.items()})
        for event, item in self.events.items():
            text = _put_event(text, event, item)
        return self._drop(text, [item.key for item in _hooks(text).items if item.key not in self.events])

    def drop(self, text: str) -> str:
        hooks = _root(text).get("hooks")
        if hooks is None or not isinstance(hooks.value, dict):
            return text
        return self._drop(text, [item.key for item in hooks.items])

    def _drop(self, text: str, events: list[str | None]) -> str:
        for event in events:
            text = _drop_event(text, str(event))
        return text


class Entry(msgspec.Struct, frozen=True):
    """One value with a name of its own: ``box``, if any, then ``name``. ``ours`` tells ours from others' values."""

    box: str | None
    name: str
    value: dict[str, Any]
    ours: Callable[[object], bool]

    def put(self, text: str) -> str:
        root = _root(text)
        box = root if self.box is None else root.get(self.box)
        if box is None:
            return jsonedit.insert(text, root, self.box, {self.name: self.value})
        if not isinstance(box.value, dict):
            raise CannotEdit(f'"{self.box}" is not an object')
        found = box.get(self.name)
        if found is None:
            return jsonedit.insert(text, box, self.name, self.value)
        if not self.ours(found.value):
            raise Taken(f'"{self.name}" is something else there')
        return text if _includes(found.value, self.value) else jsonedit.replace(text, found, self.value)

    def drop(self, text: str) -> str:
        root = _root(text)
        box = root if self.box is None else root.get(self.box)
        found = box.get(self.name) if box is not None else None
        if box is None or found is None or not self.ours(found.value):
            return text
        if self.box is not None and _only(text, box):
            return _without(text, root, self.box)
        return _without(text, box, self.name)


class Version(msgspec.Struct, frozen=True):
    """The ``version`` that some files must have. Taken out where nothing else is left."""

    value: int = 1

    def put(self, text: str) -> str:
        root = _root(text)
        return text if root.get("version") is not None else jsonedit.insert(text, root, "version", self.value)

    def drop(self, text: str) -> str:
        root = _root(text)
        return _without(text, root, "version") if [item.key for item in root.items] == ["version"] else text


def is_status_line(value: object) -> bool:
    """Whether a status line is ours."""
    return isinstance(value, dict) and isinstance(value.get("command"), str) and _calls(_STATUS_LINE, value["command"])


def is_server(value: object) -> bool:
    """Whether an entry of MCP servers starts ours, whatever else it says (variables, a time limit)."""
    if not isinstance(value, dict) or not isinstance(value.get("command"), str):
        return False
    arguments = value.get("args")
    words = [value["command"].rpartition("/")[2], *(map(str, arguments) if isinstance(arguments, list) else ())]
    return words[:2] == ["git-coord", "mcp"] or words[:3] == ["git", "coord", "mcp"]


def _calls(pattern: re.Pattern[str], command: object) -> bool:
    return isinstance(command, str) and pattern.search(command) is not None


def _includes(found: object, wanted: dict[str, Any]) -> bool:
    """Whether ``found`` says all that is ``wanted``; what somebody added to it is theirs."""
    return isinstance(found, dict) and all(found.get(key) == value for key, value in wanted.items())


def _root(text: str) -> Node:
    node = read(text)
    if not isinstance(node.value, dict):
        raise CannotEdit("it is not an object")
    return node


def _hooks(text: str) -> Node:
    hooks = _root(text).get("hooks")
    if hooks is None or not isinstance(hooks.value, dict):
        raise CannotEdit('"hooks" is not an object')
    return hooks


def _without(text: str, box: Node, key: str) -> str:
    """``text`` without a member; an object that has nothing left in it closes up."""
    index = next(index for index, item in enumerate(box.items) if item.key == key)
    text = jsonedit.remove(text, box, index)
    if len(box.items) > 1:
        return text
    left = next(node for node in _nodes(read(text)) if node.start == box.start)
    return text if text[left.start + 1 : left.end - 1].strip() else text[: left.start] + "{}" + text[left.end :]


def _only(text: str, box: Node) -> bool:
    """Whether ``box`` holds one item and nothing else, not even a comment."""
    if len(box.items) != 1:
        return False
    item = box.items[0]
    rest = text[box.start + 1 : item.start] + text[item.node.end : box.end - 1]
    return not rest.replace(",", "", 1).strip()


def _nodes(node: Node) -> list[Node]:
    return [node, *(inner for item in node.items for inner in _nodes(item.node))]


def _handlers(item: object) -> list[object]:
    inner = item.get("hooks") if isinstance(item, dict) else None
    return inner if isinstance(inner, list) else [item]


def _is_handler(value: object) -> bool:
    return isinstance(value, dict) and any(_calls(_HOOK, value.get(name)) for name in ("command", "bash"))


def _put_event(text: str, event: str, item: dict[str, Any]) -> str:
    groups = _hooks(text).get(event)
    if groups is None:
        return jsonedit.insert(text, _hooks(text), event, [item])
    if not isinstance(groups.value, list):
        raise CannotEdit(f'"{event}" is not an array')
    concerned = [group.node for group in groups.items if any(map(_is_handler, _handlers(group.node.value)))]
    if len(concerned) == 1 and all(map(_is_handler, _handlers(concerned[0].value))):
        return text if concerned[0].value == item else jsonedit.replace(text, concerned[0], item)
    text = _drop_event(text, event, keep=True)
    groups = _hooks(text).get(event)
    assert groups is not None
    return jsonedit.insert(text, groups, None, item)


def _drop_event(text: str, event: str, *, keep: bool = False) -> str:
    """``text`` without our handlers of ``event``, and without what was only there for them (unless ``keep``)."""
    while True:
        root = _root(text)
        hooks = root.get("hooks")
        groups = hooks.get(event) if hooks is not None else None
        if hooks is None or groups is None:
            return text
        ours = [index for index, item in enumerate(groups.items) if any(map(_is_handler, _handlers(item.node.value)))]
        if not ours:
            return text
        group = groups.items[ours[0]].node
        if not all(map(_is_handler, _handlers(group.value))):
            inner = group.get("hooks")
            assert inner is not None
            text = jsonedit.remove(text, inner, [_is_handler(item.node.value) for item in inner.items].index(True))
        elif keep or not _only(text, groups):
            text = jsonedit.remove(text, groups, ours[0])
        elif not _only(text, hooks):
            text = _without(text, hooks, event)
        else:
            text = _without(text, root, "hooks")
