"""What the machine itself takes: for a process, for a Python, for a swap. Everything else stands on this."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import BARE, PASS, bare, command, in_turn
from tests.bench.table import Row
from tests.support import Scratch


def rows(place: Path) -> Iterator[Row]:
    """In turn: a shell, Python bare and as it usually starts, and a ref that is made only where there is none."""
    repo = Scratch.create(place / "repo")
    numbers = itertools.count()
    zero = "0" * 40

    def create() -> None:
        command(["git", "update-ref", f"refs/bench/{next(numbers)}", "HEAD", zero], repo.path)()

    floors = {
        "sh -c :": command(["sh", "-c", ":"], repo.path),
        BARE: bare(repo.path),
        PASS: command([sys.executable, "-c", "pass"], repo.path),
        "git update-ref refs/bench/ITEM HEAD 0000": create,
    }
    taken = in_turn(floors, runs=51)
    notes = {"git update-ref refs/bench/ITEM HEAD 0000": "exclusive, no server: the least that a claim in Git can take"}
    yield from (taken.row(name, note=notes.get(name, "")) for name in floors)
