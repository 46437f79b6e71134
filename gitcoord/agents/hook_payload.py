"""What an agent says to its hooks, understood: one JSON object on standard input, in any of the known dialects.

One parser serves them all. Claude Code, Codex, Gemini CLI, VS Code and Copilot (with event names in Pascal case) write
``session_id``, ``hook_event_name``, ``cwd``, ``tool_name`` and ``tool_input``; Gemini has event names of its own; older
VS Code and Copilot write the same in camel case, Copilot then without an event name; Cursor has ``conversation_id`` and
``workspace_roots``. (By their documentation of 2026: code.claude.com/docs/en/hooks, geminicli.com/docs/hooks/reference,
docs.github.com copilot-cli-reference/cli-hooks-reference, code.visualstudio.com/docs/agents/reference/hooks-reference,
cursor.com/docs/hooks, and the JSON schemas in openai/codex codex-rs/hooks.)

On the road of every tool call: nothing is imported but what the interpreter has built in. Must not touch a file.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

EVENTS = {
    "start": "SessionStart sessionStart",
    "prompt": "UserPromptSubmit userPromptSubmitted BeforeAgent beforeSubmitPrompt",
    "before": "PreToolUse preToolUse BeforeTool beforeShellExecution beforeMCPExecution",
    "after": "PostToolUse postToolUse PostToolUseFailure postToolUseFailure AfterTool afterFileEdit "
    "afterShellExecution afterMCPExecution",
    "stop": "Stop stop agentStop AfterAgent",
    "beat": "SubagentStart subagentStart SubagentStop subagentStop Notification notification PreCompact preCompact "
    "PostCompact PreCompress PermissionRequest permissionRequest",
    "end": "SessionEnd sessionEnd",
}
"""What we do about it, and the names by which agents announce it. Any other event is nobody's business here."""

_MEANING = {name: event for event, names in EVENTS.items() for name in names.split()}
_GEMINI = frozenset(("BeforeTool", "AfterTool", "BeforeAgent", "AfterAgent", "PreCompress"))
_COPILOT = frozenset(("userPromptSubmitted", "agentStop", "postToolUseFailure"))

EDITS = {
    "claude": "edit write multiedit notebookedit",
    "codex": "apply_patch applypatch",
    "gemini": "write_file replace edit_file",
    "copilot": "create edit str_replace_editor",
    "vscode": "create_file createfile editfiles edit_files insert_edit_into_file replace_string_in_file "
    "multi_replace_string_in_file edit_notebook_file",
    "cursor": "write delete edit_file search_replace delete_file",
    "others": "str_replace str_replace_based_edit_tool move_file rename_file write_to_file replace_in_file "
    "replace_file_content",
}
"""Tools that change files, by their names in lower case; an MCP server's tool counts by the last part of its name."""

_EDITS = {name for names in EDITS.values() for name in names.split()}
_SHELLS = ("bash", "shell", "local_shell", "shell_command", "exec_command", "run_shell_command", "run_in_terminal")
_PATH_KEYS = """
file_path filePath path notebook_path notebookPath target_file targetFile absolute_path file filename target_notebook
TargetFile source destination old_path new_path oldPath newPath
"""
_PATHS = tuple(_PATH_KEYS.split())
_SEVERAL = ("files", "paths", "edits", "replacements", "operations")
_PATCHES = ("command", "input", "patch", "patch_text", "patchText", "diff", "cmd")
_MARKS = ("*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: ")
_MOST = 500
_LONGEST = 200


class Call:
    """One call of the hook.

    ``event`` is a key of ``EVENTS``, ``said`` the agent's own word for it; ``external`` the agent's own session id;
    ``paths`` the files that a tool is about to change, as they were named; ``again`` says that the agent goes on only
    because a hook asked it to.
    """

    __slots__ = ("again", "agent", "cwd", "event", "external", "model", "paths", "reason", "said")

    def __init__(self, event: str, said: str, agent: str) -> None:
        self.event = event
        self.said = said
        self.agent = agent
        self.cwd = ""
        self.external = ""
        self.model = ""
        self.reason = ""
        self.again = False
        self.paths: list[str] = []


def read(data: bytes, agent: str, environ: Mapping[str, str]) -> Call | None:
    """The call in ``data``; None for anything that is not one we know. ``agent``: who calls, if that was said.

    Raises ValueError, RecursionError or StopIteration for what is no JSON.
    """
    given = decode(data.decode("utf-8", "replace"))
    if not isinstance(given, dict):
        return None
    said = _text(given, "hook_event_name", "hookEventName", "event_name", "event") or _unsaid(given)
    event = _MEANING.get(said)
    if event is None:
        return None
    call = Call(event, said, agent or _agent(given, said, environ))
    call.external = _text(given, "session_id", "sessionId", "conversation_id", "conversationId", "thread_id")[:_LONGEST]
    call.cwd = _text(given, "cwd") or _root(given)
    call.model = _text(given, "model")[:_LONGEST]
    call.reason = _text(given, "source", "trigger", "reason")
    call.again = bool(given.get("stop_hook_active") or given.get("stopHookActive") or given.get("loop_count"))
    if event == "before":
        call.paths = list(_changed(given))[:_MOST]
    return call


def decode(text: str) -> Any:
    """JSON by the interpreter's own scanner: importing ``json`` takes 5 ms, two thirds of what Python needs to start.

    Its name is CPython's business; where it is missing ``json`` serves.
    """
    text = text.lstrip("\ufeff \t\r\n")
    try:
        from _json import make_scanner
    except ImportError:
        import json

        return json.loads(text)
    value, end = make_scanner(_Rules())(text, 0)  # type: ignore[arg-type]
    if text[end:].strip(" \t\r\n"):
        raise ValueError("something follows the JSON document")
    return value


class _Rules:
    """How the scanner is to read what JSON leaves open."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}


def _text(given: dict[str, Any], *names: str) -> str:
    for name in names:
        value = given.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _unsaid(given: dict[str, Any]) -> str:
    """The event of a payload that does not name it: Copilot's in camel case."""
    if "sessionId" not in given and "timestamp" not in given:
        return ""
    if "toolName" in given:
        return "postToolUse" if "toolResult" in given else "preToolUse"
    for name, said in (("stopReason", "agentStop"), ("prompt", "userPromptSubmitted"), ("source", "sessionStart")):
        if name in given:
            return said
    return "sessionEnd" if "reason" in given else ""


def _agent(given: dict[str, Any], said: str, environ: Mapping[str, str]) -> str:
    """Which agent calls, by what only it says; empty where that is not known."""
    if "conversation_id" in given or "cursor_version" in given:
        return "cursor"
    if said in _GEMINI:
        return "gemini"
    if said in _COPILOT or "toolArgs" in given or "initial_prompt" in given:
        return "copilot"
    if "turn_id" in given:
        return "codex"
    from gitcoord.core.ids import AGENT_IDS

    named = [agent for variable, agent in AGENT_IDS if environ.get(variable)]
    if named:
        return named[0]
    return "claude" if "permission_mode" in given or "CLAUDE_PROJECT_DIR" in environ else ""


def _root(given: dict[str, Any]) -> str:
    roots = given.get("workspace_roots")
    return roots[0] if isinstance(roots, list) and roots and isinstance(roots[0], str) else ""


# -- what a tool is about to change -----------------------------------------------------------------------------------


def _changed(given: dict[str, Any]) -> Iterator[str]:
    """The files that a tool call changes; nothing for one that only reads."""
    tool = _text(given, "tool_name", "toolName").replace(".", "__").rpartition("__")[2].lower()
    asked = next((given[name] for name in ("tool_input", "toolInput", "toolArgs", "tool_args") if name in given), None)
    if tool not in _EDITS and tool not in _SHELLS:
        return
    if isinstance(asked, str):
        asked = _decoded(asked)
    if isinstance(asked, str):
        yield from _patched(asked)
    if not isinstance(asked, dict):
        return
    if tool in _EDITS and asked.get("command") not in ("view", "undo_view"):
        yield from _named(asked)
    for name in _PATCHES:
        value = asked.get(name)
        words = value if isinstance(value, list) else [value]
        for word in words:
            if isinstance(word, str) and "*** Begin Patch" in word:
                yield from _patched(word)


def _decoded(text: str) -> Any:
    """Arguments that arrive as a text of JSON; a patch arrives as it is."""
    try:
        return decode(text)
    except (ValueError, RecursionError, StopIteration):
        return text


def _named(asked: dict[str, Any]) -> Iterator[str]:
    for name in _PATHS:
        value = asked.get(name)
        if isinstance(value, str) and value:
            yield value
    for name in _SEVERAL:
        items = asked.get(name)
        for item in items[:_MOST] if isinstance(items, list) else ():
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict):
                yield from (item[key] for key in _PATHS if isinstance(item.get(key), str))


def _patched(patch: str) -> Iterator[str]:
    """The files that a patch in the form of ``apply_patch`` adds, changes, deletes or moves."""
    for line in patch.splitlines():
        for mark in _MARKS:
            if line.startswith(mark):
                yield line[len(mark) :].strip()
