"""Removes worktrees, and refuses while there is work in them.

Takes no rescue snapshot itself: whoever forces a removal takes one first. The branch always stays.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed, NotFound, Unsafe
from gitcoord.git import residue, safety
from gitcoord.git.repo import Repo
from gitcoord.git.run import Done
from gitcoord.git.worktree_list import Worktree, find, main_top
from gitcoord.lean import msgspec


class Removed(msgspec.Struct, frozen=True):
    """A worktree that is gone. Its branch is kept. ``inside``: the caller stood in it and should change directory."""

    path: str
    branch: str | None
    head: str | None
    inside: bool
    missing: bool


def remove(repo: Repo, path: str, *, force: bool = False, base: str | None = None) -> Removed:
    """Remove the linked worktree at ``path``, wherever the caller is.

    Raises NotFound, Unsafe (the main worktree; locked by its user; work that no snapshot can keep; and unless
    ``force``: uncommitted or unpushed work, an operation in progress), GitFailed. Ignored files go with it.
    """
    here = find(repo, os.path.abspath(path))
    if here is None:
        raise NotFound(f"{path} is not a worktree of this repository")
    _refuse_always(here)
    if here.missing or here.unfinished:
        residue.clear(repo, here, None)
    else:
        if force:
            _refuse_beyond_rescue(repo, here)
        else:
            refuse_work(repo, here, base)
        _remove(repo, here, force=force)
    return Removed(
        path=here.path,
        branch=here.branch,
        head=here.head,
        inside=repo.top is not None and os.path.realpath(repo.top) == os.path.realpath(here.path),
        missing=here.missing,
    )


def _refuse_always(here: Worktree) -> None:
    if here.main:
        raise Unsafe("the main worktree is the repository itself and stays", path=here.path)
    if here.locked is not None and not here.unfinished:
        reason = f": {here.locked}" if here.locked else ""
        raise Unsafe(
            f"{here.path} is locked{reason}", hint="git worktree unlock PATH, if the lock is yours", path=here.path
        )


def refuse_work(repo: Repo, here: Worktree, base: str | None = None) -> None:
    """Raises Unsafe, naming it, when removing this worktree would lose work."""
    state = safety.inspect(repo, here.path, base)
    work = []
    if state.dirty:
        shown = ", ".join(state.files[:5]) + (f" and {len(state.files) - 5} more" if len(state.files) > 5 else "")
        work.append(f"uncommitted changes ({shown})")
    if state.operation:
        work.append(f"a {state.operation} in progress")
    if state.unpushed:
        work.append(f"{state.unpushed} unpushed commit{'s' if state.unpushed > 1 else ''}")
    if work:
        raise Unsafe(
            f"{here.path} has {' and '.join(work)}",
            hint="commit and push it, or hand it over with 'git coord handoff'",
            path=here.path,
            files=state.files,
            unpushed=state.unpushed,
            operation=state.operation,
        )


def _refuse_beyond_rescue(repo: Repo, here: Worktree) -> None:
    """By force goes only what a rescue snapshot could keep."""
    if lost := safety.beyond_rescue(repo, here.path):
        raise Unsafe(
            f"{here.path} holds repositories of their own, which no snapshot keeps: {', '.join(lost[:5])}",
            hint="push what is in them, or move them away",
            path=here.path,
            files=lost,
        )


def _remove(repo: Repo, here: Worktree, *, force: bool) -> None:
    done = _run_remove(repo, here, *(["--force"] if force else []))
    if done.code != 0 and not force and os.path.lexists(os.path.join(here.path, ".gitmodules")):
        # Git never removes one with submodules unless forced; ours were just found to hold no work.
        done = _run_remove(repo, here, "--force")
    if done.code != 0:
        raise GitFailed(f"git worktree remove failed: {done.complaint or f'exit code {done.code}'}")


def _run_remove(repo: Repo, here: Worktree, *options: str) -> Done:
    # Not from inside the directory that goes away: Git would keep its own working directory.
    return repo.git("worktree", "remove", *options, "--", here.path, at=main_top(repo), check=False)
