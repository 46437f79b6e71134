"""Whose session a client of ``git coord mcp`` is: made, taken up, lent, left; with real servers that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from gitcoord.agents.mcp_server.desk import Pace
from gitcoord.git.host import uptime
from tests.agents.mcp_support import Caller, eventually, in_memory, over_stdio, talked
from tests.agents.support import PATIENCE, coordinated, sessions
from tests.support import Scratch, coord_argv


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    return coordinated(scratch)


def servers(repo: Scratch) -> list[int]:
    """The processes of the servers that have signed on."""
    return [int(path.name.split("-")[1]) for path in (repo.common_dir() / "coord/agents").glob("mcp-*")]


def states(repo: Scratch) -> list[tuple[str, str]]:
    return [(session["name"], session["state"]) for session in sessions(repo)]


async def claimed(me: Caller, task: str) -> str:
    """Who got it, as one of two racers sees it: "mine", or the name of the other."""
    answer = await me.raw("claim", task=task, worktree=False)
    document: dict[str, Any] = answer.structured_content
    if not answer.is_error:
        return "mine"
    assert document["error"]["code"] == "held"
    return str(document["error"]["holder_name"])


def test_of_two_servers_at_once_exactly_one_wins_each_claim(repo: Scratch) -> None:
    """And when both clients go, what holds nothing ends, and what holds something stays, for whoever comes back."""
    tasks = [f"t{number}" for number in range(6)]
    got: dict[str, list[str]] = {"a": [], "b": []}

    async def race(me: Caller, name: str) -> None:
        await me.ask("sign_on", session_id=name)
        await eventually(lambda: len(servers(repo)) == 2)
        for task in tasks:
            got[name].append(await claimed(me, task))

    async def scene() -> None:
        async with over_stdio(repo.path) as a, over_stdio(repo.path) as b:
            async with anyio.create_task_group() as group:
                group.start_soon(race, a, "a")
                group.start_soon(race, b, "b")
            for mine, theirs in zip(got["a"], got["b"], strict=True):
                assert (mine, theirs) in (("mine", "a"), ("b", "mine"))
            for task, mine in zip(tasks, got["a"], strict=True):
                if mine == "mine":
                    await a.ask("release", task=task, reason="enough")
            assert (await b.ask("claim", task="t0", worktree=False))["claim"]["session_name"] == "b"

    talked(scene)
    assert dict(states(repo)) == {"a": "ended", "b": "live"}


def test_a_killed_server_is_replaced_and_its_session_goes_on(repo: Scratch) -> None:
    async def scene() -> None:
        async with over_stdio(repo.path) as me:
            first = (await me.ask("sign_on"))["session"]
            await me.ask("claim", task="15", worktree=False)
            os.kill(servers(repo)[0], signal.SIGKILL)
        async with over_stdio(repo.path) as me:
            again = await me.ask("sign_on")
            assert again["resumed"] is True
            assert (again["session"]["id"], again["session"]["tasks"]) == (first["id"], ["15"])
            await me.ask("done")
            os.kill(servers(repo)[0], signal.SIGTERM)
            await eventually(lambda: states(repo)[0][1] == "ended")

    talked(scene)
    assert len(sessions(repo)) == 1
    assert servers(repo) == []


def test_a_dead_client_leaves_its_claim_to_others_at_once(repo: Scratch) -> None:
    """The session is bound to the client: here a program that is killed together with its server."""
    program = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    talk: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {},
                                                      "clientInfo": {"name": "x", "version": "1"}}},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "sign_on", "arguments": {"session_id": "gone"}}},
    ]  # fmt: skip
    claim = {"id": 3, "method": "tools/call", "params": {"name": "claim", "arguments": {"task": 15, "worktree": False}}}
    client = subprocess.Popen(
        [sys.executable, "-c", program, *coord_argv("mcp")],
        cwd=repo.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write("no json\n[1, 2]\n" + "".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in talk))
        client.stdin.flush()
        answers = [json.loads(client.stdout.readline()) for _ in (1, 2)]
        assert answers[-1]["result"]["structuredContent"]["ok"] is True
        client.stdin.write(json.dumps({"jsonrpc": "2.0", **claim}) + "\n")
        client.stdin.flush()
        assert json.loads(client.stdout.readline())["result"]["structuredContent"]["result"]["token"] == 1
        assert sessions(repo)[0]["pid"] == client.pid
    finally:
        os.killpg(client.pid, signal.SIGKILL)
        client.communicate(timeout=PATIENCE)
    assert repo.coord("start", "next").code == 0
    assert repo.coord("claim", "15", "--no-worktree", "--json").result["taken_from_name"] == "gone"


def test_what_is_started_around_the_client_is_its_session_and_is_not_ended_by_it(repo: Scratch) -> None:
    sid = repo.coord("start", "launched", "--no-bind", "--json").result["id"]

    async def scene() -> None:
        async with in_memory(repo.path, {"GIT_COORD_SESSION": sid}) as me:
            assert (await me.ask("claim", task="15", worktree=False))["claim"]["session"] == sid
            assert (await me.ask("sign_on", session_id="claude_1"))["session"]["id"] == sid
            await me.ask("done")
            assert (await me.ask("sign_off"))["ended"] is False
            assert (await me.refusal("claim", task="16"))["code"] == "no-session"
        async with in_memory(repo.path, {"GIT_COORD_SESSION": sid}) as me:
            await me.ask("status")

    talked(scene)
    assert states(repo) == [("launched", "live")]


def test_the_session_that_the_agents_hooks_began_is_the_servers_too(repo: Scratch) -> None:
    started = json.dumps({"session_id": "7f3a", "hook_event_name": "SessionStart", "cwd": str(repo.path)})
    assert repo.coord("hook", "agent", "--agent", "claude", stdin=started).code == 0
    (hooked,) = sessions(repo)

    async def scene() -> None:
        async with in_memory(repo.path, {"CLAUDE_CODE_SESSION_ID": "7f3a"}) as me:
            assert (await me.ask("status"))["me"]["id"] == hooked["id"]
            assert (await me.ask("sign_on"))["session"]["id"] == hooked["id"]
        async with in_memory(repo.path, {"CLAUDE_CODE_SESSION_ID": "other"}) as me:
            assert (await me.ask("status"))["me"] is None

    talked(scene)
    assert [session["id"] for session in sessions(repo) if session["state"] == "live"] == [hooked["id"]]


def test_the_agents_own_id_makes_a_session_that_its_hooks_know(repo: Scratch) -> None:
    """Also a name is taken over; and signed off, the next sign-on is a successor."""

    async def scene() -> None:
        async with in_memory(repo.path, {"CODEX_THREAD_ID": "th-1"}) as me:
            first = (await me.ask("sign_on", session_id="codex_1"))["session"]
            assert (first["agent"], first["external_id"], first["name"]) == ("codex", "th-1", "codex_1")
            assert (repo.common_dir() / "coord/agents/th-1").read_text().split()[1] == first["id"]
            await me.ask("sign_off")
            again = (await me.ask("sign_on"))["session"]
            assert (again["resumed_from"], again["name"]) == (first["id"], "codex_1")

    talked(scene)


def test_a_name_brings_back_the_session_that_it_was_unless_that_is_at_work(repo: Scratch) -> None:
    async def scene() -> None:
        async with in_memory(repo.path) as one:
            first = (await one.ask("sign_on", session_id="claude_1"))["session"]
            again = await one.raw("sign_on", session_id="claude_2")
            assert again.structured_content["result"]["session"]["id"] == first["id"]
            assert again.structured_content["notices"][0]["code"] == "signed-on"
            await one.ask("claim", task="15", worktree=False)
            async with over_stdio(repo.path) as two:
                other = (await two.ask("sign_on", session_id="claude_2"))["session"]
                assert other["id"] != first["id"]
                refused = await one.refusal("sign_off")
                assert (refused["code"], refused["tasks"]) == ("unsafe", ["15"])
                assert (await one.ask("sign_off", handoff="half done"))["offered"] == ["15"]
                held = await one.refusal("sign_on", session_id="claude_2")
                assert (held["code"], held["holder"]) == ("held", other["id"])
                assert (await one.refusal("sign_on", session_id="s-aaaaaaaaaa"))["code"] == "not-found"
                back = (await one.ask("sign_on", session_id="claude_1"))["session"]
                assert back["resumed_from"] == first["id"]

    talked(scene)
    assert all(state == "ended" for _, state in states(repo))


def test_an_expired_session_is_told_so_and_goes_on_as_its_successor(repo: Scratch) -> None:
    async def scene() -> None:
        async with in_memory(repo.path) as me:
            first = (await me.ask("sign_on", session_id="claude_1"))["session"]
            await me.ask("claim", task="15", worktree=False)
            assert repo.coord("end", first["id"], "--force").code == 0
            refused = await me.refusal("progress", task="15", percent=1)
            assert (refused["code"], "sign_on" in refused["hint"]) == ("ended", True)
            again = await me.ask("sign_on")
            assert again["session"]["resumed_from"] == first["id"]
            await me.ask("claim", task="15", worktree=False)

    talked(scene)


def test_who_a_person_began_is_gone_on_with_by_one_client_and_stays_the_persons(repo: Scratch) -> None:
    ada = repo.coord("start", "ada", "--json").result["id"]

    async def scene() -> None:
        async with in_memory(repo.path) as me:
            assert (await me.ask("sign_on"))["session"]["id"] == ada

    talked(scene)
    assert states(repo) == [("ada", "live")]


def test_each_call_is_a_heartbeat(repo: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with in_memory(repo.path) as me:
            ref = f"refs/coord/heartbeats/{(await me.ask('sign_on'))['session']['id']}"
            first = repo.git("rev-parse", ref)
            later = 600.0
            monkeypatch.setattr(Pace, "now", staticmethod(lambda: time.time() + later))
            monkeypatch.setattr(Pace, "up", staticmethod(lambda: uptime() + later))
            await me.ask("status")
            second = repo.git("rev-parse", ref)
            assert second != first
            later = 1200.0
            assert (await me.refusal("done"))["code"] == "not-holder"
            assert repo.git("rev-parse", ref) not in (first, second)

    talked(scene)


def test_work_goes_on_where_there_are_blanks_umlauts_and_a_linked_worktree(tmp_path: Path) -> None:
    main = coordinated(Scratch.create(tmp_path / "re po ü"))
    main.git("worktree", "add", "-q", "-b", "other", "../other tree")
    linked = Scratch(tmp_path / "other tree")

    async def scene() -> None:
        async with in_memory(linked.path) as me:
            await me.ask("sign_on")
            (linked.path / "new file").write_text("x")
            task = await me.ask("claim", task="15")
            (Path(task["worktree"]) / "half").write_text("done")
            assert (await me.ask("handoff", note="half"))["handoff"]["rescue"] is not None
            assert (await me.ask("check", paths=[f"{main.path}/README.md", "new file"]))["free"] is True

    talked(scene)
