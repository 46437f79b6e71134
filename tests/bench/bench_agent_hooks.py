"""What an agent pays at each step for its hooks: whole processes, against a Python that does nothing.

Tool calls are many and take the quick road; a start, an edit while paths are locked, and a stop read records.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gitcoord import Coordinator
from tests.bench.measure import BARE, Action, bare, coord, few, in_turn
from tests.bench.table import Row, at_most
from tests.support import Scratch

Step = tuple[str, str, dict[str, Any]]

EDIT = {"tool_name": "Edit", "tool_input": {"file_path": "src/a.py"}}
BESIDE = {"tool_name": "Edit", "tool_input": {"file_path": "other/new.py"}}
OFTEN: list[Step] = [
    ("tool call, nothing due", "PostToolUse", {"tool_name": "Bash", "tool_response": "x" * 20_000}),
    ("prompt, nothing due", "UserPromptSubmit", {"prompt": "x" * 2000}),
]
ENDS: list[Step] = [
    ("stop", "Stop", {"stop_hook_active": False}),
    ("start, compacted", "SessionStart", {"source": "compact"}),
]
TOOLS: list[Step] = [
    ("read, before", "PreToolUse", {"tool_name": "Read", "tool_input": {"file_path": "src/a.py"}}),
    ("edit, before", "PreToolUse", EDIT),
]
LOCKED: list[Step] = [
    ("edit far from them, before", "PreToolUse", EDIT),
    ("edit beside them, before", "PreToolUse", BESIDE),
]


def rows(place: Path) -> Iterator[Row]:
    """Each step in a repository of its own: few tasks, 100 path locks of somebody else's, 1,000 tasks."""
    yield from _measured(_repository(place / "few"), "", [*OFTEN, *TOOLS, *ENDS])
    locked = _repository(place / "locked")
    with Coordinator.open(str(locked.path), os.environ) as other:
        other.wanted = other.start("other", bind=False).id
        other.lock([f"other/{number}/**" for number in range(100)])
    yield from _measured(locked, ", 100 path locks", LOCKED)
    many, tasks = _repository(place / "many"), few(1000, 100)
    with Coordinator.open(str(many.path), os.environ) as planner:
        planner.task_add_many([{"title": f"Task {number}"} for number in range(tasks)])
    yield from _measured(many, f", {tasks:,} tasks", [*OFTEN, *ENDS])


def _repository(path: Path) -> Scratch:
    repo = Scratch.create(path)
    coord(repo.path, "init", "--no-hooks")()
    _hook(repo, "SessionStart", {"source": "startup"})()
    return repo


def _hook(repo: Scratch, event: str, fields: dict[str, Any]) -> Action:
    payload = {"session_id": "bench", "cwd": str(repo.path), "hook_event_name": event, **fields}
    return coord(repo.path, "hook", "agent", "--agent", "claude", stdin=json.dumps(payload).encode())


def _measured(repo: Scratch, where: str, steps: Sequence[Step]) -> Iterator[Row]:
    """All steps in turn with the floor."""
    taken = in_turn({BARE: bare(repo.path), **{name: _hook(repo, event, fields) for name, event, fields in steps}})
    for name, _event, _fields in steps:
        yield taken.row(name, BARE, at_most(40), f"hook agent: {name}{where}")
