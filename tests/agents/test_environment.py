"""The environment of a launched program: one table, true to the session, and nothing left over from the one around."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gitcoord import Coordinator
from gitcoord.agents.environment import NAMES, TABLE, private_places, session_environment, whole_environment
from gitcoord.cli.recipes import read
from tests.faults.support import Office
from tests.support import Scratch


@pytest.fixture
def office(scratch: Scratch) -> Office:
    return Office.found(scratch)


def acting(office: Office, env: dict[str, str]) -> str:
    """The id of the session that a program with ``env`` acts as."""
    with Coordinator.open(str(office.scratch.path), {**os.environ, **env}) as coord:
        return coord.whoami().id


def test_every_variable_of_the_table_is_set_for_a_claim_in_a_worktree(office: Office) -> None:
    session = office.coord().start("Büro 1", bind=False)
    found = session_environment(session, "/x/dir", task="15", token=3, worktree="/w/15")
    assert set(found) == NAMES
    assert found["GIT_COORD_SESSION"] == found["CLAUDE_SESSION_ID"] == session.id
    assert found["CLAUDE_SESSION_NAME"] == "Büro 1"
    assert (found["GIT_COORD_TASK"], found["GIT_COORD_TOKEN"]) == ("15", "3")
    assert found["GIT_COORD_SESSION_DIR"] == found["CLAUDE_SESSION_DIR"] == "/x/dir"
    assert found["CLAUDE_TODOS_DIR"] == "/x/dir/todos"
    assert found["CLAUDE_PROJECT_DIR"] == "/w/15"
    assert found["CLAUDE_SESSION_START_TIME"] == session.started_at


def test_what_there_is_not_is_not_set(office: Office) -> None:
    found = session_environment(office.coord().start("x", bind=False), "/x/dir")
    assert not {"GIT_COORD_TASK", "GIT_COORD_TOKEN", "CLAUDE_PROJECT_DIR"} & set(found)


def test_isolation_has_the_last_word_about_places(office: Office) -> None:
    session = office.coord().start("x", bind=False)
    found = session_environment(session, "/x", isolated={"CLAUDE_TODOS_DIR": "/y", "CLAUDE_CONFIG_DIR": "/z"})
    assert (found["CLAUDE_TODOS_DIR"], found["CLAUDE_CONFIG_DIR"]) == ("/y", "/z")


def test_the_session_around_is_forgotten() -> None:
    outer = {
        "GIT_COORD_SESSION": "s-a",
        "GIT_COORD_TASK": "1",
        "CLAUDE_CODE_SESSION_ID": "7f",
        "GIT_DIR": "/g",
        "A": "b",
    }
    assert whole_environment(outer, {"GIT_COORD_SESSION": "s-b"}, elsewhere=False) == {
        "GIT_COORD_SESSION": "s-b",
        "GIT_DIR": "/g",
        "A": "b",
    }
    assert "GIT_DIR" not in whole_environment(outer, {}, elsewhere=True)


def test_the_places_are_private_and_made_once(scratch: Scratch) -> None:
    common = str(scratch.common_dir())
    path = Path(private_places(common, "s-abcdefghij"))
    (path / "todos" / "kept").write_text("mine")
    assert private_places(common, "s-abcdefghij") == str(path)
    assert (path / "todos" / "kept").read_text() == "mine"
    made = [path, *(path / variable.place for variable in TABLE if variable.place and "." not in variable.place)]
    assert {stat.S_IMODE(place.stat().st_mode) for place in made} == {0o700}


def test_what_is_no_session_id_never_becomes_a_path(scratch: Scratch) -> None:
    with pytest.raises(ValueError, match="not a session id"):
        private_places(str(scratch.common_dir()), "../../x")


@pytest.mark.parametrize("variable", ["CLAUDE_SESSION_ID", "CLAUDE_CODE_SESSION_ID"])
def test_an_agents_variable_with_our_own_id_names_that_session(office: Office, variable: str) -> None:
    mine = office.coord().start("inner", bind=False)
    office.coord().start("outer")  # bound to the worktree, and not who is meant
    assert acting(office, {variable: mine.id}) == mine.id


def test_our_own_id_is_no_external_id_of_a_session_started_inside(office: Office) -> None:
    outer = office.coord().start("outer", bind=False)
    started = office.scratch.coord("start", "inner", "--json", env={"CLAUDE_SESSION_ID": outer.id}).result
    assert started["external_id"] is None
    assert acting(office, {"CLAUDE_SESSION_ID": outer.id}) == outer.id


def test_a_nested_agent_with_an_id_of_its_own_still_acts_as_the_session_around(office: Office) -> None:
    around = office.coord().start("around", bind=False)
    other = office.coord().start("other", external_id="7f", bind=False)
    env = {"GIT_COORD_SESSION": around.id, "CLAUDE_SESSION_ID": around.id, "CLAUDE_CODE_SESSION_ID": "7f"}
    assert acting(office, env) == around.id
    assert acting(office, {"CLAUDE_CODE_SESSION_ID": "7f"}) == other.id


def test_the_page_shows_the_table_as_it_is() -> None:
    rows = [line for line in read("launch").splitlines() if line.startswith("| `") and "_" in line.split("`")[1]]
    assert rows == [f"| `{each.name}` | {each.meaning} | {each.reader} |" for each in TABLE]
