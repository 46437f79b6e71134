"""When an agent stops: it hears once of work that nobody was told of, and is never kept going."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.hooked import Agent, Heard
from tests.faults.support import Office
from tests.support import Scratch


@pytest.fixture
def office(scratch: Scratch) -> Iterator[Office]:
    found = Office.found(scratch)
    yield found
    found.close()


@pytest.fixture
def agent(scratch: Scratch, office: Office) -> Iterator[Agent]:
    """One that has claimed 15 and stands in its worktree."""
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        agent.cwd = Path(scratch.coord("claim", "15", "--path").out.strip())
        yield agent


def later(path: Path, seconds: float = 60) -> None:
    """Give a file the time stamp of a change made that much after now."""
    moment = time.time() + seconds
    os.utime(path, (moment, moment))


def reminder(heard: Heard) -> str:
    found: dict[str, Any] = json.loads(heard.out)
    assert found["decision"] == "block"
    return str(found["reason"])


def test_unreported_work_is_said_once_and_again_after_the_next_report(scratch: Scratch, agent: Agent) -> None:
    assert agent.hook("Stop", stop_hook_active=False).silent
    (agent.cwd / "new.py").write_text("x = 1\n")
    later(agent.cwd / "new.py")
    said = reminder(agent.hook("Stop", stop_hook_active=False))
    assert "task «15», which you hold, has 1 uncommitted file in" in said
    assert "no progress was reported" in said
    assert agent.hook("Stop", stop_hook_active=False).silent
    assert Scratch(agent.cwd).coord("progress", "40").code == 0
    assert "its last progress report is older" in reminder(agent.hook("Stop", stop_hook_active=False))
    assert agent.hook("Stop", stop_hook_active=False).silent


def test_an_agent_that_goes_on_because_of_a_hook_is_left_alone(agent: Agent) -> None:
    (agent.cwd / "new.py").write_text("x = 1\n")
    later(agent.cwd / "new.py")
    assert agent.hook("Stop", stop_hook_active=True).silent
    assert not agent.hook("Stop", stop_hook_active=False).silent


def test_what_was_reported_is_not_said_again(scratch: Scratch, agent: Agent) -> None:
    (agent.cwd / "new.py").write_text("x = 1\n")
    later(agent.cwd / "new.py", -60)
    assert agent.hook("Stop", stop_hook_active=False).silent


def test_commits_that_are_nowhere_else_are_work_too(scratch: Scratch, agent: Agent) -> None:
    (agent.cwd / "new.py").write_text("x = 1\n")
    tree = Scratch(agent.cwd)
    tree.git("add", ".")
    tree.git("commit", "-q", "-m", "x", env={"GIT_COMMITTER_DATE": f"{int(time.time()) + 60} +0000"})
    assert "1 commit that is nowhere else" in reminder(agent.hook("Stop", stop_hook_active=False))


def test_others_work_and_no_work_are_no_reason(scratch: Scratch, office: Office, agent: Agent) -> None:
    (scratch.path / "stray.py").write_text("x = 1\n")
    later(scratch.path / "stray.py")
    assert agent.hook("Stop", stop_hook_active=False).silent
    (agent.cwd / "new.py").write_text("x = 1\n")
    later(agent.cwd / "new.py")
    with Agent(scratch.path, "conv-2", name="codex") as other:
        other.hook("SessionStart", source="startup")
        assert other.hook("Stop", stop_hook_active=False).silent
    assert Scratch(agent.cwd).coord("handoff", "15", "--note", "n").code == 0
    assert agent.hook("Stop", stop_hook_active=False).silent


@pytest.mark.parametrize(
    ("name", "event", "key"),
    [("codex", "Stop", "reason"), ("gemini", "AfterAgent", "reason"), ("cursor", "stop", "followup_message")],
)
def test_each_agent_hears_it_in_its_own_form(scratch: Scratch, office: Office, name: str, event: str, key: str) -> None:
    with Agent(scratch.path, "conv-1", name=name) as agent:
        agent.hook("SessionStart", source="startup")
        scratch.coord("claim", "15", "--no-worktree")
        (scratch.path / "new.py").write_text("x = 1\n")
        later(scratch.path / "new.py")
        assert "«15»" in json.loads(agent.hook(event).out)[key]
        assert agent.hook(event).silent
