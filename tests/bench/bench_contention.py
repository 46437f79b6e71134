"""Many processes at once: on one queue, beside one process that has it for itself; and waiting for one lock."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec

from gitcoord import Coordinator
from tests.bench.measure import crowd, few
from tests.bench.table import Row, at_most, share, times
from tests.support import Scratch

EACH = 20
CLAIM = """
import sys, time
from gitcoord import Coordinator
with Coordinator.open(sys.argv[1], session=sys.argv[2]) as coord:
    coord.claim(next=True, worktree=False)
    print("ready", flush=True)
    sys.stdin.readline()
    begun, times = time.monotonic(), []
    for _ in range(int(sys.argv[3])):
        at = time.perf_counter()
        coord.claim(next=True, worktree=False)
        times.append(time.perf_counter() - at)
    print([begun, time.monotonic(), times], flush=True)
"""
LOCK = """
import sys, time
from gitcoord import Coordinator
with Coordinator.open(sys.argv[1], session=sys.argv[2]) as coord:
    print("ready", flush=True)
    sys.stdin.readline()
    begun, granted = time.monotonic(), []
    while time.monotonic() < begun + float(sys.argv[3]):
        coord.lock(["herd"], wait=600)
        granted.append(time.monotonic())
        coord.unlock(["herd"])
    print([begun, granted], flush=True)
"""


def rows(place: Path) -> Iterator[Row]:
    """Throughput and the longest claim on a queue; turns and waits on a lock."""
    yield from _queue(place)
    yield from _lock(place)


def _queue(place: Path) -> Iterator[Row]:
    """Claims a second of one and of many; the longest that one claim took is how long somebody got nothing."""
    workers = few(32, 8)
    alone, _longest = _claims(place / "alone", 1, workers * EACH)
    together, longest = _claims(place / "together", workers, EACH)
    name = f"claims of one queue, {workers} processes"
    yield Row("claims of one queue, one process, warm", alone, unit="/s")
    yield Row(name, together, unit="/s", floor="one process", floor_value=alone, budget=share(0.6))
    yield Row(f"{name}, the longest", longest * 1000, budget=at_most(5000))


def _office(place: Path, workers: int, tasks: int = 0) -> tuple[Scratch, list[str]]:
    """A repository with a session for each process."""
    repo = Scratch.create(place)
    with Coordinator.open(str(repo.path), os.environ) as coord:
        coord.init(hooks=False)
        sids = [coord.start(f"w{number}", bind=False).id for number in range(workers)]
        coord.wanted = sids[0]
        coord.task_add_many([{"title": "x", "id": f"t{number}"} for number in range(tasks)])
    repo.git("pack-refs", "--all")
    return repo, sids


def _claims(place: Path, workers: int, each: int) -> tuple[float, float]:
    """Claims a second, and the longest one in seconds."""
    repo, sids = _office(place, workers, workers * (each + 1))
    answers = crowd(CLAIM, ([str(repo.path), sid, str(each)] for sid in sids))
    said = [msgspec.json.decode(answer, type=tuple[float, float, list[float]]) for answer in answers]
    took = max(end for _begun, end, _times in said) - min(begun for begun, _end, _times in said)
    return workers * each / took, max(max(times) for _begun, _end, times in said)


def _lock(place: Path) -> Iterator[Row]:
    """Every process queues for one lock, gives it back and queues again.

    A fair turn is the time in which each would get it once. Somebody starves who waits for much longer than that.
    """
    workers, seconds = few(64, 8), few(45, 4)
    repo, sids = _office(place / "lock", workers)
    answers = crowd(LOCK, ([str(repo.path), sid, str(seconds)] for sid in sids))
    said = [msgspec.json.decode(answer, type=tuple[float, list[float]]) for answer in answers]
    every = sorted(at for _begun, granted in said for at in granted)
    pauses = [(later - earlier) * 1000 for earlier, later in pairwise(every)]
    waits = [(later - earlier) * 1000 for begun, granted in said for earlier, later in pairwise([begun, *granted])]
    counts = sorted(sum(at < begun + seconds for at in granted) for begun, granted in said)
    turn = statistics.mean(pauses) * workers
    who = f"one lock, {workers} processes"
    yield Row(f"{who}: from one grant to the next", statistics.median(pauses))
    yield Row(f"{who}: longest that nobody got it", max(pauses), budget=at_most(5000))
    yield Row(f"{who}: longest wait of one", max(waits), floor="a fair turn", floor_value=turn, budget=times(2))
    fewest, most = counts[0], counts[-1]
    note = f"of {sum(counts)} in {seconds} s"
    name = f"{who}: fewest grants of one"
    yield Row(name, fewest, "grants", floor="most of one", floor_value=most, budget=share(0.5), note=note)
