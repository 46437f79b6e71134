"""Worktree commands: worktree list|create|remove|adopt."""

import os

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Opt, command
from gitcoord.cli.render import worktrees as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import filled
from gitcoord.errors import Usage
from gitcoord.lean import Annotated


@command(
    "worktree list",
    group="Worktrees",
    summary="List worktrees with their task, session and unsaved work.",
    example="git coord worktree list",
)
def listing(ctx: Context) -> Reply:
    found = ctx.coord.worktrees()
    return Reply(found, lambda: look.listed(found))


@command(
    "worktree create",
    group="Worktrees",
    summary="Make the worktree of a task you hold, where it has none here.",
    example="git coord worktree create 15",
    codes=("not-holder", "exists", "unsafe", "not-found", "no-session"),
)
def create(ctx: Context, task: Annotated[str, Arg("ID", "The task.")]) -> Reply:
    made = ctx.coord.worktree_create(task)
    return Reply(made, lambda: look.made(made), confirms=True)


@command(
    "worktree remove",
    group="Worktrees",
    summary="Remove a worktree; refuses while uncommitted or unpushed work is in it.",
    details="With --force it goes all the same, after a snapshot of what is uncommitted.",
    example="git coord worktree remove 15",
    codes=("unsafe", "not-found"),
)
def remove(
    ctx: Context,
    which: Annotated[str, Arg("ID|PATH", "The task, or the worktree's path.")],
    *,
    force: Annotated[bool, Flag("--force", about="Remove it all the same, after a snapshot.")] = False,
) -> Reply:
    removed = ctx.coord.worktree_remove(which, force=force)
    return Reply(removed, lambda: look.removed(removed), confirms=True)


@command(
    "worktree adopt",
    group="Worktrees",
    summary="Use a worktree that exists already for a task you hold.",
    example="git coord worktree adopt ../fix-login --task 15",
    codes=("not-found", "not-holder", "no-session", "unsafe"),
)
def adopt(
    ctx: Context,
    path: Annotated[str, Arg("PATH", "The worktree.", parse=filled)],
    *,
    task: Annotated[
        str | None,
        Opt("--task", metavar="ID", about="The task worked on there; your only claim if left out.", parse=filled),
    ] = None,
) -> Reply:
    adopted = ctx.coord.worktree_adopt(os.path.join(ctx.start, path), task or _only_claim(ctx))
    return Reply(adopted, lambda: look.adopted(adopted), confirms=True)


def _only_claim(ctx: Context) -> str:
    held = ctx.coord.task_list(mine=True)
    if len(held) != 1:
        raise Usage("say which task the worktree is for", hint="git coord worktree adopt PATH --task ID")
    return held[0].id
