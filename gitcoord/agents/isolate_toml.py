"""TOML, written: what ``tomllib`` reads, back as text. For private copies only: comments and layout are not kept."""

from __future__ import annotations

import datetime
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def dumps(data: dict[str, Any]) -> str:
    """``data`` as a TOML document that reads as the same."""
    return "".join(_table((), data))


def _table(path: tuple[str, ...], data: dict[str, Any]) -> list[str]:
    lines = [f"{_key(name)} = {_value(item)}\n" for name, item in data.items() if not isinstance(item, dict)]
    tables = {name: item for name, item in data.items() if isinstance(item, dict)}
    if path and (lines or not tables):
        lines.insert(0, f"\n[{'.'.join(map(_key, path))}]\n")
    for name, item in tables.items():
        lines += _table((*path, name), item)
    return lines


def _key(name: str) -> str:
    return name if _BARE.match(name) else _text(name)


def _value(item: Any) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return _text(item)
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, datetime.date | datetime.time):  # a datetime is a date
        return item.isoformat()
    if isinstance(item, list):
        return f"[{', '.join(map(_value, item))}]"
    if isinstance(item, dict):
        return "{" + ", ".join(f"{_key(name)} = {_value(below)}" for name, below in item.items()) + "}"
    raise ValueError(f"TOML has nothing for {item!r}")


def _text(text: str) -> str:
    return '"' + "".join(_SIGNS.get(sign) or (sign if sign.isprintable() else _coded(sign)) for sign in text) + '"'


def _coded(sign: str) -> str:
    return f"\\u{ord(sign):04X}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08X}"


_SIGNS = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
