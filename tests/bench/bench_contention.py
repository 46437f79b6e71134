"""Many processes at once: on one queue, beside one process that has it for itself; and waiting for one lock."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec

from gitcoord import Coordinator
from tests.bench.measure import crowd, few
from tests.bench.table import Row, at_most, share, times
from tests.support import Scratch

EACH = 20
CLAIM = """
import os, sys, time
from gitcoord import Coordinator
with Coordinator.open(sys.argv[1], session=sys.argv[2]) as coord:
    coord.claim(next=True, worktree=False)
    print("ready", flush=True)
    sys.stdin.readline()
    begun, used, times = time.monotonic(), sum(os.times()[:4]), []
    for _ in range(int(sys.argv[3])):
        at = time.perf_counter()
        coord.claim(next=True, worktree=False)
        times.append(time.perf_counter() - at)
    print([begun, time.monotonic(), sum(os.times()[:4]) - used, times], flush=True)
"""
LOCK = """
import os, sys, time
from gitcoord import Coordinator
with Coordinator.open(sys.argv[1], session=sys.argv[2]) as coord:
    print("ready", flush=True)
    sys.stdin.readline()
    begun, used, granted = time.monotonic(), sum(os.times()[:4]), []
    while time.monotonic() < begun + float(sys.argv[3]):
        coord.lock(["herd"], wait=600)
        granted.append(time.monotonic())
        coord.unlock(["herd"])
    print([begun, sum(os.times()[:4]) - used, granted], flush=True)
"""


def rows(place: Path) -> Iterator[Row]:
    """Throughput and the longest claim on a queue; turns and waits on a lock."""
    yield from _queue(place)
    yield from _lock(place)


def _queue(place: Path) -> Iterator[Row]:
    """Claims a second of one and of many; the longest that one claim took is how long somebody got nothing."""
    workers = few(32, 8)
    alone = _claims(place / "alone", 1, workers * EACH)
    together = _claims(place / "together", workers, EACH)
    name = f"claims of one queue, {workers} processes"
    yield Row("claims of one queue, one process, warm", alone.rate, unit="/s", cpu=alone.cpu)
    yield Row(
        name,
        together.rate,
        unit="/s",
        cpu=together.cpu,
        floor="one process",
        floor_value=alone.rate,
        floor_cpu=alone.cpu,
        budget=share(0.6),
        note="CPU: of each claim",
    )
    yield Row(f"{name}, the longest", together.longest, budget=at_most(5000))


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


@dataclass(frozen=True)
class Claims:
    """Claims a second; CPU time of each in ms; the longest one in ms."""

    rate: float
    cpu: float
    longest: float


def _claims(place: Path, workers: int, each: int) -> Claims:
    repo, sids = _office(place, workers, workers * (each + 1))
    answers = crowd(CLAIM, ([str(repo.path), sid, str(each)] for sid in sids))
    said = [msgspec.json.decode(answer, type=tuple[float, float, float, list[float]]) for answer in answers]
    took = max(end for _begun, end, _cpu, _times in said) - min(begun for begun, *_rest in said)
    cpu = sum(cpu for _begun, _end, cpu, _times in said)
    claims = workers * each
    return Claims(claims / took, cpu * 1000 / claims, max(max(times) for *_rest, times in said) * 1000)


def _lock(place: Path) -> Iterator[Row]:
    """Every process queues for one lock, gives it back and queues again.

    A fair turn is the time in which each would get it once. Somebody starves who waits for much longer than that, or
    while another one gets it again and again.
    """
    workers, seconds = few(64, 8), few(60, 4)
    repo, sids = _office(place / "lock", workers)
    answers = crowd(LOCK, ([str(repo.path), sid, str(seconds)] for sid in sids))
    said = [msgspec.json.decode(answer, type=tuple[float, float, list[float]]) for answer in answers]
    every = sorted((at, who) for who, (_begun, _cpu, granted) in enumerate(said) for at in granted)
    pauses = [(later - earlier) * 1000 for (earlier, _one), (later, _other) in pairwise(every)]
    waits = [wait for begun, _cpu, granted in said for wait in pairwise([begun, *granted])]
    cpu = sum(cpu for _begun, cpu, _granted in said) * 1000 / len(every)
    who, turn = f"one lock, {workers} processes", statistics.mean(pauses) * workers
    yield Row(
        f"{who}: from one grant to the next", statistics.median(pauses), cpu=cpu, note="CPU: of all, for each grant"
    )
    yield Row(f"{who}: longest that nobody got it", max(pauses), budget=at_most(5000))
    longest = max(later - earlier for earlier, later in waits) * 1000
    yield Row(f"{who}: longest wait of one", longest, floor="a fair turn", floor_value=turn, budget=times(2))
    passed = max(_most_of_one(every, earlier, later) for earlier, later in waits)
    yield Row(f"{who}: most that another got while one waited", passed, "grants", budget=at_most(2))
    counts = [len(granted) for _begun, _cpu, granted in said]
    note = f"{sum(counts)} in all"
    yield Row(f"{who}: fewest of one", min(counts), "grants", floor="most of one", floor_value=max(counts), note=note)


def _most_of_one(every: list[tuple[float, int]], begun: float, granted: float) -> int:
    """How often the one that got it most did so in a wait of somebody else."""
    between = Counter(who for at, who in every if begun < at < granted)
    return max(between.values(), default=0)
