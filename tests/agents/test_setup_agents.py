"""What was written works: a stand-in for the agent reads it and runs it as the agent would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from gitcoord.agents.setup import AGENTS
from tests.agents.standin import StandIn
from tests.support import Scratch, without_gitcoord_on_path

EVENTS = {
    "claude": ("SessionStart", "PreToolUse", "Edit", "SessionEnd"),
    "codex": ("SessionStart", "PreToolUse", "apply_patch", "SessionEnd"),
    "gemini": ("SessionStart", "BeforeTool", "write_file", "SessionEnd"),
    "cursor": ("sessionStart", "preToolUse", "Write", "sessionEnd"),
    "copilot": ("SessionStart", "PreToolUse", "edit", "SessionEnd"),
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``git-coord`` on PATH, which starts this checkout."""
    tools = tmp_path / "the tools"
    tools.mkdir()
    program = tools / "git-coord"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitcoord "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.fixture
def locked(scratch: Scratch) -> Scratch:
    """A repository in which somebody else, alive, holds src."""
    scratch.commit("source", {"src/a.py": "x\n", "free.py": "y\n"})
    assert scratch.coord("init", "--no-hooks").code == 0
    assert scratch.coord("start", "holder", "--no-bind").code == 0
    assert scratch.coord("lock", "src/**", "--reason", "rewriting it", "--session", "holder").code == 0
    return scratch


def edit(agent: str, place: Path, name: str) -> dict[str, object]:
    """How ``agent`` says that it is about to write a file."""
    if agent == "codex":
        return {"command": f"*** Begin Patch\n*** Update File: {name}\n@@\n-x\n+z\n*** End Patch\n"}
    key = "path" if agent == "copilot" else "file_path"
    return {key: str(place / name)}


@pytest.mark.parametrize("agent", AGENTS)
def test_an_edit_of_what_somebody_else_locked_is_denied(agent: str, locked: Scratch, installed: Path) -> None:
    assert locked.coord("setup", agent).code == 0
    standin = StandIn(agent, locked.path)
    start, before, tool, end = EVENTS[agent]
    assert not standin.fire(start, source="startup").denied
    assert [one["external_id"] for one in locked.coord("sessions", "--json").result] == [standin.session, None]
    refused = standin.fire(before, tool, tool_input=edit(agent, locked.path, "src/a.py"))
    assert refused.denied
    assert "holder" in refused.reasons
    assert not standin.fire(before, tool, tool_input=edit(agent, locked.path, "free.py")).denied
    assert standin.fire(end, reason="other").codes == (0,)


@pytest.mark.parametrize("agent", AGENTS)
def test_where_gitcoord_is_missing_nothing_happens(
    agent: str, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scratch.coord("setup", agent).code == 0
    without_gitcoord_on_path(monkeypatch)
    _start, before, tool, _end = EVENTS[agent]
    answer = StandIn(agent, scratch.path).fire(before, tool, tool_input=edit(agent, scratch.path, "src/a.py"))
    assert (answer.codes, answer.printed, answer.reasons) == ((0,), "", "")


@pytest.mark.parametrize("agent", AGENTS)
def test_only_a_denial_denies(agent: str, scratch: Scratch, installed: Path) -> None:
    assert scratch.coord("setup", agent).code == 0
    _start, before, tool, _end = EVENTS[agent]
    for status in (0, 1, 2, 70, 127, 128):
        installed.write_text(f"#!/bin/sh\ncat >/dev/null\necho because >&2\nexit {status}\n")
        answer = StandIn(agent, scratch.path).fire(before, tool, tool_input={})
        assert answer.denied is (status == 2)
        assert answer.codes == (2 if status == 2 else 0,)


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish", "ksh"])
def test_codex_may_use_any_shell(
    shell: str, scratch: Scratch, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    assert scratch.coord("setup", "codex").code == 0
    monkeypatch.setenv("SHELL", shutil.which(shell) or "")
    installed.write_text("#!/bin/sh\ncat >/dev/null\nexit 2\n")
    assert StandIn("codex", scratch.path).fire("PreToolUse", "apply_patch").denied
    installed.unlink()
    without_gitcoord_on_path(monkeypatch)
    assert StandIn("codex", scratch.path).fire("PreToolUse", "apply_patch").codes == (0,)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_tool_that_reads_is_not_asked_about(agent: str, scratch: Scratch, installed: Path) -> None:
    assert scratch.coord("setup", agent).code == 0
    installed.write_text("#!/bin/sh\nexit 2\n")
    answer = StandIn(agent, scratch.path).fire(EVENTS[agent][1], "Read")
    assert answer.denied is (agent == "copilot")  # whose matchers VS Code ignores: there the hook itself tells


def test_hooks_of_others_run_beside_ours(scratch: Scratch, installed: Path) -> None:
    path = scratch.path / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text('{"hooks": {"PreToolUse": [{"matcher": "Edit", "hooks": [{"command": "echo theirs"}]}]}}\n')
    installed.write_text("#!/bin/sh\necho ours\n")
    assert scratch.coord("setup", "claude").code == 0
    assert StandIn("claude", scratch.path).fire("PreToolUse", "Edit").printed == "theirs\nours\n"


def test_the_status_line_that_claude_is_told_to_run_says_something(
    locked: Scratch, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locked.coord("setup", "claude").code == 0
    line = msgspec.json.decode((locked.path / ".claude" / "settings.json").read_bytes())["statusLine"]
    assert line["type"] == "command"
    ran = [subprocess.run(["sh", "-c", line["command"]], cwd="/", input=json.dumps({"cwd": str(locked.path)}).encode(),
                          capture_output=True, timeout=60)]  # fmt: skip
    without_gitcoord_on_path(monkeypatch)
    ran.append(subprocess.run(["sh", "-c", line["command"]], cwd="/", input=b"{}", capture_output=True, timeout=60))
    assert [(done.returncode, done.stdout, done.stderr) for done in ran] == [
        (0, b"1 other active\n", b""),
        (0, b"", b""),
    ]


def test_the_mcp_server_is_entered_where_each_agent_looks_for_it(scratch: Scratch) -> None:
    for agent in AGENTS:
        assert scratch.coord("setup", agent, "--mcp").code == 0

    def entry(name: str, box: str) -> object:
        return msgspec.json.decode((scratch.path / name).read_bytes())[box]["gitcoord"]

    server = {"command": "git-coord", "args": ["mcp"]}
    assert entry(".mcp.json", "mcpServers") == server
    assert entry(".gemini/settings.json", "mcpServers") == server
    assert entry(".cursor/mcp.json", "mcpServers") == server
    assert entry(".vscode/mcp.json", "servers") == {"type": "stdio", **server}
    table = tomllib.loads((scratch.path / ".codex" / "config.toml").read_text())
    assert table == {"mcp_servers": {"gitcoord": server}}


@pytest.mark.parametrize("agent", AGENTS)
def test_every_agent_is_told_the_same_in_few_lines(agent: str, scratch: Scratch) -> None:
    from gitcoord.agents.setup.guide import TEXT

    assert scratch.coord("setup", agent).code == 0
    assert len(TEXT.splitlines()) <= 60
    told = [path for path in scratch.path.rglob("*.md*") if "git coord claim" in path.read_text()]
    assert [TEXT in path.read_text() for path in told] == [True]


@pytest.mark.parametrize(
    ("agent", "name", "keys"),
    [
        ("claude", ".claude/skills/gitcoord/SKILL.md", ["name", "description"]),
        ("cursor", ".cursor/rules/gitcoord.mdc", ["description", "alwaysApply"]),
    ],
)
def test_front_matter_is_yaml_that_means_what_it_says(agent: str, name: str, keys: list[str], scratch: Scratch) -> None:
    assert scratch.coord("setup", agent).code == 0
    first, *rows = (scratch.path / name).read_text().partition("\n---\n")[0].splitlines()
    assert first == "---"
    pairs = [row.partition(": ") for row in rows]
    assert [key for key, _colon, _value in pairs] == keys
    for _key, _colon, value in pairs:  # a colon in a value that is not quoted begins a mapping
        assert re.fullmatch(r'"[^"\\]+"|[a-z]+', value), value


def test_every_command_that_agents_are_told_of_exists() -> None:
    from gitcoord.agents.setup.guide import TEXT
    from gitcoord.cli import app
    from gitcoord.cli.table import NOUNS, TABLE

    for line in re.findall(r"git coord ([a-z][^`]*)", TEXT):
        words = [word.strip(")'\",") for word in line.split()]
        verb = " ".join(words[:2]) if words[0] in NOUNS and words[0] not in TABLE else words[0]
        known = {name for param in app.load(verb).params for name in param.mark.names}
        options = {word for word in words if word.startswith("-")}
        assert options <= known, line
