"""Task commands, from the command line to what is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Coord
from tests.support import Scratch


def test_a_task_is_added_shown_edited_listed_and_cancelled(coord: Coord, tmp_path: Path) -> None:
    (tmp_path / "body").write_text("line one\nline two\n")
    made = coord("task", "add", "Fix it", "--id", "15", "-F", str(tmp_path / "body"), "-l", "web", "--json").result
    assert (made["id"], made["priority"], made["labels"]) == ("15", 2, ["web"])
    assert made["body"] == "line one\nline two\n"
    coord("task", "edit", "15", "--priority", "0", "--label", "now", "--remove-label", "web")
    shown = coord("task", "show", "15").out.splitlines()
    assert shown[0] == "15  Fix it"
    assert shown[-3:] == ["description, in its author's words:", "| line one", "| line two"]
    assert coord("task", "list", "--json").result[0]["labels"] == ["now"]
    assert coord("task", "cancel", "15", "--reason", "dup").out == "cancelled 15: Fix it\n"
    assert coord("task", "list").out == "no such tasks\n"
    assert coord("task", "edit", "15", "--reopen", "--json").result["state"] == "pending"


def test_text_from_a_task_is_shown_escaped(coord: Coord) -> None:
    coord("task", "add", "a", "--id", "1", "--body", "\x1b]0;owned\x07 \u202eevil\n[bold]x[/bold]")
    for args in (("task", "show", "1"), ("task", "show", "1", "--json"), ("task", "list", "--porcelain")):
        ran = coord(*args)
        assert ran.code == 0
        assert not {"\x1b", "\x07", "\u202e"}.intersection(ran.out)
    assert "| \\x1b]0;owned\\x07 \\u202eevil\n| [bold]x[/bold]\n" in coord("task", "show", "1").out
    assert coord("task", "show", "1", "--json").result["body"] == "\x1b]0;owned\x07 \u202eevil\n[bold]x[/bold]"


def test_ready_lists_what_can_be_claimed(coord: Coord) -> None:
    assert coord("ready").out == "nothing is ready to be claimed\n"
    coord("task", "add", "b", "--id", "b", "--after", "a")
    coord("task", "add", "a", "--id", "a", "--label", "web")
    assert [task["id"] for task in coord("ready", "--json").result] == ["a"]
    assert coord("ready", "--label", "db", "--json").result == []


def test_two_sources_for_a_body_are_one_too_many(coord: Coord) -> None:
    assert coord("task", "add", "a", "--body", "x", "-F", "-", "--json").error["code"] == "usage"


def test_claim_makes_a_worktree_and_prints_its_path_when_asked(signed_on: Coord) -> None:
    ran = signed_on("claim", "15", "--path")
    path = Path(ran.out.rstrip("\n"))
    assert (path / ".git").exists()
    assert ran.out.count("\n") == 1
    again = signed_on("claim", "15")
    assert again.out.startswith("15 is yours already, as backend, token 1")
    assert str(path) in again.out


def test_a_grant_says_how_strong_it_is(signed_on: Coord) -> None:
    answer = signed_on("claim", "15", "--no-worktree", "--json").json
    assert answer["guarantee"] == "local"
    assert (answer["result"]["token"], answer["result"]["created"], answer["result"]["changed"]) == (1, True, True)


def test_a_task_that_is_held_names_its_holder(signed_on: Coord) -> None:
    signed_on("claim", "15", "--no-worktree")
    signed_on("start", "other", "--no-bind")
    error = signed_on("claim", "15", "--session", "other", "--json").error
    assert error["code"] == "held"
    assert (error["holder_name"], error["token"]) == ("backend", 1)
    assert {"holder", "since", "heartbeat_age"} <= set(error)


def test_claim_wants_a_task_or_next_and_not_both(signed_on: Coord) -> None:
    assert signed_on("claim", "--json").error["code"] == "usage"
    assert signed_on("claim", "15", "--next", "--json").error["code"] == "usage"
    assert signed_on("claim", "--next", "--json").error["code"] == "nothing-ready"


def test_progress_release_and_done_default_to_the_only_claim(signed_on: Coord) -> None:
    signed_on("claim", "15", "--no-worktree")
    assert signed_on("progress", "40%", "--phase", "tests").out == "15: 40% tests\n"
    assert signed_on("progress", "-m", "nearly", "--json").result["progress"]["message"] == "nearly"
    assert signed_on("release", "--reason", "later").out == "released 15; it is free again\n"
    signed_on("claim", "15", "--no-worktree")
    finished = signed_on("done", "--status", "failed", "--summary", "it broke", "--json").result
    assert finished["task"]["state"] == "failed"
    assert finished["task"]["result"]["summary"] == "it broke"


def test_takeover_by_force_needs_the_token_it_supersedes(signed_on: Coord) -> None:
    signed_on("claim", "15", "--no-worktree")
    signed_on("start", "other", "--no-bind")
    mine = ("takeover", "15", "--reason", "hangs", "--no-worktree", "--session", "other", "--json")
    assert signed_on(*mine, "--force").error["code"] == "usage"
    assert signed_on(*mine).error["code"] == "held"
    assert signed_on(*mine, "--force", "--token", "9").code == 1
    assert signed_on(*mine, "--force", "--token", "1").result["token"] == 2


def test_a_handoff_is_offered_listed_accepted_and_withdrawn(signed_on: Coord) -> None:
    signed_on("start", "other", "--no-bind")
    signed_on("claim", "15", "--no-worktree")
    offered = signed_on("handoff", "--note", "half done", "--next", "tests", "--context", "k=v", "--json").result
    assert offered["handoff"]["next"] == ["tests"]
    assert offered["handoff"]["context"] == {"k": "v"}
    assert "half done" in signed_on("handoffs").out
    assert signed_on("withdraw", "15").out == "withdrew the offer of 15; it is yours again, token 2\n"
    signed_on("handoff", "15", "-m", "again", "--to", "other")
    accepted = signed_on("accept", "15", "--no-worktree", "--session", "other", "--json")
    assert accepted.json["guarantee"] == "local"
    assert accepted.result["claim"]["session_name"] == "other"
    assert (accepted.result["offer"]["note"], accepted.result["restored"]) == ("again", False)
    assert signed_on("handoffs").out == "no open offers\n"


def test_worktrees_are_listed_removed_and_adopted(signed_on: Coord, tmp_path: Path) -> None:
    path = signed_on("claim", "15", "--path").out.rstrip("\n")
    (row,) = (view for view in signed_on("worktree", "list", "--json").result if view["task"] == "15")
    assert (row["path"], row["session_name"]) == (path, "backend")
    (Path(path) / "new").write_text("x")
    assert signed_on("worktree", "remove", "15", "--json").error["code"] == "unsafe"
    (Path(path) / "new").unlink()
    assert signed_on("worktree", "remove", "15").out.startswith(f"removed {path}")
    assert signed_on("worktree", "create", "15", "--json").result["path"] == path


def test_a_worktree_of_ones_own_is_adopted_for_the_only_claim(signed_on: Coord, tmp_path: Path) -> None:
    Scratch(tmp_path / "repo").git("worktree", "add", "-q", "../own")
    signed_on("claim", "15", "--no-worktree")
    adopted = signed_on("worktree", "adopt", "../own", "--json").result
    assert (adopted["path"], adopted["task"]) == (str(tmp_path / "own"), "15")


def test_the_log_can_be_narrowed(signed_on: Coord) -> None:
    signed_on("claim", "15", "--no-worktree")
    signed_on("claim", "16", "--no-worktree")
    events = signed_on("log", "--task", "15", "--json").result
    assert [event["type"] for event in events] == ["claim"]
    assert len(signed_on("log", "--session", "backend", "--type", "claim", "--since", "1h", "--json").result) == 2
    assert len(signed_on("log", "-n", "1", "--json").result) == 1
    assert signed_on("log").out.splitlines()[0].split() == ["WHEN", "TYPE", "SESSION", "TASK", "WHAT"]


def test_set_up_says_what_it_wrote_and_takes_it_back(coord: Coord) -> None:
    assert coord("init", "--no-hooks").out.startswith("nothing to do")
    wrote = coord("init", "--dry-run", "--json").result
    assert all({"what", "path"} == set(item) for item in wrote)
    assert wrote
    assert coord("hooks", "install").out.startswith("installed:")
    assert {hook["fires"] for hook in coord("hooks", "status", "--json").result} == {True}
    assert "post-commit" in coord("hooks", "status").out
    assert coord("doctor").out.splitlines()[-1] == "all is well"
    assert coord("hooks", "uninstall").out.startswith("taken back:")
    assert coord("uninstall", "--purge-state").code == 0
    assert coord("status").code == 128


def test_a_path_for_the_shell_is_exact_whatever_is_in_it(coord: Coord, make_scratch: Callable[..., Scratch]) -> None:
    odd = make_scratch("größe \u202e '$x").path
    for args in (("init", "--no-hooks"), ("start", "backend")):
        assert coord(*args, at=odd).code == 0
    ran = coord("claim", "15", "--path", at=odd)
    assert ran.out == f"{odd}/.worktrees/15\n"
    assert "\u202e" not in coord("worktree", "list", at=odd).out
