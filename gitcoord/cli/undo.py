"""``undo``: take back what one did last."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Flag, command
from gitcoord.cli.render import undo as look
from gitcoord.cli.reply import Reply
from gitcoord.lean import Annotated


@command(
    "undo",
    group="History",
    summary="Take back the last operation of your session, unless somebody built on it.",
    details="As a new event, never by rewriting: a claim is released, a release claimed again (with a new token), "
    "'done' gone on with, progress, edits, locks and shared data put back as they were, an added task cancelled, an "
    "offer withdrawn. Worktrees and branches stay. A second undo does it again. Where others have acted on it since "
    "it refuses and changes nothing.",
    example="git coord undo --dry-run",
    codes=("not-found", "conflict", "held", "wrong-state", "no-session"),
)
def undo(
    ctx: Context,
    *,
    dry_run: Annotated[bool, Flag("--dry-run", about="Only say what would be done.")] = False,
) -> Reply:
    done = ctx.coord.undo(dry_run=dry_run)
    return Reply(done, lambda: look.undone(done), confirms=not dry_run, guarantee=done.guarantee)
