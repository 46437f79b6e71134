"""Worktrees that were moved together with their repository: where they lie now, and making Git know it again.

Git keeps absolute paths in both directions, so after ``mv repo elsewhere`` it takes each linked worktree for missing,
and inside of one there is no repository any more. Nothing is lost until somebody prunes. Must not guess: a directory
counts only when its ``.git`` file names the very administrative directory, in a place that no longer exists.
"""

from __future__ import annotations

import os

from gitcoord.git.localfile import read_all
from gitcoord.git.repo import Repo
from gitcoord.git.worktree_list import Worktree

_LINK = b"gitdir: "
_LONGEST = 1 << 14


def moved_to(repo: Repo, item: Worktree) -> str | None:
    """Where a missing worktree is, if it lies as before in relation to the main one; None where that is not so."""
    if not item.missing or not item.git_dir or (repo.top is None and not repo.bare):
        return None
    top = os.path.dirname(repo.common)
    parts = item.path.split(os.sep)
    for count in range(1, len(parts)):
        for base in (top, os.path.dirname(top)):
            place = os.path.join(base, *parts[-count:])
            if _was(place, os.path.basename(item.git_dir)):
                return place
    return None


def _was(place: str, name: str) -> bool:
    """Whether the worktree at ``place`` belonged to the administrative directory ``name`` where that was before."""
    link = read_all(os.path.join(place, ".git"), _LONGEST) or b""
    if not link.startswith(_LINK):
        return False
    former = os.fsdecode(link.removeprefix(_LINK).rstrip(b"\n"))
    folder, found = os.path.split(former)
    return found == name and os.path.basename(folder) == "worktrees" and not os.path.exists(former)


def mend(repo: Repo, item: Worktree) -> str | None:
    """Tell Git where a moved worktree lies now; that path, or None where it was not moved. Raises GitFailed."""
    place = moved_to(repo, item)
    if place is not None:
        repo.git("worktree", "repair", "--", place)
    return place
