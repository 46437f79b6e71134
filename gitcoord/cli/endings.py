"""Session commands that end something: end, cleanup."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Opt, command
from gitcoord.cli.render import endings as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import duration, filled
from gitcoord.lean import Annotated


@command(
    "end",
    group="Sessions",
    summary="End a session; refuses while work would be lost.",
    details="Refuses while its worktrees have uncommitted changes or it holds claims or locks, and lists them. "
    "--handoff offers its claims to others; --force releases everything, after a snapshot of what is uncommitted.",
    example="git coord end --handoff 'tests are green, docs are missing'",
    codes=("unsafe", "no-session", "ended", "not-found"),
)
def end(
    ctx: Context,
    who: Annotated[str | None, Arg("S", "The session to end; yours if left out.")] = None,
    *,
    handoff: Annotated[
        str | None, Opt("--handoff", metavar="NOTE", about="Offer its claims with this note.", parse=filled)
    ] = None,
    force: Annotated[bool, Flag("--force", about="Release everything; uncommitted work is snapshot first.")] = False,
) -> Reply:
    ended = ctx.coord.end(who, handoff=handoff, force=force)
    return Reply(ended, lambda: look.ended(ended), confirms=True)


@command(
    "cleanup",
    group="Sessions",
    summary="Expire dead and long-idle sessions, free what they hold, list orphaned worktrees.",
    example="git coord cleanup --older-than 24h --dry-run",
)
def cleanup(
    ctx: Context,
    *,
    older_than: Annotated[
        float | None,
        Opt("--older-than", metavar="D", about="Also sessions silent for longer than this (24h, 7d).", parse=duration),
    ] = None,
    dry_run: Annotated[bool, Flag("--dry-run", about="Only say what would be done.")] = False,
) -> Reply:
    done = ctx.coord.cleanup(older_than=older_than, dry_run=dry_run)
    return Reply(done, lambda: look.cleaned(done))
