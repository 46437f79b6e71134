"""Where Git looks for hook files, worktree by worktree, and whether we may write there.

Owns the rule: only inside the repository, never among committed files. ``core.hooksPath`` may point anywhere.
"""

from __future__ import annotations

import os

from gitcoord.git.repo import Repo
from gitcoord.git.worktree_list import list_worktrees
from gitcoord.lean import msgspec


class Place(msgspec.Struct, frozen=True):
    """A directory of hook files. ``problem`` says why we may not write there; empty when we may."""

    directory: str
    problem: str = ""


def place_of(repo: Repo, top: str | None) -> Place:
    """Where Git looks for the hook files of the worktree ``top`` (None: a bare repository)."""
    at = top or repo.common
    directory = repo.git("rev-parse", "--path-format=absolute", "--git-path", "hooks", at=at).text
    return judged(repo, directory)


def judged(repo: Repo, directory: str) -> Place:
    """The directory, with the reason why we may not write there if there is one."""
    return Place(directory, _problem(repo, directory))


def all_places(repo: Repo) -> list[Place]:
    """Where Git looks in any worktree of this clone, each directory once; this worktree's first."""
    here = place_of(repo, repo.top)
    if here.directory == os.path.join(repo.common, "hooks") and not _per_worktree(repo):
        return [here]
    tops = [item.path for item in list_worktrees(repo) if not item.bare and not item.missing]
    places = {here.directory: here}
    for top in tops:
        found = place_of(repo, top)
        places.setdefault(found.directory, found)
    return list(places.values())


def _per_worktree(repo: Repo) -> bool:
    """Whether a worktree may have a ``core.hooksPath`` of its own."""
    return repo.git("config", "--type=bool", "--get", "extensions.worktreeConfig", check=False).text == "true"


def _problem(repo: Repo, directory: str) -> str:
    real = os.path.realpath(directory)
    if _inside(real, os.path.realpath(repo.common)):
        return ""
    if not os.path.lexists(directory):
        return f"core.hooksPath is {directory}, which does not exist: Git runs no hook file in this worktree"
    if not os.path.isdir(real):
        return f"core.hooksPath is {directory}, which is no directory: hook files are switched off"
    found = repo.git("rev-parse", "--path-format=absolute", "--git-common-dir", at=real, check=False)
    if found.code != 0 or os.path.realpath(found.text) != os.path.realpath(repo.common):
        return f"core.hooksPath is {directory}, outside this repository"
    if repo.git("ls-files", "-z", "--", ".", at=real).out:
        return f"core.hooksPath is {directory}, which holds committed files"
    return ""


def _inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory + os.sep)
