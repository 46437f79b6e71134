"""Text from outside made harmless for a terminal, a line of porcelain and a JSON document.

Owns the one rule of what is dangerous: everything that is not printable (controls, C1, bidirectional controls,
U+2028/9, zero-width and tag characters, lone surrogates), except spaces and the two joiners that writing needs.
"""

from __future__ import annotations

_KEPT = frozenset("\u00a0\u2002\u2003\u2009\u200c\u200d\u202f\u3000")


def safe(text: str) -> str:
    """``text`` with every character that could steer a terminal or hide written out: ``\\x1b``, ``\\u202e``."""
    if text.isprintable():
        return text
    return "".join(char if _harmless(char) else _written(char) for char in text)


def safe_lines(text: str) -> list[str]:
    """The lines of a longer text, each made safe; tabs become spaces."""
    return [safe(line.expandtabs(4)) for line in text.replace("\r\n", "\n").split("\n")]


def porcelain(text: str) -> str:
    """``text`` as a porcelain value: one line, no tab, and its backslashes doubled so that it can be read back."""
    text = text.replace("\\", "\\\\")
    if text.isprintable():
        return text
    text = text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return safe(text)


def json_text(text: str) -> str:
    """A JSON document without a dangerous character: outside ASCII they only occur in strings, so ``\\u`` is exact."""
    if text.isprintable():
        return text
    return "".join(char if _harmless(char) else _json_escape(char) for char in text)


def _harmless(char: str) -> bool:
    return char.isprintable() or char in _KEPT


def _written(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(char: str) -> str:
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
