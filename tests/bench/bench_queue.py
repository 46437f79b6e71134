"""The queue with 10,000 tasks: bulk, the next one, lists and the log; and what waiting costs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from gitcoord import Coordinator
from tests.bench.measure import Row, command, median_ms, paired_ms
from tests.support import Scratch

COUNT = 10_000
ME = [sys.executable, "-m", "gitcoord"]
PASS = [sys.executable, "-c", "pass"]


def rows(place: Path) -> list[Row]:
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    repo = Scratch.create(place / "queue")
    for args in (["init", "--no-hooks"], ["start", "bench"]):
        command([*ME, *args], repo.path)()
    found = [Row("git coord task add --batch, 10,000 tasks, durable", _bulk(repo), budget="≤ 20000")]
    found.append(Row("claim --next of 10,000, first command", median_ms(_next(repo), runs=1, warmup=0)))
    found += _commands(repo, "loose")
    repo.git("pack-refs", "--all")
    found += _commands(repo, "packed")
    found += _in_process(repo)
    found += _waiting(repo)
    return found


def _bulk(repo: Scratch) -> float:
    lines = (msgspec.json.encode({"title": f"Task number {n}", "id": f"t{n}", "labels": ["x"]}) for n in range(COUNT))
    begun = time.perf_counter()
    argv = [*ME, "task", "add", "--batch", "-"]
    subprocess.run(argv, cwd=repo.path, input=b"\n".join(lines), check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1000


def _next(repo: Scratch) -> Callable[[], object]:
    return command([*ME, "claim", "--next", "--no-worktree"], repo.path)


def _commands(repo: Scratch, refs: str) -> list[Row]:
    floor = command(PASS, repo.path)
    found = []
    for name, args, budget in (
        ("claim --next", ["claim", "--next", "--no-worktree"], "≤ 150"),
        ("task list --json", ["task", "list", "--json"], ""),
        ("status", ["status"], ""),
        ("log -n 20", ["log", "-n", "20"], ""),
        ("event", ["event", "note", "bench"], ""),
    ):
        ms, floor_ms = paired_ms(command([*ME, *args], repo.path), floor, runs=9)
        found.append(Row(f"{name}, 10,000 tasks, {refs} refs", ms, "python3 -c pass", floor_ms, budget))
    return found


def _in_process(repo: Scratch) -> list[Row]:
    with Coordinator.open(str(repo.path), os.environ) as coord:
        first = median_ms(lambda: coord.claim(next=True, worktree=False), runs=1, warmup=0)
        return [
            Row("claim(next=True), 10,000 tasks, in process, first", first),
            Row("the same, after the first", median_ms(lambda: coord.claim(next=True, worktree=False), 20)),
            Row("task_list(), 10,000 tasks, in process", median_ms(coord.task_list, 5)),
        ]


def _waiting(repo: Scratch) -> list[Row]:
    """CPU time of waiting, as a share of a core: the difference between waiting long and hardly at all."""

    def spent(timeout: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [*ME, "wait", "task", "none", "--timeout", timeout],
            cwd=repo.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    idle = (min(spent("10s") for _ in range(2)) - min(spent("0s") for _ in range(3))) / 10
    return [Row("CPU ms a second while 'wait' is idle", idle * 1000, budget="≤ 10")]
