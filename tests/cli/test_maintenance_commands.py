"""maintain, undo and log --at as commands: what they print, and the JSON that scripts rely on."""

from __future__ import annotations

import pytest

from tests.support import Scratch


@pytest.fixture
def office(scratch: Scratch) -> Scratch:
    scratch.git("config", "coord.durability", "relaxed")
    scratch.coord("init", "--no-hooks")
    scratch.coord("start", "ann")
    scratch.coord("claim", "15", "--no-worktree")
    return scratch


def test_undo_says_what_it_did_and_how(office: Scratch) -> None:
    would = office.coord("undo", "--dry-run").out.splitlines()
    assert would[0].startswith("would take back: claim 15 by ann, token 1")
    assert would[1:] == ["  release 15; its branch and worktree stay"]
    answer = office.coord("undo", "--json").json
    assert answer["guarantee"] == "local"
    result = answer["result"]
    assert (result["operation"]["type"], result["task"]["state"], result["dry_run"]) == ("claim", "pending", False)
    again = office.coord("undo")
    assert "token 2" in again.out.splitlines()[-1]
    assert office.coord("undo", "-q").out == ""


def test_undo_without_anything_to_take_back_says_so(scratch: Scratch) -> None:
    scratch.coord("init", "--no-hooks")
    assert scratch.coord("undo", "--json").error["code"] == "no-session"
    scratch.coord("start", "ann")
    error = scratch.coord("undo", "--json").error
    assert (error["code"], error["hint"]) == ("not-found", "git coord log")


def test_maintain_says_what_went_and_what_is_left(office: Scratch) -> None:
    office.coord("done", "15")
    assert office.coord("maintain").out.startswith("nothing was finished long enough ago\n")
    assert office.coord("maintain", "--older-than", "0s", "--dry-run").out.startswith("would be archived: 1 task: 15\n")
    result = office.coord("maintain", "--older-than", "0s", "--json").result
    assert (result["tasks"], result["sessions"], result["removed"], result["packed"]) == (["15"], 0, 1, True)
    assert (result["live"], result["archived"], result["dry_run"]) == (4, 1, False)
    assert result["heartbeats"] == 0
    assert office.coord("status").out.rstrip().endswith("no tasks; 'git coord task add' adds one; 1 archived")
    assert office.coord("maintain", "--older-than", "soon").code == 129


def test_the_past_is_shown_as_tables_and_as_records(office: Scratch) -> None:
    shown = office.coord("log", "--at", "now").out
    assert "by the clocks of those who wrote" in shown
    assert "15" in shown
    result = office.coord("log", "--at", "now", "--json").result
    assert set(result) == {"as_of_time", "tasks", "locks", "sessions", "data"}
    assert result["tasks"][0]["claim"]["session_name"] == "ann"
    lines = office.coord("log", "--at", "now", "--porcelain").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["kind=task", "kind=session"]
    assert office.coord("log", "--at", "2001-01-01").out.splitlines()[-1] == "nothing was there yet"
    assert office.coord("log", "--at", "now", "--follow").code == 129
    assert office.coord("log", "--at", "soonish", "--json").error["code"] == "usage"
