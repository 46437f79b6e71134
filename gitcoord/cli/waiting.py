"""``wait``: sleep until something holds."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Many, Opt, command
from gitcoord.cli.render import waiting as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import choice, duration, filled
from gitcoord.core.model import TaskState
from gitcoord.lean import Annotated, get_args

_STATES = get_args(TaskState)
_Timeout = Annotated[
    float | None, Opt("--timeout", metavar="D", about="Give up after this time; 0s: look once.", parse=duration)
]


@command(
    "wait task",
    group="History",
    summary="Wait until a task is in a state: done, failed or cancelled unless --state says otherwise.",
    details="The task need not exist yet. Your session stays alive meanwhile. Exit 0: it is in one of the states, and "
    "the answer says in which.",
    example="git coord wait task 15 --timeout 30m\ngit coord wait task 15 --state done --state review",
    codes=("timeout",),
)
def task(
    ctx: Context,
    task: Annotated[str, Arg("ID", "The task.", parse=filled)],
    *,
    state: Annotated[
        tuple[str, ...],
        Many("--state", metavar="S", about=f"One of {', '.join(_STATES)}; may be repeated.", parse=choice(*_STATES)),
    ] = (),
    timeout: _Timeout = None,
) -> Reply:
    found = ctx.coord.wait_task(task, states=state, timeout=timeout)
    return Reply(found, lambda: look.awaited(found), confirms=True)


@command(
    "wait lock",
    group="History",
    summary="Wait until nobody else holds a name or path, without taking it.",
    details="To take it as well, in turn with others who wait: 'git coord lock NAME --wait D'.",
    example="git coord wait lock deploy --timeout 10m",
    codes=("timeout",),
)
def lock(
    ctx: Context,
    wants: Annotated[tuple[str, ...], Arg("NAME|PATTERN", "What has to be free.", parse=filled, many=True)],
    *,
    path: Annotated[bool, Flag("--path", about="These are path patterns.")] = False,
    shared: Annotated[bool, Flag("--shared", about="Free enough to be shared.")] = False,
    timeout: _Timeout = None,
) -> Reply:
    found = ctx.coord.wait_lock(wants, path=path, shared=shared, timeout=timeout)
    return Reply(found, lambda: look.awaited(found), confirms=True)


@command(
    "wait ready",
    group="History",
    summary="Wait until there is a task that can be claimed.",
    example="git coord wait ready --label web --timeout 1h",
    codes=("timeout",),
)
def ready(
    ctx: Context,
    *,
    label: Annotated[
        tuple[str, ...], Many("--label", "-l", metavar="L", about="Only with this label; may be repeated.")
    ] = (),
    timeout: _Timeout = None,
) -> Reply:
    found = ctx.coord.wait_ready(label=label, timeout=timeout)
    return Reply(found, lambda: look.awaited(found), confirms=True)


@command(
    "wait change",
    group="History",
    summary="Wait until any task, session, lock, shared data or log changes.",
    example="git coord wait change --timeout 1h",
    codes=("timeout",),
)
def change(ctx: Context, *, timeout: _Timeout = None) -> Reply:
    found = ctx.coord.wait_change(timeout=timeout)
    return Reply(found, lambda: look.awaited(found), confirms=True)
