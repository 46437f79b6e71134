"""The status line says in one line who one is, what one does and who else is here; and never gets in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitcoord.agents import statusline
from tests.support import Ran, Scratch

SESSION = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"


@pytest.fixture
def office(scratch: Scratch) -> Scratch:
    """A repository with a session of Claude's in it, which holds a task."""
    assert scratch.coord("init", "--no-hooks").code == 0
    assert scratch.coord("task", "add", "Fix the login", "--id", "15").code == 0
    started = scratch.coord("start", "backend", "--agent", "claude", "--external-id", SESSION)
    assert started.code == 0
    assert scratch.coord("claim", "15", "--no-worktree").code == 0
    assert scratch.coord("progress", "60").code == 0
    return scratch


def line(at: Scratch, said: object = None) -> Ran:
    said = {"session_id": SESSION, "workspace": {"current_dir": str(at.path)}} if said is None else said
    return at.coord("statusline", stdin=said if isinstance(said, str) else json.dumps(said))


def test_it_says_who_and_what_and_how_far(office: Scratch) -> None:
    assert line(office).out == "backend · 15 Fix the login 60%\n"
    assert office.coord("start", "frontend", "--no-bind").code == 0
    assert line(office).out == "backend · 15 Fix the login 60% · 1 other active\n"


def test_the_session_is_the_one_that_asks_not_the_one_of_the_worktree(office: Scratch) -> None:
    assert office.coord("start", "frontend", "--no-bind", "--agent", "claude", "--external-id", "other").code == 0
    said = {"session_id": "other", "cwd": str(office.path)}
    assert line(office, said).out == "frontend · 1 other active\n"


def test_the_directory_is_the_one_that_is_said(office: Scratch, tmp_path: Path) -> None:
    assert line(Scratch(tmp_path), {"session_id": SESSION, "cwd": str(office.path)}).out.startswith("backend")


def test_without_a_session_only_the_others_are_named(office: Scratch, tmp_path: Path) -> None:
    office.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    assert line(Scratch(tmp_path / "linked"), {"session_id": "unknown"}).out == "1 other active\n"


def test_nonsense_on_stdin_is_no_reason_to_complain(office: Scratch) -> None:
    for said in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"cwd": 5, "session_id": []}',
        b"[" * 100_000,
        b"\xff",
        b'{"cwd": "\\u0000"}',
    ):
        assert statusline.line(said, str(office.path), {}) in ("", "backend · 15 Fix the login 60%"), said
    ran = line(office, "{")
    assert (ran.code, ran.err) == (0, "")


def test_where_there_is_nothing_to_say_it_says_nothing(scratch: Scratch, tmp_path: Path) -> None:
    for place in (scratch, Scratch(tmp_path)):
        ran = line(place)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
    ran = line(scratch, {"cwd": "/nonexistent"})
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_broken_state_is_no_reason_to_complain_here(office: Scratch) -> None:
    blob = office.git("hash-object", "-w", "--stdin", stdin="nonsense")
    office.git("update-ref", "refs/coord/meta/repo", blob)
    ran = line(office)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_text_of_others_cannot_steer_the_terminal(office: Scratch) -> None:
    title = "\x1b[31mred\x07 " + "very " * 40
    assert office.coord("task", "edit", "15", "--title", title).code == 0
    said = line(office).out
    assert "\x1b" not in said
    assert len(said) < 120
    assert said.count("\n") == 1


def test_asking_is_no_sign_of_life(office: Scratch) -> None:
    sid = office.coord("sessions", "--json").result[0]["id"]
    ref = f"refs/coord/heartbeats/{sid}"
    old = office.git("hash-object", "-w", "--stdin", stdin='{"boot":null,"up":null,"utc":0,"v":1}\n')
    office.git("update-ref", ref, old)
    line(office)
    assert office.git("rev-parse", ref) == old


def test_programs_get_it_too(office: Scratch) -> None:
    assert office.coord("statusline", "--json", stdin="{}").result == {"line": "backend · 15 Fix the login 60%"}
