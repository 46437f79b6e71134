"""Thirty-two processes on one queue, beside one process that has it for itself; and how long anybody had to wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from gitcoord import Coordinator
from tests.bench import measure
from tests.bench.measure import Row
from tests.support import Scratch

WORKERS, EACH = 32, 20
WORK = """
import sys, time
from gitcoord import Coordinator
with Coordinator.open(sys.argv[1], session=sys.argv[2]) as coord:
    coord.claim(next=True, worktree=False)
    print("ready", flush=True)
    sys.stdin.readline()
    begun, times = time.time(), []
    for _ in range(int(sys.argv[3])):
        at = time.perf_counter()
        coord.claim(next=True, worktree=False)
        times.append(time.perf_counter() - at)
    print([begun, time.time(), times], flush=True)
"""


def rows(place: Path) -> list[Row]:
    """Claims a second of one and of many; the longest that one claim took is how long somebody got nothing."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    workers = 8 if measure.quick else WORKERS
    alone, _longest = _crowd(place / "alone", 1, workers * EACH)
    together, longest = _crowd(place / "together", workers, EACH)
    return [
        Row("a claim of one queue, one process, warm", 1000 / alone),
        Row(
            f"a claim of one queue, each of {workers} processes' claims",
            1000 / together,
            "one process",
            1000 / alone,
            "≤ 1.67 x (60 %)",
        ),
        Row(f"the longest claim of {workers} processes", longest * 1000, budget="≤ 5000"),
    ]


def _crowd(place: Path, workers: int, each: int) -> tuple[float, float]:
    """Claims a second, and the longest one in seconds."""
    repo = Scratch.create(place)
    with Coordinator.open(str(repo.path), os.environ) as coord:
        coord.init(hooks=False)
        sids = [coord.start(f"w{number}", bind=False).id for number in range(workers)]
        coord.wanted = sids[0]
        coord.task_add_many([{"title": "x", "id": f"t{number}"} for number in range(workers * (each + 1))])
    repo.git("pack-refs", "--all")
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, str(repo.path), sid, str(each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for sid in sids
    ]
    for worker in crowd:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in crowd:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    said = [msgspec.json.decode(worker.communicate()[0], type=tuple[float, float, list[float]]) for worker in crowd]
    assert all(worker.returncode == 0 for worker in crowd)
    took = max(end for _begun, end, _times in said) - min(begun for begun, _end, _times in said)
    return workers * each / took, max(max(times) for _begun, _end, times in said)
