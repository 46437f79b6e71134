"""Which paths a commit that is about to be made, or a push that is about to happen, changes.

A merge is judged only by what it changes itself: a path that equals one of its parents came from there and was judged
when it was committed. Reads the index and the objects, and never writes: the user's commit is under way.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_NAMES = ("--name-only", "-z", "--no-renames", "--ignore-submodules=none")
_HEADS = 1 << 16
_TIPS = 500  # refs of one push that are looked at: more go by in a mirror push, which no list of paths explains


def staged(repo: Repo, index: str | None = None) -> list[str]:
    """Paths, relative to the top, that a commit of the index would change. Raises GitFailed.

    ``index``: another index file, as Git exports it to hooks (``git commit PATH`` and ``-a`` build one of their own).
    """
    changed = _against(repo, "HEAD", index, unborn=True)
    for other in _merge_heads(repo):
        if changed:
            others = set(_against(repo, other, index))
            changed = [path for path in changed if path in others]
    return changed


def _against(repo: Repo, commit: str, index: str | None, *, unborn: bool = False) -> list[str]:
    """Paths in which the index differs from ``commit``; with ``unborn`` from nothing where there is no such commit."""
    if repo.top is None:
        raise GitFailed("there is no worktree here", hint="change into a worktree")
    # Not `git diff`, which refreshes the index. The Git directory is named: the worktree need not lead to it.
    env = {"GIT_DIR": repo.git_dir, "GIT_WORK_TREE": repo.top, "GIT_OPTIONAL_LOCKS": "0"}
    if index is not None:
        env["GIT_INDEX_FILE"] = index
    done = repo.git("diff-index", "--cached", *_NAMES, commit, "--", at=repo.top, env=env, check=not unborn)
    if done.code != 0:
        done = repo.git("diff-index", "--cached", *_NAMES, _EMPTY_TREE[repo.object_format], "--", at=repo.top, env=env)
    return [os.fsdecode(name) for name in done.out.split(b"\0") if name]


def _merge_heads(repo: Repo) -> list[str]:
    """The commits being merged: none outside of a merge."""
    try:
        with open(os.path.join(repo.git_dir, "MERGE_HEAD"), encoding="ascii") as file:
            return file.read(_HEADS).split()
    except (OSError, ValueError):
        return []


class Update(msgspec.Struct, frozen=True):
    """One ref of a push, as Git tells it to its pre-push hook; an oid of zeros for what is not there."""

    local: str
    local_oid: str
    remote: str
    remote_oid: str


def updates(lines: str) -> list[Update]:
    """What Git says to its pre-push hook on standard input; lines that say something else count for nothing."""
    return [Update(*words) for line in lines.split("\n") if len(words := line.split(" ")) == 4]


def pushed(repo: Repo, remote: str, about: Sequence[Update]) -> list[str]:
    """Paths changed by the commits that ``remote`` does not have yet; each once. Raises GitFailed."""
    tips = [update.local_oid for update in about if update.local_oid.strip("0")]
    if not tips:
        return []
    known = [f"^{update.remote_oid}" for update in about if update.remote_oid.strip("0")]
    theirs = ("--not", f"--remotes={remote}")
    commits = repo.git("rev-list", "--ignore-missing", *tips[:_TIPS], *known[:_TIPS], *theirs, "--").out
    done = repo.git("diff-tree", "--stdin", "-r", "-c", "--root", "--no-commit-id", *_NAMES, input=commits)
    return list(dict.fromkeys(os.fsdecode(name) for name in done.out.split(b"\0") if name))
