"""``setup AGENT`` for every agent that is known, and ``statusline``, which one of them shows."""

import os
import sys
from collections.abc import Callable, Sequence

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Flag, command
from gitcoord.cli.render import agent_setup as look
from gitcoord.cli.render.doc import lines
from gitcoord.cli.reply import Reply
from gitcoord.core.names import META
from gitcoord.core.views import Notice
from gitcoord.errors import NoRepository, NotFound, Usage
from gitcoord.lean import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from gitcoord.agents.setup import Change, Work

_NAMES = {
    "claude": "Claude Code: hooks, a skill, a status line",
    "codex": "Codex: hooks, a part of AGENTS.md",
    "gemini": "Gemini CLI: hooks, a part of GEMINI.md",
    "cursor": "Cursor: hooks, a rule",
    "copilot": "GitHub Copilot and VS Code: hooks, instructions",
}
_NOTE = 1 << 20


def _declare(agent: str, about: str) -> Callable[..., Reply]:
    @command(
        f"setup {agent}",
        group="Launch and integrate",
        summary=f"Write what {about}, and the MCP server where it is installed.",
        details="Into the project's own files, or with --user into yours. Settings of others stay as they are, to the "
        "byte; run again, it changes nothing. What it writes does nothing where gitcoord is missing.",
        example=f"git coord setup {agent}\ngit coord setup {agent} --check\ngit coord setup {agent} --remove",
        codes=("not-found", "unsafe", "conflict", "no-repository"),
    )
    def setup(
        ctx: Context,
        *,
        check: Annotated[bool, Flag("--check", about="Only say whether all is in place and current.")] = False,
        remove: Annotated[bool, Flag("--remove", about="Take it out again; files are as they were before.")] = False,
        print_only: Annotated[bool, Flag("--print", about="Only print what would be written.")] = False,
        user: Annotated[bool, Flag("--user", about="In your own settings, for all projects.")] = False,
        mcp: Annotated[bool, Flag("--mcp", about="Enter the MCP server, installed here or not.")] = False,
        no_mcp: Annotated[bool, Flag("--no-mcp", about="Leave the MCP server out.")] = False,
        no_statusline: Annotated[bool, Flag("--no-statusline", about="Leave Claude's status line out.")] = False,
    ) -> Reply:
        if check and (remove or print_only):
            raise Usage("--check stands alone", hint=f"git coord setup {agent} --check")
        if mcp and no_mcp:
            raise Usage("--mcp and --no-mcp exclude each other", hint="leave one of them out")
        mcp = mcp or not (remove or no_mcp or not _mcp_is_here())
        work = _work(ctx, agent, user=user, mcp=mcp, status_line=not no_statusline, removal=remove)
        if remove:
            return _removed(work, print_only)
        changes = work.plan()
        again = f"git coord setup {agent}{' --user' if user else ''}"
        if check:
            return _checked(agent, changes, again)
        if print_only:
            return _printed(changes)
        work.carry_out(changes)
        notes = [*work.notes, *_not_initialised(ctx, user)]
        done = f"{again} --remove"
        return Reply(
            _records(changes), lambda: look.written(agent, changes, done), notices=_notices(notes), confirms=True
        )

    return setup


for _agent, _about in _NAMES.items():
    _declare(_agent, f"{_about.partition(':')[0]} needs to take part:{_about.partition(':')[2]}")


def _work(ctx: Context, agent: str, *, user: bool, mcp: bool, status_line: bool, removal: bool) -> "Work":
    from gitcoord.agents.setup import Work
    from gitcoord.git.repo import discover

    if user:
        home = ctx.environ.get("HOME", "")
        if not os.path.isabs(home) or not os.path.isdir(home):
            raise Usage("there is no home directory: HOME says nothing useful", hint="set HOME, or leave --user out")
        state = ctx.environ.get("XDG_STATE_HOME", "")
        own = os.path.isabs(state) and os.path.isdir(state)
        remember = (state, ("gitcoord", "setup")) if own else (home, (".local", "state", "gitcoord", "setup"))
        return Work.of(
            agent, home, ctx.environ, remember=remember, user=True, mcp=mcp, status_line=status_line, removal=removal
        )
    repo = discover(ctx.start, ctx.environ)
    if repo.top is None:
        hint = f"git -C WORKTREE coord setup {agent}, or --user for all your projects"
        raise NoRepository("there is no worktree here to write an agent's settings into", hint=hint)
    return Work.of(
        agent,
        repo.top,
        ctx.environ,
        remember=(repo.common, ("coord", "setup")),
        private=(repo.common, repo.git_dir),
        mcp=mcp,
        status_line=status_line,
        removal=removal,
    )


def _removed(work: "Work", print_only: bool) -> Reply:
    changes = work.plan_removal()
    if print_only:
        return _printed(changes)
    work.carry_out_removal(changes)
    return Reply(_records(changes), lambda: look.removed(changes), confirms=True)


def _checked(agent: str, changes: "Sequence[Change]", again: str) -> Reply:
    wrong = [change for change in changes if change.action != "unchanged"]
    refusal = None
    if wrong:
        message = f"{agent} is not set up: {len(wrong)} of {len(changes)} files are missing or out of date"
        refusal = NotFound(message, hint=again, files=_records(changes))
    return Reply(_records(changes), lambda: look.checked(changes), refusal=refusal)


def _printed(changes: "Sequence[Change]") -> Reply:
    diffs = [look.diff(change) for change in changes]
    records = [{**record, "diff": "".join(diff)} for record, diff in zip(_records(changes), diffs, strict=True)]
    return Reply(records, lambda: look.printed(diffs))


def _records(changes: "Sequence[Change]") -> list[dict[str, Any]]:
    return [{"path": change.path, "action": change.action} for change in changes]


def _notices(notes: Sequence[str]) -> list[Notice]:
    return [Notice(code="setup", message=note) for note in notes]


def _mcp_is_here() -> bool:
    from importlib.util import find_spec

    return find_spec("mcp") is not None


def _not_initialised(ctx: Context, user: bool) -> list[str]:
    from gitcoord.git.repo import discover

    if user or discover(ctx.start, ctx.environ).git("rev-parse", "-q", "--verify", META, check=False).code == 0:
        return []
    return ["this repository does not use gitcoord yet: git coord init"]


@command(
    "statusline",
    group="Launch and integrate",
    summary="Print one line for an agent's status bar: session, task, progress, who else is active.",
    details="Reads what Claude Code says on stdin, if anything. Never fails: where there is nothing to say, it prints "
    "nothing.",
    example="git coord statusline",
)
def statusline(ctx: Context) -> Reply:
    from gitcoord.agents.statusline import line

    try:
        said = b"" if sys.stdin.isatty() else sys.stdin.buffer.read(_NOTE)
        start = ctx.start
    except (OSError, ValueError, NoRepository):
        return Reply({"line": ""})
    text = line(said, start, ctx.environ)
    return Reply({"line": text}, lambda: lines(text) if text else [])
