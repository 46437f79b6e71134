"""``git coord run --resume``: the same session, or its successor, in its worktree and with its private directory."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.agents.support import coordinated, eventually, history, running, sessions, standin, task, written
from tests.support import Ran, Scratch


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    return coordinated(scratch)


def run(repo: Scratch, *args: str) -> Ran:
    return repo.coord("run", *args)


def crashed(repo: Scratch, tmp_path: Path, *options: str) -> str:
    """A session whose program and launcher were killed in the middle of work; its id."""
    script = f'echo x >new; echo old >"$CLAUDE_HISTORY_FILE"; echo $$ >{tmp_path}/pid; exec sleep 60'
    with running(repo.path, "--name", "worker", *options, "--", "sh", "-c", script) as child:
        pid = int(written(tmp_path / "pid"))
        child.kill()
        child.wait()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{pid}").exists())
    return str(sessions(repo)[0]["id"])


def test_a_kept_session_goes_on_as_it_was(repo: Scratch) -> None:
    run(repo, "--name", "worker", "--task", "15", "--lock", "db", "--on-exit", "keep", "--", *standin("say", "one"))
    ran = run(repo, "--resume", "worker", "--", *standin("say", "two", "env"))
    found = json.loads(ran.out)
    sid = found["GIT_COORD_SESSION"]
    assert [session["id"] for session in sessions(repo)] == [sid]
    assert (found["GIT_COORD_TASK"], found["GIT_COORD_TOKEN"]) == ("15", "1")
    assert found["CLAUDE_PROJECT_DIR"] == str(repo.path / ".worktrees/15")
    assert history(repo, sid) == ["one", "two"]
    assert "unlocked db" in ran.err


def test_after_a_crash_it_goes_on_with_its_claim_and_its_uncommitted_work(repo: Scratch, tmp_path: Path) -> None:
    sid = crashed(repo, tmp_path, "--task", "15")
    ran = run(repo, "--resume", "worker", "-q", "--", "sh", "-c", "echo $GIT_COORD_SESSION; pwd; cat new")
    assert ran.out.split() == [sid, str(repo.path / ".worktrees/15"), "x"]


def test_an_expired_session_gets_a_successor_with_its_task_and_its_private_directory(
    repo: Scratch, tmp_path: Path
) -> None:
    sid = crashed(repo, tmp_path, "--task", "15", "--lock", "db")
    assert repo.coord("cleanup").code == 0
    assert sessions(repo)[0]["state"] == "expired"
    script = 'echo $GIT_COORD_SESSION $GIT_COORD_TOKEN; pwd; cat new "$CLAUDE_HISTORY_FILE"'
    new, token, place, *texts = run(repo, "--resume", sid, "-q", "--", "sh", "-c", script).out.split()
    assert (place, texts) == (str(repo.path / ".worktrees/15"), ["x", "old"])
    assert sessions(repo)[0]["id"] == new != sid
    assert sessions(repo)[0]["resumed_from"] == sid
    assert int(token) == 2
    assert task(repo, "15")["state"] == "offered"


def test_what_others_took_meanwhile_is_said(repo: Scratch, tmp_path: Path) -> None:
    sid = crashed(repo, tmp_path, "--task", "15")
    repo.coord("start", "other")
    assert repo.coord("claim", "15").code == 0
    ran = run(repo, "--resume", sid, "--", *standin("env"))
    assert "GIT_COORD_TASK" not in json.loads(ran.out)
    assert "others have 15 by now" in ran.err
    assert task(repo, "15")["claim"]["session_name"] == "other"


def test_a_removed_worktree_is_made_anew(repo: Scratch) -> None:
    run(repo, "--name", "worker", "--task", "15", "--on-exit", "keep", "--", "true")
    repo.git("worktree", "remove", "--force", ".worktrees/15")
    assert run(repo, "--resume", "worker", "-q", "--", "pwd").out.strip() == str(repo.path / ".worktrees/15")


def test_it_may_take_another_task(repo: Scratch) -> None:
    run(repo, "--name", "worker", "--task", "15", "--on-exit", "keep", "--", "true")
    found = json.loads(run(repo, "--resume", "worker", "--task", "16", "-q", "--", *standin("env")).out)
    assert found["GIT_COORD_TASK"] == "16"
    assert [task(repo, name)["state"] for name in ("15", "16")] == ["pending", "pending"]


def test_a_session_whose_program_runs_is_refused(repo: Scratch, tmp_path: Path) -> None:
    with running(repo.path, "--name", "worker", "--", "sh", "-c", f"echo $$ >{tmp_path}/pid; exec sleep 60"):
        pid = int(written(tmp_path / "pid"))
        ran = run(repo, "--resume", "worker", "--json", "--", "true")
        assert (ran.code, ran.error["code"]) == (1, "held")
        assert [session["pid"] for session in sessions(repo)] == [pid]


def test_where_the_claim_is_refused_the_session_goes_on_as_before(repo: Scratch) -> None:
    run(repo, "--name", "worker", "--task", "15", "--on-exit", "keep", "--", "true")
    repo.coord("start", "other")
    repo.coord("claim", "16")
    ran = run(repo, "--resume", "worker", "--task", "16", "--json", "--", "touch", "ran")
    assert (ran.code, ran.error["code"]) == (1, "held")
    kept = next(session for session in sessions(repo) if session["name"] == "worker")
    assert (kept["shown"], kept["tasks"], kept["pid"]) == ("active", ("15",), None)
    assert task(repo, "15")["in_force"]


def test_who_is_not_there_cannot_be_resumed(repo: Scratch) -> None:
    ran = run(repo, "--resume", "nobody", "--json", "--", "true")
    assert (ran.code, ran.error["code"]) == (1, "not-found")
    assert sessions(repo) == []
