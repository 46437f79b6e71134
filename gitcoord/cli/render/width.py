"""How many columns text takes on a terminal, and text cut or filled up to a number of them."""

from __future__ import annotations


def width(text: str) -> int:
    """Columns that ``text`` takes: East Asian wide characters take two, combining marks and joiners none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """``text``, or as much of it as fits beside a ``…`` that says that there is more."""
    if width(text) <= columns:
        return text
    kept, left = [], columns - 1
    for char in text:
        left -= _columns(char)
        if left < 0:
            break
        kept.append(char)
    return "".join(kept) + "…" if columns > 0 else ""


def pad(text: str, columns: int) -> str:
    """``text`` with blanks after it, at least ``columns`` wide."""
    return text + " " * (columns - width(text))


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    import unicodedata  # a shared library: loaded only where somebody writes more than ASCII

    if unicodedata.combining(char) or char in "\u200c\u200d\ufe0e\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
