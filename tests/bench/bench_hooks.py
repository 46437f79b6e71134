"""What a commit pays for the heartbeat, against a hook that does nothing.

Each round makes one commit in every state, one after the other, so that what else the machine does falls on all alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.measure import Row, command
from tests.hooks.support import EMPTY, Worker, script, write_hook
from tests.support import Scratch

ROUNDS = 60
FLOOR = "empty hook"


def rows(place: Path, rounds: int = ROUNDS) -> list[Row]:
    """A commit in each state of the hook; the floor is what the rest of it costs, the budget counts from there."""
    worker = Worker(Scratch.create(place / "hooks")).sign_on()
    commit = command(["git", "commit", "-q", "--allow-empty", "-m", "x"], worker.scratch.path)
    times: dict[str, list[float]] = {name: [] for name in _STATES}
    for _ in range(rounds):
        for name, (prepare, _budget) in _STATES.items():
            prepare(worker)
            begin = time.perf_counter()
            commit()
            times[name].append((time.perf_counter() - begin) * 1000)
    floor = statistics.median(times[FLOOR])
    return [
        Row(f"git commit, {name}", statistics.median(times[name]), FLOOR, floor, budget)
        for name, (_prepare, budget) in _STATES.items()
    ]


def _hook(worker: Worker) -> Path:
    return Path(worker.repo.common) / "hooks" / "post-commit"


def _no_hook(worker: Worker) -> None:
    _hook(worker).unlink(missing_ok=True)


def _empty_hook(worker: Worker) -> None:
    write_hook(_hook(worker), EMPTY)


def _nothing_due(worker: Worker) -> None:
    write_hook(_hook(worker), script().read_bytes())
    worker.beat_was(1)


def _beat_due(worker: Worker) -> None:
    write_hook(_hook(worker), script().read_bytes())
    worker.make_due()


def _beat_due_on_a_newer_record(worker: Worker) -> None:
    _beat_due(worker)
    worker.write_record()


_STATES: dict[str, tuple[Callable[[Worker], None], str]] = {
    "no hook": (_no_hook, ""),
    FLOOR: (_empty_hook, ""),
    "nothing due": (_nothing_due, "floor + 5 ms"),
    "a beat written": (_beat_due, "floor + 10 ms"),
    "a beat written, the session's record read first": (_beat_due_on_a_newer_record, "floor + 10 ms"),
}
