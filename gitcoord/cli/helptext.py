"""The ends of help texts: the example and the exit codes of a command; also the short help of ``git coord`` alone."""

from __future__ import annotations

from gitcoord import errors
from gitcoord.cli.declare import Command
from gitcoord.cli.render.doc import Doc, Facts, Line
from gitcoord.cli.table import GROUPS
from gitcoord.errors import CoordError
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ABOUT = "git coord: many coding agents and people on one Git repository, without stepping on each other"

_ALWAYS = ("corrupt", "newer-format", "bug", "not-initialised", "usage")


def by_code() -> dict[str, type[CoordError]]:
    """The closed set of errors by their code."""
    found: dict[str, type[CoordError]] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, CoordError) and kind is not CoordError and "code" in vars(kind):
            found[kind.code] = kind
    return found


def meaning(kind: type[CoordError]) -> str:
    """What an error code means, in its class's words."""
    return (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")


def exits(command: Command) -> dict[int, dict[str, str]]:
    """Exit codes of ``command``, lowest first, each with its error codes and what they mean."""
    kinds = [by_code()[code] for code in (*command.codes, *_ALWAYS)]
    return {number: {kind.code: meaning(kind) for kind in kinds if kind.exit == number} for number in _numbers(kinds)}


def _numbers(kinds: Sequence[type[CoordError]]) -> list[int]:
    return sorted({kind.exit for kind in kinds})


def closing(command: Command) -> Iterator[str]:
    """Example and exit codes as paragraphs, each of them a heading and its lines."""
    yield "\n".join(("Example:", *(f"  {line}" for line in command.example.splitlines())))
    rows = [f"  {number:<4} {', '.join(codes)}" for number, codes in exits(command).items()]
    yield "\n".join(("Exit codes:", "  0    done", *rows))


def short_help(commands: Sequence[Command]) -> Doc:
    """What ``git coord`` alone says: the verbs by what they are for, and where to begin."""
    verbs: dict[str, list[str]] = {group: [] for group in GROUPS}
    for command in commands:
        verbs[command.group].append(command.verb)
    return [
        Line(ABOUT, "head"),
        Line(""),
        Facts(tuple((f"  {group}", ", ".join(verbs[group])) for group in GROUPS)),
        Line(""),
        Line("Begin with 'git coord init', then 'git coord start' and 'git coord claim --next'."),
        Line("'git coord help --all' lists every command, 'git coord help COMMAND' explains one."),
    ]
