"""Through a hub, a bare repository on the same disk: what coordination adds to the pushes and fetches of plain Git."""

from __future__ import annotations

import itertools
import os
import statistics
from collections.abc import Iterator
from pathlib import Path

from gitcoord.coordinator import Coordinator
from tests.bench.measure import Action, command, few, in_turn, once_ms
from tests.bench.table import Row, times
from tests.support import Scratch

_GIT = ("git", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
"""Plain Git, without the housekeeping that goes on after it has answered."""


def rows(place: Path) -> Iterator[Row]:
    """A claim, a sync with nothing to do, and a sync by how much changed."""
    hub = Scratch.create(place / "hub.git", "--bare")
    hub.git("config", "receive.autogc", "false")
    Scratch.create(place / "seed").git("push", "-q", str(hub.path), "main")
    here, there = _clone(place, hub, "here"), _clone(place, hub, "there")
    try:
        yield _claim(place, hub)
        yield from _syncs(here, there)
    finally:
        here.close()
        there.close()


def _clone(place: Path, hub: Scratch, name: str) -> Coordinator:
    path = place / name
    hub.git("clone", "-q", f"file://{hub.path}", str(path))
    coord = Coordinator.open(str(path), dict(os.environ))
    coord.init(hooks=False)
    coord.hub_set("origin")
    coord.wanted = coord.start(name, bind=False).id
    return coord


def _claim(place: Path, hub: Scratch) -> Row:
    """One claim in process, against one push of one ref plus the same claim without a hub."""
    confirmed = _clone(place, hub, "claims")
    alone = Scratch.create(place / "alone")
    local = Coordinator.open(str(alone.path), dict(os.environ))
    local.init(hooks=False)
    local.wanted = local.start("alone", bind=False).id
    numbers = itertools.count()
    plain = Scratch(place / "claims")
    tips = [plain.git("commit-tree", plain.git("rev-parse", "HEAD^{tree}"), "-m", f"tip {n}") for n in range(40)]

    def push() -> None:
        number = next(numbers)
        refspec = f"{tips[number % len(tips)]}:refs/bench/{number}"
        command([*_GIT, "push", "-q", "--no-verify", "origin", refspec], plain.path)()

    def floor() -> None:
        push()
        local.claim(f"c{next(numbers)}", worktree=False)

    def claim() -> None:
        confirmed.claim(f"c{next(numbers)}", worktree=False)

    name = "git push + local claim"
    taken = in_turn({name: floor, "claim": claim}, runs=15)
    confirmed.close()
    local.close()
    return taken.row("claim", name, times(1.5), "claim through a hub")


def _syncs(here: Coordinator, there: Coordinator) -> Iterator[Row]:
    records = few(1000, 100)
    for number in range(records):
        here.task_add(f"task {number}", id=f"s{number}")
    here.sync()
    there.sync()
    fetch = command(
        [*_GIT, "fetch", "-q", "--no-tags", "--refmap=", "origin", "+refs/coord/*:refs/bench-coord/*"],
        Path(here.repo.top or ""),
    )
    fetch()
    taken = in_turn({"git fetch": fetch, "sync": here.sync}, runs=15)
    yield taken.row("sync", "git fetch", times(1.3), f"sync, nothing to do, {records:,} records")
    for count in (10, 100, 1000):
        if count <= records:
            yield from _changed(here, there, fetch, count)


def _changed(here: Coordinator, there: Coordinator, fetch: Action, count: int) -> Iterator[Row]:
    """What one changed record costs to send and to receive, where so many changed: linear is the same in every row."""
    refspec = "+refs/coord/tasks/*:refs/bench-tasks/*"
    push = command([*_GIT, "push", "-q", "--no-verify", "origin", refspec], Path(here.repo.top or ""))
    push()
    sent, received, pushed, fetched = [], [], [], []
    for round_ in range(5 if count < 1000 else 1):
        for number in range(count):
            here.task_edit(f"s{number}", title=f"changed with {count}, {round_}")
        sent.append(once_ms(here.sync))
        received.append(once_ms(there.sync))
        pushed.append(once_ms(push))
        fetched.append(once_ms(fetch))
    each = [statistics.median(times) / count for times in (sent, received, pushed, fetched)]
    names = (f"sync, each of {count:,} records changed here", f"sync, each of {count:,} records changed elsewhere")
    yield Row(names[0], each[0], floor="git push, each of the refs", floor_value=each[2])
    yield Row(names[1], each[1], floor="git fetch, each of the refs", floor_value=each[3])
