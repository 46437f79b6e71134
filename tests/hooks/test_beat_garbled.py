"""The hook script among files that are garbled, linked elsewhere or locked: it does its work or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hooks.support import ANCIENT, SID, Tools, Worker, run_script, script
from tests.support import Scratch

GARBAGE = [
    *(
        "",
        "\n",
        "1\n",
        "garbage\n",
        "x" * 5000,
        "1 300 - 0\n",
        "1 300 - 0",
        "1 300 - 0\nx 30 -\n",
        "1 300 - 0\nab 0 -\n",
    ),
    *("1 0300 08 09\nab 08 -\n", f"1 {'9' * 30} 0 0\nab 30 -\n", "1 300 $(touch${IFS}/tmp/x) 0\nab 30 -\n"),
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_garbled_note_costs_time_and_nothing_else(shell: list[str], worker: Worker, garbage: str) -> None:
    (worker.directory / "beat").write_text(garbage)
    run_script(shell, worker.scratch.path)
    assert worker.beats()


@pytest.mark.parametrize("garbage", ["", "s-ABCDEFGH27\n", f"{SID}\nx\n", SID, "../../../x\n", "$(touch x)\n", "s-*\n"])
def test_a_garbled_binding_binds_nobody(shell: list[str], worker: Worker, tools: Tools, garbage: str) -> None:
    (Path(worker.repo.git_dir) / "coord-session").write_text(garbage)
    run_script(shell, worker.scratch.path, tools)
    assert tools.started() == []
    assert worker.heartbeat() == ANCIENT.strip()


def test_a_binding_behind_a_symbolic_link_binds_nobody(shell: list[str], worker: Worker, tmp_path: Path) -> None:
    binding = Path(worker.repo.git_dir) / "coord-session"
    binding.rename(tmp_path / "elsewhere")
    binding.symlink_to(tmp_path / "elsewhere")
    run_script(shell, worker.scratch.path)
    assert not worker.beats()


@pytest.mark.parametrize("what", ["beat", "tried", "."])
def test_no_symbolic_link_is_written_through(shell: list[str], worker: Worker, tmp_path: Path, what: str) -> None:
    target = tmp_path / "target"
    if what == ".":
        shutil.move(worker.directory, target)
        worker.directory.symlink_to(target)
    else:
        target.write_text("precious\n")
        (worker.directory / what).unlink(missing_ok=True)
        (worker.directory / what).symlink_to(target)
    before = sorted(os.listdir(target)) if target.is_dir() else target.read_text()
    run_script(shell, worker.scratch.path)
    assert (sorted(os.listdir(target)) if target.is_dir() else target.read_text()) == before
    assert not worker.beats()


def test_what_git_exports_for_itself_does_not_lead_astray(shell: list[str], worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    env = {name: str(tmp_path / "elsewhere") for name in ("GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH")}
    run_script(shell, worker.scratch.path, None, None, **env, GIT_INDEX_FILE="no-such-index", GIT_PREFIX="sub/")
    assert worker.beats()
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("name", ["post-commit", "post-commit.gitcoord-chained", "post-commit.legacy"])
def test_our_own_copy_as_the_former_hook_is_not_run_for_ever(shell: list[str], worker: Worker, name: str) -> None:
    hooks = Path(worker.repo.common) / "hooks"
    for copy in ("post-commit", "post-commit.gitcoord-chained", "post-commit.legacy"):
        shutil.copy(script(), hooks / copy)
    run_script(shell, worker.scratch.path, text=hooks / name)
    assert worker.beats()


def test_a_locked_ref_is_left_to_its_owner(shell: list[str], worker: Worker, tools: Tools) -> None:
    lock = Path(worker.repo.common) / f"{worker.ref}.lock"
    lock.write_text("")
    begin = time.monotonic()
    run_script(shell, worker.scratch.path, tools)
    assert time.monotonic() - begin < 2
    assert worker.heartbeat() == ANCIENT.strip()
    lock.unlink()
    tools.started()
    run_script(shell, worker.scratch.path, tools)
    assert tools.started() == []  # tried again only after a while, however many commits a rebase makes


def test_a_worktree_path_may_hold_anything(shell: list[str], tmp_path: Path) -> None:
    worker = Worker(Scratch.create(tmp_path / "a b$(touch x)'ü\"")).sign_on()
    run_script(shell, worker.scratch.path)
    assert worker.beats()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_outlives_the_script(worker: Worker) -> None:
    with subprocess.Popen(["sh", str(script())], cwd=worker.scratch.path, process_group=0) as process:
        group = process.pid
        process.wait()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert worker.beats()
