"""The quick lane: parses a command line without typer, or says that it cannot.

Accepts only what it understands completely (known options, ``--x V``, ``--x=V``, ``-x V``, flags, ``--``, positional
arguments). Anything else, down to a bad number, is None, and the caller asks ``full``, whose words people then read.
Both must give the same values: tests/cli/test_lanes.py holds them against each other.
"""

from __future__ import annotations

from gitcoord.cli.declare import BEFORE, Command, Param, global_params
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = ("--help", "-h")


class Parsed:
    """A command line understood: the values of the command, and what the global options beside them say."""

    __slots__ = ("given", "values")

    def __init__(self, values: dict[str, object], given: dict[str, object]) -> None:
        self.values = values
        self.given = given


def head(argv: Sequence[str]) -> tuple[dict[str, object], list[str]] | None:
    """The global options before the verb, and the rest from the verb on."""
    names = _by_name(BEFORE)
    given: dict[str, object] = {}
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] not in HELP:
        if not _option(names, rest, given):
            return None
    return given, rest


def parse(command: Command, words: Sequence[str]) -> Parsed | None:
    """What the words after the verb mean to ``command``."""
    outside = global_params(command)
    names = _by_name((*outside, *command.params))
    given: dict[str, object] = {}
    rest = list(words)
    positional: list[str] = []
    while rest:
        if rest[0] == "--":
            positional += rest[1:]
            break
        if not rest[0].startswith("-") or rest[0] == "-":
            positional.append(rest.pop(0))
        elif not _option(names, rest, given):
            return None
    values: dict[str, object] = {}
    if not _place([p for p in command.params if p.positional], positional, values):
        return None
    for param in command.params:
        if not param.positional:
            if param.required and param.name not in given:
                return None
            values[param.name] = given.get(param.name, param.default)
    own = {param.name for param in command.params}
    return Parsed(values, {name: value for name, value in given.items() if name not in own})


def _by_name(params: Sequence[Param]) -> dict[str, Param]:
    return {name: param for param in params for name in param.mark.names}


def _option(names: dict[str, Param], rest: list[str], given: dict[str, object]) -> bool:
    """Take one option and its value off the front of ``rest`` into ``given``; False when it is not understood."""
    word = rest.pop(0)
    name, equals, text = word.partition("=")
    param = names.get(name)
    if param is None or (equals and (param.flag or not name.startswith("--"))):
        return False
    if param.flag:
        given[param.name] = True
        return True
    if not equals:
        if not rest or (rest[0].startswith("-") and rest[0] != "-"):
            return False  # a value that looks like an option: typer decides
        text = rest.pop(0)
    try:
        value = param.value(text)
    except ValueError:
        return False
    if param.mark.many:
        seen = given.get(param.name, ())
        given[param.name] = (*seen, value) if isinstance(seen, tuple) else (value,)
    else:
        given[param.name] = value
    return True


def _place(params: Sequence[Param], words: list[str], values: dict[str, object]) -> bool:
    """Give the positional words to the positional parameters, in order; False when they do not fit."""
    for param in params:
        try:
            if param.mark.many:
                values[param.name] = tuple(param.value(word) for word in words)
                words = []
            elif words:
                values[param.name] = param.value(words[0])
                words = words[1:]
            else:
                values[param.name] = param.default
                if param.required:
                    return False
        except ValueError:
            return False
        if param.mark.many and param.required and not values[param.name]:
            return False
    return not words
