"""Values as people write them on a command line: durations, percents, pairs, counts, choices.

Every function takes the text and returns the value, or raises ValueError with a text that says what is accepted; both
parsers turn that into a usage error. Pure, but for ``read_text``, which commands call themselves.
"""

from __future__ import annotations

from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 3650 * 86400


def duration(text: str) -> float:
    """Seconds in ``90s``, ``30m``, ``24h`` or ``7d``."""
    number, unit = text[:-1], text[-1:]
    seconds = int(number) * _UNITS[unit] if unit in _UNITS and _digits(number) else -1
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"{text!r} is not a duration: write 90s, 30m, 24h or 7d, up to 3650d")
    return float(seconds)


def percent(text: str) -> int:
    """A whole number of percent, with or without the sign."""
    number = text.removesuffix("%")
    if not _digits(number) or int(number) > 100:
        raise ValueError(f"{text!r} is not a percentage: write a whole number from 0 to 100")
    return int(number)


def pair(text: str) -> tuple[str, str]:
    """``K=V`` as a pair; the value may be empty and may hold ``=``."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"{text!r} is not a pair: write KEY=VALUE")
    return key.strip(), value


def filled(text: str) -> str:
    """Text that says something."""
    if not text.strip():
        raise ValueError("it must not be empty")
    return text


def whole(low: int, high: int) -> Callable[[str], int]:
    """A parser for whole numbers from ``low`` to ``high``, neither of them negative."""

    def parse(text: str) -> int:
        if not _digits(text) or not low <= int(text) <= high:
            raise ValueError(f"{text!r} does not fit: write a whole number from {low} to {high}")
        return int(text)

    return parse


def integer(text: str) -> int:
    """A whole number with or without a sign, of at most 64 bits."""
    number = text.removeprefix("-").removeprefix("+") if len(text) > 1 else text
    if not (number.isascii() and number.isdigit() and len(number) <= 19 and abs(int(number)) < 2**63):
        raise ValueError(f"{text!r} is not a whole number")
    return -int(number) if text.startswith("-") else int(number)


def choice(*allowed: str) -> Callable[[str], str]:
    """A parser for one of a few words; it carries them, for completion, as ``allowed``."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is not one of {', '.join(allowed)}")
        return text

    vars(parse)["allowed"] = allowed
    return parse


def _digits(text: str) -> bool:
    """ASCII digits only, and few enough that no number is absurd."""
    return text.isascii() and text.isdigit() and len(text) <= 12


def read_text(path: str) -> str:
    """The text of a file, or of stdin for ``-``. Raises Usage where it cannot be read or is not UTF-8."""
    try:
        with open(0 if path == "-" else path, encoding="utf-8", closefd=path != "-") as file:
            return file.read()
    except OSError as error:
        raise Usage(f"cannot read {path}: {error.strerror}", hint="check the path") from None
    except UnicodeDecodeError:
        raise Usage(f"{path} is not UTF-8 text", hint="give a text file") from None
