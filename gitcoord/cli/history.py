"""``log``: what happened, from the records' own commit chains."""

from typing import Annotated

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Opt, command
from gitcoord.cli.render import history as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import duration, filled, whole


@command(
    "log",
    group="History",
    summary="Show what happened to tasks and sessions, oldest first.",
    details="'git log refs/coord/tasks/ID' tells the same about one task in Git's own words.",
    example="git coord log --task 15 --since 24h",
    codes=("not-found",),
)
def log(
    ctx: Context,
    *,
    task: Annotated[str | None, Opt("--task", metavar="ID", about="Only this task.", parse=filled)] = None,
    session: Annotated[str | None, Opt("--session", metavar="S", about="Only by this session.", parse=filled)] = None,
    kind: Annotated[
        str | None, Opt("--type", metavar="T", about="Only this type: claim, done, start, ...", parse=filled)
    ] = None,
    since: Annotated[
        float | None, Opt("--since", metavar="D", about="Only the last 90s, 30m, 24h or 7d.", parse=duration)
    ] = None,
    limit: Annotated[
        int | None, Opt("-n", metavar="N", about="Only the newest N entries.", parse=whole(1, 1_000_000))
    ] = None,
) -> Reply:
    events = ctx.coord.log(task=task, session=session, type=kind, since=since, limit=limit)
    return Reply(events, lambda: look.events(events))
