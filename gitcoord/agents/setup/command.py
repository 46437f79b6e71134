"""The command lines that go into agents' settings.

Each is one ``sh -c '…'``, so that it means the same whether the agent starts programs itself or through a shell, and
through whichever (Codex uses ``$SHELL``, which may be fish). A shared file reaches people who have no gitcoord: then it
is silent and succeeds. Exit status 2 means "deny" to every agent and passes through; any other failure becomes success,
because Copilot denies the tool call after any failure of a hook.
"""

from __future__ import annotations

_MISSING = "command -v git-coord >/dev/null 2>&1 || exit 0"


def hook(agent: str) -> str:
    """What the hooks of ``agent`` run, with the event as JSON on stdin."""
    return f"sh -c '{_MISSING}; git-coord hook agent --agent {agent}; [ $? -ne 2 ] || exit 2'"


def status_line() -> str:
    """What prints the status line."""
    return f"sh -c '{_MISSING}; exec git-coord statusline'"


SERVER = ("git-coord", "mcp")
"""What starts the MCP server: program and argument, without a shell."""
