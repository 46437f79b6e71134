"""Across machines: hub show|set|probe|unset, and sync."""

import time

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Arg, Flag, Opt, command
from gitcoord.cli.render import hub as look
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import duration, filled
from gitcoord.errors import CoordError, Usage
from gitcoord.git.run import BACKGROUND
from gitcoord.lean import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from gitcoord.coordinator.hub import SyncView

_CODES = ("hub-unreachable", "hub-refused")
_FASTEST = 5.0
"""Seconds between two rounds of ``--every`` at least: hosts limit how often one may come."""


@command(
    "hub show",
    group="Across machines",
    summary="Show the hub and how far this clone is in step with it, without asking it.",
    example="git coord hub show",
)
def hub_show(ctx: Context) -> Reply:
    view = ctx.coord.hub_show()
    return Reply(view, lambda: look.hub(view), as_of=view.as_of)


@command(
    "hub set",
    group="Across machines",
    summary="Coordinate through this remote: take part in its state, or publish ours where it has none.",
    details="Any remote or address that may be pushed to; nothing is installed there. Only the setting coord.hub is "
    "written here. --republish publishes anew to a hub that lost its state, under a new epoch.",
    example="git coord hub set origin",
    codes=_CODES,
)
def hub_set(
    ctx: Context,
    remote: Annotated[str | None, Arg("REMOTE", "A remote's name, or an address.", parse=filled)] = None,
    *,
    republish: Annotated[bool, Flag("--republish", about="Publish again to a hub that lost its state.")] = False,
) -> Reply:
    name = remote or ctx.coord.config.hub
    if name is None:
        raise Usage("say which remote", hint="git coord hub set origin")
    view = ctx.coord.hub_set(name, republish=republish)
    return Reply(view, lambda: look.hub(view), as_of=view.as_of, confirms=True)


@command(
    "hub probe",
    group="Across machines",
    summary="Find out with two harmless refs what a remote allows.",
    example="git coord hub probe origin",
    codes=_CODES,
)
def hub_probe(
    ctx: Context,
    remote: Annotated[str | None, Arg("REMOTE", "The remote; the hub if left out.", parse=filled)] = None,
) -> Reply:
    checks = ctx.coord.hub_probe(remote)
    return Reply(checks, lambda: look.probed(checks))


@command(
    "hub unset",
    group="Across machines",
    summary="Work without a hub from now on; the state stays, here and there.",
    example="git coord hub unset",
)
def hub_unset(ctx: Context) -> Reply:
    wrote = ctx.coord.hub_unset()
    return Reply(wrote, lambda: look.unset(wrote), confirms=True)


@command(
    "sync",
    group="Across machines",
    summary="Fetch from the hub, merge, and push what changed.",
    details="What was done here and cannot stand beside what happened there is undone, told and kept for 30 days. "
    "--every goes on until it is interrupted.",
    example="git coord sync --every 60s",
    codes=_CODES,
)
def sync(
    ctx: Context,
    *,
    every: Annotated[
        float | None, Opt("--every", metavar="D", about="Again and again, with this pause.", parse=duration)
    ] = None,
) -> Reply:
    if BACKGROUND in ctx.environ and ctx.coord.config.sync == "manual":
        ctx.coord.note_hub()  # set by hand, and whoever started this did not know it yet
        raise Usage("coord.sync is manual: nothing goes out by itself", hint="git coord sync")
    if every is None:
        view = ctx.coord.sync()
        return Reply(view, lambda: look.synced(view), as_of=0.0, confirms=True)
    if every < _FASTEST:
        raise Usage("the pause is 5s at least: hosts limit how often one may come", hint="git coord sync --every 60s")
    return _again_and_again(ctx, every)


@command(
    "push",
    group="Across machines",
    summary="Push a branch to the hub, only while you hold its task.",
    details="The branch and the renewed claim go in one atomic push: a take-over at any instant rejects both. REFSPEC "
    "is what is checked out if left out.",
    example="git coord push\ngit coord push HEAD:feature",
    codes=("not-holder", "stale-token", "conflict", "no-session", *_CODES),
)
def push(
    ctx: Context,
    refspec: Annotated[str | None, Arg("REFSPEC", "SRC, or SRC:DST; never forced.", parse=filled)] = None,
    *,
    task: Annotated[
        str | None, Opt("--task", metavar="ID", about="The task; your only claim if left out.", parse=filled)
    ] = None,
) -> Reply:
    view = ctx.coord.push(refspec, task=task)
    return Reply(view, lambda: look.pushed(view), confirms=True, guarantee="confirmed")


def _again_and_again(ctx: Context, every: float) -> Reply:
    """Sync until interrupted; a hub that is away for a while is no reason to stop, and is asked less often."""
    from gitcoord.cli.output import show, talk

    pause = every
    while True:
        try:
            view: SyncView = ctx.coord.sync()
        except CoordError as error:
            if error.exit != 5:
                raise
            pause = min(pause * 2, max(every, 600.0))
            talk(f"{error.message}; again in {pause:.0f} s")
        else:
            pause = every
            if view.received or view.sent or view.conflicts:
                show(look.synced(view), ctx.environ)
        time.sleep(pause * (0.9 + 0.2 * ctx.coord.chance.random()))  # many clones must not come at the same moment
