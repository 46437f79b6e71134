"""A process that works: ``python -m tests.faults.worker SCENARIO PATH ARGS…``, driven by ``support.Crowd``.

Signs on, says ``ready``, then does its scenario once for each line on standard input (a JSON list of words) and answers
each with one line of JSON. So all of a crowd start at one moment.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import msgspec

from gitcoord.coordinator import Coordinator
from gitcoord.errors import CoordError, Held, NothingReady


def names(coord: Coordinator, count: str) -> list[str]:
    """Try to claim each of ``count`` names; those won, each with its token."""
    won = []
    for number in range(int(count)):
        try:
            grant = coord.claim(f"n{number}", worktree=False)
        except Held:
            continue
        won.append(f"n{number} {grant.task.token}")
    return won


def queue(coord: Coordinator) -> list[str]:
    """Claim what is next and finish it, until nothing is ready; what was done, each with its token."""
    done: list[str] = []
    while True:
        try:
            task = coord.claim(next=True, worktree=False).task
        except NothingReady:
            return done
        coord.done(task.id)
        done.append(f"{task.id} {task.token}")


def expire(coord: Coordinator, task: str, how: str) -> str:
    """Try to get what a silent session holds, in one way or another."""
    try:
        if how == "cleanup":
            return "expired" if coord.cleanup().expired else "nobody"
        return "granted" if coord.claim(task, worktree=False).changed else "had it"
    except CoordError as error:
        return error.code


def accept(coord: Coordinator, task: str) -> int | str:
    """Try to accept an offer; the token, or why not."""
    try:
        return coord.accept(task, worktree=False).grant.task.token
    except CoordError as error:
        return error.code


def hold(coord: Coordinator, task: str) -> int:
    """Claim a task and hold it; its token."""
    return coord.claim(task, worktree=False).task.token


SCENARIOS: dict[str, Callable[..., object]] = {
    "names": names,
    "queue": queue,
    "expire": expire,
    "hold": hold,
    "accept": accept,
}


def main(scenario: str, path: str, *options: str) -> None:
    coord = Coordinator.open(path, dict(os.environ))
    pid = os.getpid() if "--pid" in options else None
    coord.wanted = coord.start("worker", pid=pid, bind=False).id
    print("ready", flush=True)
    for line in sys.stdin:
        begun = time.monotonic()
        answer = SCENARIOS[scenario](coord, *msgspec.json.decode(line, type=list[str]))
        took = round(time.monotonic() - begun, 3)
        print(msgspec.json.encode({"session": coord.wanted, "took": took, "answer": answer}).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
