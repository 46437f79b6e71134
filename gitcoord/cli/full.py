"""The thorough lane: the same declarations as a typer app, for help, usage errors and whatever ``lane`` leaves over.

Typer only parses and prints help here; the command itself is run by ``app``, as after the quick lane. Usage errors
come out as ``Usage`` (exit 129): exit 2, which typer would use, reads as "block" to agent hooks.
"""

from __future__ import annotations

import inspect
from functools import cache

import typer
from rich.markup import escape
from typer._click.exceptions import ClickException
from typer._click.globals import get_current_context
from typer.core import TyperGroup

from gitcoord.cli.declare import BEFORE, Command, Param, global_params
from gitcoord.cli.helptext import ABOUT, closing
from gitcoord.cli.table import GROUPS, NOUNS, TABLE
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitcoord.cli.app import Asked

_SETTINGS = {"help_option_names": ["--help", "-h"]}


def read(argv: Sequence[str], asked: Asked) -> None:
    """Understand ``argv`` into ``asked``, or print the help it asks for. Raises Usage."""
    try:
        parser().main(list(argv), prog_name="git coord", standalone_mode=False, obj=asked)
    except ClickException as error:
        raise Usage(error.format_message().rstrip("."), hint=f"git coord help {asked.verb}".rstrip()) from None


def print_help(words: Sequence[str]) -> None:
    """Print the help of a command, of a noun, or of everything."""
    from gitcoord.cli.app import Asked

    read([*words, "--help"], Asked([]))


@cache
def parser() -> TyperGroup:
    """All commands; invoking it fills the ``Asked`` that is its context's ``obj`` instead of running anything."""
    app = typer.Typer(
        add_completion=False, rich_markup_mode="rich", context_settings=_SETTINGS, help=ABOUT, no_args_is_help=False
    )
    app.callback()(_function("git-coord", BEFORE, lambda given: _asked().heard.update(given)))
    nouns = {noun: typer.Typer(help=about, context_settings=_SETTINGS) for noun, about in NOUNS.items()}
    added: set[str] = set()
    for command in sorted(every_command(), key=lambda command: GROUPS.index(command.group)):
        noun, _, second = command.verb.rpartition(" ")
        if command.verb in nouns:
            _add_to_noun(nouns[command.verb], command)
        else:
            _add(nouns[noun] if noun else app, second, command)
        if noun and noun not in added:
            added.add(noun)
            app.add_typer(nouns[noun], name=noun, rich_help_panel=command.group, hidden=command.hidden)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def every_command() -> list[Command]:
    """All commands of the table, in its order."""
    from gitcoord.cli.app import load

    return [load(verb) for verb in TABLE]


def _asked() -> Asked:
    """What the command line that is being read fills."""
    asked: Asked = get_current_context().obj
    return asked


def _add(app: typer.Typer, name: str, command: Command) -> None:
    outside = global_params(command)

    def heard(given: dict[str, Any]) -> None:
        asked = _asked()
        asked.command = command
        asked.heard.update({param.name: given.pop(param.name) for param in outside})
        asked.values = given

    app.command(
        name,
        help=escape("\n\n".join(filter(None, (command.summary, command.details)))),
        short_help=escape(command.summary),
        epilog=escape("\n\n".join(closing(command))),
        rich_help_panel=command.group,
        hidden=command.hidden,
        context_settings=_SETTINGS,
    )(_function(command.run.__name__, (*command.params, *outside), heard))


def _add_to_noun(noun: typer.Typer, command: Command) -> None:
    """Add a command that is also the first word of others: it is meant where none of them is named."""
    outside = global_params(command)

    def heard(given: dict[str, Any]) -> None:
        context, asked = get_current_context(), _asked()
        asked.heard.update({param.name: given.pop(param.name) for param in outside})
        if context.invoked_subcommand is None:
            asked.command, asked.values = command, given
        elif given != {param.name: param.default for param in command.params}:
            raise Usage(
                f"options of '{command.verb}' stand before '{context.invoked_subcommand}'",
                hint=f"git coord help {command.verb} {context.invoked_subcommand}",
            )

    noun.callback(
        invoke_without_command=True,
        help=escape("\n\n".join(filter(None, (command.summary, command.details)))),
        short_help=escape(command.summary),
        epilog=escape("\n\n".join(closing(command))),
    )(_function(command.run.__name__, (*command.params, *outside), heard))


def _function(name: str, params: Sequence[Param], heard: Callable[[dict[str, Any]], None]) -> Callable[..., None]:
    """A function that typer reads ``params`` from, and that passes on what it was called with."""

    def call(**given: Any) -> None:
        heard({param.name: _valued(param, given[param.name]) for param in params})

    annotations = {param.name: _annotation(param) for param in params}
    call.__name__ = name
    call.__annotations__ = annotations
    call.__signature__ = inspect.Signature([_parameter(param, annotations) for param in params])  # type: ignore[attr-defined]
    return call


def _parameter(param: Param, annotations: Mapping[str, Any]) -> inspect.Parameter:
    default = inspect.Parameter.empty if param.required else False if param.flag else None
    return inspect.Parameter(
        param.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotations[param.name]
    )


def _annotation(param: Param) -> Any:
    mark = param.mark
    kind: Any = bool if param.flag else list[str] if mark.many else str
    panel = "Global options" if param in BEFORE else None
    if param.positional:
        return Annotated[kind, typer.Argument(metavar=mark.metavar, help=escape(mark.about), parser=_parser(param))]
    if param.flag:
        return Annotated[bool, typer.Option(*mark.names, help=escape(mark.about), rich_help_panel=panel)]
    return Annotated[
        kind,
        typer.Option(
            *mark.names,
            metavar=mark.metavar,
            help=escape(mark.about),
            parser=_parser(param),
            rich_help_panel=panel,
            show_default=False,
        ),
    ]


def _parser(param: Param) -> Callable[[str], object]:
    def text(word: str) -> object:
        try:
            return param.value(word)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return text


def _valued(param: Param, value: Any) -> Any:
    """What typer heard as the value a command gets: its own default where nothing was given, tuples for lists."""
    if param.mark.many:
        return tuple(value) if value else param.default if not param.required else ()
    return param.default if value is None else value
