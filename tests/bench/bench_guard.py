"""What a commit pays for the guard that looks for locks of others and claims taken over: little, unless there are any.

With nothing to check a hook in shell says so by itself; else it starts ``git coord hook guard``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gitcoord import Coordinator
from tests.bench.measure import BARE, Action, bare, command, coord, in_turn
from tests.bench.table import Budget, Row, at_most, over_floor, times
from tests.hooks.support import EMPTY, write_hook
from tests.support import Scratch

FLOOR = "empty hook"
LOCKS, STAGED = 100, 1000


def rows(place: Path) -> Iterator[Row]:
    """A commit in each state of the guard, with one change and with many files; then the guard as a command."""
    bench = _Commits(place)
    try:
        yield from _one_change(bench)
        yield from _command(bench, "nothing locked", times(4))
        yield from _many(bench)
    finally:
        bench.coord.close()
        bench.other.close()


def _one_change(bench: _Commits) -> Iterator[Row]:
    states: dict[str, Action] = {
        FLOOR: bench.empty,
        "nothing changed since": bench.known,
        "the claim's record changed": bench.progress,
        "the lock table changed": bench.lock_and_unlock,
    }
    taken = in_turn(dict.fromkeys(states, bench.commit), before=states)
    yield taken.row(FLOOR, title=f"git commit in a claim's worktree, {FLOOR}")
    for name in list(states)[1:]:
        yield taken.row(name, FLOOR, over_floor(10), f"git commit, guard, {name}")


class _Commits:
    """A claimed worktree in which commits are made, with ``git coord init``'s guard or an empty hook in its place."""

    def __init__(self, place: Path) -> None:
        repo = Scratch.create(place / "commits")
        coord(repo.path, "init")()
        self.coord = Coordinator.open(str(repo.path), os.environ)
        self.coord.wanted = self.coord.start("worker", bind=False).id
        grant = self.coord.claim("15")
        self.other = Coordinator.open(str(repo.path), os.environ)
        self.other.wanted = self.other.start("other", bind=False).id
        self.tree = Scratch(Path(grant.task.worktree or ""))
        self.hook = Path(self.coord.repo.common) / "hooks" / "pre-commit"
        self.script = self.hook.read_bytes()
        for other in ("post-commit", "prepare-commit-msg"):  # measured elsewhere
            self.hook.with_name(other).unlink(missing_ok=True)
        self.commit = command(["git", "commit", "-q", "--allow-empty", "-m", "x"], self.tree.path)

    def empty(self) -> None:
        write_hook(self.hook, EMPTY)

    def ours(self) -> None:
        write_hook(self.hook, self.script)

    def known(self) -> None:
        self.ours()
        self.commit()  # which notes that there was nothing

    def progress(self) -> None:
        self.coord.progress("15", percent=50)

    def lock_and_unlock(self) -> None:
        self.other.lock(["deploy"])
        self.other.unlock()

    def stage(self) -> None:
        """Many files that no lock covers."""
        for number in range(STAGED):
            target = self.tree.path / f"dir{number % 20}" / f"file{number}.c"
            target.parent.mkdir(exist_ok=True)
            target.write_text("x")
        self.tree.git("add", ".")

    def again(self) -> None:
        """Takes the last commit back: what was in it is staged as it was."""
        self.tree.git("reset", "-q", "--soft", "HEAD~1")


def _many(bench: _Commits) -> Iterator[Row]:
    bench.stage()
    bench.commit()
    bench.other.lock([f"locked{number}/**/*.c" for number in range(LOCKS)])

    def empty() -> None:
        bench.again()
        bench.empty()

    def ours() -> None:
        bench.again()
        bench.ours()

    where = f"{LOCKS} path locks, {STAGED:,} staged files"
    taken = in_turn({FLOOR: bench.commit, "guard": bench.commit}, before={FLOOR: empty, "guard": ours})
    yield taken.row(FLOOR, title=f"git commit of {STAGED:,} staged files, {FLOOR}")
    yield taken.row("guard", FLOOR, over_floor(40), f"git commit, guard, {where}")
    bench.again()
    yield from _command(bench, where, at_most(40))


def _command(bench: _Commits, where: str, budget: Budget) -> Iterator[Row]:
    guard = "git coord hook guard pre-commit"
    taken = in_turn({BARE: bare(bench.tree.path), guard: coord(bench.tree.path, "hook", "guard", "pre-commit")})
    yield taken.row(guard, BARE, budget, f"{guard}, {where}")
