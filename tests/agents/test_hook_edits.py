"""Before an edit: denied, in the agent's own words, exactly where ``git coord check`` would find it locked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitcoord.agents import hook, hook_locks, hook_payload, hook_place
from gitcoord.coordinator import Coordinator
from tests.agents.hooked import Agent
from tests.faults.support import Office, process
from tests.support import Scratch


@pytest.fixture
def office(scratch: Scratch) -> Iterator[Office]:
    found = Office.found(scratch)
    yield found
    found.close()


@pytest.fixture
def ben(office: Office) -> Coordinator:
    """Another worker, who has locked src."""
    ben = office.hire("ben")
    ben.lock(["src/**"], reason="rewriting it")
    return ben


def call(agent: str, payload: dict[str, Any]) -> hook.Answer:
    """What the hook answers to ``payload``, in this process."""
    read = hook_payload.read(json.dumps(payload).encode(), agent, {})
    assert read is not None
    return hook.answered(read, dict(os.environ))


def edit(scratch: Scratch, path: str, *, tool: str = "Edit", agent: str = "claude", **more: Any) -> hook.Answer:
    payload = {
        "session_id": "conv-1",
        "cwd": str(scratch.path),
        "hook_event_name": "PreToolUse",
        "tool_name": tool,
        "tool_input": {"file_path": path},
    }
    return call(agent, {**payload, **more})


def denied(answer: hook.Answer) -> bool:
    if answer.code == 2:
        assert answer.err
        return True
    return any(
        word in answer.out for word in ('"permissionDecision":"deny"', '"decision":"deny"', '"permission":"deny"')
    )


PATCH = "*** Begin Patch\n*** Update File: src/a.py\n@@\n-x\n+y\n*** End Patch"

EDITS: list[tuple[str, str, dict[str, Any]]] = [
    ("claude", "PreToolUse", {"tool_name": "Edit", "tool_input": {"file_path": "{top}/src/a.py", "old_string": "x"}}),
    ("claude", "PreToolUse", {"tool_name": "Write", "tool_input": {"file_path": "{top}/src/a.py", "content": ""}}),
    ("claude", "PreToolUse", {"tool_name": "MultiEdit", "tool_input": {"file_path": "{top}/src/a.py", "edits": []}}),
    ("claude", "PreToolUse", {"tool_name": "NotebookEdit", "tool_input": {"notebook_path": "{top}/src/a.ipynb"}}),
    ("claude", "PreToolUse", {"tool_name": "mcp__files__write_file", "tool_input": {"path": "{top}/src/a.py"}}),
    ("codex", "PreToolUse", {"turn_id": "1", "tool_name": "apply_patch", "tool_input": {"command": PATCH}}),
    ("codex", "PreToolUse", {"tool_name": "apply_patch", "tool_input": {"command": ["apply_patch", PATCH]}}),
    ("codex", "PreToolUse", {"tool_name": "Bash", "tool_input": {"command": f"apply_patch <<'EOF'\n{PATCH}\nEOF\n"}}),
    ("gemini", "BeforeTool", {"tool_name": "write_file", "tool_input": {"file_path": "src/a.py", "content": "x"}}),
    ("gemini", "BeforeTool", {"tool_name": "replace", "tool_input": {"file_path": "{top}/src/a.py"}}),
    ("copilot", "PreToolUse", {"tool_name": "create", "tool_input": {"path": "{top}/src/a.py"}}),
    (
        "copilot",
        "PreToolUse",
        {"tool_name": "str_replace_editor", "tool_input": {"command": "insert", "path": "src/a"}},
    ),
    ("vscode", "PreToolUse", {"tool_name": "replace_string_in_file", "tool_input": {"filePath": "{top}/src/a.py"}}),
    ("vscode", "PreToolUse", {"tool_name": "editFiles", "tool_input": {"files": ["b.py", "src/a.py"]}}),
    (
        "vscode",
        "PreToolUse",
        {"tool_name": "multi_replace_string_in_file", "tool_input": {"replacements": [{"filePath": "src/a.py"}]}},
    ),
    ("cursor", "preToolUse", {"tool_name": "Write", "tool_input": {"file_path": "{top}/src/a.py", "content": ""}}),
    ("cursor", "preToolUse", {"tool_name": "Delete", "tool_input": {"target_file": "src/a.py"}}),
    ("", "PreToolUse", {"tool_name": "Edit", "tool_input": {"file_path": "src/a.py"}}),
]


@pytest.mark.parametrize(("agent", "event", "fields"), EDITS)
def test_every_agent_s_edit_of_a_locked_file_is_denied_with_holder_and_reason(
    scratch: Scratch, ben: Coordinator, agent: str, event: str, fields: dict[str, Any]
) -> None:
    text = json.dumps({"session_id": "c", "cwd": str(scratch.path), "hook_event_name": event, **fields})
    answer = call(agent, json.loads(text.replace("{top}", str(scratch.path))))
    assert denied(answer)
    assert "«ben»" in answer.out + answer.err
    assert "«rewriting it»" in answer.out + answer.err
    assert answer.code == (2 if not agent else 0)


def test_copilot_in_camel_case_and_cursor_by_its_roots_are_understood(scratch: Scratch, ben: Coordinator) -> None:
    top = str(scratch.path)
    asked = json.dumps({"path": "src/a.py", "command": "str_replace"})
    copilot = {"sessionId": "c", "timestamp": 1, "cwd": top, "toolName": "edit", "toolArgs": asked}
    assert json.loads(call("", copilot).out)["permissionDecision"] == "deny"
    cursor = {
        "conversation_id": "c",
        "generation_id": "g",
        "workspace_roots": [top],
        "hook_event_name": "preToolUse",
        "tool_name": "Write",
        "tool_input": {"path": "src/a.py"},
    }
    assert json.loads(call("", cursor).out)["permission"] == "deny"


@pytest.mark.parametrize(
    ("tool", "asked"),
    [
        ("Read", {"file_path": "src/a.py"}),
        ("Grep", {"path": "src", "pattern": "x"}),
        ("Bash", {"command": "cat src/a.py"}),
        ("read_file", {"file_path": "src/a.py"}),
        ("view", {"path": "src/a.py"}),
        ("str_replace_based_edit_tool", {"command": "view", "path": "src/a.py"}),
        ("Edit", {"file_path": "docs/a.md"}),
        ("Edit", {"file_path": ""}),
        ("Edit", {}),
        ("Edit", None),
        ("Edit", ["src/a.py"]),
        ("Edit", {"file_path": "/etc/src/a.py"}),
        ("Edit", {"file_path": "../src/a.py"}),
        ("Edit", {"file_path": "src\0/a.py"}),
    ],
)
def test_reading_and_what_nobody_has_locked_is_never_denied(
    scratch: Scratch, ben: Coordinator, tool: str, asked: object
) -> None:
    try:
        answer = edit(scratch, "", tool=tool, tool_input=asked)
    except ValueError:
        return  # a NUL in a path: ``serve`` is silent about what goes wrong
    assert (answer.code, answer.out) == (0, "")


def test_my_own_locks_and_those_of_the_dead_are_in_nobody_s_way(scratch: Scratch, office: Office) -> None:
    with process() as running:
        office.hire("gone", pid=running.pid).lock(["src/**"])
    with Agent(scratch.path, "conv-1") as agent:
        agent.hook("SessionStart", source="startup")
        assert agent.hook("PreToolUse", tool_name="Edit", tool_input={"file_path": "src/a.py"}).silent
        assert scratch.coord("lock", "docs/**").code == 0
        assert agent.hook("PreToolUse", tool_name="Edit", tool_input={"file_path": "docs/a.md"}).silent


def test_a_lock_counts_from_the_next_edit_on_and_no_longer_than_it_is_held(scratch: Scratch, office: Office) -> None:
    ben = office.hire("ben")
    assert not denied(edit(scratch, "src/a.py"))
    ben.lock(["src/**"])
    assert denied(edit(scratch, "src/a.py"))
    ben.unlock(all=True)
    assert not denied(edit(scratch, "src/a.py"))
    place = hook_place.find(str(scratch.path), {})
    assert place is not None
    assert hook_locks.noted(place) == []
    ben.lock(["src/**"])
    scratch.git("pack-refs", "--all")
    assert denied(edit(scratch, "src/a.py"))


def test_where_nobody_else_has_locked_anything_near_the_table_is_not_read(scratch: Scratch, office: Office) -> None:
    ben, me = office.hire("ben"), office.hire("me")
    ben.lock(["src/**", "docs/a.md", "deploy"])
    me.lock(["mine/**"])
    place = hook_place.find(str(scratch.path), {})
    assert place is not None
    place.remember("conv-1", str(me.wanted), own=True, pid=None)

    def quick(path: str) -> bool:
        read = hook_payload.Call("before", "PreToolUse", "claude")
        read.cwd, read.paths = str(scratch.path), [path]
        return hook_locks.clear(read, place, str(me.wanted))

    assert not quick("lib/a.py")  # not before somebody has looked
    assert not denied(edit(scratch, "lib/a.py"))
    assert [quick(path) for path in ("lib/a.py", "mine/a.py", "srcs/a.py", "../src/a.py")] == [True] * 4
    assert [quick(path) for path in ("src/a.py", "docs/b.md", "lib/../src/x")] == [False] * 3
    assert not denied(edit(scratch, "docs/b.md"))
    assert denied(edit(scratch, "docs/a.md"))
    me.unlock(all=True)
    ben.lock(["*.lock"])
    assert not quick("lib/a.py")
    assert denied(edit(scratch, "lib/deep/a.lock"))
    assert not quick("lib/a.py")  # a pattern that begins with no name may match anything


def test_a_shared_lock_wants_no_change_either(scratch: Scratch, office: Office) -> None:
    office.hire("ben").lock(["src/**"], shared=True)
    assert denied(edit(scratch, "src/a.py"))


def test_a_note_about_a_session_that_is_no_more_protects_nobody(scratch: Scratch, ben: Coordinator) -> None:
    place = hook_place.find(str(scratch.path), {})
    assert place is not None
    place.remember("conv-1", "s-aaaaaaaaaa", own=True, pid=None)
    assert denied(edit(scratch, "src/a.py"))


def test_the_guard_s_mode_is_obeyed(scratch: Scratch, ben: Coordinator) -> None:
    scratch.git("config", "coord.guard", "warn")
    answer = edit(scratch, "src/a.py")
    assert answer.code == 0
    assert "not stopped" in json.loads(answer.out)["systemMessage"]
    assert edit(scratch, "src/a.py", agent="").code == 0
    scratch.git("config", "coord.guard", "off")
    assert edit(scratch, "src/a.py").out == ""


def test_a_file_counts_where_it_really_lies(scratch: Scratch, ben: Coordinator, tmp_path: Path) -> None:
    linked = tmp_path / "linked tree"
    scratch.git("worktree", "add", "-q", "-b", "topic", str(linked))
    assert denied(edit(scratch, str(linked / "src/new/deep.py")))
    (scratch.path / "src").mkdir()
    (scratch.path / "alias").symlink_to("src")
    assert denied(edit(scratch, "alias/a.py"))
    (scratch.path / "src/a.py").write_text("x")
    (scratch.path / "one.py").symlink_to("src/a.py")
    assert denied(edit(scratch, "one.py"))
    other = Scratch.create(tmp_path / "other")
    assert not denied(edit(scratch, str(other.path / "src/a.py")))
    assert denied(edit(scratch, "./docs/../src/a.py"))


def test_the_agent_s_directory_is_where_a_relative_path_begins(scratch: Scratch, ben: Coordinator) -> None:
    (scratch.path / "src").mkdir()
    assert denied(edit(scratch, "a.py", cwd=str(scratch.path / "src")))
    assert not denied(edit(scratch, "a.py", cwd=str(scratch.path)))
