"""The facts for an agent's context: prime."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Opt, command
from gitcoord.cli.render.doc import lines
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import filled
from gitcoord.lean import Annotated


@command(
    "prime",
    group="Launch and integrate",
    summary="Print what an agent should know first: what it holds, what is ready, who is here, what is locked.",
    details="Facts, never more than 10,000 characters, with everything that others wrote marked as such. The hooks of "
    "agents print it at the start of a session; with --agent it comes in the form that agent's hooks take.",
    example="git coord prime",
)
def prime(
    ctx: Context,
    *,
    agent: Annotated[
        str | None, Opt("--agent", metavar="A", about="In the form of this agent's start hook.", parse=filled)
    ] = None,
) -> Reply:
    from gitcoord.agents.prime import text
    from gitcoord.coordinator import priming

    primed = priming.facts(ctx.coord, ctx.start)
    said = text(primed)
    if agent is None:
        return Reply(primed, lambda: lines(*said.split("\n")), lines=[primed])
    from gitcoord.agents.hook_answer import context
    from gitcoord.agents.hook_payload import Call

    sid = primed.me.id if primed.me is not None else ""
    return Reply(primed, bare=context(Call("start", "SessionStart", agent.lower()), said, sid).out)
