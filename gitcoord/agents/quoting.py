"""Somebody else's words inside a text for an agent: marked so that they read as data and cannot end their quotation."""

from __future__ import annotations

_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
"""Variation selectors: printable by Unicode's tables, invisible, and able to carry any text."""


def quoted(words: str, limit: int = 80) -> str:
    """Somebody's words as data: in ``«»``, on one line, printable, at most ``limit`` long."""
    kept = "".join(_harmless(char) for char in words[: limit + 1])
    line = " ".join(kept.split())
    return f"«{line if len(line) <= limit else line[: limit - 1] + '…'}»"


def _harmless(char: str) -> str:
    """A character as it is, a sign for one that would end the quotation or cannot be seen."""
    if char == "«":
        return "‹"
    if char == "»":
        return "›"
    if char in "\t\r\n":
        return " "
    code = ord(char)
    if not char.isprintable() or any(low <= code <= high for low, high in _SELECTORS):
        return f"\\u{code:04x}"
    return char
