"""What an agent pays at each step for its hooks: whole processes, against a Python that does nothing.

Tool calls are many and take the quick road; a start, an edit while paths are locked, and a stop read records.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gitcoord import Coordinator
from tests.bench.measure import Row, command
from tests.support import Scratch

ROUNDS = 15
PASS = [sys.executable, "-c", "pass"]
HOOK = [sys.executable, "-c", "from gitcoord.__main__ import main; main()", "hook", "agent", "--agent", "claude"]
"""As the console script starts it."""

FLOOR = "python3 -c pass"
EDIT = {"tool_name": "Edit", "tool_input": {"file_path": "src/a.py"}}
STEPS: list[tuple[str, str, dict[str, Any], str]] = [
    ("tool call, nothing due", "PostToolUse", {"tool_name": "Bash", "tool_response": "x" * 20_000}, "≤ 40"),
    ("prompt, nothing due", "UserPromptSubmit", {"prompt": "x" * 2000}, "≤ 40"),
    ("read, before", "PreToolUse", {"tool_name": "Read", "tool_input": {"file_path": "src/a.py"}}, "≤ 40"),
    ("edit, before", "PreToolUse", EDIT, "≤ 40"),
    ("stop", "Stop", {"stop_hook_active": False}, "≤ 60"),
    ("start, compacted", "SessionStart", {"source": "compact"}, "≤ 60"),
]


def rows(place: Path) -> list[Row]:
    """Each step in a repository of its own: few tasks, 100 path locks of somebody else's, 1,000 tasks."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    found = _measured(_repository(place / "few"), "", STEPS)
    locked = _repository(place / "locked")
    with Coordinator.open(str(locked.path), os.environ) as coord:
        coord.wanted = coord.start("other", bind=False).id
        coord.lock([f"other/{number}/**" for number in range(100)])
    beside = {"tool_name": "Edit", "tool_input": {"file_path": "other/new.py"}}
    found += _measured(
        locked,
        ", 100 path locks",
        [
            ("edit far from them, before", "PreToolUse", EDIT, "≤ 40"),
            ("edit beside them, before", "PreToolUse", beside, "≤ 40"),
        ],
    )
    many = _repository(place / "many")
    with Coordinator.open(str(many.path), os.environ) as coord:
        coord.task_add_many([{"title": f"Task {number}"} for number in range(1000)])
    return found + _measured(many, ", 1,000 tasks", [step for step in STEPS if step[1] != "PreToolUse"])


def _repository(path: Path) -> Scratch:
    repo = Scratch.create(path)
    command([*HOOK[:3], "init", "--no-hooks"], repo.path)()
    _call(repo, "SessionStart", {"source": "startup"})
    return repo


def _call(repo: Scratch, event: str, fields: dict[str, Any]) -> float:
    """Milliseconds of one hook."""
    payload = {"session_id": "bench", "cwd": str(repo.path), "hook_event_name": event, **fields}
    data = json.dumps(payload).encode()
    begun = time.perf_counter()
    subprocess.run(HOOK, input=data, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1000


def _measured(repo: Scratch, where: str, steps: list[tuple[str, str, dict[str, Any], str]]) -> list[Row]:
    """All steps in turn with the floor, so that drift of the machine hits them alike."""
    times: dict[str, list[float]] = {name: [] for name, *_ in steps}
    floor: list[float] = []
    nothing = command(PASS, repo.path)
    for turn in range(ROUNDS + 1):
        begun = time.perf_counter()
        nothing()
        passed = (time.perf_counter() - begun) * 1000
        taken = {name: _call(repo, event, fields) for name, event, fields, _budget in steps}
        if turn:  # the first one fills caches
            floor.append(passed)
            for name, ms in taken.items():
                times[name].append(ms)
    base = statistics.median(floor)
    return [
        Row(f"hook agent: {name}{where}", statistics.median(times[name]), FLOOR, base, budget)
        for name, _event, _fields, budget in steps
    ]
