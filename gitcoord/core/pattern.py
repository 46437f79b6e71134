"""Path patterns: which paths one matches, and whether two can match a common path.

The rules are those of ``gitignore`` as its manual states them: ``*`` and ``?`` stay inside a segment, ``**`` between
slashes crosses them, a pattern without an inner slash matches at any depth, a trailing slash means what is below a
directory, and what matches a directory covers all below it. No negation: a lock says what it takes.

A path is one or more segments joined by ``/``; a segment is any bytes but NUL and ``/`` except nothing, ``.`` and
``..``. Bytes are compared as they are, as Git does: ``?`` is one byte (half an ``é``), ``README`` and ``readme``
differ although a case-insensitive disk holds them as one file, and so do composed and decomposed accents; whoever locks
on such a disk must spell as the repository does.

Overlap is decided by construction, not by trying examples: both patterns are walked side by side (``glob.reach``), once
over segments and inside each pair of segments over bytes.
"""

from __future__ import annotations

from gitcoord.core.glob import ANY, Class, Token, collapsed, covers, reach, tokens, trail
from gitcoord.core.model import Struct
from gitcoord.errors import Usage

MAX_PATTERN = 1000
"""Longest pattern, in characters."""

_SLASH = ord("/")
_NO_NAMES = {b"", b".", b".."}
_ALL = ((1 << 256) - 1) & ~(1 << 0) & ~(1 << _SLASH)
_DOT = 1 << ord(".")
_NOT_DOT = _ALL & ~_DOT
_NICE = b"abcdefghijklmnopqrstuvwxyz0123456789_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS = sum(1 << byte for byte in _NICE[:26])

Bytes = tuple[int | None, ...]
"""A linear pattern over bytes: each int is the set of bytes (bit ``b`` for byte ``b``) that may stand there."""


class Segment(Struct, frozen=True):
    """What may stand between two slashes. ``literal`` where it can be one name only.

    ``proper`` says the same as ``items`` without the names that no path has (``.`` and ``..``), as alternatives.
    """

    literal: bytes | None
    items: Bytes
    proper: tuple[Bytes, ...]


class Pattern(Struct, frozen=True):
    """A parsed pattern: ``text`` as it was given, and its segments, None for any number of them."""

    text: str
    segments: tuple[Segment | None, ...]


def is_pattern(text: str) -> bool:
    """Whether ``text`` reads as a path pattern rather than as a lock's name: it has a ``/`` or a glob character."""
    return any(sign in text for sign in "/*?[")


_known: dict[str, Pattern] = {}
_MAX_KNOWN = 2048


def parse(text: str) -> Pattern:
    """The pattern that ``text`` spells. Raises Usage for what is no pattern or can match no path."""
    found = _known.get(text)
    if found is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        found = _known[text] = _parse(text)
    return found


def _parse(text: str) -> Pattern:
    data = _checked(text)
    below_only = text.endswith("/")
    inner = text[:-1] if below_only else text
    split = _split(tokens(data.removesuffix(b"/")))
    anchored = "/" in inner
    if anchored and not split[0]:
        del split[0]
    found: list[Segment | None] = [] if anchored else [None]
    for place, part in enumerate(split):
        if anchored and len(part) > 1 and not any(token is not None for token in part):
            found += [None] if place + 1 < len(split) else [_STAR, None]
        else:
            found.append(_segment(part, text))
    if below_only:
        found.append(_STAR)
    return Pattern(text=text, segments=collapsed([*found, None]))


def of_path(path: str) -> Pattern:
    """The pattern of just this path and, should it be a directory, of all below it. Raises Usage."""
    escaped = "".join(f"\\{sign}" if sign in "*?[\\" else sign for sign in path.strip("/"))
    return parse(f"/{escaped}")


def matches(pattern: Pattern, path: str) -> bool:
    """Whether ``pattern`` covers ``path`` (relative to the top, ``/`` between segments); False for what is no path."""
    return matches_names(pattern, names_of(path))


def names_of(path: str) -> list[bytes]:
    """The names that ``path`` consists of; none for what is no path."""
    names = path.encode("utf-8", "surrogateescape").split(b"/")
    return names if _NO_NAMES.isdisjoint(names) else []


def matches_names(pattern: Pattern, names: list[bytes]) -> bool:
    """``matches``, for those who ask many patterns about one path."""
    return bool(names) and covers(pattern.segments, names, _fits)


def first_name(pattern: Pattern) -> bytes | None:
    """The name with which every path that ``pattern`` covers begins; None where it may be any."""
    first = pattern.segments[0]
    return None if first is None else first.literal


def overlap(a: Pattern, b: Pattern) -> bool:
    """Whether some path is matched by both."""
    first, second = a.segments[0], b.segments[0]
    if first is not None and second is not None and not _meet(first, second):
        return False  # most pairs of a table part here; a quarter of the price
    return reach(a.segments, b.segments, lambda segment: _meeting(segment, b.segments)) is not None


def witness(a: Pattern, b: Pattern) -> str | None:
    """A path that both match, to show in a message; None when there is none.

    Bytes that are not UTF-8 (only odd classes force them) are shown as ``\\xNN``.
    """
    rows = reach(a.segments, b.segments, lambda segment: _meeting(segment, b.segments))
    if rows is None:
        return None
    pairs = trail(a.segments, b.segments, lambda segment: _meeting(segment, b.segments), rows)
    names = [_common(x or _STAR, y or _STAR) for x, y in pairs]
    return b"/".join(names).decode("utf-8", "backslashreplace")


def _checked(text: str) -> bytes:
    """``text`` as bytes once the absurd is out. Raises Usage."""
    if len(text) > MAX_PATTERN:
        raise Usage(f"a pattern of {len(text)} characters is over the limit of {MAX_PATTERN}")
    if not text.strip("/") or "//" in text:
        raise _wrong(text, "has an empty part", "leave one slash between names")
    if "\0" in text:
        raise _wrong(text, "has a NUL character")
    if text.startswith("!"):
        raise _wrong(text, "is a negation", "lock what you need; write \\! for the character itself")
    if text[1:2] == ":" and text[2:3] in ("/", "\\") and text[0].isalpha():
        raise _wrong(text, "names a drive", "write it relative to the top of the repository, with /")
    if not {".", ".."}.isdisjoint(text.split("/")):
        raise _wrong(text, "has a '.' or '..' part", "write it relative to the top of the repository")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _wrong(text, "is not valid UTF-8") from None


def _wrong(text: str, why: str, hint: str = "") -> Usage:
    return Usage(f"the pattern {text!r} {why}", hint=hint or "see the rules with 'git help gitignore'")


def _split(found: list[Token]) -> list[list[Token]]:
    """The tokens between slashes."""
    parts: list[list[Token]] = [[]]
    for token in found:
        if token == _SLASH:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _segment(part: list[Token], text: str) -> Segment:
    if not part:
        raise _wrong(text, "has an empty part", "leave one slash between names")
    items = collapsed([_bytes(token) for token in part])
    proper = () if 0 in items else _without_dots(items)
    if not proper:
        raise _wrong(text, "can match no path")
    literal = bytes(token for token in part if isinstance(token, int))
    return Segment(literal=literal if len(literal) == len(part) else None, items=items, proper=proper)


def _bytes(token: Token) -> int | None:
    """The set of bytes that ``token`` stands for."""
    if token is ANY:
        return _ALL
    if isinstance(token, Class):
        return sum(1 << byte for byte in range(256) if token.has(byte)) & _ALL
    return None if token is None else 1 << token


def _without_dots(items: Bytes) -> tuple[Bytes, ...]:
    if not covers(items, b".", _has) and not covers(items, b"..", _has):
        return (items,)
    proper = ((_NOT_DOT,), (_DOT, _NOT_DOT), (_DOT, _DOT, _ALL))  # how every proper name begins, without repetition
    return tuple(narrowed for start in proper for narrowed in _narrow(items, start))


def _narrow(items: Bytes, start: Bytes) -> list[Bytes]:
    """The matches of ``items`` that begin with ``start``, as alternatives."""
    if not start:
        return [items]
    if not items:
        return []
    head, first = items[0], start[0]
    if head is None:
        taken = [(first, *rest) for rest in _narrow(items, start[1:])]
        return taken + _narrow(items[1:], start)
    assert first is not None
    return [(head & first, *rest) for rest in _narrow(items[1:], start[1:])] if head & first else []


def _has(mask: int, byte: int) -> bool:
    return bool(mask >> byte & 1)


def _fits(segment: Segment, name: bytes) -> bool:
    if segment.literal is not None:
        return segment.literal == name
    return covers(segment.items, name, _has)


def _meeting(segment: Segment, others: tuple[Segment | None, ...]) -> int:
    """Bit ``j`` where ``segment`` and ``others[j]`` can be one name."""
    return sum(1 << place for place, other in enumerate(others) if other is not None and _meet(segment, other))


def _meet(a: Segment, b: Segment) -> bool:
    if b.literal is not None:
        return _fits(a, b.literal)
    if a.literal is not None:
        return _fits(b, a.literal)
    if (None,) in (a.items, b.items):
        return True
    return any(reach(way, b.items, _Meeting(b.items)) is not None for way in a.proper)


class _Meeting:
    """``meeting`` for bytes: remembers the answer for a set, since patterns repeat their letters."""

    __slots__ = ("items", "known")

    def __init__(self, items: Bytes) -> None:
        self.items = items
        self.known: dict[int, int] = {}

    def __call__(self, mask: int) -> int:
        bits = self.known.get(mask)
        if bits is None:
            bits = sum(1 << place for place, other in enumerate(self.items) if other is not None and mask & other)
            self.known[mask] = bits
        return bits


def _common(a: Segment, b: Segment) -> bytes:
    """A short name that both match, beginning with a letter where that works; they must meet."""
    lettered = [(_LETTERS, *way) for way in a.proper if way[0] is None]
    for way in (*lettered, *a.proper):
        meeting = _Meeting(b.items)
        rows = reach(way, b.items, meeting)
        if rows is not None:
            pairs = trail(way, b.items, meeting, rows)
            return bytes(_byte((_ALL if x is None else x) & (_ALL if y is None else y)) for x, y in pairs)
    raise AssertionError("the segments do not meet")


def _byte(mask: int) -> int:
    """The most readable byte of a set."""
    return next((byte for byte in _NICE if mask >> byte & 1), (mask & -mask).bit_length() - 1)


_STAR = _segment([None], "*")
