"""Session commands, from the command line to what is printed."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Coord
from tests.support import Scratch


def test_whoami_without_a_session_says_how_to_get_one(coord: Coord) -> None:
    ran = coord("whoami")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1] == "  hint: git coord start"
    assert coord("whoami", "--json").error["code"] == "no-session"


def test_start_signs_on_and_whoami_knows_it(coord: Coord) -> None:
    session = coord("start", "backend", "--label", "team=web", "--model", "m1", "--json").result
    assert session["name"] == "backend"
    assert session["labels"] == {"team": "web"}
    assert coord("whoami", "--json").result["id"] == session["id"]
    assert "backend" in coord("whoami").out


def test_start_export_prints_only_a_line_for_eval(coord: Coord) -> None:
    ran = coord("start", "backend", "--export", "--quiet")
    name, value = ran.out.rstrip("\n").split("=")
    assert name == "export GIT_COORD_SESSION"
    assert coord("whoami", "--json", env={"GIT_COORD_SESSION": value}).result["id"] == value


@pytest.mark.parametrize(
    ("variable", "agent"),
    [("CLAUDE_CODE_SESSION_ID", "claude"), ("CODEX_THREAD_ID", "codex"), ("GEMINI_SESSION_ID", "gemini")],
)
def test_the_agent_around_is_recognised(coord: Coord, variable: str, agent: str) -> None:
    session = coord("start", "--json", env={variable: "agents-own-id"}).result
    assert (session["agent"], session["external_id"]) == (agent, "agents-own-id")


def test_an_agent_that_is_named_does_not_get_the_id_of_another_one_around(coord: Coord) -> None:
    session = coord("start", "--agent", "codex", "--json", env={"CLAUDE_CODE_SESSION_ID": "x"}).result
    assert (session["agent"], session["external_id"]) == ("codex", None)


def test_a_session_may_be_named_before_or_after_the_verb(signed_on: Coord) -> None:
    other = signed_on("start", "frontend", "--json").result["id"]
    for args in (("--session", "frontend", "whoami"), ("whoami", "--session", other), ("whoami", f"--session={other}")):
        assert signed_on("--json", *args).result["id"] == other


def test_sessions_are_listed_for_people_and_for_programs(signed_on: Coord) -> None:
    signed_on("start", "frontend")
    table = signed_on("sessions").out.splitlines()
    assert table[0].split()[:2] == ["ID", "NAME"]
    assert [line.lstrip("* ").split()[1] for line in table[1:]] == ["frontend", "backend"]
    assert "\x1b" not in "".join(table)
    lines = signed_on("sessions", "--porcelain").out.splitlines()
    assert [dict(part.split("=", 1) for part in line.split("\t"))["name"] for line in lines] == ["frontend", "backend"]
    assert signed_on("sessions", "-z").out.count("\0") == 2


def test_quiet_leaves_confirmations_out_and_nothing_else(signed_on: Coord) -> None:
    assert signed_on("heartbeat", "-q").out == ""
    assert signed_on("-q", "whoami").out != ""
    assert signed_on("heartbeat", "--json", "-q").result["session"].startswith("s-")


def test_resume_without_a_session_lists_them_and_does_nothing(signed_on: Coord) -> None:
    ran = signed_on("resume")
    assert ran.code == 1
    assert "backend" in ran.out
    assert "hint: git coord resume s-" in ran.err
    error = signed_on("resume", "--json").error
    assert error["code"] == "no-session"
    assert [session["name"] for session in error["sessions"]] == ["backend"]


def test_resume_of_an_ended_session_starts_a_successor(signed_on: Coord) -> None:
    old = signed_on("whoami", "--json").result["id"]
    assert signed_on("end").out == f"ended backend ({old})\n"
    resumed = signed_on("resume", old, "--json").result
    assert resumed["session"]["resumed_from"] == old


def test_end_says_what_is_in_the_way(signed_on: Coord) -> None:
    signed_on("claim", "15", "--no-worktree")
    error = signed_on("end", "--json").error
    assert (error["code"], error["tasks"]) == ("unsafe", ["15"])
    ran = signed_on("end", "--handoff", "the rest")
    assert (ran.code, ran.out.splitlines()[1]) == (0, "  offered: 15")


def test_cleanup_says_when_there_is_nothing_to_do(signed_on: Coord) -> None:
    assert signed_on("cleanup", "--dry-run").out == "nothing to clean up\n"
    assert signed_on("cleanup", "--json").result["expired"] == []


def test_status_names_what_needs_attention_before_anything_else(signed_on: Coord) -> None:
    signed_on("task", "add", "waits", "--id", "2", "--after", "nothing")
    signed_on("claim", "15", "--no-worktree")
    said = signed_on("status").out.splitlines()
    assert said[0].startswith("! 2 waits for nothing")
    assert "you are backend" in said[3]
    assert said[-1] == "2 tasks: 1 pending, 1 claimed; 0 ready"
    kinds = [line.split("\t")[0] for line in signed_on("status", "--porcelain").out.splitlines()]
    assert kinds == ["kind=attention", "kind=claim", "kind=session", "kind=count", "kind=count", "kind=ready"]
    assert signed_on("status", "--json").result["me"]["name"] == "backend"


def test_every_command_counts_as_a_heartbeat(signed_on: Coord, scratch: Scratch) -> None:
    sid = signed_on("whoami", "--json").result["id"]
    ref = f"refs/coord/heartbeats/{sid}"
    empty = scratch.git("hash-object", "-w", "--stdin", stdin='{"boot":null,"up":null,"utc":0,"v":1}\n')
    for args in (("task", "list"), ("task", "show", "unknown")):
        scratch.git("update-ref", ref, empty)
        signed_on(*args)
        assert scratch.git("rev-parse", ref) != empty, args
