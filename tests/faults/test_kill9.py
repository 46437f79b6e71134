"""kill -9 at any moment of any command. FAULTS CR01.

A loop of real command lines, each killed after a random time, alone or with the git processes it started. Afterwards
every record is what it was or a successor of that, git finds nothing wrong, nothing of the user's has changed, and the
same command works, at once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.support import Office, end
from tests.support import Ran, Scratch, coord_argv

PATIENCE = 2.0
"""Seconds within which the command after the kill is done, on a machine that has time for it."""


def commands(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Who does what next, for ever: the life of a few tasks, in any order."""
    verbs = (
        "claim {task}",
        "claim --next --no-worktree",
        "claim {task} --no-worktree",
        "progress {task} 50 -m half",
        "release {task} --reason r",
        "handoff {task} --note n",
        "accept {task}",
        "withdraw {task}",
        "done {task}",
        "takeover {task} --reason r --force --token 1",
        "task edit {task} --reopen",
        "task add more --id {task}",
        "start somebody --no-bind",
        "end somebody --force",
        "heartbeat",
        "cleanup",
        "worktree remove {task} --force",
    )
    while True:
        yield rng.choice("ab"), rng.choice(verbs).format(task=rng.choice("123"))


@pytest.mark.parametrize("store", ["libgit", "plumbing"])
@pytest.mark.parametrize("kills", [15, pytest.param(300, marks=pytest.mark.nightly)])
def test_cr01_kill_9_at_any_moment(scratch: Scratch, store: str, kills: int) -> None:
    office = Office.found(scratch, store=store)
    scratch.commit("files", {f"d/f{number}.txt": f"{number}\n" * 50 for number in range(40)})
    (scratch.path / "README.md").write_text("the user is at work\n")
    scratch.git("stash", "-q")
    (scratch.path / "notes.txt").write_text("untracked\n")
    sids = {name: str(office.hire(name).wanted) for name in "ab"}
    rng = random.Random(kills)
    quickest = min(timed(scratch, "status", sids["a"])[1] for _ in range(3))
    mine = scratch.user_state()
    died = 0
    for (who, words), _ in zip(commands(rng), range(kills), strict=False):
        before = office.refs()
        died += killed(scratch, words, sids[who], rng.uniform(0.3, 1.2) * quickest, group=rng.random() < 0.5)
        again, took = timed(scratch, words, sids[who])
        assert again.code in (0, 1), (words, again)
        assert took < PATIENCE * max(1.0, quickest / 0.1), (words, took, quickest)
        assert scratch.git("fsck", "--no-progress", "--no-dangling", "--connectivity-only") == ""
        assert scratch.user_state() == mine, words
        is_old_or_newer(office, before)
        if words.startswith("claim ") and again.code == 0 and "--no-worktree" not in words:
            is_whole(scratch, words.split(" ")[1])
    assert died > kills / 4  # or nothing was tested
    office.close()


def killed(scratch: Scratch, words: str, sid: str, after: float, *, group: bool) -> bool:
    """Start a command, kill it after so many seconds; whether it was still running."""
    running = subprocess.Popen(
        coord_argv(*words.split()),
        cwd=scratch.path,
        env={**os.environ, "GIT_COORD_SESSION": sid},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after)
    alive = running.poll() is None
    end(running, group=group)
    return alive


def timed(scratch: Scratch, words: str, sid: str) -> tuple[Ran, float]:
    begun = time.monotonic()
    ran = scratch.coord(*words.split(), "--json", env={"GIT_COORD_SESSION": sid})
    return ran, time.monotonic() - begun


def is_old_or_newer(office: Office, before: dict[str, str]) -> None:
    """No ref was lost, and every record goes on from what it was."""
    board = office.coord().board()
    assert board.corrupt == []
    after = office.refs()
    assert before.keys() <= after.keys()
    for ref, oid in before.items():
        if oid != after[ref] and "/heartbeats/" not in ref and "/rescue/" not in ref:
            office.scratch.git("merge-base", "--is-ancestor", oid, after[ref])


def is_whole(scratch: Scratch, task: str) -> None:
    """The worktree of a task that was just claimed is complete."""
    work = Scratch(scratch.path / ".worktrees" / task)
    here = [work, *(Scratch(path) for path in Path(scratch.path, ".worktrees").glob(f"{task}-t*"))]
    assert any(place.git("ls-files", "-d", check=False) == "" and (place.path / "d/f39.txt").exists() for place in here)


def test_cr04_the_locks_of_all_killed_writers_are_recovered_and_not_only_of_the_first(scratch: Scratch) -> None:
    """Each of them died with its ref locked; whoever recovers the one must not forget whose the others are."""
    office = Office.found(scratch, store="libgit")
    for name in ("15", "16", "17"):
        office.coord().task_add(name, id=name)  # who makes a task locks the archive too, where the next would find that
    for name in ("15", "16", "17"):
        dying = {"GIT_COORD_SESSION": str(office.hire("dying").wanted), "GITCOORD_FAILPOINT": "before_ref:kill"}
        assert scratch.coord("claim", name, "--no-worktree", env=dying).code == -signal.SIGKILL
    left = [path.name for path in (scratch.path / ".git/refs/coord/tasks").glob("*.lock")]
    assert sorted(left) == ["15.lock", "16.lock", "17.lock"]
    ann = office.hire("ann")
    for name in ("16", "15", "17"):
        assert ann.claim(name, worktree=False).task.token == 1
    assert not list((scratch.path / ".git/refs/coord").rglob("*.lock")), "and those on their sessions too"
    office.close()
