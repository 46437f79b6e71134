"""``log`` and ``event``: what happened, and what somebody wants to be remembered."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Many, Opt, command
from gitcoord.cli.render import history as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import duration, filled, pair, whole
from gitcoord.errors import Usage
from gitcoord.lean import Annotated


@command(
    "log",
    group="History",
    summary="Show what happened to tasks, sessions, locks and data, and what sessions wrote down, oldest first.",
    details="Of each task, session, lock table and scope the newest 1,000 events are read, with --all every one. With "
    "--follow it begins with the last 10 (or -n N) and goes on until you interrupt it; --json prints one event a line "
    "then. With --at it shows not events but the state as it was at that moment, by the clocks of those who wrote. "
    "'git log refs/coord/tasks/ID' tells the same about one task in Git's own words.",
    example="git coord log --task 15 --since 24h\ngit coord log --follow --type deploy --json\n"
    "git coord log --at '2h ago'",
    codes=("not-found",),
)
def log(
    ctx: Context,
    *,
    task: Annotated[str | None, Opt("--task", metavar="ID", about="Only about this task.", parse=filled)] = None,
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
    follow: Annotated[bool, Flag("--follow", "-f", about="Go on with what happens from now on.")] = False,
    every: Annotated[
        bool, Flag("--all", about="Also what is older than the newest 1,000 events of its record, and archived.")
    ] = False,
    at: Annotated[
        str | None,
        Opt("--at", metavar="T", about="The state at T: '2h ago', a time (UTC), or a commit.", parse=filled),
    ] = None,
) -> Reply:
    if at is not None:
        if follow or session or kind or since is not None or limit is not None:
            raise Usage("--at goes with --task and --all alone", hint="git coord log --at '2h ago'")
        from gitcoord.cli.render import past

        state = ctx.coord.state_at(at, task=task, all=every)
        return Reply(state, lambda: past.past(state), lines=past.records(state))
    if follow and every:
        raise Usage("--follow and --all exclude each other", hint="git coord log --all")
    if follow:
        coming = ctx.lasting.follow(task=task, session=session, type=kind, since=since, limit=limit)
        return Reply(None, stream=coming, one=look.line)
    events = ctx.coord.log(task=task, session=session, type=kind, since=since, limit=limit, all=every)
    return Reply(events, lambda: look.events(events))


@command(
    "event",
    group="History",
    summary="Write an entry into your session's own log, for everybody to read.",
    details="TYPE is a word of yours, such as deploy, decision or note; the types that gitcoord writes itself are "
    "refused. Entries are never changed: 'git log refs/coord/events/SESSION' shows them too.",
    example="git coord event decision 'the API keeps its old path' --meta url=https://example.org/adr/7",
    codes=("no-session", "ended", "contended"),
)
def event(
    ctx: Context,
    kind: Annotated[str, Arg("TYPE", "What kind of event it is.", parse=filled)],
    text: Annotated[str, Arg("TEXT", "What happened.", parse=filled)],
    *,
    meta: Annotated[
        tuple[tuple[str, str], ...], Many("--meta", metavar="K=V", about="A fact; may be repeated.", parse=pair)
    ] = (),
    task: Annotated[
        str | None,
        Opt("--task", metavar="ID", about="The task it is about; this worktree's if left out.", parse=filled),
    ] = None,
) -> Reply:
    written = ctx.coord.event(kind, text, meta=dict(meta), task=task)
    return Reply(written, lambda: look.written(written), confirms=True)
