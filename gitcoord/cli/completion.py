"""What shells call: ``completion`` prints their script, ``complete`` what a repository offers, ``worktree path`` where
to jump."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Opt, command
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice, filled
from gitcoord.errors import CoordError
from gitcoord.lean import Annotated


@command(
    "completion",
    group="Launch and integrate",
    summary="Print the script that completes 'git coord' in a shell, with a jump function and a prompt segment.",
    details="To be sourced; 'git coord setup shell' puts it where the shell finds it by itself. The jump function goes "
    "to a task's worktree ('gcd 15'), __git_coord_ps1 (fish: __git_coord_prompt) prints the task for a prompt.",
    example='eval "$(git coord completion bash)"',
)
def completion(
    ctx: Context,
    shell: Annotated[str, Arg("SHELL", "bash, zsh or fish.", parse=choice("bash", "zsh", "fish"))],
    *,
    jump: Annotated[
        str | None, Opt("--jump", metavar="NAME", about="What to call the jump function; gcd if left out.")
    ] = None,
    functions: Annotated[bool, Flag("--functions", about="Only the jump function and the prompt segment.")] = False,
) -> Reply:
    from gitcoord.cli import shellscript

    make = shellscript.functions if functions else shellscript.whole
    script = make(shell, shellscript.JUMP if jump is None else jump)
    return Reply({"shell": shell, "script": script}, bare=script.removesuffix("\n"))


@command(
    "complete",
    group="Launch and integrate",
    summary="Print what a shell can offer here: kind, value and description, a line each.",
    example="git coord complete",
    hidden=True,
)
def complete(ctx: Context) -> Reply:
    from gitcoord.cli.offers import refreshed
    from gitcoord.coordinator import Coordinator

    try:
        # not the context's: a person who presses TAB in an agent's worktree is no sign of life of the agent
        with Coordinator.open(ctx.start, ctx.environ, long_lived=False) as coord:
            lines = refreshed(coord)
    except CoordError:
        lines = []  # a shell that completes has nowhere to show an error
    rows = [dict(zip(("kind", "value", "about"), line.split("\t"), strict=True)) for line in lines]
    return Reply(rows, bare="\n".join(lines))


@command(
    "worktree path",
    group="Worktrees",
    summary="Print where the worktree of a task is, or without ID the main worktree.",
    details="Only reads: nothing is claimed or made. The jump function of 'git coord completion' is built on it.",
    example='cd "$(git coord worktree path 15)"',
    codes=("not-found",),
)
def path(ctx: Context, task: Annotated[str | None, Arg("ID", "The task.", parse=filled)] = None) -> Reply:
    place = ctx.coord.worktree_path(task)
    return Reply({"task": task, "path": place}, bare=place)
