"""``maintain``: keep live refs few."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Flag, Opt, command
from gitcoord.cli.render import maintain as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import duration
from gitcoord.lean import Annotated


@command(
    "maintain",
    group="Set-up",
    summary="Archive what was finished long ago, and pack refs, so that Git stays quick.",
    details="Tasks that are done, failed or cancelled, and sessions that have ended, for coord.archiveAfter (7d) or "
    "longer go into one archive ref. Nothing is lost: task show, task list --all, sessions --all and log --task still "
    "know them, and 'git coord task edit ID --reopen' takes a task out again. With a hub, it decides. Thousands of "
    "superseded heartbeats, of which 'git gc --auto' would complain, are put into a pack whose time lets it drop them; "
    "'start' and 'sync' see to that by themselves, too.",
    example="git coord maintain --dry-run\ngit coord maintain --older-than 30d",
    codes=("contended", "hub-unreachable"),
)
def maintain(
    ctx: Context,
    *,
    older_than: Annotated[
        float | None,
        Opt("--older-than", metavar="D", about="Archive what was finished this long ago (24h, 7d).", parse=duration),
    ] = None,
    dry_run: Annotated[bool, Flag("--dry-run", about="Only say what would be archived.")] = False,
) -> Reply:
    done = ctx.coord.maintain(older_than=older_than, dry_run=dry_run)
    return Reply(done, lambda: look.maintained(done))
