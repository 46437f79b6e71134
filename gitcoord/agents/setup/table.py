"""Where each agent keeps its settings and what goes there: a new agent is a function here.

Owns the knowledge of other people's formats; each function names the documentation that it follows (as of November
2026). Must not know how files are read or written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from gitcoord.agents.setup import command, guide
from gitcoord.agents.setup.pieces import Entry, Hooks, Piece, Version, is_server, is_status_line
from gitcoord.agents.setup.section import Section, TomlServer

_SECONDS = 10
"""How long an agent waits for a hook of ours; it needs a twentieth of a second."""


_NAMES = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd")
"""The events that we serve, by the names that Claude Code gave them and most others took over."""

_MCP = "mcp__.*"
"""Tools of MCP servers, which may write files as well; the hook tells which do."""


class Target(msgspec.Struct, frozen=True):
    """One file: its path, what goes into it, in order, and whether it is JSON (else it is text with marked parts)."""

    path: str
    pieces: tuple[Piece, ...]
    json: bool = True


class Wish(msgspec.Struct, frozen=True):
    """What is asked for. ``root``: the worktree's top, or the user's home; ``user`` says which."""

    root: str
    user: bool
    mcp: bool
    status_line: bool
    environ: Mapping[str, str]

    def home(self, variable: str, name: str) -> str:
        """The agent's own directory: in the project, or the user's, which ``variable`` may have moved."""
        if self.user and self.environ.get(variable):
            return os.path.abspath(self.environ[variable])
        return os.path.join(self.root, name)


class Plan(msgspec.Struct, frozen=True):
    """The files of one agent, and what its user should know beside them."""

    targets: list[Target]
    notes: list[str] = []


def claude(wish: Wish) -> Plan:
    """code.claude.com/docs: hooks, settings, skills, statusline, mcp."""
    home = wish.home("CLAUDE_CONFIG_DIR", ".claude")
    edits = f"Edit|MultiEdit|Write|NotebookEdit|{_MCP}"
    events = _events("claude", _NAMES, {"PreToolUse": edits})
    line = {"type": "command", "command": command.status_line()}
    settings: list[Piece] = [Hooks(events)]
    if wish.status_line:
        settings.append(Entry(None, "statusLine", line, is_status_line))
    front = f'---\nname: gitcoord\ndescription: "{guide.TITLE}"\n---\n\n'
    targets = [
        Target(os.path.join(home, "settings.json"), tuple(settings)),
        Target(os.path.join(home, "skills", "gitcoord", "SKILL.md"), (Section(guide.TEXT, head=front),), json=False),
    ]
    if not wish.mcp:
        return Plan(targets)
    if wish.user:  # ~/.claude.json is rewritten all the time by every Claude that runs
        return Plan(targets, ["for the MCP server: claude mcp add --scope user gitcoord -- git-coord mcp"])
    return Plan([*targets, Target(os.path.join(wish.root, ".mcp.json"), (_server("mcpServers"),))])


def codex(wish: Wish) -> Plan:
    """developers.openai.com/codex: hooks (hooks.json beside config.toml), mcp, guides/agents-md."""
    home = wish.home("CODEX_HOME", ".codex")
    edits = f"apply_patch|Bash|Edit|Write|{_MCP}"  # some models apply their patches in a shell
    events = _events("codex", _NAMES, {"PreToolUse": edits})
    events["SessionEnd"]["hooks"][0]["timeout"] = 3  # more is warned about at every start
    text = os.path.join(home if wish.user else wish.root, "AGENTS.md")
    targets = [
        Target(os.path.join(home, "hooks.json"), (Hooks(events),)),
        Target(text, (Section(guide.TEXT),), json=False),
    ]
    if wish.mcp:
        program, *arguments = command.SERVER
        table = TomlServer("mcp_servers", "gitcoord", {"command": program, "args": arguments})
        targets.append(Target(os.path.join(home, "config.toml"), (table,), json=False))
    notes = ["Codex runs a new or changed hook only once you trust it: enter /hooks in Codex"]
    return Plan(targets, notes if wish.user else [*notes, "and it reads .codex only in a project that you trust"])


def gemini(wish: Wish) -> Plan:
    """geminicli.com/docs: hooks/reference (time limits in milliseconds), reference/configuration, tools/mcp-server."""
    home = os.path.join(wish.root, ".gemini")
    names = ("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd")
    handler = {"name": "gitcoord", "timeout": _SECONDS * 1000}
    events = _events("gemini", names, {"BeforeTool": "write_file|replace|edit_file|mcp_.*"}, handler)
    settings: list[Piece] = [Hooks(events)]
    if wish.mcp:
        settings.append(_server("mcpServers"))
    text = os.path.join(home if wish.user else wish.root, "GEMINI.md")
    return Plan(
        [
            Target(os.path.join(home, "settings.json"), tuple(settings)),
            Target(text, (Section(guide.TEXT),), json=False),
        ]
    )


def cursor(wish: Wish) -> Plan:
    """cursor.com/docs: agent/hooks, context/rules, context/mcp."""
    home = os.path.join(wish.root, ".cursor")
    handler = {"command": command.hook("cursor"), "timeout": _SECONDS}
    names = ("sessionStart", "beforeSubmitPrompt", "preToolUse", "postToolUse", "stop", "sessionEnd")
    events = {name: dict(handler) for name in names}
    events["preToolUse"]["matcher"] = "Write|Delete"
    targets = [Target(os.path.join(home, "hooks.json"), (Version(), Hooks(events)))]
    notes = []
    if wish.user:
        notes = ["Cursor keeps rules for all projects in its settings window: 'setup cursor' in a project writes them"]
    else:
        front = f'---\ndescription: "{guide.TITLE}"\nalwaysApply: true\n---\n\n'
        rule = Section(guide.TEXT, head=front)
        targets.append(Target(os.path.join(home, "rules", "gitcoord.mdc"), (rule,), json=False))
    if wish.mcp:
        targets.append(Target(os.path.join(home, "mcp.json"), (_server("mcpServers"),)))
    return Plan(targets, notes)


def copilot(wish: Wish) -> Plan:
    """docs.github.com/copilot: hooks-reference, custom instructions; code.visualstudio.com/docs: hooks, mcp.

    Events are spelt as VS Code does: then Copilot speaks to a hook as VS Code does, too. The command stands there
    twice: VS Code reads ``command``, and early versions of Copilot only know ``bash``.
    """
    run = command.hook("copilot")
    handler = {"type": "command", "command": run, "bash": run, "timeoutSec": _SECONDS}
    hooks = (Version(), Hooks(dict.fromkeys(_NAMES, handler)))
    text = Section(guide.TEXT)
    home = wish.home("COPILOT_HOME", ".copilot") if wish.user else os.path.join(wish.root, ".github")
    targets = [
        Target(os.path.join(home, "hooks", "gitcoord.json"), hooks),
        Target(os.path.join(home, "copilot-instructions.md"), (text,), json=False),
    ]
    if wish.mcp and wish.user:
        server = _server("mcpServers", {"type": "local"}, {"tools": ["*"]})
        targets.append(Target(os.path.join(home, "mcp-config.json"), (server,)))
    elif wish.mcp:
        targets.append(Target(os.path.join(wish.root, ".vscode", "mcp.json"), (_server("servers", {"type": "stdio"}),)))
    return Plan(targets)


AGENTS: dict[str, Callable[[Wish], Plan]] = {
    "claude": claude,
    "codex": codex,
    "gemini": gemini,
    "cursor": cursor,
    "copilot": copilot,
}
"""Every agent that can be set up, and how."""


def _events(
    agent: str, names: Sequence[str], matchers: Mapping[str, str], more: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """Groups with one handler of ours, by event, in the shape that Claude Code began and others took over."""
    handler = {"type": "command", "command": command.hook(agent), "timeout": _SECONDS, **(more or {})}
    return {
        name: {**({"matcher": matchers[name]} if name in matchers else {}), "hooks": [dict(handler)]} for name in names
    }


def _server(box: str, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None) -> Entry:
    program, *arguments = command.SERVER
    value = {**(before or {}), "command": program, "args": arguments, **(after or {})}
    return Entry(box, "gitcoord", value, is_server)
