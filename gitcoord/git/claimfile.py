"""Which claim a worktree was made for: ``<git-dir>/coord-claim``, two lines.

``1 <session> <token> <task ref>`` (read by the sh hooks), then the task's id as JSON text. A hint for defaults and
guards: the record decides, and a file that does not check out counts as absent.
"""

from __future__ import annotations

import os

from gitcoord.core import names
from gitcoord.git.localfile import write_atomic
from gitcoord.lean import msgspec

NAME = "coord-claim"
_MAX = 8192


class ClaimFile(msgspec.Struct, frozen=True):
    """``task`` is the task's id; ``token`` the fencing token that ``session`` got for it."""

    task: str
    session: str
    token: int


def read(git_dir: str) -> ClaimFile | None:
    """The claim this worktree was made for, or None."""
    try:
        with open(os.path.join(git_dir, NAME), encoding="utf-8") as file:
            head, _, rest = file.read(_MAX).partition("\n")
        version, session, token, ref = head.split(" ")
        task = msgspec.json.decode(rest, type=str)
        if version != "1" or not names.is_session_id(session) or ref != names.task_ref(task):
            return None
        return ClaimFile(task, session, int(token))
    except (OSError, ValueError, msgspec.DecodeError):
        return None


def is_named(common: str, task: str) -> bool:
    """Whether some worktree of the repository at ``common`` was made for a claim of ``task``; asks no process."""
    folder = os.path.join(common, "worktrees")
    try:
        places = [common, *(os.path.join(folder, name) for name in os.listdir(folder))]
    except OSError:
        places = [common]
    return any(found.task == task for found in map(read, places) if found is not None)


def write(git_dir: str, claim: ClaimFile) -> None:
    """Note the claim this worktree serves."""
    text = msgspec.json.encode(claim.task).decode()
    head = f"1 {claim.session} {claim.token} {names.task_ref(claim.task)}"
    write_atomic(os.path.join(git_dir, NAME), f"{head}\n{text}\n".encode())


def clear(git_dir: str) -> None:
    """Forget it."""
    try:
        os.unlink(os.path.join(git_dir, NAME))
    except FileNotFoundError:
        pass
