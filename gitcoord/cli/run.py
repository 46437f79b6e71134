"""``run``: a session around any program."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Many, Opt, command
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice, duration, filled, pair
from gitcoord.errors import Usage
from gitcoord.lean import Annotated, Literal, msgspec


@command(
    "run",
    group="Launch and integrate",
    summary="Run a program in a session of its own: claim, worktree, environment, heartbeats, clean end.",
    details="Everything after -- is the program. Ends with its exit code, 128 and the signal if it was killed. Claims "
    "that are not done by then are offered where there is work, with a snapshot of what is uncommitted, and released "
    "where there is none; --on-exit says otherwise, and 'keep' leaves the session going until its TTL. Locks are given "
    "back. With --json the program's standard output goes to stderr, and the one document follows when it has ended.",
    example="git coord run --next -- claude\n"
    "git coord run --name 'the tests' --task 15 --lock db -- make test\n"
    "git coord run --resume 'the tests' -- sh",
    codes=("held", "blocked", "nothing-ready", "not-found", "wrong-state", "unsafe", "contended"),
)
def run(
    ctx: Context,
    argv: Annotated[tuple[str, ...], Arg("CMD", "The program and its arguments, after --.", many=True)],
    *,
    name: Annotated[
        str | None, Opt("--name", metavar="N", about="What to call the session; free text.", parse=filled)
    ] = None,
    task: Annotated[str | None, Opt("--task", metavar="ID", about="Claim this task for it.", parse=filled)] = None,
    following: Annotated[bool, Flag("--next", about="Claim the first task that is ready.")] = False,
    lock: Annotated[
        tuple[str, ...],
        Many("--lock", metavar="PATTERN", about="Lock this too, or start nothing; may be repeated.", parse=filled),
    ] = (),
    isolate: Annotated[bool, Flag("--isolate", about="Give the agent private copies of its own state.")] = False,
    resume: Annotated[
        str | None, Opt("--resume", metavar="S", about="Go on with this session, in its worktree.", parse=filled)
    ] = None,
    on_exit: Annotated[
        Literal["release", "handoff", "keep"] | None,
        Opt(
            "--on-exit",
            metavar="WHAT",
            about="What becomes of claims that are not done: release, handoff or keep.",
            parse=choice("release", "handoff", "keep"),
        ),
    ] = None,
    agent: Annotated[str | None, Opt("--agent", metavar="A", about="Which agent it is.", parse=filled)] = None,
    model: Annotated[str | None, Opt("--model", metavar="M", about="Which model it uses.", parse=filled)] = None,
    label: Annotated[
        tuple[tuple[str, str], ...], Many("--label", metavar="K=V", about="A label; may be repeated.", parse=pair)
    ] = (),
    grace: Annotated[
        float,
        Opt("--grace", metavar="D", about="Time from a SIGTERM until it is killed (10s).", parse=duration),
    ] = 10.0,
) -> Reply:
    from gitcoord.agents.launch import Wish, launch
    from gitcoord.cli.output import talk
    from gitcoord.cli.render.safe import safe

    options = ctx.options
    if task is not None and following:
        raise Usage("--task and --next exclude each other", hint="leave one of them out")
    if resume is not None and (name is not None or agent is not None):
        raise Usage("a resumed session keeps its name and its agent", hint="leave --name and --agent out")
    if options.session is not None:
        raise Usage("run has a session of its own", hint=f"git coord run --resume {options.session} -- ...")
    wish = Wish(
        argv=argv,
        name=name,
        task=task,
        following=following,
        locks=lock,
        isolate=isolate,
        resume=resume,
        on_exit=on_exit,
        agent=agent,
        model=model,
        labels=dict(label),
        grace=grace,
    )

    def tell(line: str) -> None:
        if not options.quiet:
            talk(f"git coord: {safe(line)}")

    data = options.json or options.porcelain or options.z
    done = launch(wish, start=ctx.start, environ=ctx.environ, tell=tell, quiet=data)
    result = msgspec.to_builtins(done)
    del result["notices"]  # they stand in the envelope, and a person has heard them when they were due
    return Reply(result, code=done.exit_code, notices=done.notices if data else ())
