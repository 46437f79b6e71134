"""What the snapshot tests share: taking, restoring, and saying how a worktree stands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from gitcoord.git import snapshot
from gitcoord.git.repo import Repo, discover
from gitcoord.store.base import Ident
from tests.support import Scratch

ADA = Ident("Ada Example", "ada@example.org", 1_795_179_791, 60)


def open_repo(scratch: Scratch) -> Repo:
    return discover(str(scratch.path), os.environ)


def take(scratch: Scratch, previous: str | None = None, message: str = "rescue 15") -> snapshot.Snapshot | None:
    return snapshot.take(
        open_repo(scratch), str(scratch.path), message=message, author=ADA, previous=previous, durable=False
    )


def taken(scratch: Scratch, previous: str | None = None) -> snapshot.Snapshot:
    found = take(scratch, previous)
    assert found is not None
    return found


def restore(scratch: Scratch, oid: str) -> snapshot.Restored:
    return snapshot.restore(open_repo(scratch), str(scratch.path), oid)


def standing(scratch: Scratch) -> list[str]:
    """How the worktree stands: every change with modes and blob names, as git says it (its HEAD apart)."""
    ask = ["git", "--no-optional-locks", "status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=all"]
    out = subprocess.run(ask, cwd=scratch.path, capture_output=True, check=True).stdout
    return sorted(os.fsdecode(line) for line in out.split(b"\0"))


def files(scratch: Scratch) -> dict[str, tuple[int, bytes]]:
    """Type, mode and content of every file in the worktree, Git's own apart."""
    found = {}
    for root, directories, names in os.walk(os.fsencode(scratch.path)):
        if b".git" in directories:
            directories.remove(b".git")
        links = [name for name in directories if os.path.islink(os.path.join(root, name))]
        for name in [*names, *links]:
            place = os.path.join(root, name)
            if name == b".git":
                continue
            content = os.readlink(place) if os.path.islink(place) else Path(os.fsdecode(place)).read_bytes()
            found[os.path.relpath(os.fsdecode(place), scratch.path)] = (os.lstat(place).st_mode, content)
    return found


def twin(scratch: Scratch, name: str = "twin") -> Scratch:
    """A second worktree at the same commit."""
    path = scratch.path.parent / name
    scratch.git("worktree", "add", "-q", "--detach", str(path))
    return Scratch(path)
