"""Locks and shared data, from the command line to what is printed."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Coord
from tests.support import Scratch

TOKEN = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"


@pytest.fixture
def two(coord: Coord) -> Coord:
    """Sessions ``ann`` (bound to the main worktree) and ``ben``."""
    for name in ("ann", "ben"):
        assert coord("start", name).code == 0
    return coord


# -- locks -----------------------------------------------------------------------------------------------------------


def test_a_lock_is_granted_with_its_token_for_people_and_programs(two: Coord) -> None:
    assert two("lock", "deploy", "src/**").out.splitlines() == ["locked deploy, token 1", "locked 'src/**', token 2"]
    answer = two("lock", "deploy", "--json").json
    assert (answer["guarantee"], answer["result"]["changed"], answer["result"]["token"]) == ("local", False, 1)
    lock = answer["result"]["locks"][0]
    wanted = "name path mode session session_name token reason since expires_at"
    assert set(wanted.split()) <= set(lock)
    assert (lock["name"], lock["path"], lock["mode"], lock["session_name"]) == ("deploy", None, "exclusive", "ann")
    lines = two("lock", "deploy", "src/**", "--porcelain").out.splitlines()
    assert [dict(part.split("=", 1) for part in line.split("\t"))["token"] for line in lines] == ["1", "2"]


def test_a_refusal_names_holder_reason_age_and_what_to_do(two: Coord) -> None:
    two("lock", "deploy", "--reason", "release 2.1")
    ran = two("--session", "ben", "lock", "deploy")
    assert (ran.code, ran.out) == (1, "")
    first, second, third = ran.err.splitlines()
    assert first.startswith("git coord: held: 'deploy' is locked by ann (release 2.1); last heartbeat ")
    assert second.startswith("  token 1, since 20")
    assert third.startswith("  hint: wait for it with --wait")
    error = two("--session", "ben", "lock", "deploy", "--json").error
    assert (error["code"], error["holder_name"], error["token"]) == ("held", "ann", 1)
    assert {"holder", "since", "heartbeat_age", "reason"} <= set(error)


def test_a_wait_that_takes_too_long_is_a_timeout(two: Coord) -> None:
    two("lock", "deploy")
    error = two("--session", "ben", "lock", "deploy", "--wait", "1s", "--json")
    assert (error.code, error.error["code"], error.error["holder_name"]) == (1, "timeout", "ann")


def test_ctrl_c_ends_the_waiting_with_130_and_leaves_the_queue(two: Coord, scratch: Scratch) -> None:
    two("lock", "deploy")
    waiting = scratch.start_coord("--session", "ben", "lock", "deploy", "--wait", "10m")
    deadline = time.monotonic() + 20
    while two("locks", "--json").result[0]["waiting"] != ["ben"]:
        assert time.monotonic() < deadline
    assert " ben " in two("locks").out.splitlines()[1]
    waiting.send_signal(signal.SIGINT)
    _out, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, "interrupted" in err) == (130, True)
    assert two("locks", "--json").result[0]["waiting"] == []


def test_locks_are_listed_with_who_waits(two: Coord) -> None:
    assert two("locks").out == "no locks\n"
    two("lock", "deploy", "--reason", "why", "--ttl", "10m")
    head, row = two("locks").out.splitlines()
    assert head.split() == ["LOCK", "MODE", "HOLDER", "TOKEN", "SINCE", "UNTIL", "WAITING", "REASON"]
    assert row.split()[:4] == ["deploy", "exclusive", "ann", "1"]
    assert two("locks", "--json").result[0]["expires_at"] > two("locks", "--json").result[0]["since"]


def test_unlock_says_what_is_free_again(two: Coord) -> None:
    two("lock", "deploy", "src/")
    assert two("unlock", "deploy").out == "unlocked deploy\n"
    assert two("unlock").out == "unlocked 'src/'\n"
    ran = two("unlock")
    assert (ran.code, ran.out) == (1, "")
    assert "not-holder" in ran.err
    assert two("unlock", "--all").out == "you held no lock\n"


def test_check_takes_paths_as_they_are_named_from_here(two: Coord, scratch: Scratch) -> None:
    two("lock", "src/**", "--reason", "refactor")
    src = scratch.path / "src"
    src.mkdir()
    for paths in (["a.py"], ["../src/a.py"], [str(src / "a.py")], ["."]):
        ran = two("--session", "ben", "check", *paths, at=src)
        assert ran.code == 1
        assert ran.out.endswith("locked by ann with 'src/**': refactor\n")
        assert two("check", *paths, at=src).code == 0  # ann's own
    assert two("--session", "ben", "check", "README.md").out == "1 path free, or locked by you\n"
    found = two("--session", "ben", "check", "src/a.py", "README.md", "--json").error
    assert [(item["path"], item["lock"]["path"]) for item in found["paths"]] == [("src/a.py", "src/**")]
    lines = two("--session", "ben", "check", "src/a.py", "--porcelain").out.splitlines()
    assert lines[0].startswith("path=src/a.py\tlock=src/**\t")


def test_check_refuses_paths_outside_and_resolves_no_link_that_is_a_path_itself(
    two: Coord, scratch: Scratch, tmp_path: Path
) -> None:
    two("lock", "link")
    two("lock", "link", "--path")
    (scratch.path / "link").symlink_to(tmp_path)
    assert two("--session", "ben", "check", "link").code == 1
    for path in ("/etc/passwd", "../x", "link/x"):
        assert two("check", path).code == 129


def test_a_hostile_name_is_shown_harmless(two: Coord) -> None:
    two("lock", "a\u202eb", "--reason", "\x1b]0;x\x07")  # refused: not printable
    assert two("locks").out == "no locks\n"
    two("lock", "src/\x1b[31m*", "--reason", "\x1b]0;title\x07")
    said = two("locks").out + two("--session", "ben", "lock", "src/a").err
    assert "\x1b" not in said
    assert "\x07" not in said


# -- shared data -----------------------------------------------------------------------------------------------------


def test_a_text_is_printed_as_it_is_and_everything_else_as_json(coord: Coord) -> None:
    coord("set", "issue:15", "phase", "code review")
    coord("set", "issue:15", "ports", "[8001, 8002]", "--json-value")
    assert coord("get", "issue:15", "phase").out == "code review\n"
    assert coord("get", "issue:15", "ports").out == "[8001,8002]\n"
    head, *table = coord("get", "issue:15").out.splitlines()
    assert head.split() == ["KEY", "VERSION", "BY", "AT", "VALUE"]
    assert [row.split()[:2] for row in table] == [["phase", "1"], ["ports", "2"]]
    whole = coord("get", "issue:15", "--json").result
    assert (whole["version"], whole["entries"]["ports"]["value"]) == (2, [8001, 8002])


def test_results_say_scope_key_value_version_by_and_at(two: Coord) -> None:
    made = two("set", "issue:15", "phase", "plan", "--json").result
    assert list(made) == ["scope", "key", "value", "version", "by", "at"]
    me = two("whoami", "--json").result["id"]
    assert (made["value"], made["version"], made["by"]) == ("plan", 1, me)
    assert two("get", "issue:15", "phase", "--json").result == made


def test_a_default_stands_in_for_what_is_not_there(coord: Coord) -> None:
    assert coord("get", "issue:15", "phase").code == 1
    assert coord("get", "issue:15", "phase", "--default", "plan").out == "plan\n"
    assert coord("get", "issue:15", "--default", "plan").code == 129


def test_a_conflict_says_what_is_there_now(coord: Coord) -> None:
    coord("set", "issue:15", "phase", "plan")
    for condition in (["--if-version", "7"], ["--if-absent"]):
        error = coord("set", "issue:15", "phase", "x", *condition, "--json")
        assert error.code == 1
        assert (error.error["code"], error.error["version"], error.error["value"]) == ("conflict", 1, "plan")
    assert coord("set", "issue:15", "phase", "code", "--if-version", "1").code == 0


def test_a_value_comes_from_the_line_a_file_or_stdin(scratch: Scratch, coord: Coord) -> None:
    (scratch.path / "value.json").write_text('{"a": [1]}\n')
    coord("set", "s:x", "file", "-F", str(scratch.path / "value.json"), "--json-value")
    assert coord("get", "s:x", "file").out == '{"a":[1]}\n'
    assert scratch.coord("set", "s:x", "stdin", "-F", "-", stdin="two\nlines").code == 0
    assert coord("get", "s:x", "stdin", "--json").result["value"] == "two\nlines"
    assert coord("set", "s:x", "k").code == 129
    assert coord("set", "s:x", "k", "v", "-F", "x").code == 129
    assert coord("set", "s:x", "k", "[1", "--json-value").code == 129


def test_incr_prints_the_number_alone(coord: Coord) -> None:
    assert [coord("incr", "project:m", "next", *by).out for by in ([], ["--by", "10"], ["--by=-1"])] == [
        "1\n",
        "11\n",
        "10\n",
    ]
    coord("set", "project:m", "name", "x")
    assert coord("incr", "project:m", "name", "--json").error["code"] == "wrong-state"


def test_scopes_are_listed_and_private_ones_marked(coord: Coord) -> None:
    assert coord("scopes").out == "no shared data\n"
    coord("set", "private:notes", "k", "v")
    coord("set", "issue:15", "k", "v")
    rows = coord("scopes").out.splitlines()
    assert [row.split()[0] for row in rows] == ["SCOPE", "issue:15", "private:notes"]
    assert rows[2].endswith("stays in this clone")
    assert [row["scope"] for row in coord("scopes", "issue:*", "--json").result] == ["issue:15"]


def test_unset_removes_a_key_or_all(coord: Coord) -> None:
    coord("set", "s:x", "a", "1")
    coord("set", "s:x", "b", "2")
    assert coord("unset", "s:x", "a").out == "removed 1 key from s:x, version 3\n"
    assert coord("unset", "s:x", "--json").result["removed"] == ["b"]
    assert coord("unset", "s:x").code == 1


def test_what_looks_like_a_secret_is_stored_with_a_warning_that_does_not_repeat_it(coord: Coord) -> None:
    ran = coord("set", "issue:15", "note", TOKEN, "--quiet")
    assert (ran.code, ran.out) == (0, "")
    assert "GitHub token" in ran.err
    assert TOKEN not in ran.err
    assert [notice["code"] for notice in coord("set", "issue:15", "note", TOKEN, "--json").json["notices"]] == [
        "no-session",
        "secret",
    ]
    assert "GitHub" not in coord("set", "private:x", "note", TOKEN).err


def test_a_hostile_value_is_shown_harmless_in_tables_and_json(coord: Coord) -> None:
    hostile = "\x1b]0;x\x07\u202e"
    coord("set", "s:x", "k", hostile)
    for ran in (coord("get", "s:x"), coord("get", "s:x", "--json"), coord("get", "s:x", "k", "--porcelain")):
        assert "\x1b" not in ran.out
        assert "\u202e" not in ran.out
    assert coord("get", "s:x", "k", "--json").result["value"] == hostile
