"""Manual pages out of the declared commands: ``git-coord.1``, and ``git-coord-VERB.1`` for every command.

``git coord --help`` and ``git help coord`` both run ``man git-coord``. The pages are made when the package is built
(``manhook``) and by ``setup shell --man``; nothing but the declarations goes in, so they are always current. The markup
is the plain part of man(7), which groff and mandoc both read.
"""

from __future__ import annotations

import re

from gitcoord import __version__
from gitcoord.cli.declare import BEFORE, Command, Param, global_params
from gitcoord.cli.helptext import exits
from gitcoord.cli.table import GROUPS, TABLE
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ABOUT = (
    "Lets many workers, coding agents and people, work on one Git repository at the same time without stepping on each "
    "other: on one machine through worktrees, and across machines through the remote that they already push to. There "
    "is no server, no daemon and no database: the state is Git objects under refs/coord, and an atomic update of a ref "
    "decides every race."
)
_BEGIN = "git coord init\ngit coord start NAME\ngit coord claim --next\ngit coord done"
_EXITS = {
    "0": "Done.",
    "1": "No: the rules refuse, and nothing changed.",
    "3": "Lost too many races; try again.",
    "4": "The outcome is unknown; the next command finds out.",
    "5": "The hub could not be reached or refused; nothing was granted.",
    "7": "Stored state cannot be read, or a newer gitcoord wrote it; nothing was written.",
    "70": "A bug in gitcoord; a report file is named.",
    "128": "No Git repository, git is missing, not initialised, or no permission.",
    "129": "The command line is wrong.",
    "130": "Interrupted.",
}
_VARIABLES = {
    "GIT_COORD_SESSION": "Which session to act as, where --session does not say.",
    "GIT_DIR, GIT_WORK_TREE": "As for every git command.",
    "NO_COLOR": "Print without colours.",
}
_FILES = {
    "refs/coord/*": "The state: sessions, tasks, locks, shared data and events.",
    "$GIT_COMMON_DIR/coord/": "Local notes; all of it can be made again.",
}


def pages() -> dict[str, str]:
    """Every page by its file name."""
    from gitcoord.cli.app import load

    shown = [command for command in map(load, TABLE) if not command.hidden]
    found = {"git-coord.1": "".join(f"{line}\n" for line in _overview(shown))}
    for command in shown:
        found[f"{name(command.verb)}.1"] = "".join(f"{line}\n" for line in _page(command, shown))
    return found


def name(verb: str) -> str:
    """The name of a command's page: ``git-coord-task-add``."""
    return f"git-coord-{verb.replace(' ', '-')}"


def _overview(commands: Sequence[Command]) -> Iterator[str]:
    yield from _head("git-coord", "let many agents and people work on one Git repository at once")
    yield from (".SH SYNOPSIS", f"\\fBgit coord\\fR [{_inline('OPTIONS')}] \\fICOMMAND\\fR [{_inline('ARGUMENTS')}]")
    yield from (".SH DESCRIPTION", _text(_ABOUT), ".PP", "To begin:")
    yield from _verbatim(_BEGIN)
    yield from (".PP", _text("'git coord recipes' shows how to work together, as examples to run."))
    for group in GROUPS:
        grouped = [command for command in commands if command.group == group]
        if grouped:
            yield f".SH {_text(group.upper())}"
        for command in grouped:
            yield from _item(f"\\fB{_inline(name(command.verb))}\\fR(1)", command.summary)
    yield from _options("GLOBAL OPTIONS", BEFORE)
    for title, rows in (("EXIT STATUS", _EXITS), ("ENVIRONMENT", _VARIABLES), ("FILES", _FILES)):
        yield f".SH {title}"
        for word, about in rows.items():
            yield from _item(f"\\fB{_inline(word)}\\fR", about)
    yield from (".SH SEE ALSO", "\\fBgit\\fR(1), \\fBgit\\-worktree\\fR(1), \\fBgit\\-log\\fR(1)")


def _page(command: Command, commands: Sequence[Command]) -> Iterator[str]:
    yield from _head(name(command.verb), command.summary)
    yield from (".SH SYNOPSIS", f"\\fBgit coord\\fR {_inline(command.usage)}")
    yield from (".SH DESCRIPTION", _text(command.summary))
    if command.details:
        yield from (".PP", _text(command.details))
    yield from _arguments([param for param in command.params if param.positional])
    yield from _options("OPTIONS", [param for param in command.params if not param.positional])
    yield from _options("GLOBAL OPTIONS", global_params(command))
    yield ".SH EXIT STATUS"
    yield from _item("\\fB0\\fR", "Done.")
    for number, codes in exits(command).items():
        yield from _item(f"\\fB{number}\\fR", "; ".join(f"{code}: {meaning}" for code, meaning in codes.items()) + ".")
    yield ".SH EXAMPLES"
    yield from _verbatim(command.example)
    near = [each.verb for each in commands if each.group == command.group and each is not command]
    yield ".SH SEE ALSO"
    yield ", ".join(f"\\fB{_inline(page)}\\fR(1)" for page in ["git-coord", *map(name, near)])


def _head(page: str, about: str) -> Iterator[str]:
    first = about.rstrip(".")
    yield f'.\\" made by gitcoord {__version__}'
    yield f'.TH "{_inline(page.upper())}" 1 "" "gitcoord {_inline(__version__)}" "git coord"'
    yield from (".nh", ".ad l", ".SH NAME", f"{_inline(page)} \\- {_inline(first[:1].lower() + first[1:])}")


def _arguments(params: Sequence[Param]) -> Iterator[str]:
    if params:
        yield ".SH ARGUMENTS"
    for param in params:
        yield from _item(f"\\fI{_inline(param.mark.metavar)}\\fR", param.mark.about)


def _options(title: str, params: Sequence[Param]) -> Iterator[str]:
    if params:
        yield f".SH {title}"
    for param in params:
        names = ", ".join(f"\\fB{_inline(each)}\\fR" for each in param.mark.names)
        value = "" if param.flag else f" \\fI{_inline(param.mark.metavar)}\\fR"
        yield from _item(names + value, param.mark.about)


def _item(word: str, about: str) -> Iterator[str]:
    yield from (".TP", word, _text(about))


def _verbatim(text: str) -> Iterator[str]:
    yield from (".PP", ".RS 4", ".nf", *map(_text, text.splitlines()), ".fi", ".RE")


def _inline(text: str) -> str:
    """``text`` within a line: backslashes and dashes as they are typed, anything beyond ASCII by its number."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("'", "\\(aq")
    text = text.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return re.sub(r"[^\x20-\x7e]", lambda found: f"\\[u{ord(found[0]):04X}]", text)


def _text(text: str) -> str:
    """``text`` as a line of its own, which must not begin like a request."""
    line = _inline(text)
    return f"\\&{line}" if line.startswith(".") else line
