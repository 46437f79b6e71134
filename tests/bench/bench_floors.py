"""What the machine itself takes for a process and for a swap, and what other tools take to claim an item.

A tool that is not installed is told as absent: nothing here is invented. Where one is, it claims an item of its own in
turn with ours. A server that it needs has to run already; one that does not answer counts as absent.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.measure import Row, absent, command, in_turn
from tests.support import Scratch

ME = [sys.executable, "-c", "from gitcoord.__main__ import main; main()"]


def rows(place: Path) -> list[Row]:
    """Floors, a claim, and the claim of every peer that is there, all in turn."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    repo = Scratch.create(place / "floors")
    for args in (["init", "--no-hooks"], ["start", "bench"]):
        command([*ME, *args], repo.path)()
    numbers = itertools.count()
    floors: dict[str, Callable[[], object]] = {
        "python3 -I -S -c pass": command([sys.executable, "-I", "-S", "-c", "pass"], repo.path),
        "python3 -c pass": command([sys.executable, "-c", "pass"], repo.path),
        "git update-ref": command(["git", "update-ref", "refs/bench/x", "HEAD"], repo.path),
    }
    ours = {
        "git-coord claim --no-worktree": _claim(repo, numbers),
        "git-coord whoami": command([*ME, "whoami"], repo.path),
    }
    peers, missing = _peers(place)
    times = in_turn({**floors, **ours, **peers})
    least = times["python3 -I -S -c pass"]
    found = [Row(f"floor: {name}", times[name]) for name in floors]
    found += [Row(name, times[name], "python3 -I -S -c pass", least, "≤ 4 x") for name in ours]
    mine = times["git-coord claim --no-worktree"]
    found += [Row(f"peer: {name}", times[name], "git-coord claim", mine) for name in peers]
    return found + [absent(f"peer: {name}", why) for name, why in missing.items()]


def _claim(repo: Scratch, numbers: itertools.count[int]) -> Callable[[], object]:
    return lambda: command([*ME, "claim", f"t{next(numbers)}", "--no-worktree"], repo.path)()


def _peers(place: Path) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """What claims an item in each tool that works here, and why the others do not."""
    numbers = itertools.count()
    home = place / "peers"
    home.mkdir()
    tools: dict[str, Callable[[str], list[str]]] = {
        "redis-cli": lambda item: ["redis-cli", "SET", f"bench:{item}", "me", "NX"],
        "task": lambda item: ["task", "rc.confirmation=off", f"rc.data.location={home}", "add", item, "+ACTIVE"],
        "etcdctl": lambda item: ["etcdctl", "put", f"bench/{item}", "me"],
        "bd": lambda item: ["bd", "create", item],
        "git-lfs": lambda item: ["git", "lfs", "lock", item],
        "git-bug": lambda item: ["git-bug", "bug", "new", "-t", item, "-m", item, "--non-interactive"],
        "grite": lambda item: ["grite", "issue", "create", "--title", item],
    }
    found: dict[str, Callable[[], object]] = {}
    missing: dict[str, str] = {}
    for name, argv in tools.items():
        if shutil.which(name) is None:
            missing[name] = "not installed"
            continue

        def claim(argv: Callable[[str], list[str]] = argv) -> None:
            command(argv(f"item{next(numbers)}"), home)()

        try:
            claim()
        except (OSError, subprocess.CalledProcessError) as error:
            missing[name] = f"does not work here: {error}"
        else:
            found[" ".join(argv("ITEM"))] = claim  # what it does, so that nobody takes it for more
    return found, missing
