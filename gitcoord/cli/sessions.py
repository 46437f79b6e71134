"""Session commands: start, resume, sessions, whoami, heartbeat. (``end`` and ``cleanup`` are in ``endings``.)"""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Many, Opt, command
from gitcoord.cli.render import sessions as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice, duration, filled, pair, whole
from gitcoord.core.views import SessionView
from gitcoord.errors import NoSession, NotFound
from gitcoord.lean import Annotated

_OLD = 86400.0


@command(
    "start",
    group="Sessions",
    summary="Start a new session: sign on as a worker of this repository.",
    details="Always a new session; it is bound to this worktree unless a live one is. A name that a live session "
    "already uses gets a number. The agent around (Claude Code, Codex, Gemini) is recognised by itself.",
    example='git coord start backend --model opus\neval "$(git coord start backend --export)"',
)
def start(
    ctx: Context,
    name: Annotated[str | None, Arg("NAME", "What to call it.", parse=filled)] = None,
    *,
    agent: Annotated[str | None, Opt("--agent", metavar="A", about="Which agent works here.", parse=filled)] = None,
    model: Annotated[str | None, Opt("--model", metavar="M", about="Which model it uses.", parse=filled)] = None,
    external_id: Annotated[
        str | None, Opt("--external-id", metavar="ID", about="The agent's own session id.", parse=filled)
    ] = None,
    pid: Annotated[
        int | None, Opt("--pid", metavar="N", about="End with this process.", parse=whole(1, 2**31 - 1))
    ] = None,
    label: Annotated[
        tuple[tuple[str, str], ...], Many("--label", metavar="K=V", about="A label; may be repeated.", parse=pair)
    ] = (),
    no_bind: Annotated[bool, Flag("--no-bind", about="Do not bind it to this worktree.")] = False,
    export: Annotated[bool, Flag("--export", about="Print only a line for a shell to eval.")] = False,
) -> Reply:
    agent, around = ctx.agent(agent)
    session = ctx.coord.start(
        name,
        agent=agent,
        model=model,
        external_id=external_id or around,
        pid=pid,
        labels=dict(label),
        bind=not no_bind,
    )
    if export:
        from shlex import quote  # brings re: 2 ms

        return Reply(session, bare=f"export GIT_COORD_SESSION={quote(session.id)}")
    return Reply(session, lambda: look.started(session), confirms=True)


@command(
    "resume",
    group="Sessions",
    summary="Go on with a session, however long it was silent.",
    details="One that ended or expired gets a successor, which takes back what is still free and says what is not. "
    "Without S, a terminal offers the sessions to pick from; elsewhere they are listed and nothing is done.",
    example="git coord resume backend",
    codes=("no-session", "not-found"),
)
def resume(
    ctx: Context,
    who: Annotated[str | None, Arg("S", "Session id, unique prefix, name or agent's own id.")] = None,
    *,
    pid: Annotated[
        int | None, Opt("--pid", metavar="N", about="End with this process.", parse=whole(1, 2**31 - 1))
    ] = None,
    no_bind: Annotated[bool, Flag("--no-bind", about="Do not bind it to this worktree.")] = False,
) -> Reply:
    if who is None:
        known = ctx.coord.sessions(all=True)
        if not known:
            raise NotFound("there is no session to resume", hint="git coord start")
        if not ctx.interactive:
            refusal = NoSession("say which session", hint=f"git coord resume {known[0].id}", sessions=known)
            return Reply(known, lambda: look.listed(known), refusal=refusal)
        who = _picked(known)
    resumed = ctx.coord.resume(who, pid=pid, bind=not no_bind)
    return Reply(resumed, lambda: look.resumed(resumed), confirms=True, notices=resumed.notices)


def _picked(known: list[SessionView]) -> str:
    """The id of the session a person picks. Raises NoSession where they leave it."""
    from gitcoord.cli.prompt import confirm, pick

    chosen = pick("Resume which session?", look.choices(known))
    if chosen is None:
        raise NoSession("no session was picked; nothing changed")
    session = known[chosen]
    if _idle(session) and not confirm(look.old(session)):
        raise NoSession("not resumed; nothing changed")
    return session.id


def _idle(session: SessionView) -> bool:
    return session.heartbeat_age is not None and session.heartbeat_age > _OLD


@command(
    "sessions",
    group="Sessions",
    summary="List sessions, newest first: who is here, how active, and what they hold.",
    details="What stays of one on this machine is shown, exported, archived and removed by the commands below it.",
    example="git coord sessions --all --sort activity\ngit coord sessions --agent claude --label team=web",
)
def sessions(
    ctx: Context,
    *,
    every: Annotated[bool, Flag("--all", about="Also those that ended or expired.")] = False,
    sort: Annotated[
        str,
        Opt(
            "--sort",
            metavar="HOW",
            about="started (newest first), activity (last active first), name, or status (liveliest first).",
            parse=choice("started", "activity", "name", "status"),
        ),
    ] = "started",
    status: Annotated[
        tuple[str, ...],
        Many(
            "--status",
            metavar="X",
            about="Only these: active, idle, stale, ended, expired; may be repeated.",
            parse=choice("active", "idle", "stale", "ended", "expired"),
        ),
    ] = (),
    agent: Annotated[str | None, Opt("--agent", metavar="A", about="Only of this agent.", parse=filled)] = None,
    label: Annotated[
        tuple[str, ...],
        Many("--label", metavar="K[=V]", about="Only with this label; may be repeated.", parse=filled),
    ] = (),
    name: Annotated[
        str | None, Opt("--name", metavar="GLOB", about="Only with such a name: 'back*'.", parse=filled)
    ] = None,
    here: Annotated[bool, Flag("--here", about="Only those of this machine.")] = False,
) -> Reply:
    found: list[SessionView] = ctx.coord.choose_sessions(
        all=every, sort=sort, status=status, agent=agent, label=label, name=name, here=here
    )
    return Reply(found, lambda: look.chosen(found))


@command(
    "whoami",
    group="Sessions",
    summary="Say which session you are.",
    example="git coord whoami --json",
    codes=("no-session", "ended"),
)
def whoami(ctx: Context) -> Reply:
    session = ctx.coord.whoami()
    return Reply(session, lambda: look.details(session))


@command(
    "heartbeat",
    group="Sessions",
    summary="Say that your session is alive.",
    details="Hooks and every other command do this by themselves; it is for long silences.",
    example="git coord heartbeat --if-older 5m",
    codes=("no-session", "ended"),
)
def heartbeat(
    ctx: Context,
    *,
    if_older: Annotated[
        float | None,
        Opt("--if-older", metavar="D", about="Only when the last one is older than this (90s, 30m).", parse=duration),
    ] = None,
) -> Reply:
    beaten = ctx.coord.heartbeat(if_older=if_older)
    return Reply(beaten, lambda: look.beaten(beaten), confirms=True)
