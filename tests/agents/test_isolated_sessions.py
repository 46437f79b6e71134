"""Isolated sessions as real processes: a program in the place of Claude Code, started by ``git coord run --isolate``.

It keeps what the agent keeps, where the agent keeps it, and starts the MCP servers of its configuration as the agent
does; each of those keeps a file of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support import Scratch, coord_argv

AGENT = """
import json, os, subprocess, sys, time
home = os.environ["CLAUDE_CONFIG_DIR"]
meet, word, stay = sys.argv[1], sys.argv[2], sys.argv[3:] == ["stay"]
open(os.path.join(meet, word), "w").close()
deadline = time.monotonic() + 30
while len(os.listdir(meet)) < 2 and time.monotonic() < deadline:
    time.sleep(0.01)
def add(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a") as file:
        file.write(text + "\\n")
add(os.environ["CLAUDE_HISTORY_FILE"], word)
for folder in ("CLAUDE_TODOS_DIR", "CLAUDE_SHELL_SNAPSHOTS_DIR", "CLAUDE_FILE_HISTORY_DIR", "CLAUDE_DEBUG_DIR"):
    add(os.path.join(os.environ[folder], "x"), word)
add(os.path.join(home, "projects", "p", "transcript.jsonl"), word)
config = json.load(open(os.path.join(home, ".claude.json")))
config["numStartups"] = config.get("numStartups", 0) + 1
json.dump(config, open(os.path.join(home, ".claude.json"), "w"))
settings = json.load(open(os.path.join(home, "settings.json")))
for server in config["mcpServers"].values():
    subprocess.run([server["command"], *server["args"]], env={**os.environ, **server["env"]}, check=True)
seen = {
    "sid": os.environ["GIT_COORD_SESSION"],
    "home": home,
    "history": open(os.environ["CLAUDE_HISTORY_FILE"]).read().split(),
    "startups": config["numStartups"],
    "skill": open(os.path.join(home, "skills", "review.md")).read(),
    "theme": settings["theme"],
    "mcp": os.environ["CLAUDE_MCP_STATE_DIR"],
}
print(json.dumps(seen), flush=True)
if stay:
    time.sleep(60)
"""
SERVER = 'import os; open(os.path.join(os.environ["CLAUDE_MCP_STATE_DIR"], "db"), "a").write("x")'


class Lab:
    """A repository, a user's own configuration of Claude Code, and the program in its place."""

    def __init__(self, scratch: Scratch, at: Path) -> None:
        self.scratch, self.meet = scratch, at / "meet"
        self.meet.mkdir()
        self.home = Path(os.environ["HOME"])
        self.program = at / "agent.py"
        self.program.write_text(AGENT)
        server = {"command": sys.executable, "args": ["-c", SERVER], "env": {"KEY": "k"}}
        (self.home / ".claude" / "skills").mkdir(parents=True)
        (self.home / ".claude" / "skills" / "review.md").write_text("how we review")
        (self.home / ".claude" / "history.jsonl").write_text("long ago\n")
        (self.home / ".claude" / "settings.json").write_text('{"theme": "dark"}')
        (self.home / ".claude.json").write_bytes(msgspec.json.encode({"mcpServers": {"db": server, "my web": server}}))

    def argv(self, *options: str, word: str, stay: bool = False) -> list[str]:
        program = [sys.executable, str(self.program), str(self.meet), word, *(["stay"] if stay else [])]
        whose = [] if "--resume" in options else ["--agent", "claude"]
        return coord_argv("run", "--isolate", *whose, *options, "--", *program)

    def start(self, *options: str, word: str, stay: bool = False) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*options, word=word, stay=stay),
            cwd=self.scratch.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def run(self, *options: str, word: str) -> Any:
        (self.meet / "nobody to wait for").touch()
        return said([self.start(*options, word=word)])[0]

    def private(self, sid: str) -> Path:
        return self.scratch.common_dir() / "coord" / "sessions" / sid

    def shared(self) -> dict[str, bytes]:
        """All that is the user's own."""
        return {str(path): path.read_bytes() for path in self.home.rglob("*") if path.is_file()}


def said(running: Sequence[subprocess.Popen[str]]) -> list[Any]:
    """What each of the programs saw, when it has ended well."""
    found = []
    for child in running:
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 0, out
        found.append(msgspec.json.decode(out.splitlines()[0]))
    return found


def written(folder: Path) -> set[tuple[int, int]]:
    """The files of a private directory itself, by what they are on the disk."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {(path.stat().st_dev, path.stat().st_ino) for path in files}


@pytest.fixture
def lab(scratch: Scratch, tmp_path: Path) -> Lab:
    scratch.git("config", "coord.durability", "relaxed")
    assert scratch.coord("init", "--no-hooks").code == 0
    return Lab(scratch, tmp_path)


def test_two_sessions_at_once_share_no_file_that_either_writes(lab: Lab) -> None:
    before = lab.shared()
    one, two = said([lab.start("--name", "x", word="one"), lab.start("--name", "x", word="two")])
    assert one["sid"] != two["sid"]
    assert (one["history"], two["history"]) == (["one"], ["two"])
    assert one["startups"] == two["startups"] == 1
    mine, others = (written(lab.private(seen["sid"])) for seen in (one, two))
    assert len(mine) >= 10
    assert mine.isdisjoint(others)
    assert lab.shared() == before


@pytest.mark.nightly
def test_thirty_sessions_at_once_share_no_file_that_any_of_them_writes(lab: Lab) -> None:
    before = lab.shared()
    seen = said([lab.start("--name", "x", word=f"w{number}") for number in range(30)])
    assert [each["history"] for each in seen] == [[f"w{number}"] for number in range(30)]
    files = [written(lab.private(each["sid"])) for each in seen]
    assert len(set.union(*files)) == sum(map(len, files))
    assert lab.shared() == before


def test_two_sessions_at_once_use_the_same_skills(lab: Lab) -> None:
    one, two = said([lab.start(word="one"), lab.start(word="two")])
    assert one["skill"] == two["skill"] == "how we review"
    skills = {os.path.realpath(os.path.join(seen["home"], "skills")) for seen in (one, two)}
    assert skills == {os.path.realpath(lab.home / ".claude" / "skills")}


def test_every_mcp_server_of_every_session_keeps_its_state_apart(lab: Lab) -> None:
    seen = said([lab.start(word="one"), lab.start(word="two")])
    stores = [path for each in seen for path in Path(each["mcp"]).glob("*/db")]
    assert len(stores) == 4
    assert all(path.read_text() == "x" for path in stores)


def test_a_resumed_session_finds_its_own_again(lab: Lab) -> None:
    first = lab.run("--name", "back", word="one")
    lab.run("--name", "other", word="elsewhere")
    (lab.private(first["sid"]) / "settings.json").write_text('{"theme": "light"}')
    again = lab.run("--resume", first["sid"], word="two")
    assert again["sid"] != first["sid"]  # it had ended: this is its successor
    assert (again["history"], again["startups"], again["theme"]) == (["one", "two"], 2, "light")
    third = lab.run("--resume", again["sid"], word="three")
    assert third["history"] == ["one", "two", "three"]
    assert (Path(third["mcp"]) / "db" / "db").read_text() == "xxx"


def test_a_session_whose_program_was_killed_finds_its_own_again(lab: Lab) -> None:
    (lab.meet / "nobody to wait for").touch()
    child = lab.start("--name", "back", "--on-exit", "keep", word="one", stay=True)
    assert child.stdout is not None
    seen = msgspec.json.decode(child.stdout.readline())
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(30)
    child.stdout.close()
    again = lab.run("--resume", seen["sid"], word="two")
    assert again["history"] == ["one", "two"]


def test_old_ones_are_cleaned_up_and_what_is_shared_stays(lab: Lab) -> None:
    before = lab.shared()
    old = lab.run("--name", "old", word="one")
    young = lab.run("--name", "young", word="two")
    long_ago = time.time() - 40 * 86400
    for path in (lab.private(old["sid"]), *lab.private(old["sid"]).rglob("*")):
        os.utime(path, (long_ago, long_ago), follow_symlinks=False)
    assert lab.scratch.coord("sessions", "remove", young["sid"], "--shred", "--yes").code == 0
    lab.scratch.git("config", "coord.sessionRetention", "0s")
    planned = lab.scratch.coord("sessions", "archive", "--json").result
    assert ([item["session"] for item in planned["sessions"]], planned["dry_run"]) == ([old["sid"]], True)
    assert lab.private(old["sid"]).exists()
    assert lab.scratch.coord("sessions", "archive", "--yes").code == 0
    assert not lab.private(old["sid"]).exists()
    assert not lab.private(young["sid"]).exists()
    assert lab.shared() == before
    listed = lab.scratch.coord("sessions", "--all", "--json").result
    assert {item["name"] for item in listed} == {"old", "young"}


@pytest.mark.parametrize(("agent", "settings"), [("make", '{"theme": "dark"}'), ("claude", "{broken")])
def test_what_cannot_be_isolated_leaves_no_session_behind(lab: Lab, agent: str, settings: str) -> None:
    (lab.home / ".claude" / "settings.json").write_text(settings)
    ran = lab.scratch.coord("run", "--isolate", "--agent", agent, "--task", "15", "--", "touch", "canary")
    assert ran.code == 129
    assert lab.scratch.coord("sessions", "--all", "--json").result == []
    assert lab.scratch.coord("task", "list", "--all", "--json").result == []
    assert not (lab.scratch.path / "canary").exists()
