"""What each agent keeps where: which of it a session has for itself, and which it shares with the others. One table.

Owns the built-in descriptions and how ``coord.isolate.<agent>.*`` adds to them. Only local configuration counts. Must
not know files: ``isolate`` makes what is described here.

Claude Code: https://code.claude.com/docs/en/settings (``CLAUDE_CONFIG_DIR`` also moves ``.claude.json``). Codex:
https://developers.openai.com/codex (``CODEX_HOME``). Gemini CLI: docs/reference/configuration.md
(``GEMINI_CLI_HOME`` names the directory that has ``.gemini`` in it).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec

from gitcoord.errors import Usage

Settings = Mapping[str, Sequence[str]]
"""Every value of ``coord.isolate.*``, by its key as Git prints it."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One agent.

    ``variables`` name the private directory; what the agent calls its home is ``folder`` in it. ``home`` is the shared
    one, unless the first variable names another. ``private``: directories to make (``x/``) and names never to share.
    ``shared``: names that become links. ``merged``: files of which the session gets a copy, of JSON or TOML; those in
    ``beside`` lie next to the default home. ``settings``: the one of them that a session's own settings go into.
    ``servers``: where the MCP servers stand, as a file and a key.
    """

    agent: str
    variables: tuple[str, ...]
    home: str
    folder: str = ""
    private: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    settings: str = "settings.json"
    servers: tuple[tuple[str, str], ...] = ()


ROWS = (
    Row(
        agent="claude",
        variables=("CLAUDE_CONFIG_DIR",),
        home="~/.claude",
        private=(
            "history.jsonl",
            "projects/",
            "todos/",
            "tasks/",
            "plans/",
            "shell-snapshots/",
            "file-history/",
            "session-env/",
            "debug/",
            "paste-cache/",
            "statsig/",
            "telemetry/",
        ),
        shared=(
            "skills",
            "agents",
            "commands",
            "plugins",
            "hooks",
            "rules",
            "output-styles",
            "keybindings.json",
            "CLAUDE.md",
            ".credentials.json",
        ),
        merged=("settings.json", ".claude.json"),
        beside=(".claude.json",),
        servers=((".claude.json", "mcpServers"), ("settings.json", "mcpServers")),
    ),
    Row(
        agent="codex",
        variables=("CODEX_HOME",),
        home="~/.codex",
        private=("history.jsonl", "sessions/", "archived_sessions/", "log/", "shell_snapshots/"),
        shared=("skills", "prompts", "rules", "agents", "AGENTS.md", "AGENTS.override.md", "auth.json"),
        merged=("config.toml",),
        settings="config.toml",
        servers=(("config.toml", "mcp_servers"),),
    ),
    Row(
        agent="gemini",
        variables=("GEMINI_CLI_HOME",),
        home="~/.gemini",
        folder=".gemini",
        private=("history/", "tmp/"),
        shared=(
            "skills",
            "agents",
            "commands",
            "extensions",
            "policies",
            "GEMINI.md",
            "oauth_creds.json",
            "google_accounts.json",
            "trustedFolders.json",
        ),
        merged=("settings.json",),
        servers=(("settings.json", "mcpServers"),),
    ),
)
"""The agents that are known without a setting."""


def described(agent: str, settings: Settings) -> Row:
    """How ``agent`` is isolated: the built-in row with what the settings add. Raises Usage."""
    given = {name: tuple(settings.get(f"coord.isolate.{agent}.{name}", ())) for name in _KEYS}
    known = next((row for row in ROWS if row.agent == agent), None)
    if known is None:
        if not given["variable"] or not given["home"]:
            raise Usage(
                f"how to isolate '{agent}' is not known: it is none of {', '.join(row.agent for row in ROWS)}",
                hint=f"git config coord.isolate.{agent}.variable NAME, and coord.isolate.{agent}.home DIR",
            )
        known = Row(agent=agent, variables=(), home="", merged=("settings.json",))
    for name in given["variable"]:
        if not name.isidentifier() or not name.isascii():
            raise Usage(f"coord.isolate.{agent}.variable is '{name}', which is no variable's name")
    for name in (*given["private"], *given["shared"]):
        _check(agent, name)
    return msgspec.structs.replace(
        known,
        variables=given["variable"] or known.variables,
        home=(given["home"] or (known.home,))[-1],
        private=(*known.private, *given["private"]),
        shared=(*known.shared, *given["shared"]),
    )


def overrides(agent: str, settings: Settings) -> str | None:
    """The file with settings for this agent's isolated sessions, as it was configured."""
    found = settings.get(f"coord.isolate.{agent}.settings", ())
    return found[-1] if found else None


def _check(agent: str, name: str) -> None:
    """A name is a place inside of the agent's home: a link must not lead anywhere else."""
    parts = name.removesuffix("/").split("/")
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts) or not name.isprintable():
        raise Usage(
            f"coord.isolate.{agent} names '{name}', which is no path inside of the agent's own directory",
            hint="write it relative to coord.isolate.<agent>.home, without '..'",
        )


def expanded(path: str, environ: Mapping[str, str]) -> str:
    """``path`` with ``~`` as the user's home directory, absolute. Raises Usage where it is relative or has no home."""
    if path == "~" or path.startswith("~/"):
        home = environ.get("HOME")
        if not home:
            raise Usage(f"{path} cannot be found: HOME is not set")
        path = os.path.join(home, path[2:])
    if not os.path.isabs(path):
        raise Usage(f"{path} must be an absolute path, or begin with ~/")
    return os.path.normpath(path)


_KEYS = ("private", "shared", "variable", "home")
