"""The live board, on a real pseudo-terminal: what it shows, how it ends, and that the terminal is as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitcoord.cli.render.board import page
from gitcoord.cli.render.width import cut, width
from gitcoord.coordinator import Coordinator
from tests.support import Scratch, coord_argv

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
HOSTILE = "\x1b]0;owned\x07 \x1b[2J\u202e[bold]x[/] \r\n\t\x9b31m"


class Screen:
    """A person looking at the board."""

    def __init__(self, master: int, slave: int, child: subprocess.Popen[bytes], columns: int) -> None:
        self.master = master
        self.slave = slave
        self.child = child
        self.columns = columns
        self.raw = ""

    def read(self, seconds: float = 20) -> bool:
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # Linux says EIO when the other side has closed
            return False
        self.raw += data.decode()
        return bool(data)

    def page(self) -> list[str]:
        """The lines of the last page that was drawn, without colours."""
        drawn = self.raw.rpartition("\x1b[H")[2].partition("\x1b[0m\x1b[?7h")[0]
        return [re.sub(r"\x1b\[[0-9;]*[mK]", "", line).rstrip("\r") for line in drawn.split("\n")]

    def wait_for(self, text: str) -> list[str]:
        """Read until the page has ``text`` in it and is whole."""
        deadline = time.monotonic() + 20
        while not any(text in line for line in self.page()):
            assert time.monotonic() < deadline, self.page()
            if not self.read():
                raise AssertionError(f"{text!r} was never shown: {self.raw[-2000:]!r}")
        while self.read(0.1):
            pass
        return self.page()

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        set_size(self.master, columns, rows)
        self.child.send_signal(signal.SIGWINCH)

    def end(self) -> int:
        """Read all that is left; the exit code."""
        deadline = time.monotonic() + 20
        while self.child.poll() is None:
            assert time.monotonic() < deadline, self.raw[-2000:]
            self.read(0.02)
        while self.read(0.02):
            pass
        return self.child.wait()


def set_size(fd: int, columns: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@contextmanager
def watching(
    repo: Scratch, columns: int = 80, rows: int = 24, *, env: Mapping[str, str] | None = None
) -> Iterator[Screen]:
    master, slave = pty.openpty()
    set_size(slave, columns, rows)
    before = termios.tcgetattr(slave)
    child = subprocess.Popen(
        coord_argv("watch"),
        cwd=repo.path,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
        # As under a shell: the kernel stops nobody in an orphaned process group, and ours may be one.
        process_group=0,
    )
    try:
        screen = Screen(master, slave, child, columns)
        screen.wait_for("LAST EVENTS")
        yield screen
        if child.returncode is not None:
            assert termios.tcgetattr(slave) == before
            assert screen.raw.index(ENTER) < screen.raw.index(LEAVE)
            assert "\x1b[?25h" in screen.raw[screen.raw.index(LEAVE) - 20 :]
    finally:
        child.kill()
        child.wait()
        os.close(slave)
        os.close(master)


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    scratch.git("config", "coord.durability", "relaxed")
    with Coordinator.open(str(scratch.path), os.environ) as coord:
        coord.init(hooks=False)
        coord.start("backend")
        coord.claim("15", worktree=False)
        coord.progress("15", percent=60, phase="tests", message="unit tests pass")
        coord.lock(["src/**"], reason="big change")
    return scratch


def fits(lines: list[str], columns: int, rows: int) -> bool:
    return len(lines) == rows and all(width(line) <= columns for line in lines)


def test_it_shows_everything_at_80_by_24_and_q_quits(repo: Scratch) -> None:
    with watching(repo) as screen:
        shown = screen.page()
        assert fits(shown, 80, 24), shown
        text = "\n".join(shown)
        for word in (
            "you are backend, active",
            "SESSIONS  1 active",
            "TASKS  1 claimed; 0 ready",
            "60% tests    unit tests pass",
            "LOCKS  1",
            "src/**",
            "big change",
            "claim 15 by backend",
            "q quits",
        ):
            assert word in text
        screen.type("q")
        assert screen.end() == 0


def test_it_is_drawn_anew_when_something_changes(repo: Scratch) -> None:
    with watching(repo) as screen:
        begun = time.monotonic()
        repo.coord("event", "deploy", "v1 is out")
        shown = screen.wait_for("v1 is out")
        assert time.monotonic() - begun < 4  # a command, and then less than half a second
        assert [line.split()[1] for line in shown[shown.index("LAST EVENTS") + 1 :][:2]] == ["deploy", "lock"]
        repo.coord("done", "15", "--status", "failed", "--summary", "no luck")
        shown = screen.wait_for("! 15 failed: no luck")
        assert shown[1] == "NEEDS A PERSON"
        screen.type("q")
        assert screen.end() == 0


def test_it_follows_the_size_of_the_terminal(repo: Scratch) -> None:
    with watching(repo) as screen:
        for columns, rows in ((120, 40), (40, 10), (80, 24)):
            screen.raw = screen.raw.replace("\x1b[2J", "")
            screen.resize(columns, rows)
            while "\x1b[2J" not in screen.raw:
                assert screen.read()
            assert fits(screen.wait_for("q quits"), columns, rows), (columns, rows, screen.page())
        screen.type("q")
        assert screen.end() == 0


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_other_ways_to_quit(repo: Scratch, key: str) -> None:
    with watching(repo) as screen:
        if key == "\x03":  # what the terminal makes of the key when the program is in its foreground
            screen.child.send_signal(signal.SIGINT)
        else:
            screen.type(key)
        assert screen.end() == 0
        assert "Traceback" not in screen.raw


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_killed_it_still_gives_the_terminal_back(repo: Scratch, number: signal.Signals) -> None:
    with watching(repo) as screen:
        screen.child.send_signal(number)
        assert screen.end() == -number
        assert "Traceback" not in screen.raw


def blocked_in_write(pid: int) -> None:
    """Wait until a process sleeps in the terminal's write; where that cannot be seen, until it had the time to."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            call = Path(f"/proc/{pid}/syscall").read_text().split()
        except OSError:
            time.sleep(1)
            return
        if call[:2] == ["1", "0x1"]:  # write(1, …) on x86-64; elsewhere the deadline serves
            return
        time.sleep(0.02)


def test_killed_before_a_reader_that_hangs_it_ends_all_the_same(repo: Scratch) -> None:
    with watching(repo) as screen:
        termios.tcflow(screen.slave, termios.TCOOFF)  # as Ctrl-S does
        screen.resize(90, 24)  # has it draw the page anew, which now blocks
        blocked_in_write(screen.child.pid)
        screen.child.send_signal(signal.SIGTERM)
        assert screen.child.wait(timeout=20) == -signal.SIGTERM
        screen.child.returncode = None  # the terminal took no farewell: nothing to compare


def test_an_error_on_the_way_gives_the_terminal_back_and_is_said_there(repo: Scratch) -> None:
    with watching(repo) as screen:
        shutil.rmtree(repo.common_dir() / "refs" / "coord")
        (repo.common_dir() / "packed-refs").unlink(missing_ok=True)
        assert screen.end() == 128
        assert "git coord: not-initialised" in screen.raw.partition(LEAVE)[2]


def stopped(screen: Screen) -> bool:
    """Whether the board comes to a stop; what it writes meanwhile is read, or it would wait for its reader."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        pid, status = os.waitpid(screen.child.pid, os.WUNTRACED | os.WNOHANG)
        if pid:
            return os.WIFSTOPPED(status)
        screen.read(0.02)
    return False


def test_stopped_it_lends_the_terminal_to_the_shell(repo: Scratch) -> None:
    with watching(repo) as screen:
        screen.child.send_signal(signal.SIGTSTP)
        while LEAVE not in screen.raw:
            assert screen.read()
        assert stopped(screen)
        assert termios.tcgetattr(screen.master)[3] & termios.ECHO
        screen.raw = ""
        screen.child.send_signal(signal.SIGCONT)
        screen.wait_for("LAST EVENTS")
        assert ENTER in screen.raw
        screen.type("q")
        assert screen.end() == 0


def test_what_others_wrote_is_shown_harmless(repo: Scratch) -> None:
    repo.coord("task", "add", "x", "--id", "16", "--body", HOSTILE)
    repo.coord("progress", "15", "-m", f"{HOSTILE}end")
    repo.coord("event", "note", HOSTILE)
    with watching(repo, 100, 30) as screen:
        shown = screen.page()
        assert fits(shown, 100, 30)
        assert all(line.isprintable() for line in shown)
        assert "\\x1b]0;owned" in "\n".join(shown)
        screen.type("q")
        assert screen.end() == 0


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}], ids=["colour", "NO_COLOR"])
def test_colours_only_where_they_are_wanted(repo: Scratch, env: dict[str, str]) -> None:
    with watching(repo, env=env) as screen:
        assert ("\x1b[32m" in screen.raw) is not bool(env)
        screen.type("q")
        assert screen.end() == 0


def test_it_hardly_uses_the_machine_and_keeps_nobody_alive(repo: Scratch) -> None:
    heartbeats = repo.git("for-each-ref", "refs/coord/heartbeats/")
    repo.git("config", "coord.heartbeat", "1s")
    with watching(repo) as screen:
        spent = cpu(screen.child.pid)
        time.sleep(2)
        assert cpu(screen.child.pid) - spent <= 0.1  # once drawn anew, in clock ticks of 10 ms
        assert repo.git("for-each-ref", "refs/coord/heartbeats/") == heartbeats
        screen.type("q")
        assert screen.end() == 0


def cpu(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("args", [["watch"], ["watch", "--json"], ["watch", "--porcelain"]])
def test_elsewhere_it_names_what_to_use_instead(repo: Scratch, args: list[str]) -> None:
    ran = repo.coord(*args)
    assert ran.code == 129
    assert "git coord log --follow" in ran.out + ran.err
    assert "git coord status" in ran.out + ran.err


# -- the page by itself ------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(scratch: Scratch) -> Iterator[Coordinator]:
    scratch.git("config", "coord.durability", "relaxed")
    with Coordinator.open(str(scratch.path), os.environ) as coord:
        coord.init(hooks=False)
        for number in range(12):
            coord.wanted = coord.start(f"größe-日本語-{number}", bind=False).id
            coord.claim(f"task-{number}", worktree=False)
            coord.lock([f"lock-{number}"])
            if number % 3 == 0:
                coord.done(status="failed", summary="失敗" * 40)
        yield coord


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 10), (20, 4), (1, 1)])
@pytest.mark.parametrize("colour", [True, False])
def test_a_page_is_never_larger_than_its_terminal(crowded: Coordinator, size: tuple[int, int], colour: bool) -> None:
    lines = page(crowded.status(), crowded.log(), size=size, now="12:00:00Z", colour=colour)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert fits(plain, max(size[0], 20), max(size[1], 4))


def test_every_part_has_its_share_and_says_what_it_leaves_out(crowded: Coordinator) -> None:
    lines = page(crowded.status(), crowded.log(), size=(80, 24), now="12:00:00Z", colour=False)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    heads = [line.split("  ")[0] for line in plain if line[:1].isupper()]
    assert heads == ["NEEDS A PERSON", "SESSIONS", "TASKS", "LOCKS", "LAST EVENTS"]
    assert sum(line.startswith("… and ") for line in plain) == 4  # all four that failed are there


@pytest.mark.parametrize(
    ("text", "columns", "left"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("a", 0, ""),
    ],
)
def test_text_is_cut_by_columns_and_not_by_characters(text: str, columns: int, left: str) -> None:
    assert cut(text, columns) == left
