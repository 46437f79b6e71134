"""As commands: whole processes from start to exit, beside the floors of the machine."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.measure import Row, command, median_ms, paired_ms
from tests.support import Scratch

PASS = [sys.executable, "-c", "pass"]


def git_coord() -> str:
    """The installed console script beside the interpreter."""
    return os.path.join(os.path.dirname(sys.executable), "git-coord")


def rows(place: Path) -> list[Row]:
    """Floors, the one-shot verbs, and a claim with its worktree against ``git worktree add``."""
    repo = Scratch.create(place / "commands")
    me = git_coord()
    for args in (["init", "--no-hooks"], ["start", "bench"]):
        command([me, *args], repo.path)()
    floor = command(PASS, repo.path)
    found = [
        Row("python3 -c pass (floor)", median_ms(floor)),
        Row("git update-ref (floor)", median_ms(command(["git", "update-ref", "refs/bench/x", "HEAD"], repo.path))),
    ]
    numbers = itertools.count()
    last: list[str] = []

    def claim() -> None:
        last.append(f"t{next(numbers)}")
        command([me, "claim", last[-1], "--no-worktree"], repo.path)()

    def release() -> None:
        command([me, "release", last.pop(), "--reason", "bench"], repo.path)()

    verbs: list[tuple[str, Callable[[], object]]] = [
        ("whoami", command([me, "whoami"], repo.path)),
        ("heartbeat", command([me, "heartbeat"], repo.path)),
        ("claim --no-worktree", claim),
        ("release", release),
    ]
    for name, action in verbs:
        ms, floor_ms = paired_ms(action, floor)
        found.append(Row(f"git-coord {name}", ms, "python3 -c pass", floor_ms, "≤ 60"))
    return found + _worktree(place)


def _worktree(place: Path) -> list[Row]:
    repo = Scratch.create(place / "worktrees")
    repo.commit("many files", {f"dir{number % 40}/file{number}.txt": f"{number}\n" * 20 for number in range(2000)})
    me = git_coord()
    for args in (["init", "--no-hooks"], ["start", "bench"]):
        command([me, *args], repo.path)()
    numbers = itertools.count()

    def number() -> str:
        return str(next(numbers))

    with_worktree, plain = paired_ms(
        lambda: command([me, "claim", f"w{number()}"], repo.path)(),
        lambda: command(
            ["git", "worktree", "add", "-q", "-b", (name := f"plain{number()}"), f"../{name}"], repo.path
        )(),
        runs=9,
    )
    without = median_ms(lambda: command([me, "claim", f"n{number()}", "--no-worktree"], repo.path)(), 9)
    return [
        Row("git worktree add, 2,000 files (floor)", plain),
        Row("what a worktree adds to git-coord claim", with_worktree - without, "git worktree add", plain, "≤ 1.3 ×"),
    ]
