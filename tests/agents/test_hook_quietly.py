"""Whatever an agent says, and wherever: its work goes on. Exit 0, not a word, nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitcoord.agents import hook
from tests.agents.hooked import Agent
from tests.faults.support import Office
from tests.support import Scratch

START = {"session_id": "c", "hook_event_name": "SessionStart", "source": "startup"}


@pytest.fixture
def office(scratch: Scratch) -> Iterator[Office]:
    found = Office.found(scratch)
    yield found
    found.close()


def say(cwd: Path, data: bytes, *options: str, **env: str) -> tuple[int, bytes, bytes]:
    """Run the hook with ``data`` on its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "gitcoord", "hook", "agent", *options],
        cwd=cwd,
        input=data,
        capture_output=True,
        env={**os.environ, **env},
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def here(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[bytes], tuple[int | None, str, str]]:
    """The same without a process of its own."""

    def hear(data: bytes) -> tuple[int | None, str, str]:
        monkeypatch.chdir(scratch.path)
        monkeypatch.setattr(hook, "heard", lambda: data)
        capfd.readouterr()
        code = hook.main([], os.environ)
        return code, *capfd.readouterr()

    return hear


HOSTILE = {
    "nothing": b"",
    "blanks": b" \n\t ",
    "no JSON": b"hello {",
    "half of it": b'{"session_id": "c", "hook_event_name": "Sess',
    "two documents": b"{} {}",
    "a list": b"[1, 2]",
    "a number": b"1e999",
    "bytes": bytes(range(256)),
    "a deep nest": b"[" * 200_000,
    "a deep nest inside": b'{"hook_event_name": "PreToolUse", "tool_input": ' + b'{"a":' * 100_000,
    "more than anybody says": b'{"hook_event_name": "PreToolUse", "x": "' + b"x" * (17 << 20) + b'"}',
    "no event": b'{"session_id": "c"}',
    "an unknown event": b'{"session_id": "c", "hook_event_name": "MoonRise"}',
    "an event of another kind": b'{"session_id": "c", "hook_event_name": ["SessionStart"]}',
    "fields of other kinds": b'{"session_id": {}, "cwd": [], "hook_event_name": "PostToolUse", "tool_name": 3}',
    "a large number": b'{"hook_event_name": "Stop", "n": ' + b"9" * 10_000 + b"}",
    "half a character": b'{"hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": {"path": "\\ud800"}}',
}


@pytest.mark.parametrize("name", ["nothing", "bytes", "a deep nest inside", "more than anybody says"])
def test_what_is_not_understood_is_nobody_s_trouble(scratch: Scratch, office: Office, name: str) -> None:
    before = office.refs()
    assert say(scratch.path, HOSTILE[name]) == (0, b"", b"")
    assert office.refs() == before


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_that_is_said_makes_an_answer_or_a_trace(
    office: Office, data: bytes, here: Callable[[bytes], tuple[int | None, str, str]]
) -> None:
    before = office.refs()
    assert here(data) == (0, "", "")
    assert office.refs() == before


def test_hostile_identifiers_stay_names(
    scratch: Scratch, office: Office, here: Callable[[bytes], tuple[int | None, str, str]]
) -> None:
    for name in ("../../../canary", "a/b", "x" * 5000, "\n1 s-aaaaaaaaaa own -\n", "ünï \U0001f600", "-rf"):
        assert here(json.dumps({**START, "session_id": name}).encode())[0] == 0
        assert here(json.dumps({"session_id": name, "hook_event_name": "PostToolUse"}).encode()) == (0, "", "")
    places = {path.parent for path in (scratch.path / ".git/coord/agents").iterdir()}
    assert places == {scratch.path / ".git/coord/agents"}
    assert not list(scratch.path.parent.rglob("canary*"))
    assert len(scratch.coord("sessions", "--json").result) == 6


def test_without_a_repository_there_is_nothing_to_do(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    assert say(outside, json.dumps(START).encode()) == (0, b"", b"")
    gone = {**START, "cwd": str(tmp_path / "gone" / "deep")}
    assert say(outside, json.dumps(gone).encode()) == (0, b"", b"")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "event", ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"]
)
def test_a_repository_that_is_not_coordinated_stays_untouched(scratch: Scratch, event: str) -> None:
    before = sorted(path for path in scratch.path.rglob("*"))
    edit = {"tool_name": "Edit", "tool_input": {"file_path": "README.md"}}
    assert say(scratch.path, json.dumps({**START, "hook_event_name": event, **edit}).encode()) == (0, b"", b"")
    assert sorted(path for path in scratch.path.rglob("*")) == before


@pytest.mark.parametrize("event", ["SessionStart", "UserPromptSubmit", "PreToolUse", "Stop", "SessionEnd"])
def test_state_that_is_newer_or_broken_is_silence(
    scratch: Scratch, office: Office, event: str, here: Callable[[bytes], tuple[int | None, str, str]]
) -> None:
    edit = {"tool_name": "Edit", "tool_input": {"file_path": "README.md"}}
    data = json.dumps({**START, "hook_event_name": event, **edit}).encode()
    office.plant("refs/coord/locks/table", b"{")
    assert here(data)[0] == 0
    office.plant("refs/coord/meta/repo", {"v": 99, "id": "r-aaaaaaaaaa", "created_at": "x", "epoch": 1})
    before = office.refs()
    code, out, err = here(data)
    assert (code, err) == (0, "")
    assert out == "" or event in ("SessionStart", "UserPromptSubmit")
    office.plant("refs/coord/meta/repo", b"\xff{")
    assert here(data) == (0, "", "")
    (scratch.path / ".git/refs/coord/meta/repo").write_text("")
    assert here(data) == (0, "", "")
    assert {ref for ref in before if "sessions" in ref} == {ref for ref in office.refs() if "sessions" in ref}


def test_no_git_on_the_path_is_silence(scratch: Scratch, office: Office, tmp_path: Path) -> None:
    assert say(scratch.path, json.dumps(START).encode(), PATH=str(tmp_path)) == (0, b"", b"")


def test_closed_streams_are_no_trouble(scratch: Scratch, office: Office) -> None:
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        command = f"exec {closed}; '{sys.executable}' -m gitcoord hook agent"
        assert subprocess.run(["sh", "-c", command], cwd=scratch.path, input=b"{}", timeout=60).returncode == 0


def test_whoever_debugs_gets_a_line(scratch: Scratch, office: Office, tmp_path: Path) -> None:
    _code, _out, err = say(scratch.path, b"{", GIT_COORD_DEBUG="1")
    assert err.startswith(b"git coord hook agent: ")
    assert err.count(b"\n") == 1
    target = tmp_path / "debug.log"
    assert say(scratch.path, b"{", GIT_COORD_DEBUG=str(target)) == (0, b"", b"")
    assert target.read_text().count("\n") == 1


def test_the_road_of_every_tool_call_imports_next_to_nothing(scratch: Scratch, office: Office) -> None:
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        script = (
            "import sys, os; from gitcoord.agents import hook; code = hook.main([], os.environ);"
            "print(code, sorted(set(sys.modules) & {'typing', 'msgspec', 'typer', 'rich', 'pygit2', 're', 'json',"
            " 'gitcoord.lean', 'gitcoord.errors', 'gitcoord.git.run', 'subprocess', 'enum'}))"
        )
        for event, fields in (
            ("PostToolUse", {}),
            ("UserPromptSubmit", {}),
            ("PreToolUse", {"tool_name": "Edit", "tool_input": {"file_path": "a.py"}}),
        ):
            payload = json.dumps({"session_id": "conv-1", "cwd": str(scratch.path), "hook_event_name": event, **fields})
            done = subprocess.run(
                [sys.executable, "-S", "-c", script], cwd=scratch.path, input=payload, capture_output=True, text=True
            )
            assert (done.stdout, done.stderr) == ("0 []\n", "")


def test_help_and_json_still_come_from_the_command_itself(scratch: Scratch, office: Office) -> None:
    assert "recipes agent-hooks" in " ".join(scratch.coord("hook", "agent", "--help").out.split())
    heard = scratch.coord("--json", "hook", "agent", stdin=json.dumps({**START, "cwd": str(scratch.path)}))
    assert "git coord: facts" in heard.result["output"]
    assert scratch.coord("hook", "agent", "--agent").code == 129
