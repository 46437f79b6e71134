"""How many processes quick commands and hooks start: what they cost on any machine, counted and not timed. FAULTS SC04.

What they import is counted in tests/lean/test_startup.py and tests/agents/test_hook_quietly.py; the milliseconds are
the business of tests/bench.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.test_crash_store import strace
from tests.support import Scratch, coord_argv

pytestmark = [pytest.mark.strace, strace]

LOOKING, WRITING = 1, 2
"""Git processes of a command: where it is and what is set there; and one that moves refs."""

VERBS = {
    "start ann": WRITING,
    "heartbeat": LOOKING,  # not due
    "whoami": LOOKING,
    "claim 15 --no-worktree": WRITING,
    "progress 15 40": WRITING,
    "lock deploy": WRITING,
    "check README.md": LOOKING,
    "set issue:15 phase review": WRITING,
    "get issue:15 phase": LOOKING,
    "incr project:x next": WRITING,
    "unlock deploy": WRITING,
    "release 15 --reason later": WRITING,
    "claim --next --no-worktree": WRITING,
    "done 15": WRITING,
}


def started(scratch: Scratch, log: Path, argv: list[str], stdin: str = "") -> list[str]:
    """The programs that a command started, without itself."""
    under = ["strace", "-f", "-qq", "-s", "400", "-e", "trace=execve", "-e", "signal=none", "-o", str(log)]
    done = subprocess.run([*under, *argv], cwd=scratch.path, input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, (argv, done)
    calls, begun = [], {}
    for line in log.read_text().splitlines():
        pid, _, said = line.partition(" ")
        if "<unfinished" in said:  # of two that start at once; its end comes on a line without arguments
            begun[pid] = said.partition("[")[2]
        elif said.endswith("= 0"):
            calls.append(said.partition("[")[2] or begun[pid])
    return calls[1:]


def test_sc04_startup_budget_of_verbs(scratch: Scratch, tmp_path: Path) -> None:
    scratch.coord("init")
    counted = {}
    for words, most in VERBS.items():
        programs = started(scratch, tmp_path / "log", coord_argv(*words.split()))
        assert all(program.startswith('"git"') for program in programs), (words, programs)
        counted[words] = len(programs), most
    assert {words: count for words, (count, most) in counted.items() if count > most} == {}


def test_sc04_startup_budget_of_agent_hooks(scratch: Scratch, tmp_path: Path) -> None:
    """Every tool call of an agent comes here: between two heartbeats it costs the interpreter and nothing else."""
    scratch.coord("init")
    hook = coord_argv("hook", "agent")
    budget = {
        '{"session_id": "c", "hook_event_name": "SessionStart", "source": "startup"}': WRITING + 1,
        '{"session_id": "c", "hook_event_name": "PostToolUse"}': 0,
        '{"session_id": "c", "hook_event_name": "PreToolUse", "tool_name": "Read"}': 0,
        '{"session_id": "c", "hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": {"path": "a"}}': 0,
        '{"session_id": "c", "hook_event_name": "UserPromptSubmit"}': WRITING,  # the session counts them
    }
    for said, most in budget.items():
        assert len(started(scratch, tmp_path / "log", hook, said)) <= most, said


def test_sc04_startup_budget_of_git_hooks(scratch: Scratch, tmp_path: Path) -> None:
    """Scripts of the shell that start nothing: neither Python nor git, where there is nothing to do."""
    scratch.coord("init")
    scratch.coord("start", "ann")
    scratch.coord("lock", "deploy")
    scratch.git("commit", "-q", "--allow-empty", "-m", "the first look at the locks is noted")
    log = tmp_path / "log"
    for command in (
        "commit -q --allow-empty -m x",
        "checkout -q -b b",
        "merge -q main",
        "commit -q --amend --allow-empty -m y",
    ):
        ours = [
            program
            for program in started(scratch, log, ["git", *command.split()])
            if "/hooks/" not in program and "maintenance" not in program and "git-core" not in program
        ]
        assert ours == [], command
