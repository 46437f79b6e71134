"""JSON as people keep it in settings: with comments, trailing commas and their own layout; and where each value stands.

Owns reading only (``jsonedit`` changes the text). Must not know what the settings mean. Accepts ``//`` and ``/* */``
comments and trailing commas, as VS Code, Gemini and Claude do; anything else that is not JSON is refused.
"""

from __future__ import annotations

import re

import msgspec

_SCALAR = re.compile(
    r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null'
)
_BETWEEN = re.compile(r"[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_DEEPEST = 100


class NotJson(ValueError):
    """Where the text stops being JSON, for a message."""


class Item(msgspec.Struct, frozen=True):
    """A member of an object or an element (``key`` None) of an array; ``comma`` is where one follows, or -1."""

    key: str | None
    start: int
    node: Node
    comma: int


class Node(msgspec.Struct, frozen=True):
    """A value and the span of its text; ``items`` and ``inside`` (after the last thing in it) are for containers."""

    start: int
    end: int
    value: object
    items: tuple[Item, ...] = ()
    inside: int = -1

    def get(self, key: str) -> Node | None:
        """The member called ``key``. Raises NotJson where there are two: which one counts is anybody's guess."""
        found = [item.node for item in self.items if item.key == key]
        if len(found) > 1:
            raise NotJson(f'"{key}" stands there twice')
        return found[0] if found else None


def read(text: str) -> Node:
    """The one value in ``text``. Raises NotJson."""
    reader = _Reader(text)
    reader.skip()
    node = reader.value(0)
    reader.skip()
    if reader.at != len(text):
        raise reader.wrong()
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def wrong(self) -> NotJson:
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - self.text.rfind("\n", 0, self.at)
        return NotJson(f"line {line}, column {column}")

    def skip(self) -> int:
        """Pass over white space and comments; where the last comment ends, or -1 without one."""
        last = -1
        while found := _BETWEEN.match(self.text, self.at):
            self.at = found.end()
            if found[0][0] == "/":
                last = self.at
        return last

    def value(self, depth: int) -> Node:
        opened = self.text[self.at : self.at + 1]
        if opened in ("{", "["):
            if depth >= _DEEPEST:
                raise self.wrong()
            return self.container(opened, depth + 1)
        return self.scalar()

    def scalar(self) -> Node:
        found = _SCALAR.match(self.text, self.at)
        if found is None:
            raise self.wrong()
        start, self.at = self.at, found.end()
        try:
            return Node(start, self.at, msgspec.json.decode(found[0].encode("utf-8", "surrogatepass")))
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.at = start
            raise self.wrong() from None

    def container(self, opened: str, depth: int) -> Node:
        closing = "}" if opened == "{" else "]"
        start = self.at
        self.at += 1
        items: list[Item] = []
        inside = self.at
        while True:
            inside = max(inside, self.skip())
            if self.text[self.at : self.at + 1] == closing:
                break
            if items and items[-1].comma < 0:
                raise self.wrong()
            items.append(self.item(opened == "{", depth))
            inside = self.at
        self.at += 1
        keyed = opened == "{"
        value: object = {item.key: item.node.value for item in items} if keyed else [item.node.value for item in items]
        return Node(start, self.at, value, tuple(items), inside)

    def item(self, keyed: bool, depth: int) -> Item:
        start = self.at
        key = None
        if keyed:
            name = self.scalar()
            if not isinstance(name.value, str):
                self.at = start
                raise self.wrong()
            key = name.value
            self.skip()
            if self.text[self.at : self.at + 1] != ":":
                raise self.wrong()
            self.at += 1
            self.skip()
        node = self.value(depth)
        here = self.at
        self.skip()
        if self.text[self.at : self.at + 1] == ",":
            self.at += 1
            return Item(key, start, node, self.at - 1)
        self.at = here
        return Item(key, start, node, -1)
