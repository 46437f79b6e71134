"""Small changes to the text of a JSON file that leave every other byte as it was: order, comments, indentation.

Owns how a new value is laid out: like its neighbours. What ``insert`` put into something that was not empty, ``remove``
takes out to the byte.
"""

from __future__ import annotations

import re

import msgspec

from gitcoord.agents.setup.jsontree import Item, Node

_FIRST_INDENT = re.compile(r"[\[{][ \t]*\r?\n([ \t]+)\S")


def newline(text: str) -> str:
    """How lines end in ``text``."""
    return "\r\n" if "\r\n" in text else "\n"


def insert(text: str, box: Node, key: str | None, value: object) -> str:
    """``text`` with one more member (or, without ``key``, element) at the end of ``box``."""
    name = "" if key is None else _quoted(key) + ": "
    last = box.items[-1] if box.items else None
    comma = "," if last is not None and last.comma >= 0 else ""
    if last is not None and "\n" not in text[box.start : box.end]:
        added = f" {name}{_inline(value)}{comma}"
    else:
        line = newline(text)
        outer = _indent(text, box.start)
        unit = _unit(text)
        inner = _indent(text, last.start) if last is not None and _begins_line(text, last.start) else outer + unit
        added = f"{line}{inner}{name}{_laid_out(value, inner, unit, line)}{comma}"
        if last is None and "\n" not in text[box.inside : box.end]:
            added += line + outer
    text = text[: box.inside] + added + text[box.inside :]
    if last is not None and not comma:
        text = text[: last.node.end] + "," + text[last.node.end :]
    return text


def replace(text: str, node: Node, value: object) -> str:
    """``text`` with another value in the place of ``node``."""
    if "\n" in text[node.start : node.end] or not node.items:
        written = _laid_out(value, _indent(text, node.start), _unit(text), newline(text))
    else:
        written = _inline(value)
    return text[: node.start] + written + text[node.end :]


def remove(text: str, box: Node, index: int) -> str:
    """``text`` without one item of ``box``; comments of others stay."""
    item = box.items[index]
    cuts = [(item.start, item.node.end)]
    if item.comma >= 0:
        cuts.append((item.comma, item.comma + 1))
    elif index:
        before = box.items[index - 1].comma
        cuts.append((before, before + 1))
    if _has_line(text, item):
        start = item.start - len(_indent(text, item.start))
        start -= 2 if text[start - 2 : start] == "\r\n" else 1 if text[start - 1 : start] == "\n" else 0
        cuts.append((start, item.start))
    elif index == 0 and item.comma >= 0:
        follows = re.compile(r"[ \t]*").match(text, item.comma + 1)
        cuts.append((item.comma + 1, follows.end() if follows else item.comma + 1))
    else:
        start = len(text[: item.start].rstrip(" \t"))
        cuts.append((start, item.start))
    for start, end in sorted(cuts, reverse=True):
        text = text[:start] + text[end:]
    return text


def _quoted(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _quoted(value)


def _laid_out(value: object, indent: str, unit: str, line: str) -> str:
    if isinstance(value, dict) and value:
        inner = indent + unit
        rows = [f"{inner}{_quoted(key)}: {_laid_out(item, inner, unit, line)}" for key, item in value.items()]
        return "{" + line + f",{line}".join(rows) + line + indent + "}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        inner = indent + unit
        rows = [inner + _laid_out(item, inner, unit, line) for item in value]
        return "[" + line + f",{line}".join(rows) + line + indent + "]"
    return _inline(value)


def _unit(text: str) -> str:
    """One step of indentation, as the file has it."""
    found = _FIRST_INDENT.search(text)
    return found[1] if found else "  "


def _indent(text: str, at: int) -> str:
    """The white space that begins the line of ``at``."""
    start = text.rfind("\n", 0, at) + 1
    end = start
    while end < at and text[end] in " \t":
        end += 1
    return text[start:end]


def _has_line(text: str, item: Item) -> bool:
    """Whether the line break before ``item`` may go with it: nothing that follows may slip into a comment above."""
    end = max(item.node.end, item.comma + 1)
    if not _begins_line(text, item.start) or text[item.node.end : end].strip(", \t"):
        return False
    rest = text[end:].lstrip(" \t")
    above = text[: text.rfind("\n", 0, item.start)].rpartition("\n")[2]
    return rest.startswith(("\n", "\r\n", "//")) or (rest[:1] in ("}", "]") and "//" not in above)


def _begins_line(text: str, at: int) -> bool:
    start = text.rfind("\n", 0, at) + 1
    return start > 0 and not text[start:at].strip(" \t")
