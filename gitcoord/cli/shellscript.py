"""The completion scripts: the templates of gitcoord/shell with the declared commands filled in, for each shell.

Only what is declared here in the code goes in; what a repository holds never does. A shell needs no Python to complete
a verb or an option, and none for the rest while ``offers``' cache is as new as the refs.
"""

from __future__ import annotations

import os
import re

from gitcoord import __version__
from gitcoord.cli import slots
from gitcoord.cli.app import load
from gitcoord.cli.declare import BEFORE, Command, global_params
from gitcoord.cli.table import NOUNS, TABLE
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "shell")
SHELLS = ("bash", "zsh", "fish")
JUMP = "gcd"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_HELP = ("--help", "flag", "Show the help of this command.")


def completion(shell: str, jump: str = JUMP) -> str:
    """Completion of ``git coord`` for ``shell``. Raises Usage for a shell or a name that cannot be."""
    build = {"bash": _bash, "zsh": _zsh, "fish": _fish}[_known(shell)]
    return build().replace("@JUMP@", _checked(jump))


def functions(shell: str, jump: str = JUMP) -> str:
    """The jump function (named ``jump``) and the prompt segment for ``shell``."""
    name = "prompt.fish" if _known(shell) == "fish" else "prompt.sh"
    return f"{_title(shell)}\n{_template(name)}".replace("@JUMP@", _checked(jump))


def whole(shell: str, jump: str = JUMP) -> str:
    """Everything for ``shell`` in one script, to be sourced; for zsh it also serves as an autoloaded function."""
    parts = [completion(shell, jump), functions(shell, jump)]
    if shell == "zsh":
        parts.append('[[ ${funcstack[1]-} != _git-coord ]] || _git-coord "$@"\n')
    return "\n".join(parts)


def _known(shell: str) -> str:
    if shell not in SHELLS:
        raise Usage(f"there is no completion for '{shell}'", hint=f"choose one of {', '.join(SHELLS)}")
    return shell


def _checked(jump: str) -> str:
    if not _NAME.match(jump):
        raise Usage(f"{jump!r} cannot be the name of a function", hint="use letters, digits, - and _")
    return jump


def _template(name: str) -> str:
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def _title(shell: str) -> str:
    """The line by which ``setup shell`` knows its files and the name that was chosen for the jump function."""
    return f"# git coord for {shell}, made by gitcoord {__version__}, jump @JUMP@; 'git coord setup shell' renews it\n"


# -- what all three say, each in its own syntax -----------------------------------------------------------------------


def _commands() -> list[Command]:
    return [command for command in map(load, TABLE) if not command.hidden]


def _options(command: Command | None) -> list[tuple[str, str, str]]:
    if command is None:
        return [*slots.options(BEFORE, None), _HELP]
    return [*slots.options((*command.params, *global_params(command)), command), _HELP]


def _firsts() -> dict[str, str]:
    """First words and what they are about."""
    found: dict[str, str] = {}
    for command in _commands():
        word, _, second = command.verb.partition(" ")
        found[word] = NOUNS[word] if second else command.summary
    return found


def _seconds() -> dict[str, dict[str, str]]:
    """Of each noun, its second words and what they do."""
    found: dict[str, dict[str, str]] = {}
    for command in _commands():
        noun, _, second = command.verb.rpartition(" ")
        if noun:
            found.setdefault(noun, {})[second] = command.summary
    return found


def _positions(command: Command) -> list[str]:
    """The slots of the positions; a verb that is a noun too offers its second words where it takes nothing itself."""
    return slots.positions(command) or ["=" + ",".join(_seconds()[command.verb]) if command.verb in _seconds() else "-"]


def _words(command: Command | None) -> str:
    return " ".join(name if slot == "flag" else f"{name}={slot}" for name, slot, _ in _options(command))


# -- bash and zsh -----------------------------------------------------------------------------------------------------


def _bash() -> str:
    return "\n".join((_title("bash"), _template("core.sh"), _table(), _seconds_table(), _template("completion.bash")))


def _zsh() -> str:
    head = f"#compdef git-coord\n#description work on one repository with many agents and people\n{_title('zsh')}"
    return "\n".join((head, _template("core.sh"), _table(), _zsh_abouts(), _template("completion.zsh")))


def _table() -> str:
    """The commands as ``case`` rows: options (each with its slot) and positions."""
    rows = [
        f"\t{_quoted(command.verb)}) coord_opts={_quoted(_words(command))}"
        f" coord_args={_quoted(' '.join(_positions(command)))} ;;"
        for command in _commands()
    ]
    return "\n".join(
        (
            f"__git_coord_before={_quoted(_words(None))}",
            f"__git_coord_verbs={_quoted(' '.join(_firsts()))}",
            "",
            "# Sets coord_opts and coord_args for the command $1; fails where there is none.",
            *_function("__git_coord_row", [*rows, "\t*) return 1 ;;"]),
        )
    )


def _seconds_table() -> str:
    rows = [f"\t{noun}) coord_args={_quoted(' '.join(seconds))} ;;" for noun, seconds in _seconds().items()]
    return "\n".join(("# Sets coord_args to the second words of the noun $1.", *_function("__git_coord_seconds", rows)))


def _zsh_abouts() -> str:
    """What zsh shows beside verbs and options."""
    verbs = [_zsh_row("", _firsts().items()), *(_zsh_row(noun, rest.items()) for noun, rest in _seconds().items())]
    options = [
        _zsh_row(verb, [(name, about) for name, _, about in _options(command)])
        for verb, command in [("", None), *((command.verb, command) for command in _commands())]
    ]
    return "\n".join((*_function("__git_coord_abouts", verbs), "", *_function("__git_coord_options", options)))


def _zsh_row(word: str, rows: Iterable[tuple[str, str]]) -> str:
    said = " ".join(_quoted(f"{name}:{about}") for name, about in rows)
    return f"\t{_quoted(word)}) coord_reply=({said}) ;;"


def _function(name: str, rows: Sequence[str]) -> Iterator[str]:
    yield from (f"{name} ()", "{", '\tcase "$1" in', *rows, "\tesac", "}")


def _quoted(text: str) -> str:
    """``text`` as one word of bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


# -- fish -------------------------------------------------------------------------------------------------------------


def _fish() -> str:
    single = " ".join(command.verb for command in _commands() if " " not in command.verb)
    verbs = {"": _firsts(), **_seconds()}
    options = {command.verb if command else "": _options(command) for command in (None, *_commands())}
    tables = [
        f"set -g __git_coord_single {single}",
        "",
        *_fish_function("__git_coord_abouts", {word: [*rest.items()] for word, rest in verbs.items()}),
        "",
        *_fish_function("__git_coord_options", options),
        "",
        *_fish_function("__git_coord_args", {c.verb: [(each,) for each in _positions(c)] for c in _commands()}),
    ]
    return "\n".join((_title("fish"), *tables, "", _template("completion.fish")))


def _fish_function(name: str, rows: Mapping[str, Sequence[Sequence[str]]]) -> Iterator[str]:
    yield from (f"function {name} -a word", "    switch $word")
    for word, fields in rows.items():
        lines = " ".join(_fish_quoted("\t".join(each)) for each in fields)
        if lines:
            yield f"        case {_fish_quoted(word)}\n            printf '%s\\n' {lines}"
    yield from ("    end", "end")


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
