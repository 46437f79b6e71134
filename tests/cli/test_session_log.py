"""``session.log``: a line for what a session changed or was refused, nothing secret in it, and it stays small."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from gitcoord.coordinator import sessionlog
from tests.cli.conftest import Coord
from tests.support import Scratch

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [a-z-]+ [a-z-]+( task=\S+)?( token=\d+)? ms=\d+")


def folder(scratch: Scratch, name: str = "backend") -> Path:
    """The local files of the session called ``name``."""
    (sid,) = [str(item["id"]) for item in scratch.coord("sessions", "--all", "--json").result if item["name"] == name]
    return scratch.common_dir() / "coord" / "sessions" / sid


def told(scratch: Scratch, name: str = "backend") -> list[str]:
    """What the log says, without times."""
    lines = (folder(scratch, name) / "session.log").read_text().splitlines()
    assert all(LINE.fullmatch(line) for line in lines), lines
    return [re.sub(r" ms=\d+$", "", line.partition(" ")[2]) for line in lines]


def test_what_changed_something_or_was_refused_is_written_down(signed_on: Coord, scratch: Scratch) -> None:
    signed_on("claim", "15", "--no-worktree")
    signed_on("status")
    signed_on("whoami")
    signed_on("progress", "15", "50", "-m", "half of my-own-note")
    signed_on("claim", "15", "--no-worktree")
    assert signed_on("release", "16", "--reason", "r").code == 1
    assert signed_on("done", "15").code == 0
    assert told(scratch) == [
        "start ok",
        "claim ok task=15 token=1",
        "progress ok task=15 token=1",
        "release not-found task=16",
        "done ok task=15 token=1",
    ]


def test_neither_values_nor_notes_are_in_it(signed_on: Coord, scratch: Scratch) -> None:
    signed_on("set", "issue:15", "password", "hunter2")
    signed_on("event", "note", "hunter2")
    signed_on("claim", "15", "--no-worktree")
    signed_on("handoff", "15", "--note", "hunter2", "--context", "k=hunter2")
    text = (folder(scratch) / "session.log").read_text()
    assert told(scratch)[1:] == ["set ok", "event ok", "claim ok task=15 token=1", "handoff ok task=15 token=1"]
    assert "hunter2" not in text
    assert "issue" not in text


def test_it_is_for_its_owner_alone(signed_on: Coord, scratch: Scratch) -> None:
    log = folder(scratch) / "session.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


def test_each_session_has_its_own(signed_on: Coord, scratch: Scratch) -> None:
    signed_on("start", "frontend", "--no-bind")
    signed_on("claim", "15", "--no-worktree")
    assert signed_on("claim", "15", "--no-worktree", "--session", "frontend").code == 1
    assert told(scratch)[1:] == ["claim ok task=15 token=1"]
    assert told(scratch, "frontend") == ["start ok", "claim held task=15 token=1"]


def test_the_end_of_a_session_is_its_last_line(signed_on: Coord, scratch: Scratch) -> None:
    assert signed_on("end").code == 0
    assert told(scratch)[-1] == "end ok"


def test_a_hostile_task_name_stays_on_its_line(signed_on: Coord, scratch: Scratch) -> None:
    signed_on("claim", "a b ü", "--no-worktree")
    assert (folder(scratch) / "session.log").read_text().isascii()
    assert "task='a b \\xfc'" in (folder(scratch) / "session.log").read_text()


def test_a_log_that_cannot_be_written_fails_no_command(signed_on: Coord, scratch: Scratch, tmp_path: Path) -> None:
    log = folder(scratch) / "session.log"
    log.unlink()
    target = tmp_path / "elsewhere"
    os.symlink(target, log)
    assert signed_on("set", "a", "b", "c").code == 0
    assert not target.exists()
    log.unlink()
    os.mkfifo(log)
    assert signed_on("set", "a", "b", "d").code == 0


def test_it_never_grows_past_two_files(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessionlog, "MAX_BYTES", 1000)
    common = str(scratch.common_dir())
    for number in range(200):
        sessionlog.append(common, "s-aaaaaaaaaa", f"line {number:03}\n")
    place = scratch.common_dir() / "coord" / "sessions" / "s-aaaaaaaaaa"
    assert sorted(path.name for path in place.iterdir()) == ["session.log", "session.log.1"]
    assert all(path.stat().st_size < 1100 for path in place.iterdir())
    assert sessionlog.last(common, "s-aaaaaaaaaa", 3) == ["line 197", "line 198", "line 199"]
    kept = sessionlog.last(common, "s-aaaaaaaaaa", 10_000)
    assert kept == [f"line {number:03}" for number in range(200 - len(kept), 200)]


def test_a_library_caller_writes_no_log_by_itself(scratch: Scratch) -> None:
    from gitcoord import Coordinator

    assert scratch.coord("init", "--no-hooks").code == 0
    with Coordinator.open(str(scratch.path)) as coord:
        session = coord.start("quiet")
        assert (coord.changed, coord.acting) == (True, session.id)
        assert sessionlog.last(str(scratch.common_dir()), session.id, 10) == []
        sessionlog.note(coord, "mcp claim", "ok", 0.0123)
        (line,) = sessionlog.last(str(scratch.common_dir()), session.id, 10)
        assert line.endswith(" mcp-claim ok ms=12")
        sessionlog.note(coord, "mcp status", "ok", 0.01)
        assert len(sessionlog.last(str(scratch.common_dir()), session.id, 10)) == 1
