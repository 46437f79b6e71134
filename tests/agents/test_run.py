"""``git coord run``: what a program finds, what it holds while it runs, and what stays behind when it has ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.support import coordinated, eventually, running, sessions, standin, task, written
from tests.support import Ran, Scratch


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    return coordinated(scratch)


def run(repo: Scratch, *args: str, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
    return repo.coord("run", *args, stdin=stdin, env=env)


def seen(ran: Ran) -> dict[str, str]:
    """The environment that a stand-in printed."""
    found: dict[str, str] = json.loads(ran.out)
    return found


def test_the_program_is_a_session_of_its_own_bound_to_its_process(repo: Scratch) -> None:
    script = 'echo $$; exec "$0" -m gitcoord whoami --json'
    ran = run(repo, "--name", "Büro 1", "--", "sh", "-c", script, *standin()[:1])
    pid, _, said = ran.out.partition("\n")
    session = json.loads(said)["result"]
    assert (session["pid"], session["name"], session["shown"]) == (int(pid), "Büro 1", "active")
    ended = sessions(repo)[0]
    assert (ended["id"], ended["state"], ended["exit_code"]) == (session["id"], "ended", 0)
    assert ended["ended_at"] is not None


def test_its_exit_code_is_ours_and_is_recorded(repo: Scratch) -> None:
    assert run(repo, "--", *standin("exit", "3")).code == 3
    assert run(repo, "--", "sh", "-c", "kill -KILL $$").code == 137
    assert "was killed by signal 37" in run(repo, "--", "sh", "-c", "kill -37 $$").err  # one without a name
    assert [session["exit_code"] for session in sessions(repo)] == [165, 137, 3]


def test_it_works_in_the_worktree_of_its_claim_with_the_environment_of_it(repo: Scratch) -> None:
    found = seen(run(repo, "--task", "15", "--", *standin("env"), env={"PWD": str(repo.path)}))
    place = str(repo.path / ".worktrees/15")
    assert found["PWD"] == found["CLAUDE_PROJECT_DIR"] == place
    assert (found["GIT_COORD_TASK"], found["GIT_COORD_TOKEN"]) == ("15", "1")
    assert found["GIT_COORD_SESSION"] == sessions(repo)[0]["id"]
    assert sessions(repo)[0]["worktree"] == place
    assert Path(found["CLAUDE_TODOS_DIR"]).is_dir()
    assert run(repo, "--task", "15", "--", "pwd").out.strip() == place


def test_without_a_claim_it_stays_where_it_is(repo: Scratch) -> None:
    (repo.path / "sub dir").mkdir()
    assert repo.coord("-C", "sub dir", "run", "--", "pwd").out.strip() == str(repo.path / "sub dir")
    assert "GIT_COORD_TASK" not in seen(run(repo, "--", *standin("env")))


def test_the_next_ready_task_is_claimed(repo: Scratch) -> None:
    repo.coord("task", "add", "less", "--id", "a", "--priority", "3")
    repo.coord("task", "add", "more", "--id", "b", "--priority", "0")
    assert seen(run(repo, "--next", "--", *standin("env")))["GIT_COORD_TASK"] == "b"


def test_an_exported_git_dir_does_not_follow_into_the_worktree(repo: Scratch) -> None:
    env = {"GIT_DIR": str(repo.path / ".git"), "GIT_WORK_TREE": str(repo.path)}
    ran = run(repo, "--task", "15", "--", "git", "rev-parse", "--show-toplevel", env=env)
    assert ran.out.strip() == str(repo.path / ".worktrees/15")


def test_claim_and_locks_are_held_while_it_runs_and_free_after(repo: Scratch, tmp_path: Path) -> None:
    ready, go = tmp_path / "ready", tmp_path / "go"
    words = standin("touch", str(ready), "await", str(go))
    with running(repo.path, "--task", "15", "--lock", "db", "--lock", "src/*", "--", *words) as child:
        eventually(ready.exists)
        repo.coord("start", "other")
        assert repo.coord("claim", "15", "--json").error["code"] == "held"
        assert {lock["name"] or lock["path"] for lock in repo.coord("locks", "--json").result} == {"db", "src/*"}
        go.touch()
        assert child.wait(30) == 0
    assert repo.coord("locks", "--json").result == []
    assert task(repo, "15")["state"] == "pending"


def test_locks_alone_can_be_taken_too(repo: Scratch) -> None:
    repo.coord("start", "other")
    repo.coord("lock", "db")
    ran = run(repo, "--lock", "db", "--lock", "web", "--json", "--", "touch", "ran")
    assert (ran.code, ran.error["code"]) == (1, "held")
    assert not (repo.path / "ran").exists()
    assert len(repo.coord("sessions", "--json").result) == 1
    assert run(repo, "--lock", "web", "--", *standin("exit", "5")).code == 5


# -- what becomes of a claim ---------------------------------------------------------------------------------------


def offered(repo: Scratch, script: str, *options: str) -> dict[str, object]:
    """Task 15 after a program has worked on it."""
    ran = run(repo, "--name", "worker", "--task", "15", *options, "--", "sh", "-c", script)
    assert "not recorded" not in ran.err, ran.err
    return task(repo, "15")


def rescued(repo: Scratch) -> str:
    return repo.git("for-each-ref", "refs/coord/rescue/")


@pytest.mark.parametrize(
    "script",
    ["echo x >new; exit 3", "git commit -q --allow-empty -m work; exit 3", '"$PYTHON" -m gitcoord progress 40; exit 3'],
    ids=["uncommitted", "committed", "progress"],
)
def test_a_claim_with_work_is_offered_with_how_it_ended(
    repo: Scratch, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON", standin()[0])
    found = offered(repo, script)
    assert found["state"] == "offered"
    assert found["handoff"]["note"] == "worker ended with exit code 3"  # type: ignore[index]
    assert bool(found["handoff"]["rescue"]) is ("new" in script)  # type: ignore[index]


def test_a_claim_without_work_is_released(repo: Scratch) -> None:
    assert offered(repo, "exit 1")["state"] == "pending"


def test_a_finished_task_stays_finished(repo: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON", standin()[0])
    assert offered(repo, 'echo x >new; "$PYTHON" -m gitcoord done')["state"] == "done"


def test_release_frees_the_task_and_keeps_a_snapshot_of_the_work(repo: Scratch) -> None:
    assert offered(repo, "echo x >new", "--on-exit", "release")["state"] == "pending"
    assert rescued(repo)


def test_handoff_offers_it_whether_there_is_work_or_not(repo: Scratch) -> None:
    assert offered(repo, "true", "--on-exit", "handoff")["state"] == "offered"


def test_keep_leaves_the_session_going_with_all_it_holds(repo: Scratch) -> None:
    found = offered(repo, "exit 4", "--on-exit", "keep", "--lock", "db")
    session = repo.coord("sessions", "--json").result[0]
    assert (found["state"], found["in_force"]) == ("claimed", True)
    assert (session["state"], session["exit_code"], session["pid"]) == ("live", 4, None)
    assert session["locks"] == ["db"]


def test_a_program_that_signs_off_by_itself_is_no_trouble(repo: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON", standin()[0])
    ran = run(repo, "--task", "15", "--", "sh", "-c", '"$PYTHON" -m gitcoord end --handoff rest; exit 2')
    assert ran.code == 2
    assert "not recorded" not in ran.err
    assert task(repo, "15")["handoff"]["note"] == "rest"


# -- what does not start -------------------------------------------------------------------------------------------


def test_a_refused_claim_starts_nothing_and_leaves_no_session(repo: Scratch) -> None:
    repo.coord("start", "other")
    repo.coord("claim", "15")
    ran = run(repo, "--task", "15", "--json", "--", "touch", str(repo.path / "ran"))
    assert (ran.code, ran.error["code"], ran.error["holder_name"]) == (1, "held", "other")
    assert [session["name"] for session in repo.coord("sessions", "--json").result] == ["other"]
    assert not (repo.path / "ran").exists()


def test_a_missing_program_claims_nothing(repo: Scratch) -> None:
    ran = run(repo, "--task", "15", "--json", "--", "no-such-program")
    assert (ran.code, ran.error["code"]) == (1, "not-found")
    assert "nothing was started" in ran.error["message"]
    assert sessions(repo) == []
    assert repo.coord("task", "list", "--all", "--json").result == []


@pytest.mark.parametrize("name", ["./tool", "./README.md", "sub/"])
def test_what_turns_out_not_to_be_a_program_gives_the_claim_back(repo: Scratch, name: str) -> None:
    ran = run(repo, "--task", "15", "--json", "--", name)
    assert (ran.code, ran.error["code"]) == (1, "not-found")
    assert task(repo, "15")["state"] == "pending"
    assert sessions(repo)[0]["state"] == "ended"


def test_a_program_named_by_a_relative_path_is_the_one_of_the_worktree(repo: Scratch) -> None:
    (repo.path / "tool").write_text("pwd\n")  # no #!, as every shell would run it
    (repo.path / "tool").chmod(0o755)
    repo.git("add", "tool")
    repo.git("commit", "-qm", "tool")
    (repo.path / "tool").unlink()
    assert run(repo, "--task", "15", "--", "./tool").out.strip() == str(repo.path / ".worktrees/15")


@pytest.mark.parametrize(
    "words",
    ["--task 15 --next -- true", "--resume x --name y -- true", "--session x -- true", "--on-exit drop -- true", ""],
)
def test_what_cannot_be_meant_is_a_usage_error(repo: Scratch, words: str) -> None:
    assert run(repo, *words.split()).code == 129
    assert sessions(repo) == []


def test_where_there_is_no_coordination_nothing_runs(scratch: Scratch) -> None:
    ran = run(scratch, "--json", "--", "touch", "ran")
    assert (ran.code, ran.error["code"]) == (128, "not-initialised")
    assert not (scratch.path / "ran").exists()


# -- what it looks like from outside -------------------------------------------------------------------------------


def test_input_and_output_are_the_programs_own(repo: Scratch) -> None:
    ran = run(repo, "--", "cat", stdin="to the byte\x00\n")
    assert ran.out == "to the byte\x00\n"
    assert "ended with exit code 0" in ran.err
    assert run(repo, "-q", "--", *standin("exit", "2")).err == ""


def test_with_json_one_document_follows_and_the_program_speaks_on_stderr(repo: Scratch) -> None:
    ran = run(repo, "--json", "--task", "15", "--", "sh", "-c", "echo hello; echo x >new; exit 7")
    assert ran.code == 7
    assert "hello" in ran.err
    assert (ran.result["exit_code"], ran.result["offered"], ran.result["task"]) == (7, ["15"], "15")
    assert ran.result["session"]["exit_code"] == 7


def test_a_session_is_named_after_its_program_and_knows_its_agent(repo: Scratch, tmp_path: Path) -> None:
    (tmp_path / "codex").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "codex").chmod(0o755)
    run(repo, "--model", "m1", "--label", "team=web", "--", str(tmp_path / "codex"))
    found = sessions(repo)[0]
    assert (found["name"], found["agent"], found["model"], found["labels"]) == ("codex", "codex", "m1", {"team": "web"})


def test_a_run_inside_a_run_is_another_session_without_the_outer_claim(repo: Scratch) -> None:
    inner = [standin()[0], "-m", "gitcoord", "run", "-q", "--", *standin("env")]
    found = seen(run(repo, "--task", "15", "-q", "--", *inner, env={"CLAUDE_CODE_SESSION_ID": "7f"}))
    assert found["GIT_COORD_SESSION"] == sessions(repo)[0]["id"] != sessions(repo)[1]["id"]
    assert not {"GIT_COORD_TASK", "CLAUDE_CODE_SESSION_ID"} & set(found)


def test_it_beats_while_the_program_runs(repo: Scratch, tmp_path: Path) -> None:
    repo.git("config", "coord.heartbeat", "1s")
    pidfile = tmp_path / "pid"
    with running(repo.path, "--", "sh", "-c", f"echo $GIT_COORD_SESSION >{pidfile}; exec sleep 60"):
        ref = f"refs/coord/heartbeats/{written(pidfile)}"
        first = repo.git("rev-parse", ref)
        assert eventually(lambda: repo.git("rev-parse", ref) != first)


def test_a_repository_of_any_name_will_do(tmp_path: Path) -> None:
    repo = Scratch.create(tmp_path / "ein Bü ro $(x)")
    repo.coord("init", "--no-hooks")
    ran = run(repo, "--name", "Zoë's \u202e run", "--task", "Ärger mit 'x'", "--", *standin("env"))
    assert seen(ran)["GIT_COORD_TASK"] == "Ärger mit 'x'"
    assert "\u202e" not in ran.err
    assert Path(seen(ran)["CLAUDE_PROJECT_DIR"]).is_dir()


def test_isolated_an_agent_has_its_own_directory_for_this_session(repo: Scratch, tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path / "home")}
    (tmp_path / "home/.claude/skills/tidy").mkdir(parents=True)
    ran = run(repo, "--isolate", "--agent", "claude", "--", *standin("say", "hello", "env"), env=env)
    found = seen(ran)
    private = repo.common_dir() / "coord/sessions" / found["GIT_COORD_SESSION"]
    assert found["CLAUDE_CONFIG_DIR"].startswith(str(private))
    assert "hello" in Path(found["CLAUDE_HISTORY_FILE"]).read_text()
    assert (Path(found["CLAUDE_CONFIG_DIR"]) / "skills/tidy").is_dir()
    assert not (tmp_path / "home/.claude/history.jsonl").exists()


def test_an_unknown_agent_cannot_be_isolated_and_nothing_runs(repo: Scratch) -> None:
    ran = run(repo, "--isolate", "--task", "15", "--json", "--", "touch", "ran")
    assert (ran.code, ran.error["code"]) == (129, "usage")
    assert sessions(repo) == []
    assert repo.coord("task", "list", "--all", "--json").result == []
    assert not (repo.path / ".worktrees/15").exists()


def test_what_happened_on_the_way_is_said_when_it_is_due(repo: Scratch) -> None:
    repo.git("config", "coord.trailers", "true")
    ran = run(repo, "--task", "15", "--", "true")
    assert ran.err.index("note: coord.trailers is on") < ran.err.index("running true")
    ran = run(repo, "--task", "16", "--json", "--", "true")
    assert [notice["code"] for notice in ran.json["notices"]] == ["hook"]
    assert "notices" not in ran.result


def with_hub(repo: Scratch, at: Path) -> Scratch:
    hub = Scratch.create(at, "--bare")
    repo.git("remote", "add", "origin", str(hub.path))
    repo.git("push", "-q", "origin", "main")
    assert repo.coord("hub", "set", "origin").code == 0
    return hub


def test_its_heartbeats_reach_the_hub_while_it_runs(repo: Scratch, tmp_path: Path) -> None:
    for name in ("heartbeat", "syncInterval"):
        repo.git("config", f"coord.{name}", "1s")
    hub = with_hub(repo, tmp_path / "hub.git")
    script = f"echo $GIT_COORD_SESSION >{tmp_path}/sid; exec sleep 60"
    with running(repo.path, "--task", "15", "--", "sh", "-c", script):
        ref = f"refs/coord/heartbeats/{written(tmp_path / 'sid')}"
        first = hub.git("rev-parse", ref)
        assert eventually(lambda: hub.git("rev-parse", ref) != first)


def test_with_a_hub_others_get_what_was_offered(repo: Scratch, tmp_path: Path) -> None:
    hub = with_hub(repo, tmp_path / "hub.git")
    ran = run(repo, "--name", "here", "--task", "15", "--", "sh", "-c", "echo half >page; exit 2")
    assert ran.code == 2, ran.err
    repo.git("clone", "-q", str(hub.path), str(tmp_path / "there"))
    there = Scratch(tmp_path / "there")
    assert there.coord("init", "--hub", "origin", "--no-hooks").code == 0
    there.coord("start", "there")
    assert there.coord("accept", "15").code == 0
    assert (there.path / ".worktrees/15/page").read_text() == "half\n"


def test_where_the_repository_is_gone_at_the_end_that_is_said_and_the_exit_code_stays(repo: Scratch) -> None:
    ran = run(repo, "--", "sh", "-c", f"rm -rf '{repo.path}/.git'; exit 5")
    assert ran.code == 5
    assert "not recorded: " in ran.err


def test_a_program_that_cannot_be_started_after_all_gives_everything_back(repo: Scratch) -> None:
    (repo.path / "tool").write_text("#!/no/such/interpreter\n")
    (repo.path / "tool").chmod(0o755)
    ran = run(repo, "--task", "15", "--lock", "db", "--json", "--", str(repo.path / "tool"))
    assert (ran.code, ran.error["code"]) == (1, "not-found")
    assert "cannot be started: No such file or directory" in ran.error["message"]
    assert task(repo, "15")["state"] == "pending"
    assert [(session["state"], session["locks"]) for session in sessions(repo)] == [("ended", ())]
