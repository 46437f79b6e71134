"""What the Git hooks must know of a hub, which they cannot ask for: notes that Python leaves and hooks only read.

``<common>/coord/hub/terms`` is there while a hub is set: ``1 <seconds between two syncs> .``, where ``-`` for the
seconds says that nothing goes out by itself (hooks/post-commit). ``<git-dir>/coord-fence``: ``1 <uptime> <boot id> .``,
until when whoever holds anything in this worktree need not ask whether the hub still knows of it (hooks/pre-commit).
Formats change here and there or not at all. A lost note costs one look, or one sync that comes later.
"""

from __future__ import annotations

import os

from gitcoord.core.model import Boot
from gitcoord.errors import GitFailed
from gitcoord.git import localfile

FENCE = "coord-fence"


def agree(common: str, *, hub: bool, interval: float | None) -> None:
    """Note that there is a hub, and how often a sync may start by itself (None: never). Best effort."""
    path = os.path.join(common, "coord", "hub", "terms")
    line = f"1 {'-' if interval is None else int(interval)} ."
    try:
        if not hub:
            _discard(path)
        elif localfile.read_line(path, 100) != line:
            localfile.private_dir(common, "coord", "hub")
            localfile.write_line(path, line)
    except GitFailed:
        pass  # read-only: the hooks go on with what they knew


def fence(git_dir: str, until: Boot) -> None:
    """Note until when nothing here can be unconfirmed. Best effort."""
    try:
        localfile.write_line(os.path.join(git_dir, FENCE), f"1 {int(until.at)} {until.id} .")
    except GitFailed:
        pass  # the next guard looks again


def clear(git_dir: str) -> None:
    """Forget it."""
    _discard(os.path.join(git_dir, FENCE))


def _discard(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # not there; or it stays, and ends by itself
