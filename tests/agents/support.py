"""What the tests of launched programs share: starting one and staying with it, a terminal of its own, waiting."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from gitcoord import Coordinator
from tests.support import Scratch, coord_argv

AGENT = str(Path(__file__).parent / "agent.py")
PATIENCE = 30.0
"""Seconds until a test gives up on what ought to happen at once."""


def standin(*words: str) -> list[str]:
    """The command line of the stand-in agent."""
    return [sys.executable, "-I", AGENT, *words]


def eventually(look: Callable[[], Any]) -> Any:
    """What ``look`` finds, as soon as it finds anything."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


def written(path: Path) -> str:
    """The first line of a file, as soon as it is there as a whole."""
    return str(eventually(lambda: path.exists() and path.read_text().endswith("\n") and path.read_text())).strip()


@contextmanager
def running(
    at: Path, *args: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """``git coord run ARGS``, started in a session of its own, without a terminal; killed when the test is over."""
    child = subprocess.Popen(
        [*prefix, *coord_argv("run", *args)],
        cwd=at,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        kill_group(child.pid)
        child.communicate()


def kill_group(pid: int) -> None:
    """Kill what a test has started, whatever it still is."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def coordinated(scratch: Scratch) -> Scratch:
    """The same, with coordination and without hooks."""
    scratch.git("config", "coord.durability", "relaxed")
    with looking(scratch) as coord:
        coord.init(hooks=False)
    return scratch


def looking(scratch: Scratch) -> Coordinator:
    """A coordinator in the test's own process, which is nobody's session: quicker than a command."""
    return Coordinator.open(str(scratch.path), dict(os.environ))


def sessions(scratch: Scratch) -> list[dict[str, Any]]:
    """All sessions, newest first."""
    with looking(scratch) as coord:
        found: list[dict[str, Any]] = msgspec.to_builtins(coord.sessions(all=True))
        return found


def task(scratch: Scratch, name: str) -> dict[str, Any]:
    """A task as callers see it."""
    with looking(scratch) as coord:
        found: dict[str, Any] = msgspec.to_builtins(coord.task_show(name))
        return found


def history(scratch: Scratch, sid: str) -> list[str]:
    """What a stand-in wrote into the history of its session."""
    path = scratch.common_dir() / "coord/sessions" / sid / "history.jsonl"
    return [json.loads(line)["text"] for line in path.read_text().splitlines()] if path.exists() else []


class Shell:
    """An interactive shell with job control on a terminal of its own, as a person has it."""

    def __init__(self, at: Path, tools: Path, env: Mapping[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        path = f"{tools}{os.pathsep}{os.environ['PATH']}"
        self.child = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            cwd=at,
            env={**os.environ, "PATH": path, "PS1": "ready> ", "HISTFILE": "", **(env or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.shown = ""
        self.wait_for("ready> ")

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for(self, text: str) -> str:
        """Read until ``text`` has been shown; all up to its end, which is not looked at again."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            ready, _, _ = select.select([self.master], [], [], PATIENCE)
            assert ready, self.shown
            self.shown += os.read(self.master, 65536).decode().replace("\r\n", "\n")
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def hang_up(self) -> None:
        """The connection is lost."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def close(self) -> None:
        for pid in (*_descendants(self.child.pid), self.child.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.child.wait()
        self.hang_up()


def _descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [each for child in map(int, listed) for each in (*_descendants(child), child)]


def shim(folder: Path) -> Path:
    """A directory for PATH in which ``git coord`` is this checkout's."""
    folder.mkdir(exist_ok=True)
    tool = folder / "git-coord"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitcoord "$@"\n')
    tool.chmod(0o755)
    return folder
