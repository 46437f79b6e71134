"""What each agent really sends, as its documentation shows it, and what is understood of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from gitcoord.agents.hook_payload import EVENTS, Call, decode, read

CLAUDE = {
    "session_id": "00893aaf-19fa-41d2-8238-13269b9b3ca0",
    "transcript_path": "/home/ada/.claude/projects/x/00893aaf.jsonl",
    "cwd": "/home/ada/project",
    "permission_mode": "default",
}
GEMINI = {
    "session_id": "b2c3",
    "transcript_path": "/home/ada/.gemini/tmp/x/chats/session.json",
    "cwd": "/home/ada/project",
    "timestamp": "2026-08-03T10:00:00.000Z",
}
CODEX = {
    "session_id": "0198c5a0-7f2e",
    "transcript_path": None,
    "cwd": "/home/ada/project",
    "model": "gpt-5-codex",
    "permission_mode": "default",
    "turn_id": "3",
}
COPILOT = {"sessionId": "c-9", "timestamp": 1704614400000, "cwd": "/home/ada/project"}
VSCODE = {
    "timestamp": "2026-02-09T10:30:00.000Z",
    "cwd": "/home/ada/project",
    "sessionId": "v-1",
    "transcript_path": "/tmp/transcript.json",
}
CURSOR = {
    "conversation_id": "668320d2",
    "generation_id": "490b90b7",
    "model": "claude-opus",
    "cursor_version": "2.3.1",
    "workspace_roots": ["/home/ada/project"],
    "user_email": None,
}

SAMPLES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("claude", "start", "startup", {**CLAUDE, "hook_event_name": "SessionStart", "source": "startup"}),
    ("claude", "start", "compact", {**CLAUDE, "hook_event_name": "SessionStart", "source": "compact"}),
    ("claude", "prompt", "", {**CLAUDE, "hook_event_name": "UserPromptSubmit", "prompt": "Write a test"}),
    (
        "claude",
        "after",
        "",
        {
            **CLAUDE,
            "hook_event_name": "PostToolUse",
            "tool_name": "Write",
            "tool_input": {"file_path": "/home/ada/project/a.txt", "content": "x"},
            "tool_response": {"filePath": "/home/ada/project/a.txt", "success": True},
            "tool_use_id": "toolu_01",
        },
    ),
    ("claude", "stop", "", {**CLAUDE, "hook_event_name": "Stop", "stop_hook_active": True}),
    ("claude", "beat", "", {**CLAUDE, "hook_event_name": "SubagentStop", "agent_id": "a1", "agent_type": "Explore"}),
    ("claude", "end", "clear", {**CLAUDE, "hook_event_name": "SessionEnd", "reason": "clear"}),
    ("codex", "prompt", "", {**CODEX, "hook_event_name": "UserPromptSubmit", "prompt": "hello"}),
    ("codex", "stop", "", {**CODEX, "hook_event_name": "Stop", "stop_hook_active": False}),
    ("gemini", "prompt", "", {**GEMINI, "hook_event_name": "BeforeAgent", "prompt": "hello"}),
    (
        "gemini",
        "after",
        "",
        {**GEMINI, "hook_event_name": "AfterTool", "tool_name": "replace", "tool_input": {}, "tool_response": {}},
    ),
    ("gemini", "stop", "", {**GEMINI, "hook_event_name": "AfterAgent", "prompt": "x", "prompt_response": "y"}),
    ("copilot", "after", "", {**COPILOT, "toolName": "edit", "toolArgs": {"path": "a"}, "toolResult": {}}),
    ("copilot", "stop", "", {**COPILOT, "hook_event_name": "agentStop", "stopReason": "end_turn"}),
    ("cursor", "start", "", {**CURSOR, "hook_event_name": "sessionStart", "composer_mode": "agent"}),
    ("cursor", "prompt", "", {**CURSOR, "hook_event_name": "beforeSubmitPrompt", "prompt": "x", "attachments": []}),
    ("cursor", "before", "", {**CURSOR, "hook_event_name": "beforeShellExecution", "command": "ls", "cwd": ""}),
    ("cursor", "after", "", {**CURSOR, "hook_event_name": "afterFileEdit", "file_path": "/home/a", "edits": []}),
    ("cursor", "stop", "", {**CURSOR, "hook_event_name": "stop", "status": "completed", "loop_count": 1}),
]


def understood(payload: dict[str, Any], agent: str = "") -> Call:
    call = read(json.dumps(payload).encode(), agent, {})
    assert call is not None
    return call


@pytest.mark.parametrize(("agent", "event", "reason", "payload"), SAMPLES)
def test_who_calls_for_what_is_told_from_what_is_sent(
    agent: str, event: str, reason: str, payload: dict[str, Any]
) -> None:
    call = understood(payload)
    assert (call.agent, call.event, call.reason, call.cwd) == (agent, event, reason, "/home/ada/project")
    assert call.external in (payload.get("session_id"), payload.get("sessionId"), payload.get("conversation_id"))
    assert call.again == bool(payload.get("stop_hook_active") or payload.get("loop_count"))
    assert understood(payload, "other").agent == "other"


def test_camel_case_without_an_event_s_name_is_told_by_its_fields() -> None:
    for more, said in (
        ({"source": "new", "initialPrompt": "x"}, "sessionStart"),
        ({"prompt": "x"}, "userPromptSubmitted"),
        ({"toolName": "bash", "toolArgs": "{}"}, "preToolUse"),
        ({"transcriptPath": "x", "stopReason": "end_turn"}, "agentStop"),
        ({"reason": "user_exit"}, "sessionEnd"),
    ):
        assert understood({**COPILOT, **more}).said == said


def test_vs_code_in_its_older_spelling() -> None:
    sample = {"hookEventName": "PreToolUse", "tool_name": "createFile", "tool_input": {"filePath": "/home/ada/x.ts"}}
    call = understood({**VSCODE, **sample}, "vscode")
    assert (call.event, call.external, call.paths) == ("before", "v-1", ["/home/ada/x.ts"])


def test_a_patch_names_every_file_that_it_touches() -> None:
    patch = (
        "*** Begin Patch\n*** Add File: new.py\n+x\n*** Update File: old name.py\n*** Move to: dir/moved.py\n@@\n-a\n"
        "*** Delete File: gone.py\n*** End Patch\n"
    )
    sample = {**CODEX, "hook_event_name": "PreToolUse", "tool_name": "apply_patch", "tool_input": {"command": patch}}
    assert understood(sample).paths == ["new.py", "old name.py", "dir/moved.py", "gone.py"]
    assert understood({**sample, "tool_input": patch}).paths == ["new.py", "old name.py", "dir/moved.py", "gone.py"]


def test_no_event_has_two_meanings() -> None:
    names = [name for names in EVENTS.values() for name in names.split()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        ' {"a": [1, -2.5e3, true, false, null, "x\\u00e9\\ud83d\\ude00\\n"]}\n',
        '{"a": NaN, "b": -Infinity}',
        "\ufeff[]",
        '"control \t character"',
    ],
)
def test_the_scanner_reads_what_json_reads(text: str) -> None:
    expected = json.loads(text.lstrip("\ufeff"), strict=False)
    assert repr(decode(text)) == repr(expected)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nul", '{"a" 1}', "1 2", '"open'])
def test_the_scanner_refuses_what_json_refuses(text: str) -> None:
    with pytest.raises((ValueError, StopIteration)):
        decode(text)


def test_an_interpreter_without_the_scanner_reads_all_the_same() -> None:
    script = (
        "import sys; sys.modules['_json'] = None\n"
        "from gitcoord.agents.hook_payload import decode; print(decode('{\"a\": [1]}'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "{'a': [1]}\n"
