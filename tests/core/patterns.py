"""Material for the tests of path patterns: every short path, and patterns made of pieces."""

from __future__ import annotations

import itertools
import random

from gitcoord.core.pattern import Pattern, parse
from gitcoord.errors import Usage

PIECES = ("a", "b", ".", "*", "?", "[ab]", "[!a]", "/", "/", "/**/", "\\a")


def names(longest: int) -> list[str]:
    """Every name over ``a``, ``b`` and ``.`` up to a length."""
    found = ("".join(signs) for n in range(1, longest + 1) for signs in itertools.product("ab.", repeat=n))
    return [name for name in found if name not in (".", "..")]


PATHS = names(4) + ["/".join(parts) for parts in itertools.product(names(3), names(2))]
PATHS += ["/".join(parts) for parts in itertools.product(names(2), repeat=3)]


def parsed(text: str) -> Pattern | None:
    try:
        return parse(text)
    except Usage:
        return None


def some_patterns(count: int, seed: int, pieces: tuple[str, ...] = PIECES) -> list[str]:
    """Different patterns that parse, the same ones in every run."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 5)))
        text = rng.choice(("", "", "/", "**/")) + text + rng.choice(("", "", "/", "/**"))
        if parsed(text) is not None and not text.endswith("**/**/"):
            found[text] = None
    return list(found)
