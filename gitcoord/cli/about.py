"""``help`` and ``version``: what gitcoord can do, and which versions of what are at work."""

import sys

from gitcoord import __version__
from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Command, Flag, command
from gitcoord.cli.helptext import exits, short_help
from gitcoord.cli.render.doc import Doc, Facts
from gitcoord.cli.reply import Reply
from gitcoord.cli.table import NOUNS, TABLE
from gitcoord.errors import CoordError, GitFailed
from gitcoord.lean import Annotated, Any


@command(
    "help",
    group="Set-up",
    summary="Explain a command, or list all of them.",
    example="git coord help claim",
)
def explain(
    ctx: Context,
    words: Annotated[tuple[str, ...], Arg("COMMAND", "The command to explain.", many=True)] = (),
    *,
    every: Annotated[bool, Flag("--all", about="List every command with its summary.")] = False,
) -> Reply:
    from gitcoord.cli.app import load, unknown

    verb = " ".join(words)
    if verb and verb not in TABLE and verb not in NOUNS:
        raise unknown(verb, [*TABLE, *NOUNS])
    chosen = [known for known in TABLE if not verb or known == verb or known.startswith(verb + " ")]
    commands = [each for each in map(load, chosen) if each.verb == verb or not each.hidden]

    def show() -> Doc:
        if not words and not every:
            return short_help(commands)
        from gitcoord.cli.full import print_help

        print_help(words)
        return []

    return Reply([describe(each) for each in commands], show)


def describe(declared: Command) -> dict[str, Any]:
    """A command as data: what ``--help --json`` prints."""
    return {
        "command": declared.verb,
        "group": declared.group,
        "summary": declared.summary,
        "details": declared.details or None,
        "usage": f"git coord {declared.usage}",
        "parameters": [
            {
                "names": list(param.mark.names),
                "metavar": param.mark.metavar or None,
                "help": param.mark.about,
                "required": param.required,
                "repeatable": param.mark.many,
            }
            for param in declared.params
        ],
        "example": declared.example,
        "exit_codes": {str(number): codes for number, codes in exits(declared).items()},
    }


@command(
    "version",
    group="Set-up",
    summary="Say which versions are at work, and which store this repository uses.",
    example="git coord version --json",
)
def version(ctx: Context) -> Reply:
    found = versions(ctx)
    facts = Facts(tuple((name, str(value)) for name, value in found.items() if value is not None))
    return Reply(found, lambda: [facts])


def versions(ctx: Context) -> dict[str, str | None]:
    """Versions of everything that decides how gitcoord behaves here; the store is None outside of a repository."""
    from importlib.metadata import PackageNotFoundError, version

    def package(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    return {
        "version": __version__,
        "git": _git(ctx),
        "store": _store(ctx),
        "libgit": _libgit(),
        "pygit2": package("pygit2"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "msgspec": package("msgspec"),
        "typer": package("typer"),
    }


def _git(ctx: Context) -> str | None:
    from gitcoord.git.run import run

    try:
        return run(["git", "version"], env=ctx.environ).text.removeprefix("git version ")
    except GitFailed:
        return None


def _libgit() -> str | None:
    """libgit2's version, through the one module that may import pygit2."""
    try:
        from gitcoord.store import libgit
    except ImportError:
        return None
    return str(vars(libgit)["pygit2"].LIBGIT2_VERSION)


def _store(ctx: Context) -> str | None:
    try:
        return ctx.coord.store.kind
    except CoordError:
        return None
