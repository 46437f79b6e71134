"""What a guard found to be harmless: ``<git-dir>/coord-guard``, so that the next commit need only compare.

One line: ``1 <lock table> <task record> <token> .``, where the first two are the oids at which no path was locked and
the claim of this worktree had that token; ``-`` for what is not there. The hooks read and write it too
(hooks/pre-commit): formats change in both or not at all. Losing it costs one look.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed
from gitcoord.git import localfile

FILE = "coord-guard"


def write(git_dir: str, table: str | None, task: str | None, token: int | None) -> None:
    """Note that there was nothing to check. Best effort: a read-only Git directory has no notes."""
    try:
        localfile.write_line(
            os.path.join(git_dir, FILE), f"1 {table or '-'} {task or '-'} {'-' if token is None else token} ."
        )
    except GitFailed:
        pass  # the next guard looks again


def clear(git_dir: str) -> None:
    """Forget it."""
    try:
        os.unlink(os.path.join(git_dir, FILE))
    except OSError:
        pass  # not there; or it stays, and is compared as ever
