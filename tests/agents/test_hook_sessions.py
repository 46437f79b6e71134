"""An agent's session comes, goes on and ends by itself: real agents' processes that call their hooks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitcoord.git import binding
from tests.agents.hooked import Agent
from tests.faults.support import Office
from tests.support import Scratch


@pytest.fixture
def office(scratch: Scratch) -> Iterator[Office]:
    found = Office.found(scratch)
    yield found
    found.close()


def sessions(scratch: Scratch, *, every: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scratch.coord("sessions", "--json", *(["--all"] if every else [])).result
    return found


def only(scratch: Scratch) -> dict[str, Any]:
    (found,) = sessions(scratch)
    return found


def test_an_agent_that_starts_gets_a_session_bound_to_its_process_and_its_worktree(
    scratch: Scratch, office: Office, tmp_path: Path
) -> None:
    env_file = tmp_path / "env file"
    env_file.write_text("export A=b\n")
    with Agent(scratch.path, "conv-1", env={"CLAUDE_ENV_FILE": str(env_file)}) as agent:
        heard = agent.hook("SessionStart", source="startup", model="opus")
        found = only(scratch)
        assert found["pid"] == agent.process.pid
        assert (found["agent"], found["model"], found["external_id"]) == ("claude", "opus", "conv-1")
        assert binding.bound_session(str(scratch.path / ".git")) == found["id"]
        assert found["id"] in heard.context
        assert env_file.read_text() == f"export A=b\nexport GIT_COORD_SESSION='{found['id']}'\n"
        agent.hook("SessionStart", source="compact")
        assert env_file.read_text().count("GIT_COORD_SESSION") == 1
        assert only(scratch)["id"] == found["id"]


def test_everybody_sees_at_once_that_an_agent_died(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        assert scratch.coord("claim", "15", "--no-worktree").code == 0
        other = office.hire("other")
        assert scratch.coord("claim", "15", "--no-worktree", "--session", "other").code == 1
        agent.die()
        assert other.claim("15", worktree=False).task.token == 2


def test_a_cleared_memory_leaves_the_session_and_its_claims_as_they_are(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        me = only(scratch)["id"]
        scratch.coord("claim", "15", "--no-worktree")
        assert agent.hook("SessionEnd", reason="clear").silent
        agent.session_id = "conv-2"
        heard = agent.hook("SessionStart", source="clear")
        found = only(scratch)
        assert (found["id"], found["external_id"], found["tasks"]) == (me, "conv-2", ["15"])
        assert "You hold (1):\n- 15 " in heard.context


def test_two_conversations_in_one_editor_are_two_workers(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1", name="cursor") as editor:
        editor.hook("sessionStart")
        editor.session_id = "conv-2"
        editor.hook("sessionStart")
        assert {found["external_id"] for found in sessions(scratch)} == {"conv-1", "conv-2"}


def test_notes_about_agents_of_long_ago_are_not_kept(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        me = only(scratch)["id"]
        note = scratch.path / ".git/coord/agents/conv-1"
        os.utime(note, (0, 0))
        with Agent(scratch.path, "conv-2") as another:
            another.hook("SessionStart", source="startup")
        assert not note.exists()
        assert me in agent.hook("UserPromptSubmit", prompt="still here").context
        assert note.exists()


def test_a_resumed_agent_goes_on_with_its_session_in_another_process(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        me = only(scratch)["id"]
        scratch.coord("claim", "15", "--no-worktree")
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="resume")
        found = only(scratch)
        assert (found["id"], found["pid"], found["tasks"]) == (me, agent.process.pid, ["15"])
        assert found["shown"] == "active"


def test_an_agent_resumed_after_its_end_gets_a_successor(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        me = only(scratch)["id"]
        agent.hook("SessionEnd", reason="other")
        assert sessions(scratch) == []
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="resume")
        found = only(scratch)
        assert found["id"] != me
        assert (found["resumed_from"], found["external_id"]) == (me, "conv-1")


def test_an_agent_inside_a_launched_session_is_that_session(scratch: Scratch, office: Office) -> None:
    lent = office.hire("launched").wanted
    assert lent is not None
    with Agent(scratch.path, "conv-1", env={"GIT_COORD_SESSION": lent}) as agent:
        assert lent in agent.hook("SessionStart", source="startup").context
        assert [found["id"] for found in sessions(scratch)] == [lent]
        agent.hook("PostToolUse", tool_name="Bash")
        agent.hook("SessionEnd", reason="other")
        found = only(scratch)
        assert (found["state"], found["tool_calls"]) == ("live", 1)
        office.coord(lent).end(force=True)
        successor = agent.hook("SessionStart", source="resume").context
        assert only(scratch)["resumed_from"] == lent
        assert only(scratch)["id"] in successor
        assert agent.hook("PostToolUse", tool_name="Bash").silent


def test_a_session_of_another_repository_in_the_environment_is_nobody_here(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1", env={"GIT_COORD_SESSION": "s-aaaaaaaaaa"}) as agent:
        agent.hook("SessionStart", source="startup")
        assert only(scratch)["external_id"] == "conv-1"


def test_two_agents_in_one_worktree_are_two_sessions(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as one, Agent(scratch.path, "conv-2", name="codex") as two:
        one.hook("SessionStart", source="startup")
        two.hook("SessionStart", source="startup")
        assert {(found["external_id"], found["agent"], found["pid"]) for found in sessions(scratch)} == {
            ("conv-1", "claude", one.process.pid),
            ("conv-2", "codex", two.process.pid),
        }


def test_one_conversation_opened_twice_is_two_workers(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as one, Agent(scratch.path, "conv-1") as two:
        one.hook("SessionStart", source="startup")
        two.hook("SessionStart", source="resume")
        assert {found["pid"] for found in sessions(scratch)} == {one.process.pid, two.process.pid}


def test_a_hook_that_is_configured_twice_starts_one_session(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup", times=2)
        assert only(scratch)["pid"] == agent.process.pid


def test_an_agent_started_where_a_person_signed_on_works_as_that_person(scratch: Scratch, office: Office) -> None:
    mine = scratch.coord("start", "ada", "--json").result["id"]
    with Agent(scratch.path, "conv-1") as agent, Agent(scratch.path, "conv-2") as another:
        assert mine in agent.hook("SessionStart", source="startup").context
        assert only(scratch)["pid"] is None
        another.hook("SessionStart", source="startup")
        assert len(sessions(scratch)) == 2
        agent.hook("SessionEnd", reason="other")
        assert mine in {found["id"] for found in sessions(scratch)}


def test_the_first_prompt_does_where_no_start_was_announced(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        assert agent.hook("PostToolUse", tool_name="Bash").silent
        heard = agent.hook("UserPromptSubmit", prompt="hello")
        assert only(scratch)["id"] in heard.context
        assert agent.hook("UserPromptSubmit", prompt="again").silent
        agent.hook("Stop")
        assert only(scratch)["messages"] == 2


def test_the_end_frees_locks_and_ends_a_session_that_holds_nothing(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        scratch.coord("lock", "src/**")
        (scratch.path / "junk").write_text("lies here\n")
        assert agent.hook("SessionEnd", reason="prompt_input_exit").silent
        (found,) = sessions(scratch, every=True)
        assert found["state"] == "ended"
        assert scratch.coord("locks", "--json").result == []
        assert binding.bound_session(str(scratch.path / ".git")) is None


def test_the_end_leaves_a_claim_to_whoever_sees_the_process_gone(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        scratch.coord("claim", "15", "--no-worktree")
        assert agent.hook("SessionEnd", reason="other").silent
        assert only(scratch)["tasks"] == ["15"]
    assert office.hire("other").claim("15", worktree=False).taken_from_name == "claude"


def test_messages_and_tool_calls_are_counted_without_a_write_for_each(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        before = office.refs()
        agent.hook("UserPromptSubmit", prompt="x")
        for _ in range(3):
            agent.hook("PostToolUse", tool_name="Bash", tool_response={"stdout": "x"})
        assert office.refs() == before
        agent.hook("Stop", stop_hook_active=False)
        found = only(scratch)
        assert (found["messages"], found["tool_calls"]) == (1, 3)
        agent.hook("PostToolUse", tool_name="Bash")
        agent.hook("SessionEnd", reason="clear")
        assert only(scratch)["tool_calls"] == 4


def test_a_tool_call_is_a_heartbeat_when_one_is_due(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        me = only(scratch)["id"]
        beat = f"refs/coord/heartbeats/{me}"
        office.silence(me, 1000)
        old = office.refs()[beat]
        agent.hook("PostToolUse", tool_name="Bash")
        assert office.refs()[beat] != old
        assert office.record(f"refs/coord/sessions/{me}")["counters"] == {"messages": 0, "tool_calls": 1}


def test_an_agent_that_was_written_off_hears_of_it_with_its_next_prompt(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        me = only(scratch)["id"]
        scratch.coord("end", me, "--force")
        office.silence(me, 4000)
        heard = agent.hook("UserPromptSubmit", prompt="go on")
        found = only(scratch)
        assert found["resumed_from"] == me
        assert found["id"] in heard.context


def test_the_agent_s_own_directory_decides_wherever_the_hook_is_started(
    scratch: Scratch, office: Office, tmp_path: Path
) -> None:
    elsewhere = Scratch.create(tmp_path / "other repo")
    linked = tmp_path / "a worktree – ünï"
    scratch.git("worktree", "add", "-q", "-b", "topic", str(linked))
    with Agent(elsewhere.path, "conv-1", env={"GIT_DIR": str(elsewhere.path / ".git")}) as agent:
        agent.cwd = linked / "deep" / "down"
        agent.hook("SessionStart", source="startup")
        found = only(scratch)
        assert found["worktree"] == str(linked)
        (git_dir,) = (scratch.path / ".git/worktrees").iterdir()
        assert binding.bound_session(str(git_dir)) == found["id"]
    assert not (elsewhere.path / ".git" / "coord").exists()


def test_an_exported_git_dir_serves_where_nothing_lies_around_the_agent(
    scratch: Scratch, office: Office, tmp_path: Path
) -> None:
    home = tmp_path / "plain"
    home.mkdir()
    env = {"GIT_DIR": str(scratch.path / ".git"), "GIT_WORK_TREE": str(home)}
    with Agent(home, "conv-1", env=env) as agent:
        agent.hook("SessionStart", source="startup")
        assert only(scratch)["worktree"] == str(home)


def test_a_wrapper_of_the_hook_is_not_taken_for_the_agent(scratch: Scratch, office: Office, tmp_path: Path) -> None:
    shim = tmp_path / "bin" / "git-coord"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\n"{sys.executable}" -m gitcoord "$@"\n')
    shim.chmod(0o755)
    with Agent(scratch.path, "conv-1", env={"PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}"}) as agent:
        agent.command = "git coord hook agent --agent claude"
        agent.hook("SessionStart", source="startup")
        assert only(scratch)["pid"] == agent.process.pid
