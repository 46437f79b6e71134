"""What happens on a terminal: questions, colours, widths. Every test runs the program on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.support import Scratch, coord_argv


class Terminal:
    """A person at a terminal: sees what is shown, types when asked."""

    def __init__(self, master: int, child: subprocess.Popen[bytes]) -> None:
        self.master = master
        self.child = child
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read until ``text`` has been shown."""
        deadline = time.monotonic() + 20
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not self._read():
                raise AssertionError(f"{text!r} was never shown: {self.shown}")

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def code(self) -> int:
        """Read all that is left; the exit code."""
        while self._read():
            pass
        return self.child.wait(20)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], 20)
        assert ready, self.shown
        try:
            data = os.read(self.master, 65536)
        except OSError:  # Linux says EIO when the other side has closed
            return False
        self.shown += data.decode().replace("\r\n", "\n")
        return bool(data)


@contextmanager
def terminal(at: Path, *args: str, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    child = subprocess.Popen(
        coord_argv(*args), cwd=at, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **(env or {})}
    )
    os.close(slave)
    try:
        yield Terminal(master, child)
    finally:
        child.kill()
        child.wait()
        os.close(master)


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    scratch.coord("init", "--no-hooks")
    scratch.coord("start", "backend")
    return scratch


def silence(repo: Scratch, sid: str, seconds: int) -> None:
    """Make the last heartbeat of a session so old."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():
        pytest.skip("this system has no boot id to tell a heartbeat's age by")
    up = int(time.clock_gettime(time.CLOCK_BOOTTIME)) - seconds
    beat = {"boot": boot.read_text().strip(), "up": up, "utc": int(time.time()) - seconds, "v": 1}
    blob = repo.git("hash-object", "-w", "--stdin", stdin=msgspec.json.encode(beat).decode() + "\n")
    repo.git("update-ref", f"refs/coord/heartbeats/{sid}", blob)


def test_resume_offers_the_sessions_newest_first_to_pick_from(repo: Scratch) -> None:
    repo.coord("start", "frontend")
    with terminal(repo.path, "resume") as person:
        person.wait_for("[1-2, empty: none] ")
        first, second = person.shown.splitlines()[:2]
        assert first.split()[:2] == ["1", "frontend"]
        assert second.split()[:2] == ["2", "backend"]
        person.type("7\n")
        person.wait_for("7 is not a number from 1 to 2")
        person.type("2\n")
        assert person.code() == 0
        assert "resumed backend" in person.shown


@pytest.mark.parametrize("typed", ["\n", "\x04"], ids=["empty line", "end of input"])
def test_resume_can_be_left_without_a_choice(repo: Scratch, typed: str) -> None:
    with terminal(repo.path, "resume") as person:
        person.wait_for("none] ")
        person.type(typed)
        assert person.code() == 1
        assert "no session was picked" in person.shown


@pytest.mark.parametrize(("typed", "code", "said"), [("y\n", 0, "resumed backend"), ("\n", 1, "not resumed")])
def test_resume_warns_of_a_session_silent_for_over_a_day(repo: Scratch, typed: str, code: int, said: str) -> None:
    silence(repo, repo.coord("whoami", "--json").result["id"], 90_000)
    with terminal(repo.path, "resume") as person:
        person.wait_for("none] ")
        person.type("1\n")
        person.wait_for("has been silent for 25h")
        person.wait_for("[y/N] ")
        person.type(typed)
        assert person.code() == code
        assert said in person.shown


def test_ctrl_c_at_a_question_is_an_interrupt_without_a_traceback(repo: Scratch) -> None:
    with terminal(repo.path, "resume") as person:
        person.wait_for("none] ")
        person.child.send_signal(signal.SIGINT)
        person.wait_for("git coord: interrupted")
        assert person.code() == 130
        assert "Traceback" not in person.shown


@pytest.mark.parametrize(("typed", "gone"), [("y\n", True), ("n\n", False)])
def test_done_offers_to_remove_a_worktree_without_unsaved_work(repo: Scratch, typed: str, gone: bool) -> None:
    path = Path(repo.coord("claim", "15", "--path").out.rstrip("\n"))
    with terminal(repo.path, "done", "15") as person:
        person.wait_for("Remove its worktree")
        person.wait_for("[y/N] ")
        person.type(typed)
        assert person.code() == 0
    assert path.exists() is not gone


@pytest.mark.parametrize("option", ["--keep-worktree", "--json", "--quiet"])
def test_done_asks_nobody_who_wants_no_questions(repo: Scratch, option: str) -> None:
    repo.coord("claim", "15")
    with terminal(repo.path, "done", "15", option) as person:
        assert person.code() == 0
        assert "[y/N]" not in person.shown


def test_tables_are_coloured_on_a_terminal_unless_no_color_is_set(repo: Scratch) -> None:
    colours = {"TERM": "xterm-256color", "COLUMNS": "100"}
    with terminal(repo.path, "sessions", env=colours) as person:
        assert person.code() == 0
        assert "\x1b[32mactive" in person.shown
        assert max(len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", person.shown).splitlines()) <= 100
    with terminal(repo.path, "sessions", env={**colours, "NO_COLOR": "1"}) as person:
        assert person.code() == 0
        assert "\x1b[32m" not in person.shown
        assert "active" in person.shown


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": "xterm", "COLUMNS": "79"}], ids=["dumb", "narrow"])
def test_dumb_and_narrow_terminals_get_plain_text(repo: Scratch, env: dict[str, str]) -> None:
    with terminal(repo.path, "sessions", env=env) as person:
        assert person.code() == 0
        assert "\x1b" not in person.shown
        assert "backend" in person.shown
