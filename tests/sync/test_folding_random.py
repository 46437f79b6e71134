"""Three clones, a hub, and anything in any order: whatever is archived when, tokens grow and all clones agree."""

from __future__ import annotations

import random

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import CoordError
from tests.faults.support import FakeClock
from tests.support import Scratch
from tests.sync.support import Town, coord_refs

NAMES = ("15", "16", "17")
STEPS = ("claim", "claim", "provisional", "done", "done", "fail", "reopen", "add", "edit", "cancel", "undo")
AROUND = ("sync", "sync", "maintain", "maintain", "later", "gc", "leave")
REFUSALS = {
    "held", "wrong-state", "not-holder", "exists", "not-found", "blocked", "stale-token", "conflict", "ended",
    "no-session", "unsafe", "contended",
}  # fmt: skip


@pytest.mark.parametrize(
    ("seed", "steps"),
    [(1, 60), (2, 60), *(pytest.param(seed, 150, marks=pytest.mark.nightly) for seed in range(3, 40))],
)
def test_tokens_grow_and_clones_agree_whatever_is_archived_when(town: Town, seed: int, steps: int) -> None:
    rng, clock = random.Random(seed), FakeClock()
    clones = [town.clone(name, hub=True) for name in "abc"]
    workers = {clone.path.name: town.hire(clone, clone.path.name, clock=clock) for clone in clones}
    granted: dict[str, list[int]] = {name: [] for name in NAMES}
    for step in range(steps):
        clone = rng.choice(clones)
        act(rng, town, clone, workers, clock, granted, f"step {step} of seed {seed}")
    settle(town, clones, clock)
    views = [shown(town.coord(clone, clock=clock)) for clone in clones]
    assert views[0] == views[1] == views[2]
    for name, tokens in granted.items():
        if tokens:
            assert views[0][name][1] >= max(tokens)
    shared = [{ref: oid for ref, oid in coord_refs(clone).items() if "/tasks/" in ref} for clone in clones]
    assert shared[0] == shared[1] == shared[2]


def act(
    rng: random.Random,
    town: Town,
    clone: Scratch,
    workers: dict[str, Coordinator],
    clock: FakeClock,
    granted: dict[str, list[int]],
    where: str,
) -> None:
    """One step of somebody in ``clone``; a token that the hub granted is larger than all before it."""
    step, name = rng.choice((*STEPS, *AROUND)), rng.choice(NAMES)
    coord = workers[clone.path.name]
    try:
        if step == "claim":
            grant = coord.claim(name, worktree=False)
            if grant.changed:
                assert grant.task.token > max(granted[name], default=0), where
                granted[name].append(grant.task.token)
        elif step == "later":
            clock.move(rng.choice((600, 4000, 8000)))
            for worker in workers.values():
                worker.heartbeat()
        elif step == "gc":
            clone.git("gc", "-q", "--prune=now")
        elif step == "leave":
            coord.end(force=True)
            workers[clone.path.name] = town.hire(clone, clone.path.name, clock=clock)
        else:
            VERBS[step](coord, name)
    except CoordError as refusal:
        if refusal.code not in REFUSALS:
            raise AssertionError(f"{where}: {step}: {refusal!r}") from refusal


VERBS = {
    "provisional": lambda coord, name: coord.claim(name, worktree=False, provisional=True),
    "done": lambda coord, name: coord.done(name),
    "fail": lambda coord, name: coord.done(name, status="failed"),
    "reopen": lambda coord, name: coord.task_edit(name, reopen=True),
    "add": lambda coord, name: coord.task_add("t", id=name),
    "edit": lambda coord, name: coord.task_edit(name, priority=1),
    "cancel": lambda coord, name: coord.task_cancel(name, reason="r"),
    "undo": lambda coord, name: coord.undo(),
    "sync": lambda coord, name: coord.sync(),
    "maintain": lambda coord, name: coord.maintain(older_than=3600),
}


def settle(town: Town, clones: list[Scratch], clock: FakeClock) -> None:
    for _round in range(3):
        for clone in clones:
            town.coord(clone, clock=clock).sync()


def shown(coord: Coordinator) -> dict[str, tuple[str, int]]:
    return {view.id: (view.state, view.token) for view in coord.task_list(all=True)}
