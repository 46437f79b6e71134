"""What coding agents call: hook agent. Not for people, so not in the help; ``__main__`` starts it without all this."""

from gitcoord.cli.context import Context
from gitcoord.cli.declare import Opt, command
from gitcoord.cli.reply import Reply
from gitcoord.cli.values import filled
from gitcoord.lean import Annotated


@command(
    "hook agent",
    group="Set-up",
    summary="Serve one hook of a coding agent: reads its JSON from standard input.",
    details="Starts or resumes the agent's session, keeps it alive, denies edits of what others have locked, and tells "
    "the agent the facts. Whatever it does not understand is exit 0 and silence; exit 2 means that an edit is denied. "
    "'git coord setup AGENT' writes the configuration that calls it; 'git coord recipes agent-hooks' explains it.",
    example="git coord hook agent --agent claude",
    hidden=True,
)
def hook_agent(
    ctx: Context,
    *,
    agent: Annotated[
        str | None,
        Opt("--agent", metavar="A", about="Which one: claude, codex, gemini, copilot, vscode, cursor.", parse=filled),
    ] = None,
) -> Reply:
    from gitcoord.agents.hook import serve

    answer = serve(agent or "", ctx.environ)
    if answer.err:
        from gitcoord.cli.output import talk

        talk(answer.err)
    result = {"output": answer.out or None, "message": answer.err or None}
    return Reply(result, bare=answer.out or None, code=answer.code)
