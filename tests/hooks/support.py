"""What the hook tests share: a session made with plain Git, and the moments that make a beat due."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitcoord.core.codec import encode
from gitcoord.core.model import Session, SessionState
from gitcoord.git import beatfile, binding, hooks, host
from gitcoord.git.beatfile import BeatFile
from gitcoord.git.hooks_table import EVENTS, HookChange, HookStatus
from gitcoord.git.repo import Repo, discover
from tests.support import Scratch, git_version

SID = "s-abcdefgh27"
EMPTY = "#!/bin/sh\nexit 0\n"
"""The least that a hook can be: the floor of every measurement."""

ANCIENT = '{"boot":null,"up":null,"utc":0,"v":1}\n'


@dataclass
class Worker:
    """A session bound to one worktree of a repository."""

    scratch: Scratch
    sid: str = SID
    record: str = ""

    @property
    def repo(self) -> Repo:
        return discover(str(self.scratch.path), dict(os.environ))

    @property
    def ref(self) -> str:
        return f"refs/coord/heartbeats/{self.sid}"

    @property
    def directory(self) -> Path:
        """Where the session's local files are."""
        return Path(beatfile.session_dir(self.repo.common, self.sid))

    def sign_on(self, state: SessionState = "live", **fields: Any) -> Worker:
        """Write the session's record, bind the worktree, make the first (ancient) heartbeat."""
        self.write_record(state, **fields)
        binding.bind(self.repo.git_dir, self.sid)
        self.calm()
        return self

    def write_record(self, state: SessionState = "live", **fields: Any) -> None:
        """Move the session's record on, as any command may."""
        session = Session(
            id=self.sid, name="worker", host="h", started_at="2026-11-20T13:00:00Z", state=state, **fields
        )
        blob = self.scratch.git("hash-object", "-w", "--stdin", stdin=encode(session).decode())
        tree = self.scratch.git("mktree", stdin=f"100644 blob {blob}\trecord.json\n")
        nonce = f"session {os.urandom(8).hex()}"
        self.record = self.scratch.git("commit-tree", tree, "-m", nonce)
        self.scratch.git("update-ref", f"refs/coord/sessions/{self.sid}", self.record)

    def calm(self) -> None:
        """An ancient heartbeat, and a note of it by which the next one is due."""
        blob = self.scratch.git("hash-object", "-w", "--stdin", stdin=ANCIENT)
        self.scratch.git("update-ref", self.ref, blob)
        self.make_due()

    def make_due(self, **periods: int) -> None:
        """Note a last beat by which the next one is due, however short this machine has been running."""
        self._note(int(host.uptime()) + 100_000, int(time.time()) - 100_000, **periods)

    def beat_was(self, ago: int, **periods: int) -> None:
        """Note the last beat as ``ago`` seconds old, under the record as it is."""
        self._note(int(host.uptime()) - ago, int(time.time()) - ago, **periods)

    def _note(self, up: int, utc: int, interval: int = 300, bucket: int = 30) -> None:
        note = BeatFile(self.record, interval, bucket, host.boot_id(), up, utc)
        beatfile.write(self.repo.common, self.sid, note)

    def heartbeat(self) -> str:
        """The heartbeat blob's text; empty when there is none."""
        return self.scratch.git("cat-file", "blob", self.ref, check=False)

    def beats(self) -> bool:
        """Whether the heartbeat is a fresh one."""
        return self.heartbeat() not in ("", ANCIENT.strip())

    def install(self) -> list[HookChange]:
        return hooks.install(self.repo, hooks.hook_source(), "/nowhere/git-coord")

    def uninstall(self) -> list[HookChange]:
        return hooks.uninstall(self.repo)

    def status(self) -> list[HookStatus]:
        return hooks.status(self.repo)

    def firing(self) -> dict[str, bool]:
        """For each event whether Git was seen to run our hook."""
        return {row.event: row.fires for row in self.status()}


ALL_FIRE = {event.name: True for event in EVENTS}
NONE_FIRE = {event.name: False for event in EVENTS}


def git_runs_config_hooks() -> bool:
    """Whether the Git under test is 2.54 or newer: asked inside a test, where the environment is sealed."""
    return git_version() >= (2, 54)


def script() -> Path:
    """The hook script itself."""
    return Path(hooks.hook_source()) / "post-commit"


def write_hook(path: Path, text: str | bytes, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def snapshot(directory: Path) -> dict[str, tuple[str, int, bytes]]:
    """Every file of a directory: kind, mode and content, to compare before and after."""
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(directory))] = ("link", 0, os.fsencode(os.readlink(path)))
        elif path.is_file():
            found[str(path.relative_to(directory))] = ("file", path.stat().st_mode, path.read_bytes())
    return found


TOOLS = ("git", "date", "head", "mkdir", "python3", "cat", "mv", "sed", "grep", "touch")


class Tools:
    """A PATH on which every tool writes down that it was started before it does its work."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "log"
        for tool in TOOLS:
            real = shutil.which(tool)
            if real is not None:
                shim = directory / tool
                shim.write_text(f'#!/bin/sh\necho "{tool} $*" >>"{self.log}"\nexec "{real}" "$@"\n')
                shim.chmod(0o755)

    def started(self) -> list[str]:
        """What was started since the last question: tools, and of git the command."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.write_text("")
        return [_short(line.split()) for line in lines]


def _short(words: list[str]) -> str:
    commands = ("hash-object", "update-ref", "for-each-ref", "cat-file", "rev-parse")
    return " ".join([words[0], *(word for word in words if word in commands)])


def run_script(shell: list[str], cwd: Path, tools: Tools | None = None, text: Path | None = None, **env: str) -> None:
    """Run the script as Git would, at the top of the worktree; it must succeed and say nothing, always."""
    path = {"PATH": str(tools.directory)} if tools else {}
    argv = [*shell, str(text or script())]
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, **path, **env}, capture_output=True, timeout=10)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
