"""A release, end to end: the script of the README, by three real processes, and what is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import Scratch

README = Path(__file__).parent.parent / "README.md"


def script() -> str:
    """The example as it stands in the README."""
    _, _, rest = README.read_text().partition("<!-- example: release -->\n```sh\n")
    return rest.partition("```\n<!-- end -->")[0]


@pytest.fixture
def repo(scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scratch:
    """A repository that uses gitcoord, with ``git coord`` on PATH and the hooks installed."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git-coord").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitcoord "$@"\n')
    (tools / "git-coord").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    assert scratch.coord("init").code == 0
    return scratch


def test_the_readmes_release_plans_claims_waits_hands_over_and_finishes(repo: Scratch) -> None:
    assert 10 < len(script().splitlines()) <= 30
    done = subprocess.run(
        ["sh", "-c", script()], cwd=repo.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done
    assert "hint" not in done.stderr, done.stderr

    tasks = {task["id"]: task for task in repo.coord("task", "list", "--all", "--json").result}
    assert {name: task["state"] for name, task in tasks.items()} == dict.fromkeys(("build", "test", "publish"), "done")
    assert tasks["test"]["token"] == 2  # the tester's, then the builder's
    assert tasks["publish"]["result"]["summary"] == "2.0 is out"
    assert repo.git("show", f"{tasks['build']['branch']}:VERSION") == "2.0"
    assert repo.coord("get", "release:latest", "version").out == "2.0\n"
    assert repo.coord("locks", "--json").result == []

    events = repo.coord("log", "--json").result
    told = [f"{event['session_name']} {event['type']} {event['task'] or ''}".rstrip() for event in events]
    in_order = [
        "builder claim build",
        "builder done build",
        "tester claim test",
        "tester progress test",
        "tester offer test",
        "builder accept test",
        "builder done test",
        "manager claim publish",
        "manager done publish",
        "manager released",
        "manager unlock",
    ]
    assert [one for one in told if one in in_order] == in_order
    assert {session["shown"] for session in repo.coord("sessions", "--json").result} == {"active"}
    assert repo.git("fsck", "--no-dangling") == ""
