"""``mcp``: the server that agents start, for those that work with tools instead of commands."""

import sys

from gitcoord.cli.context import Context
from gitcoord.cli.declare import command
from gitcoord.cli.reply import Reply
from gitcoord.errors import Usage


@command(
    "mcp",
    group="Launch and integrate",
    summary="Serve the Model Context Protocol on standard input and output: the verbs as tools for agents.",
    details="Agents start it; 'git coord setup AGENT' tells them how. Needs the extra: pip install 'gitcoord[mcp]'. "
    "The session is bound to the client's process. 'git coord recipes mcp' lists the tools.",
    example="git coord mcp",
)
def mcp(ctx: Context) -> Reply:
    options = ctx.options
    if options.json or options.porcelain or options.z or options.session is not None:
        raise Usage("mcp speaks a protocol of its own, and its client signs on", hint="git coord mcp")
    try:
        from gitcoord.agents.mcp_server.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "gitcoord":
            raise
        raise Usage(
            f"the MCP server needs a package that is not installed ({error.name})",
            hint="pip install 'gitcoord[mcp]'",
        ) from None
    if sys.stdin.isatty():
        from gitcoord.cli.output import talk

        talk("git coord mcp: waiting for a client on standard input; agents start this by themselves")
    serve(ctx.start, ctx.environ)
    return Reply(None, list)
