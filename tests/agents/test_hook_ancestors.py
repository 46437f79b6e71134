"""Which process is the agent: a wrong one would be taken for its death."""

from __future__ import annotations

import pytest

from gitcoord.agents.hook_session import agent_pid
from gitcoord.git.ancestors import Ancestor

SH = ("/bin/sh", "-c", "git coord hook agent")
NODE = ("/usr/bin/node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js")


def chain(*commands: tuple[str, ...]) -> list[Ancestor]:
    """Processes 10, 11, … from the nearest on."""
    return [Ancestor(10 + number, argv) for number, argv in enumerate(commands)]


@pytest.mark.parametrize(
    ("agent", "above", "pid"),
    [
        ("claude", chain(SH, ("claude",), ("-bash",)), 11),
        ("claude", chain(("git", "coord", "hook", "agent"), SH, NODE, ("-zsh",)), 12),
        ("claude", chain(SH, ("node", "/x/run-hook.js"), ("claude", "--resume"), ("-bash",)), 12),
        ("gemini", chain(("bash", "hook.sh"), ("/usr/bin/node", "/usr/bin/gemini"), ("bash",)), 11),
        ("codex", chain(("/usr/bin/python3", "/usr/bin/git-coord", "hook"), SH, ("/opt/codex",)), 12),
        ("cursor", chain(SH, ("/opt/cursor/cursor", "--type=utility")), 11),
        ("", chain(SH, ("some-agent", "x")), 11),
        ("vscode", chain(SH, ("/usr/share/code/code", "--type=utility"), ("/usr/share/code/code",)), 11),
        ("claude", chain(("-bash",), ("tmux: server",)), None),
        ("", chain(SH, ("zsh",), ("sshd",)), None),
        ("", chain(SH, ("bash", "--login", "-i"), ("sshd",)), None),
        ("", chain(("bash", "-lc", "hook"), ("some-agent",)), 11),
        ("claude", chain(SH, ("/bin/timeout", "9", "x"), ("env", "A=b", "sh")), None),
        ("claude", [], None),
    ],
)
def test_the_agent_is_found_behind_shells_and_wrappers(agent: str, above: list[Ancestor], pid: int | None) -> None:
    assert agent_pid(agent, above) == pid


def test_a_directory_of_that_name_is_not_the_agent() -> None:
    above = chain(SH, ("/usr/bin/python3", "/home/claude/wrapper.py"), ("claude",))
    assert agent_pid("claude", above) == 12
    assert agent_pid("claude", chain(SH, ("/usr/bin/python3", "/home/claude/agent.py"))) == 11
