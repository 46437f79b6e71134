"""A sync that nobody waits for: its own process, at most one every so often, whatever becomes of it.

A session that never syncs looks stale to everyone else, so a heartbeat that is due starts one. It gets no terminal and
no pipe of ours: it can neither ask nor hang anybody.
"""

from __future__ import annotations

import os
import sys

from gitcoord.core.model import Boot
from gitcoord.errors import CoordError
from gitcoord.git.localfile import private_dir, read_all, write_atomic
from gitcoord.git.repo import Repo
from gitcoord.git.run import BACKGROUND, launch


def start(repo: Repo, now: Boot, interval: float) -> bool:
    """Start a sync unless one was started less than ``interval`` seconds ago. Never fails: whether one was started."""
    try:
        path = os.path.join(private_dir(repo.common, "coord", "hub"), "started")
        if _recent(path, now, interval):
            return False
        write_atomic(path, f"{now.id} {now.at:.3f}\n".encode())
        # -P: a directory named gitcoord in the current one is not what is meant.
        argv = [sys.executable, "-P", "-m", "gitcoord", "-C", repo.git_dir, "--quiet", "sync"]
        launch(argv, env={**repo.env, BACKGROUND: "1"})
    except (CoordError, OSError):
        return False  # read-only, or no process to be had: the next command tries again
    return True


def _recent(path: str, now: Boot, interval: float) -> bool:
    words = (read_all(path, 200) or b"").decode("ascii", "replace").split()
    try:
        return words[0] == now.id and 0 <= now.at - float(words[1]) < interval
    except (IndexError, ValueError):
        return False
