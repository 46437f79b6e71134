"""sessions show, export, archive, remove, and attach: from the command line to what is printed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Coord
from tests.cli.test_terminal import terminal
from tests.support import Scratch, coord_argv

SECRET = "sk-ant-oat01-abcdefghijABCDEFGH1234567890"


def private(scratch: Scratch, sid: str) -> Path:
    return scratch.common_dir() / "coord" / "sessions" / sid


@pytest.fixture
def gone(coord: Coord, scratch: Scratch) -> str:
    """A session that has ended and left a file with a secret in it."""
    sid = str(coord("start", "backend", "--agent", "claude", "--json").result["id"])
    private(scratch, sid).mkdir(exist_ok=True)
    (private(scratch, sid) / "history.jsonl").write_text(f"key {SECRET}\n")
    coord("end", sid)
    return sid


def test_a_session_is_shown_in_full_with_what_is_here_of_it(coord: Coord, scratch: Scratch, gone: str) -> None:
    said = coord("sessions", "show", gone).out
    assert f"backend ({gone})" in said
    assert "private files  " in said
    shown = coord("sessions", "show", gone, "--json").result
    assert shown["private"]["path"] == str(private(scratch, gone))
    assert (shown["session"]["id"], shown["archives"], shown["tmux"]) == (gone, [], None)


def test_one_that_has_ended_is_found_by_its_name_while_that_is_the_only_one(coord: Coord, gone: str) -> None:
    assert coord("sessions", "show", "backend", "--json").result["session"]["id"] == gone
    coord("end", coord("start", "backend", "--no-bind", "--json").result["id"])
    error = coord("sessions", "show", "backend", "--json").error
    assert error["code"] == "not-found"
    assert gone in error["message"]
    assert coord("sessions", "remove", "backend", "--yes", "--json").error["code"] == "not-found"


def test_the_list_is_sorted_and_filtered_as_asked(coord: Coord, gone: str) -> None:
    coord("start", "api", "--agent", "codex", "--label", "team=web", "--no-bind")
    assert [item["name"] for item in coord("sessions", "--json").result] == ["api"]
    found = coord("sessions", "--all", "--sort", "name", "--json").result
    assert [item["name"] for item in found] == ["api", "backend"]
    assert [item["id"] for item in coord("sessions", "--status", "ended", "--json").result] == [gone]
    assert coord("sessions", "--name", "x*").out.startswith("no such session")
    heads = coord("sessions", "--label", "team=web", "--here").out.splitlines()[0].split()
    assert heads[:5] == ["ID", "NAME", "STATUS", "STARTED", "ACTIVITY"]


def test_export_writes_where_it_is_told_and_never_over_a_file(coord: Coord, tmp_path: Path, gone: str) -> None:
    target = tmp_path / "my export ü.tar.gz"
    ran = coord("sessions", "export", gone, str(target), "--mask")
    assert ran.code == 0
    assert "masked in 1 place" in ran.out
    with tarfile.open(target) as tar:
        text = tar.extractfile(f"{gone}/private/history.jsonl")
        assert text is not None
        assert SECRET.encode() not in text.read()
    assert coord("sessions", "export", gone, str(target), "--json").error["code"] == "exists"
    assert coord("sessions", "export", gone, str(tmp_path / "no" / "x"), "--json").error["code"] == "usage"


def test_export_without_a_file_takes_the_sessions_id(coord: Coord, scratch: Scratch, gone: str) -> None:
    assert coord("sessions", "export", gone, "-q").out == ""
    assert (scratch.path / f"{gone}.tar.gz").stat().st_mode & 0o777 == 0o600


def test_without_a_terminal_nothing_is_removed_unless_it_is_meant(coord: Coord, scratch: Scratch, gone: str) -> None:
    refused = coord("sessions", "remove", gone)
    assert refused.code == 1
    assert "--yes" in refused.err
    assert refused.err.splitlines()[-1] == f"  hint: git coord sessions export {gone}"
    assert private(scratch, gone).exists()
    done = coord("sessions", "remove", gone, "--shred", "--yes")
    assert done.code == 0
    assert "SSD" in done.out
    assert not private(scratch, gone).exists()
    assert coord("sessions", "remove", gone, "--yes", "--json").error["code"] == "not-found"


def test_a_live_session_is_not_removed_even_if_it_is_meant(coord: Coord, scratch: Scratch) -> None:
    sid = coord("start", "busy", "--json").result["id"]
    error = coord("sessions", "remove", "busy", "--yes", "--json").error
    assert (error["code"], error["session"]) == ("unsafe", sid)
    assert private(scratch, sid).exists()


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 130, True), ("y", 0, False)])
def test_on_a_terminal_one_is_asked(
    coord: Coord, scratch: Scratch, gone: str, answer: str, code: int, left: bool
) -> None:
    with terminal(scratch.path, "sessions", "remove", gone) as screen:
        screen.wait_for("[y/N]")
        assert f"backend ({gone})" in screen.shown
        screen.type(f"{answer}\n")
        assert screen.code() == code
    assert private(scratch, gone).exists() is left


def test_archive_says_what_it_would_do_until_it_is_meant(coord: Coord, scratch: Scratch, gone: str) -> None:
    assert coord("sessions", "archive").out.startswith("nothing to archive: no session here ended more than 30 days")
    past = time.time() - 5
    for path in (private(scratch, gone), *private(scratch, gone).iterdir()):
        os.utime(path, (past, past))
    planned = coord("sessions", "archive", "--older-than", "0s")
    assert planned.out.startswith("1 session would be archived:")
    assert coord("sessions", "archive", "--older-than", "0s", "--yes", "--dry-run").out == planned.out
    assert private(scratch, gone).exists()
    assert coord("sessions", "archive", "--older-than", "0s", "--yes").out.startswith("1 session archived:")
    assert not private(scratch, gone).exists()
    assert gone in coord("sessions", "--all").out
    assert f"{gone}.tar.gz" in coord("sessions", "show", gone).out


def test_the_help_of_the_list_tells_of_the_commands_below_it(scratch: Scratch) -> None:
    said = scratch.coord("sessions", "--help").out
    for word in ("--sort", "show", "export", "archive", "remove"):
        assert word in said
    assert "--mask" in scratch.coord("sessions", "export", "--help").out
    commands = [item["command"] for item in scratch.coord("help", "sessions", "--json").result]
    assert commands == ["sessions", "sessions show", "sessions export", "sessions archive", "sessions remove"]


# -- attach -----------------------------------------------------------------------------------------------------------


class Tmux:
    """A tmux server of its own."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def __call__(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", str(self.socket), *words], capture_output=True, text=True, timeout=30)
        return done.stdout.strip()


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    server = Tmux(tmp_path_factory.mktemp("t") / "s")
    yield server
    server("kill-server")


def started_in(tmux: Tmux, scratch: Scratch) -> None:
    """A session that was started in the first window of tmux, while the second is in front."""
    start = shlex.join(coord_argv("start", "web"))
    tmux("new-session", "-d", "-c", str(scratch.path), "sh", "-c", f"{start}; tmux wait-for -S up; exec sleep 60")
    tmux("wait-for", "up")
    tmux("new-window")


def test_attach_brings_the_window_to_the_front(coord: Coord, scratch: Scratch, tmux: Tmux) -> None:
    started_in(tmux, scratch)
    assert tmux("display-message", "-p", "#{window_index}") == "1"
    ran = coord("attach", "web")
    assert "is in front in tmux" in ran.out
    assert f"tmux -S {tmux.socket} attach-session" in ran.out
    assert tmux("display-message", "-p", "#{window_index}") == "0"


def test_attach_to_a_pane_that_is_gone_tells_where_it_was(coord: Coord, scratch: Scratch, tmux: Tmux) -> None:
    started_in(tmux, scratch)
    tmux("kill-window", "-t", ":0")
    where = coord("attach", "web", "--json").result
    assert (where["here"], where["in_front"]) == (True, False)
    assert "is gone" in coord("attach", "web").out


def test_attach_outside_of_tmux_tells_where_it_runs(coord: Coord, scratch: Scratch) -> None:
    coord("start", "web", "--pid", str(os.getpid()), env={"SSH_CONNECTION": "203.0.113.7 1 2 3"})
    said = coord("attach", "web").out
    for word in (str(scratch.path), str(os.getpid()), "203.0.113.7", "on this machine"):
        assert word in said


@pytest.mark.parametrize(
    "note",
    ["1 7 %1 relative", "1 7 -t /tmp/s", "1 x %1 /tmp/s", "1 7 %1;id /tmp/s", "2 7 %1 /tmp/s", "\x1b", "1 7 %1"],
)
def test_a_note_that_is_none_is_never_given_to_tmux(
    coord: Coord, scratch: Scratch, tmp_path: Path, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmux").write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\n")
    (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    sid = coord("start", "web", "--json").result["id"]
    (private(scratch, sid) / "tmux").write_text(f"{note}\n")
    assert coord("attach", "web", "--json").result["in_front"] is False
    assert not (tmp_path / "canary").exists()
