"""``setup shell``: completion, jump function, prompt and manual pages where the user's shell looks for them."""

import os

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Flag, Opt, command
from gitcoord.cli.render import agent_setup as look
from gitcoord.cli.render.doc import Doc, Facts, Line
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice
from gitcoord.errors import NotFound, Usage
from gitcoord.lean import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.agents.setup import Change
    from gitcoord.agents.shell_setup import Places

_DONE = {"create": "created", "update": "updated", "unchanged": "unchanged"}


@command(
    "setup shell",
    group="Launch and integrate",
    summary="Put completion, a function that jumps to a task's worktree, and a prompt segment where your shell looks.",
    details="Into files of its own, and with --rc also one line into your .bashrc or .zshrc (fish needs none), which "
    "the jump function and the prompt need, and completion too where bash has no bash-completion. Run again, it "
    "changes nothing. --man brings the manual pages, for installers that leave them out (uv tool).",
    example="git coord setup shell --rc\ngit coord setup shell --shell zsh --jump cw\ngit coord setup shell --remove",
    codes=("not-found", "conflict", "unsafe"),
)
def setup(
    ctx: Context,
    *,
    shell: Annotated[
        str | None,
        Opt(
            "--shell",
            metavar="SHELL",
            about="bash, zsh or fish; what SHELL says if left out.",
            parse=choice("bash", "zsh", "fish"),
        ),
    ] = None,
    rc: Annotated[bool, Flag("--rc", about="Also enter the line into your start-up file.")] = False,
    jump: Annotated[
        str | None, Opt("--jump", metavar="NAME", about="What to call the jump function; gcd if left out.")
    ] = None,
    man: Annotated[bool, Flag("--man", about="Also put the manual pages into your own man directory.")] = False,
    check: Annotated[bool, Flag("--check", about="Only say whether all is in place and current.")] = False,
    remove: Annotated[bool, Flag("--remove", about="Take it out again; files are as they were before.")] = False,
    print_only: Annotated[bool, Flag("--print", about="Only print what would be written.")] = False,
) -> Reply:
    from gitcoord.agents import shell_setup

    if check and (remove or print_only):
        raise Usage("--check stands alone", hint="git coord setup shell --check")
    named = shell or _around(ctx)
    where = shell_setup.places(named, ctx.environ)
    if remove:
        changes = shell_setup.plan_removal(where, [*_scripts(where), *shell_setup.own_pages(where)])
    else:
        pages = shell_setup.own_pages(where)
        wanted = _wanted(named, where, jump or shell_setup.jump_name(where))
        changes = shell_setup.plan(where, {**wanted, **_pages(where, man=man or bool(pages))}, rc=rc)
    if check:
        return _checked(named, changes)
    if print_only:
        return _printed(changes)
    shell_setup.carry_out(where, changes)
    return Reply(
        _records(changes), lambda: look.removed(_brief(changes)) if remove else _written(named, where, changes)
    )


def _around(ctx: Context) -> str:
    """The user's shell. Raises Usage."""
    from gitcoord.cli.shellscript import SHELLS

    name = os.path.basename(ctx.environ.get("SHELL", ""))
    if name not in SHELLS:
        raise Usage("say which shell: bash, zsh or fish", hint="git coord setup shell --shell bash")
    return name


def _scripts(where: "Places") -> list[str]:
    return [path for path in (where.script, where.start) if path is not None]


def _wanted(shell: str, where: "Places", jump: str | None) -> dict[str, str]:
    """The scripts by path: one for all in bash and zsh; fish keeps what a start needs apart from what TAB needs."""
    from gitcoord.cli import shellscript

    name = jump or shellscript.JUMP
    if where.start is None:
        return {where.script: shellscript.whole(shell, name)}
    return {where.script: shellscript.completion(shell, name), where.start: shellscript.functions(shell, name)}


def _pages(where: "Places", *, man: bool) -> dict[str, str]:
    if not man:
        return {}
    from gitcoord.cli.manpage import pages

    return {os.path.join(where.man, name): text for name, text in pages().items()}


def _written(shell: str, where: "Places", changes: "Sequence[Change]") -> Doc:
    if all(change.action == "unchanged" for change in changes):
        told: list[Line | Facts] = [Line(f"nothing to do: {shell} has it all already")]
    else:
        rows = tuple((f"  {_DONE[change.action]}", change.path) for change in _brief(changes))
        told = [Line(f"{shell} has it from its next start on:"), Facts(rows)]
        told.append(Line(f"undo: git coord setup shell --shell {shell} --remove"))
    if where.line is not None and all(change.path != where.rc for change in changes):
        told.append(Line(f"for the jump function and the prompt: --rc, or this line in {where.rc}"))
        told.append(Line(where.line, indent=1))
    return told


def _brief(changes: "Sequence[Change]") -> "Sequence[Change]":
    """Of the manual pages only the first stands in a list for people: they come and go together."""
    rest = [change for change in changes if os.path.basename(change.path).startswith("git-coord-")]
    return [change for change in changes if change not in rest[1:]] if len(rest) > 1 else changes


def _checked(shell: str, changes: "Sequence[Change]") -> Reply:
    wrong = [change for change in changes if change.action != "unchanged"]
    refusal = None
    if wrong:
        message = f"{shell} is not set up: {len(wrong)} of {len(changes)} files are missing or out of date"
        refusal = NotFound(message, hint=f"git coord setup shell --shell {shell}", files=_records(changes))
    return Reply(_records(changes), lambda: look.checked(_brief(changes)), refusal=refusal)


def _printed(changes: "Sequence[Change]") -> Reply:
    diffs = [look.diff(change) for change in changes]
    records = [{**record, "diff": "".join(diff)} for record, diff in zip(_records(changes), diffs, strict=True)]
    return Reply(records, lambda: look.printed(diffs))


def _records(changes: "Sequence[Change]") -> list[dict[str, Any]]:
    return [{"path": change.path, "action": change.action} for change in changes]
