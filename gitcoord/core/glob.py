"""Globs before they mean anything: their tokens, and the two questions asked of "linear" patterns.

A linear pattern is a sequence of items in which None stands for any number of things and every other item for exactly
one. A path segment is one (its things are bytes) and a whole path pattern is one (its things are segments), so both
levels share the algorithms here. Must not know paths, locks or scopes.
"""

from __future__ import annotations

from gitcoord.core.model import Struct
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

A = TypeVar("A")
B = TypeVar("B")


class Class(Struct, frozen=True):
    """One character out of ``ranges`` (both ends included), or, when ``negated``, one that is in none of them."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False

    def has(self, code: int) -> bool:
        """Whether the character with this code belongs to the class."""
        return any(low <= code <= high for low, high in self.ranges) is not self.negated


Token = int | Class | None
"""A literal character's code, one of a class, or None for ``*``."""

ANY = Class(ranges=(), negated=True)
"""``?``."""

_NAMED = {
    "alnum": ("09", "AZ", "az"),
    "alpha": ("AZ", "az"),
    "blank": ("\t\t", "  "),
    "cntrl": ("\0\x1f", "\x7f\x7f"),
    "digit": ("09",),
    "graph": ("!~",),
    "lower": ("az",),
    "print": (" ~",),
    "punct": ("!/", ":@", "[`", "{~"),
    "space": ("\t\n", "\r\r", "  "),
    "upper": ("AZ",),
    "xdigit": ("09", "AF", "af"),
}
"""The POSIX classes as Git has them: ASCII only, and ``space`` without form feed and vertical tab."""

_STAR, _ONE, _OPEN, _CLOSE, _ESCAPE, _DASH, _COLON = (ord(sign) for sign in "*?[]\\-:")
_NEGATIONS = (ord("!"), ord("^"))


def tokens(codes: Sequence[int]) -> list[Token]:
    """The tokens of a glob given as character codes (or bytes), after Git's ``wildmatch``. Raises Usage."""
    found: list[Token] = []
    at = 0
    while at < len(codes):
        code = codes[at]
        at += 1
        if code == _STAR:
            found.append(None)
        elif code == _ONE:
            found.append(ANY)
        elif code == _OPEN:
            token, at = _class(codes, at)
            found.append(token)
        else:
            literal, at = _literal(codes, at - 1)
            found.append(literal)
    return found


def _literal(codes: Sequence[int], at: int) -> tuple[int, int]:
    """The character at ``at``, taken as it is after a backslash, and where the next one starts."""
    if codes[at] != _ESCAPE:
        return codes[at], at + 1
    if at + 1 >= len(codes):
        raise Usage("the pattern ends in a lone backslash", hint="write \\\\ for a backslash")
    return codes[at + 1], at + 2


def _class(codes: Sequence[int], at: int) -> tuple[Class, int]:
    """The bracket expression whose ``[`` stands before ``at``. Its first member may be ``]``."""
    ranges: list[tuple[int, int]] = []
    negated = at < len(codes) and codes[at] in _NEGATIONS
    at += negated
    first = True
    while at < len(codes) and (first or codes[at] != _CLOSE):
        first = False
        named = _named(codes, at)
        if named is not None:
            ranges += named[0]
            at = named[1]
            continue
        low, at = _literal(codes, at)
        ranges.append((low, low))  # [z-a] has its first end, as in Git
        if at + 1 < len(codes) and codes[at] == _DASH and codes[at + 1] != _CLOSE:
            high, at = _literal(codes, at + 1)
            ranges.append((low, high))
    if at >= len(codes):
        raise Usage("the pattern has a '[' that is never closed", hint="write \\[ for the character itself")
    return Class(ranges=tuple(ranges), negated=negated), at + 1


def _named(codes: Sequence[int], at: int) -> tuple[list[tuple[int, int]], int] | None:
    """The members of ``[:name:]`` at ``at`` and where it ends; None when there is no such thing."""
    if codes[at] != _OPEN or at + 1 >= len(codes) or codes[at + 1] != _COLON:
        return None
    end = at + 2
    while end < len(codes) and codes[end] != _CLOSE:
        end += 1
    if end >= len(codes) or end == at + 2 or codes[end - 1] != _COLON:
        return None
    name = "".join(chr(code) for code in codes[at + 2 : end - 1])
    if name not in _NAMED:
        raise Usage(f"there is no character class [:{name}:]", hint=f"one of {', '.join(_NAMED)}")
    return [(ord(ends[0]), ord(ends[1])) for ends in _NAMED[name]], end + 1


def collapsed(items: Sequence[A | None]) -> tuple[A | None, ...]:
    """``items`` with neighbouring Nones made one, as ``reach`` wants them."""
    return tuple(
        item for place, item in enumerate(items) if item is not None or place == 0 or items[place - 1] is not None
    )


def covers(items: Sequence[A | None], things: Sequence[B], fits: Callable[[A, B], bool]) -> bool:
    """Whether ``items`` match all of ``things``, in O(len(items) × len(things)).

    After a misfit only the last None is tried further on: where an earlier one ended never helps a later one.
    """
    item = thing = 0
    star = mark = -1
    while thing < len(things):
        if item < len(items):
            wanted = items[item]
            if wanted is None:
                star, mark = item, thing
                item += 1
                continue
            if fits(wanted, things[thing]):
                item += 1
                thing += 1
                continue
        if star < 0:
            return False
        mark += 1
        item, thing = star + 1, mark
    return all(left is None for left in items[item:])


def reach(a: Sequence[A | None], b: Sequence[B | None], meeting: Callable[[A], int]) -> list[int] | None:
    """Walk ``a`` and ``b`` side by side (their product automaton); None when nothing matches both.

    Bit ``j`` of row ``i`` says that some sequence of things is matched by ``a[:i]`` and by ``b[:j]`` alike.
    ``meeting(x)`` has bit ``j`` where ``x`` and ``b[j]`` share a thing. Every item must match something, and no two
    Nones stand side by side. O(len(a) × len(b)) bits, in len(a) steps on whole numbers.
    """
    stars = sum(1 << place for place, item in enumerate(b) if item is None)
    full = (2 << len(b)) - 1
    row = 1
    rows = []
    for item in a:
        row |= (row & stars) << 1
        if item is None:
            row = full & -(row & -row)  # it swallows whatever b goes on to match
            rows.append(row)
        else:
            rows.append(row)
            row = (row & stars) | ((row & meeting(item)) << 1)
        if not row:
            return None
    row |= (row & stars) << 1
    rows.append(row)
    return rows if row >> len(b) else None


def trail(
    a: Sequence[A | None], b: Sequence[B | None], meeting: Callable[[A], int], rows: Sequence[int]
) -> list[tuple[A | None, B | None]]:
    """A way through ``reach``'s rows, backwards: for each thing matched, the item of ``a`` and of ``b`` that took it.

    A None takes only what the other side asks for, so the two are never both None and the way is a short one.
    """
    i, j = len(a), len(b)
    pairs: list[tuple[A | None, B | None]] = []
    while i or j:
        x = a[i - 1] if i else None
        y = b[j - 1] if j else None
        if i and x is None and rows[i - 1] >> j & 1:
            i -= 1
        elif j and y is None and rows[i] >> (j - 1) & 1:
            j -= 1
        elif x is not None and y is not None and (rows[i - 1] & meeting(x)) >> (j - 1) & 1:
            i, j = i - 1, j - 1
            pairs.append((x, y))
        elif x is not None and j < len(b) and b[j] is None and rows[i - 1] >> j & 1:
            i -= 1
            pairs.append((x, None))
        else:
            j -= 1
            pairs.append((None, y))
    return pairs[::-1]
