"""Races through the whole coordinator, in real processes: one winner for each task, whatever happens to the others.

FAULTS AT01, AT10 and AT11 above the stores (tests/faults/test_atomicity.py has the stores, and shows that such tests
fail on broken ones). A worker that meets any error but a clean refusal dies of it, and its test fails.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from itertools import chain

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import NotHolder, StaleToken
from tests.faults.support import Crowd, Office
from tests.support import Scratch

MakeScratch = Callable[..., Scratch]


def tasks(office: Office, count: int) -> list[str]:
    """Add ``count`` tasks; their ids."""
    boss = office.hire("boss")
    return [boss.task_add(f"number {number}", id=f"q{number}").id for number in range(count)]


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("store", "count"),
    [
        ("libgit", 500),
        ("plumbing", 40),
        pytest.param("libgit", 2000, marks=pytest.mark.nightly),
        pytest.param("plumbing", 2000, marks=pytest.mark.nightly),
    ],
)
def test_at01_eight_processes_claim_the_same_names_and_each_gets_one_holder(
    scratch: Scratch, store: str, count: int
) -> None:
    office = Office.found(scratch, store=store)
    with Crowd(8, "names", scratch.path) as crowd:
        answers = crowd.go(count)
    won = Counter(chain.from_iterable(answer["answer"] for answer in answers))
    assert won == {f"n{number} 1": 1 for number in range(count)}
    holders = {name.split(" ")[0]: answer["session"] for answer in answers for name in answer["answer"]}
    board = office.coord().board()
    assert {name: task.claim.session for name, task in board.plain_tasks().items() if task.claim} == holders
    assert sum(bool(answer["answer"]) for answer in answers) >= 2  # it was a race
    office.close()


# -- one queue ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("store", "workers", "count"),
    [
        ("libgit", 8, 150),
        ("plumbing", 8, 60),
        pytest.param("libgit", 32, 1000, marks=pytest.mark.nightly),
        pytest.param("plumbing", 32, 1000, marks=pytest.mark.nightly),
    ],
)
def test_many_processes_empty_one_queue_and_nothing_is_done_twice(
    scratch: Scratch, store: str, workers: int, count: int
) -> None:
    office = Office.found(scratch, store=store)
    ids = tasks(office, count)
    with Crowd(workers, "queue", scratch.path) as crowd:
        answers = crowd.go()
    done = Counter(chain.from_iterable(answer["answer"] for answer in answers))
    assert done == {f"{name} 1": 1 for name in ids}
    board = office.coord().board()
    assert {(task.state, task.token) for task in board.plain_tasks().values()} == {("done", 1)}
    assert sum(bool(answer["answer"]) for answer in answers) >= 2
    office.close()


@pytest.mark.parametrize(("count", "kills"), [(120, 12), pytest.param(1000, 100, marks=pytest.mark.nightly)])
def test_at10_queue_pop_exactly_once_though_workers_are_killed(scratch: Scratch, count: int, kills: int) -> None:
    """Sessions are bound to their processes; what a killed one held comes back by itself, with a new token."""
    office = Office.found(scratch, store="libgit")
    ids = tasks(office, count)
    rng = random.Random(count)
    boss = office.coord()
    with Crowd(8, "queue", scratch.path, "--pid") as crowd:
        crowd.send()
        for number in range(kills):
            time.sleep(rng.uniform(0.01, 0.15))
            caught = None if number % 2 else caught_at_work(boss, crowd, rng)
            crowd.replace(rng.randrange(8) if caught is None else caught)
        for worker in crowd.workers:
            crowd.answer(worker)
    left = office.hire("last")
    while left.ready():
        left.done(left.claim(next=True, worktree=False).task.id)
    once_per_token(office, ids)
    office.close()


def caught_at_work(coord: Coordinator, crowd: Crowd, rng: random.Random) -> int | None:
    """Stop one of the crowd while it holds a task: its place; None where nothing is left to do."""
    while True:
        place = rng.randrange(8)
        pid = crowd.workers[place].pid
        os.kill(pid, signal.SIGSTOP)
        coord.begin()
        board = coord.board()
        left = [task for task in board.plain_tasks().values() if task.state != "done"]
        holders = [board.sessions[task.claim.session].record for task in left if task.claim is not None]
        if pid in [holder.process.pid for holder in holders if holder.process is not None]:
            return place
        os.kill(pid, signal.SIGCONT)
        if not left or all(worker.poll() is not None for worker in crowd.workers):
            return None


def once_per_token(office: Office, ids: list[str]) -> None:
    """Every task is done: granted once or again and again, each time with the next token, and finished once."""
    regranted = 0
    for name in ids:
        subjects = office.subjects(f"refs/coord/tasks/{name}")
        verbs = [line.split(" ")[0] for line in subjects]
        grants = [int(line.split("token ")[1].split(",")[0]) for line in subjects if line.startswith("claim ")]
        assert verbs == ["add", *["claim"] * len(grants), "done"]
        assert grants == list(range(1, len(grants) + 1))
        assert office.task(name)["state"] == "done"
        regranted += len(grants) > 1
    assert regranted > 0  # some were killed while they held one
    assert office.scratch.git("fsck", "--no-progress", "--no-dangling") == ""


# -- AT11 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["libgit", "plumbing"])
def test_at11_a_release_and_a_new_grant_never_look_like_the_old_one(scratch: Scratch, store: str) -> None:
    """The record is back in the very same state, held by nobody, then by the same session: the token tells."""
    office = Office.found(scratch, store=store)
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    paused = office.coord(ann.wanted, GIT_COORD_TASK="15", GIT_COORD_TOKEN="1")
    tokens = [1]
    for other in (ben, ann, ben, ann):
        holder = office.coord(office.task("15")["claim"]["session"])
        holder.release("15")
        tokens.append(other.claim("15", worktree=False).task.token)
    assert tokens == [1, 2, 3, 4, 5]
    before = office.refs()
    for act in (
        lambda: paused.release("15"),
        lambda: paused.progress("15", percent=1),
        lambda: paused.done("15"),
        lambda: paused.handoff("15", note="n"),
    ):
        with pytest.raises(StaleToken):
            act()
    with pytest.raises(NotHolder):
        ben.done("15")
    assert office.refs() == before
    office.close()
