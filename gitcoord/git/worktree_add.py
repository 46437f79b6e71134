"""Makes the worktree of a task with the git program.

In the ordinary case ``add`` is one git command (it must stay within 1.3 times ``git worktree add``); it looks closer
only when that fails, when something is at the path, or when an earlier attempt was killed. Must not know records: whose
a worktree is, the coordinator decides. Nothing here deletes a file that Git cannot write again.
"""

from __future__ import annotations

import os
import time

from gitcoord.errors import Contended, Exists, GitFailed, NotFound, Unsafe, WrongState
from gitcoord.git import residue, submodule
from gitcoord.git.adding import making
from gitcoord.git.exclude import hide
from gitcoord.git.include import copy_included
from gitcoord.git.repo import Repo
from gitcoord.git.run import Done
from gitcoord.git.worktree_list import Worktree, find, git_dir_of, list_worktrees, main_top, patiently, pick
from gitcoord.git.worktree_name import check_branch
from gitcoord.lean import msgspec

_SETTLED = 10.0
"""Seconds of silence after which a half-made worktree that is not ours counts as left by a killed command."""


class Added(msgspec.Struct, frozen=True):
    """A worktree that is ready to work in.

    ``created_branch``: the branch is new. ``reused``: the worktree was there already, on that branch. ``copied``: files
    that came through .worktreeinclude. ``notices``: what did not work and does not stop anybody, in words.
    """

    path: str
    git_dir: str
    branch: str
    created_branch: bool
    reused: bool
    copied: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class _Made(msgspec.Struct, frozen=True):
    """How Git came to the worktree: what is new, and what it complained about."""

    created_branch: bool
    reused: bool = False
    complaint: str = ""


def add(repo: Repo, path: str, branch: str, base: str | None = None) -> Added:
    """Make the worktree ``path`` with ``branch`` checked out: made from ``base`` (default: HEAD here) unless it exists.

    A worktree with that branch at that path is reused, one that a kill left half made is made again. Raises Exists when
    the branch is checked out elsewhere or the path serves another, Unsafe when unknown files are in the way, NotFound
    for an unknown base, Contended while another process makes it, GitFailed.
    """
    path = os.path.abspath(path)
    check_branch(repo, branch)
    if base is not None and base.startswith(("-", "^")):
        raise NotFound(f"there is no commit {base}")
    with making(repo, path) as cut_short:
        hidden = _hide(repo, path)
        tried = None if cut_short or os.path.lexists(path) else _new_branch(repo, path, branch, base)
        if tried is not None and tried.code == 0:
            made = _Made(created_branch=True)
        else:
            made = _settle(repo, path, branch, base, cut_short=cut_short, tried=tried)
        copied, notices = _furnish(repo, path) if cut_short or not made.reused else ((), ())
    return Added(
        path=path,
        git_dir=git_dir_of(path),
        branch=branch,
        created_branch=made.created_branch,
        reused=made.reused,
        copied=copied,
        notices=tuple(text for text in (hidden, made.complaint, *notices) if text),
    )


def _hide(repo: Repo, path: str) -> str:
    try:
        hide(repo, path)
    except OSError as error:
        return f"{path} is not hidden from 'git status': {error.strerror}"
    return ""


def _furnish(repo: Repo, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Submodules and included files: what a checkout alone does not bring."""
    notices = submodule.check_out(repo, path)
    source = main_top(repo) or repo.top
    if source is None or os.path.realpath(source) == os.path.realpath(path):
        return (), tuple(notices)
    try:
        included = copy_included(repo, source, path)
    except GitFailed as error:
        return (), (*notices, error.message)
    return included.paths, (*notices, *included.notices)


def _run_add(repo: Repo, *args: str) -> Done:
    # In the caller's worktree, because Git carries that one's sparse checkout along.
    return patiently(lambda: repo.git("worktree", "add", *args, at=repo.top, check=False))


def _new_branch(repo: Repo, path: str, branch: str, base: str | None) -> Done:
    # --no-track: setting an upstream writes the configuration, and could aim a plain 'git push' at the base's branch.
    return _run_add(repo, "--no-track", "-b", branch, "--", path, base or "HEAD")


def _settle(repo: Repo, path: str, branch: str, base: str | None, *, cut_short: bool, tried: Done | None) -> _Made:
    """The careful way: look at what is there, clear what a kill left, then make it and say why not."""
    known = list_worktrees(repo)
    here = pick(known, path)
    if here is not None and _is_ready(here, branch):
        return _Made(False, reused=True) if tried is None else _despite_hook(tried, created_branch=True)
    _refuse_elsewhere(known, here, branch)
    commit = _commit(repo, f"refs/heads/{branch}")
    if here is not None:
        _refuse_other(here)
        if here.unfinished and not cut_short and (tried is None or tried.code >= 0):
            _refuse_young(here)
        residue.clear(repo, here, commit or _commit(repo, base or "HEAD"))
    elif os.path.lexists(path) and not _is_empty(path):
        raise Unsafe(f"{path} exists and is no worktree of this repository", hint="move it away", path=path)
    if commit is None and _commit(repo, base or "HEAD") is None:
        raise _no_base(repo, base)
    return _make(repo, path, branch, base, exists=commit is not None)


def _despite_hook(done: Done, *, created_branch: bool) -> _Made:
    """All is there although git failed: the exit status of a post-checkout hook becomes that of worktree add."""
    return _Made(created_branch, complaint=f"a post-checkout hook failed: {done.complaint or f'exit code {done.code}'}")


def _is_ready(here: Worktree, branch: str) -> bool:
    return here.branch == branch and not here.missing and not here.unfinished


def _refuse_elsewhere(known: list[Worktree], here: Worktree | None, branch: str) -> None:
    for other in known:
        if other is not here and other.branch == branch and not other.bare:
            gone = ", whose directory is missing" if other.missing else ""
            raise Exists(
                f"branch {branch} is checked out in {other.path}{gone}",
                hint="work there, or name another branch with --branch",
                path=other.path,
                branch=branch,
            )


def _refuse_other(here: Worktree) -> None:
    """What is at our path and not ours to clear."""
    if here.main or not (here.missing or here.unfinished):
        what = f"branch {here.branch}" if here.branch else "a detached HEAD"
        raise Exists(f"{here.path} is the worktree of {what}", path=here.path, branch=here.branch)
    if here.locked is not None and not here.unfinished:
        raise Exists(
            f"{here.path} is missing and was locked: {here.locked or 'no reason given'}",
            hint="see 'git worktree list --verbose'",
            path=here.path,
        )
    if here.branch is None and here.head is not None:
        raise Unsafe(f"{here.path} was left at commit {here.head}, on no branch", path=here.path)


def _refuse_young(here: Worktree) -> None:
    """Somebody's own ``git worktree add`` may be running."""
    files = [entry for entry in os.scandir(here.git_dir) if entry.is_file(follow_symlinks=False)]
    times = [entry.stat(follow_symlinks=False).st_mtime for entry in files]
    if time.time() - max(times, default=0.0) < _SETTLED:
        raise Contended(f"{here.path} is being made by another program", path=here.path)


def _is_empty(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path)


def _make(repo: Repo, path: str, branch: str, base: str | None, *, exists: bool) -> _Made:
    done = _run_add(repo, "--", path, branch) if exists else _new_branch(repo, path, branch, base)
    if done.code == 0:
        return _Made(created_branch=not exists)
    here = find(repo, path)
    if here is not None and _is_ready(here, branch):
        return _despite_hook(done, created_branch=not exists)
    raise GitFailed(f"git worktree add failed: {done.complaint or f'exit code {done.code}'}")


def _commit(repo: Repo, revision: str) -> str | None:
    done = repo.git("rev-parse", "--verify", "-q", f"{revision}^{{commit}}", at=repo.top, check=False)
    return done.text if done.code == 0 else None


def _no_base(repo: Repo, base: str | None) -> WrongState | NotFound:
    """The branch of a new repository's HEAD is no unknown name: there is only no commit on it yet."""
    if base is not None and _commit(repo, "HEAD") is not None:
        return NotFound(f"there is no commit {base}")
    return WrongState("there is no commit yet to start a branch from", hint="make the first commit")
