"""The command ``git coord mcp``: what starts it, what it needs, and that nothing else pays for it."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.agents.mcp_support import over_stdio, talked
from tests.agents.support import coordinated, shim
from tests.support import Scratch, coord_argv

PACKAGE = Path(__file__).parent.parent.parent / "gitcoord"
SDK = {"mcp", "mcp_types", "anyio", "pydantic"}


def test_only_the_server_imports_the_sdk_and_only_its_command_imports_the_server() -> None:
    """Half a second, and a package that need not be there."""
    for path in PACKAGE.rglob("*.py"):
        where = str(path.relative_to(PACKAGE))
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.split(".")[0] not in SDK or where == "agents/mcp_server/server.py", where
                assert name != "gitcoord.agents.mcp_server.server" or where == "cli/mcp.py", where
        at_once = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
        if where == "cli/mcp.py":
            assert not any(module and "mcp" in module for module in at_once)


@pytest.mark.parametrize("words", [("help", "mcp"), ("status",), ("setup", "claude", "--print")])
def test_no_other_command_loads_the_sdk(scratch: Scratch, tmp_path: Path, words: tuple[str, ...]) -> None:
    coordinated(scratch)
    fence = tmp_path / "fence"
    fence.mkdir()
    (fence / "anyio.py").write_text("import os\nos._exit(99)\n")
    (fence / "pydantic.py").write_text("import os\nos._exit(99)\n")
    assert scratch.coord(*words, env={"PYTHONPATH": f"{fence}:{PACKAGE.parent}"}).code == 0


def test_without_the_extra_it_says_how_to_get_it(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "mcp_types.py").write_text("raise ImportError('No module named mcp_types', name='mcp_types')\n")
    ran = scratch.coord("mcp", env={"PYTHONPATH": f"{tmp_path}:{PACKAGE.parent}"})
    assert (ran.code, ran.out) == (129, "")
    assert "pip install 'gitcoord[mcp]'" in ran.err


def test_it_takes_no_option_for_output_and_no_session(scratch: Scratch) -> None:
    for words in (("--json",), ("--porcelain",), ("-z",), ("--session", "x")):
        assert scratch.coord("mcp", *words).code == 129


def test_no_input_is_the_end_and_nothing_is_said(scratch: Scratch) -> None:
    ran = scratch.coord("mcp")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_what_setup_writes_starts_this_server(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinated(scratch)
    assert scratch.coord("setup", "claude", "--mcp").code == 0
    entry = json.loads((scratch.path / ".mcp.json").read_text())["mcpServers"]["gitcoord"]
    monkeypatch.setenv("PATH", f"{shim(tmp_path / 'tools')}:/usr/bin:/bin")

    async def scene() -> None:
        async with over_stdio(scratch.path, argv=[entry["command"], *entry["args"]]) as me:
            assert me.client.server_info is not None
            assert me.client.server_info.name == "gitcoord"
            assert (await me.ask("status"))["ready"] == 0

    talked(scene)


def test_what_is_printed_meanwhile_does_not_reach_the_protocol(scratch: Scratch, tmp_path: Path) -> None:
    """A hook of the user's that talks: its words go to standard error."""
    coordinated(scratch)
    hook = scratch.common_dir() / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\necho talk\n")
    hook.chmod(0o755)
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "claude-code", "version": "1"},
    }
    calls: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "sign_on"}},
    ]
    with subprocess.Popen(
        coord_argv("mcp"),
        cwd=scratch.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        heard = []
        for call in [
            *calls,
            {"id": 3, "method": "tools/call", "params": {"name": "claim", "arguments": {"task": "1"}}},
        ]:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **call}) + "\n")
            server.stdin.flush()
            if "id" in call:
                heard.append(json.loads(server.stdout.readline()))
        rest, _ = server.communicate()
    assert [answer["id"] for answer in heard] == [1, 2, 3]
    assert heard[1]["result"]["structuredContent"]["result"]["session"]["agent"] == "claude"
    assert heard[2]["result"]["isError"] is False
    assert (server.returncode, rest) == (0, "")
