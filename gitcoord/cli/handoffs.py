"""Handing work over: handoff, handoffs, accept, withdraw."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Many, Opt, command
from gitcoord.cli.render import handoffs as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import filled, pair
from gitcoord.errors import Usage
from gitcoord.lean import Annotated


@command(
    "handoff",
    group="Handing over",
    summary="Offer a task you hold to somebody else, with your uncommitted work.",
    details="ID is your only claim if left out. Your token is spent and you no longer hold the task; what is "
    "uncommitted in its worktree is kept as a snapshot, and comes back where the offer is accepted. --withdraw takes "
    "back an offer that nobody accepted yet, as 'git coord withdraw' does.",
    example="git coord handoff 15 --note 'parser done, tests missing' --to reviewer --next 'write the tests'\n"
    "git coord handoff 15 --note 'see the tests' --phase tests --context branch=coord/15 --context tests=tests/web",
    codes=("not-holder", "stale-token", "wrong-state", "no-session", "not-found"),
)
def handoff(
    ctx: Context,
    task: Annotated[str | None, Arg("ID", "The task.")] = None,
    *,
    note: Annotated[
        str | None, Opt("--note", "-m", metavar="TEXT", about="What the next one must know.", parse=filled)
    ] = None,
    to: Annotated[
        str | None, Opt("--to", metavar="S", about="Only to this session; to anyone if left out.", parse=filled)
    ] = None,
    phase: Annotated[str | None, Opt("--phase", metavar="P", about="How far it is.", parse=filled)] = None,
    following: Annotated[
        tuple[str, ...], Many("--next", metavar="STEP", about="A next step; may be repeated.", parse=filled)
    ] = (),
    context: Annotated[
        tuple[tuple[str, str], ...], Many("--context", metavar="K=V", about="A fact; may be repeated.", parse=pair)
    ] = (),
    withdraw: Annotated[bool, Flag("--withdraw", about="Take the offer back instead.")] = False,
) -> Reply:
    if withdraw:
        if task is None or note or to or phase or following or context:
            raise Usage("--withdraw takes the task and nothing else", hint="git coord withdraw 15")
        return withdrawn(ctx, task)
    if note is None:
        raise Usage("say what the next one must know", hint="git coord handoff --note 'tests are missing'")
    offered = ctx.coord.handoff(task, note=note, to=to, phase=phase, next=following, context=dict(context))
    return Reply(offered, lambda: look.offered(offered), confirms=True)


@command(
    "handoffs",
    group="Handing over",
    summary="List open offers, those to you first.",
    example="git coord handoffs",
)
def handoffs(ctx: Context) -> Reply:
    found = ctx.coord.handoffs()
    return Reply(found, lambda: look.listed(found))


@command(
    "accept",
    group="Handing over",
    summary="Take an offered task over, in its branch, with the uncommitted work restored.",
    example="git coord accept 15",
    codes=("held", "not-holder", "wrong-state", "no-session", "not-found", "unsafe", "conflict"),
)
def accept(
    ctx: Context,
    task: Annotated[str, Arg("ID", "The task.")],
    *,
    no_restore: Annotated[bool, Flag("--no-restore", about="Leave the uncommitted work in its snapshot.")] = False,
    no_worktree: Annotated[bool, Flag("--no-worktree", about="Make no worktree, and restore nothing.")] = False,
) -> Reply:
    accepted = ctx.coord.accept(task, restore=not no_restore, worktree=not no_worktree)
    result = {"grant": accepted.grant, "offer": accepted.handoff, "restored": accepted.restored}
    return Reply(result, lambda: look.accepted(accepted), confirms=True)


@command(
    "withdraw",
    group="Handing over",
    summary="Take an offer of yours back: you hold the task again.",
    example="git coord withdraw 15",
    codes=("not-holder", "wrong-state", "no-session", "not-found"),
)
def withdrawn(ctx: Context, task: Annotated[str, Arg("ID", "The task.")]) -> Reply:
    taken_back = ctx.coord.withdraw(task)
    return Reply(taken_back, lambda: look.withdrawn(taken_back), confirms=True)
