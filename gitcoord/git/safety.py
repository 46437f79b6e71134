"""Whether a worktree holds work that would be lost: what is uncommitted, unpushed, or in the middle of something.

Owns that judgement. Only looks: never refreshes the index, takes no lock. Ignored files are not work, and neither is
what Git was told not to look at (assume-unchanged, skip-worktree).
"""

from __future__ import annotations

import os

from gitcoord.git import status
from gitcoord.git.repo import Repo
from gitcoord.git.worktree_list import git_dir_of
from gitcoord.lean import msgspec

_OPERATIONS = (
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("sequencer", "cherry-pick"),
    ("BISECT_LOG", "bisect"),
)


class WorktreeState(msgspec.Struct, frozen=True):
    """What lies in a worktree. Paths are relative to its root; whole untracked directories end in ``/``.

    ``unpushed``: commits of HEAD that no remote-tracking branch, no other branch and not the base has, submodules' own
    included. ``operation``: ``rebase``, ``am``, ``merge``, ``cherry-pick``, ``revert``, ``bisect`` or None.
    """

    head: str | None
    branch: str | None
    staged: tuple[str, ...]
    unstaged: tuple[str, ...]
    untracked: tuple[str, ...]
    conflicted: tuple[str, ...]
    unpushed: int
    operation: str | None

    @property
    def dirty(self) -> bool:
        """Whether anything is uncommitted."""
        return bool(self.staged or self.unstaged or self.untracked or self.conflicted)

    @property
    def clean(self) -> bool:
        """Whether nothing is uncommitted and Git is in the middle of nothing."""
        return not self.dirty and self.operation is None

    @property
    def merged_or_pushed(self) -> bool:
        """Whether every commit is somewhere else too."""
        return self.unpushed == 0

    @property
    def files(self) -> tuple[str, ...]:
        """Every uncommitted path once, sorted."""
        return tuple(sorted({*self.staged, *self.unstaged, *self.untracked, *self.conflicted}))


def inspect(repo: Repo, path: str, base: str | None = None) -> WorktreeState:
    """Look at the worktree whose root is ``path``. Raises NotFound when it is none, GitFailed."""
    git_dir = git_dir_of(path)
    seen = status.read(repo, path)
    entries = seen.entries
    return WorktreeState(
        head=seen.head,
        branch=seen.branch,
        staged=tuple(item.path for item in entries if item.kind == "1" and item.staged != "."),
        unstaged=tuple(item.path for item in entries if item.kind == "1" and item.unstaged != "."),
        untracked=tuple(item.path for item in entries if item.kind == "?"),
        conflicted=tuple(item.path for item in entries if item.kind == "u"),
        unpushed=_unpushed(repo, path, seen, base) + _submodules_unpushed(repo, git_dir, path),
        operation=operation(repo, git_dir, path),
    )


def beyond_rescue(repo: Repo, path: str) -> tuple[str, ...]:
    """What in a worktree no snapshot can keep: nested repositories, and work inside submodules."""
    entries = status.read(repo, path, untracked="all").entries
    found = tuple(item.path for item in entries if item.nested or item.dirty_inside)
    count = _submodules_unpushed(repo, git_dir_of(path), path)
    return (*found, f"{count} unpushed submodule commits") if count else found


def operation(repo: Repo, git_dir: str, path: str) -> str | None:
    """What Git is in the middle of in this worktree."""
    for name, word in _OPERATIONS:
        if os.path.lexists(os.path.join(git_dir, name)):
            return word
    if os.path.isdir(os.path.join(git_dir, "reftable")):  # these two are refs, and then not files
        for name, word in (("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert")):
            if repo.git("rev-parse", "--verify", "-q", name, at=path, check=False).code == 0:
                return word
    return None


def _unpushed(repo: Repo, path: str, seen: status.Status, base: str | None) -> int:
    if seen.head is None:
        return 0
    own = () if seen.branch is None else (f"--exclude={seen.branch}",)
    # An unknown base adds nothing, and one that looks like an option is none.
    also = () if base is None or base.startswith("-") else (base,)
    done = repo.git(
        *("rev-list", "--count", "--ignore-missing", seen.head, "--not", "--remotes", *own, "--branches", *also, "--"),
        at=path,
    )
    return int(done.text)


def _submodules_unpushed(repo: Repo, git_dir: str, path: str) -> int:
    """Commits in the repositories of a linked worktree's submodules: those are deleted together with it."""
    if os.path.basename(os.path.dirname(git_dir)) != "worktrees" or not os.path.isdir(os.path.join(git_dir, "modules")):
        return 0
    count = "git rev-list --count HEAD --branches --not --remotes"
    done = repo.git("submodule", "--quiet", "foreach", "--recursive", count, at=path, check=False)
    numbers = [int(line) for line in done.text.split() if line.isdigit()]
    # A submodule that git cannot look into counts as one: better asked once too often.
    return sum(numbers) + (done.code != 0)
