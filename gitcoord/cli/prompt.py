"""Asking a person on the terminal: yes or no, or one of a list.

Plain lines on stderr and one line read from stdin: works over ssh, in every terminal, and leaves stdout for data.
"""

from __future__ import annotations

import sys

from gitcoord.cli.output import talk
from gitcoord.cli.render.safe import safe
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def confirm(question: str) -> bool:
    """Whether the person says yes; anything else, the end of input included, is no."""
    return (_ask(f"{question} [y/N] ") or "").strip().lower() in ("y", "yes")


def pick(question: str, choices: Sequence[str]) -> int | None:
    """The index of the line the person picks by its number, or None when they leave it."""
    for number, text in enumerate(choices, 1):
        talk(f"{number:>3}  {safe(text)}")
    while True:
        said = _ask(f"{question} [1-{len(choices)}, empty: none] ")
        if said is None or not said.strip():
            return None
        word = said.strip()
        if word.isascii() and word.isdigit() and 1 <= int(word) <= len(choices):
            return int(word) - 1
        talk(f"{safe(word)} is not a number from 1 to {len(choices)}")


def _ask(question: str) -> str | None:
    """What the person types, or None at the end of input."""
    sys.stderr.write(safe(question))
    sys.stderr.flush()
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None
