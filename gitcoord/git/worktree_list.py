"""Which worktrees there are, and where the files of Git behind each lie.

Owns the reading of ``git worktree list``. Must not make, change or remove one.
"""

from __future__ import annotations

import os
import time

from gitcoord.errors import GitFailed, NotFound
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitcoord.git.run import Done

UNFINISHED = "initializing"
"""The lock reason that ``git worktree add`` sets while it works; it stays behind when that is killed."""


_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.3)


class Worktree(msgspec.Struct, frozen=True):
    """One worktree. ``branch`` is short, None when ``detached`` or bare; ``head`` None before the first commit.

    ``locked`` and ``prunable`` hold Git's reason (maybe empty) or None. ``missing``: the directory is gone.
    """

    path: str
    git_dir: str
    head: str | None
    branch: str | None
    main: bool
    bare: bool
    detached: bool
    locked: str | None
    prunable: str | None
    missing: bool

    @property
    def unfinished(self) -> bool:
        """Whether ``git worktree add`` is still at it, or was killed: it is nobody's to work in."""
        return self.locked == UNFINISHED


def list_worktrees(repo: Repo) -> list[Worktree]:
    """All worktrees of this clone, the main one (or the bare repository) first."""
    done = patiently(lambda: repo.git("worktree", "list", "--porcelain", "-z", check=False))
    if done.code != 0:
        raise GitFailed(f"git worktree list failed: {done.complaint or f'exit code {done.code}'}")
    places = _git_dirs(repo.common)
    found: list[Worktree] = []
    for block in done.out.split(b"\0\0"):
        facts = dict(_fact(line) for line in block.split(b"\0") if line)
        if "worktree" in facts:
            found.append(_worktree(repo, facts, places, main=not found))
    return found


def patiently(ask: Callable[[], Done]) -> Done:
    """What git answers once it is not in the way of another ``git worktree add``.

    Every command that looks through the worktrees dies of one whose ``commondir`` is still empty, for which that one is
    to be blamed and not the repository (git 2.39 to 2.55, "failed to read …/commondir: Success"; one of thirty adds at
    once, measured). One that was left so by a kill is complained about after half a second, as before.
    """
    for pause in _PAUSES:
        done = ask()
        if done.code == 0 or b"/commondir: " not in done.err:
            return done
        time.sleep(pause)
    return ask()


def _fact(line: bytes) -> tuple[str, str]:
    name, _, value = os.fsdecode(line).partition(" ")
    return name, value


def _worktree(repo: Repo, facts: dict[str, str], places: dict[str, str], *, main: bool) -> Worktree:
    bare = "bare" in facts
    path = facts["worktree"]
    if main and not bare and os.path.realpath(path) == os.path.realpath(repo.common):
        path = main_top(repo) or path  # of a submodule, and after --separate-git-dir, Git lists the Git directory
    head = facts.get("HEAD")
    return Worktree(
        path=path,
        git_dir=repo.common if main else places.get(os.path.realpath(path), ""),
        head=head if head is not None and head.strip("0") else None,
        branch=facts["branch"].removeprefix("refs/heads/") if "branch" in facts else None,
        main=main,
        bare=bare,
        detached="detached" in facts,
        locked=facts.get("locked"),
        prunable=facts.get("prunable"),
        missing=not bare and not os.path.isdir(path),
    )


def _git_dirs(common: str) -> dict[str, str]:
    """The Git directory of each linked worktree by its real path. Git knows it and does not list it."""
    root = os.path.join(common, "worktrees")
    found = {}
    for name in os.listdir(root) if os.path.isdir(root) else ():
        git_dir = os.path.join(root, name)
        try:
            with open(os.path.join(git_dir, "gitdir"), "rb") as file:
                link = os.fsdecode(file.read().rstrip(b"\n"))
        except OSError:
            continue  # half made or half removed: Git does not list it either
        # relative since git 2.48 when worktree.useRelativePaths is set
        place = os.path.realpath(os.path.dirname(os.path.join(git_dir, link)))
        found[place] = git_dir
    return found


def find(repo: Repo, path: str) -> Worktree | None:
    """The worktree whose root is ``path``, or None."""
    return pick(list_worktrees(repo), path)


def pick(worktrees: list[Worktree], path: str) -> Worktree | None:
    """The one among ``worktrees`` whose root is ``path``, symbolic links resolved."""
    real = os.path.realpath(path)
    return next((item for item in worktrees if os.path.realpath(item.path) == real), None)


def main_top(repo: Repo) -> str | None:
    """The root of the main worktree; None for a bare repository and where Git keeps no way back to it."""
    if repo.git_dir == repo.common and (repo.top is not None or repo.bare):
        return repo.top
    done = repo.git("config", "-z", "--get-regexp", r"^core\.(bare|worktree)$", check=False)
    settings = dict(os.fsdecode(item).partition("\n")[::2] for item in done.out.split(b"\0"))
    if "core.worktree" in settings:  # a submodule's, for one
        return os.path.normpath(os.path.join(repo.common, settings["core.worktree"]))
    above, name = os.path.split(repo.common)
    # A directory of another name was made with --separate-git-dir, and nothing in it leads back.
    return above if name == ".git" and settings.get("core.bare", "false") == "false" else None


def git_dir_of(top: str) -> str:
    """The Git directory behind the worktree whose root is ``top``. Raises NotFound."""
    link = os.path.join(top, ".git")
    if os.path.isdir(link):
        return os.path.realpath(link)
    try:
        with open(link, "rb") as file:
            text = os.fsdecode(file.read().rstrip(b"\n"))
    except OSError:
        text = ""
    if not text.startswith("gitdir: "):
        raise NotFound(f"{top} is not the root of a worktree")
    return os.path.realpath(os.path.join(top, text.removeprefix("gitdir: ")))
