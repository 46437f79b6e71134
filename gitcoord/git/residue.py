"""Clears what a killed ``git worktree add`` or a deleted directory left behind, if nothing but Git's own is in it.

Owns the proof: a file may go when Git can write it again, that is when it is in the commit with these bytes or (the one
being written at the kill) with the beginning of these bytes. One unknown file, or one thing staged, and all stays.
"""

from __future__ import annotations

import os

from gitcoord.errors import Unsafe
from gitcoord.git.repo import Repo
from gitcoord.git.tempfiles import scratch_index
from gitcoord.git.worktree_list import Worktree
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_CUT = 64
"""Files that can be half written at a kill: checkout.workers are few. More than this was somebody's work."""


def clear(repo: Repo, left: Worktree, commit: str | None) -> None:
    """Remove the worktree ``left`` and Git's entry for it. ``commit`` is what it was made from, if known.

    Raises Unsafe, with everything as it was, when anything there is not Git's to write again.
    """
    source = left.head or commit
    _nothing_staged(repo, left, source)
    if os.path.lexists(left.path):
        with scratch_index(repo) as index:
            here = {"GIT_INDEX_FILE": index, "GIT_WORK_TREE": left.path}
            repo.git("read-tree", *([source] if source else ["--empty"]), env=here)
            _nothing_unknown(repo, left.path, here, source)
            tracked = repo.git("ls-files", "-z", "--cached", env=here).out
        _delete(left.path, [os.fsdecode(path) for path in tracked.split(b"\0") if path])
    # Twice --force, for its lock. The directory is gone by now, so this removes the entry alone.
    repo.git("worktree", "remove", "--force", "--force", left.path)


def _nothing_staged(repo: Repo, left: Worktree, source: str | None) -> None:
    index = os.path.join(left.git_dir, "index")
    if source is None or not os.path.exists(index):
        return
    done = repo.git("diff-index", "--cached", "--quiet", source, env={"GIT_INDEX_FILE": index}, check=False)
    if done.code != 0:
        raise _unsafe(left.path, ["changes that are staged"])


def _nothing_unknown(repo: Repo, top: str, here: dict[str, str], source: str | None) -> None:
    others = repo.git("ls-files", "-z", "--others", env=here).out.split(b"\0")
    unknown = [os.fsdecode(path) for path in others if path]
    changed = repo.git("diff-files", "-z", "--name-only", "--diff-filter=MTUX", "--ignore-submodules=all", env=here)
    cut = [os.fsdecode(path) for path in changed.out.split(b"\0") if path]
    if len(cut) > _MOST_CUT:
        unknown += cut
    else:
        unknown += [path for path in cut if not _is_beginning(repo, top, here, f"{source}:{path}", path)]
    if unknown:
        raise _unsafe(top, unknown)


def _is_beginning(repo: Repo, top: str, here: dict[str, str], blob: str, path: str) -> bool:
    """Whether the file holds the beginning of what a checkout writes there."""
    place = os.path.join(top, path)
    if os.path.islink(place) or not os.path.isfile(place):
        return False
    with open(place, "rb") as file:
        have = file.read()
    whole = repo.git("cat-file", "--filters", blob, env=here, check=False)
    return not have or (whole.code == 0 and whole.out.startswith(have))


def _delete(top: str, tracked: Iterable[str]) -> None:
    """Delete just these files and the directories they leave empty; anything that came meanwhile stays."""
    directories = {top}
    for path in tracked:
        place = os.path.join(top, path)
        try:
            os.unlink(place)
        except (FileNotFoundError, NotADirectoryError):
            pass  # the kill came before this one
        except (IsADirectoryError, PermissionError):
            directories.add(place)  # a submodule's place
        above = os.path.dirname(path)
        while above:
            directories.add(os.path.join(top, above))
            above = os.path.dirname(above)
    try:
        os.unlink(os.path.join(top, ".git"))
    except FileNotFoundError:
        pass
    for directory in sorted(directories, key=len, reverse=True):
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise Unsafe(f"{top} cannot be cleared: {error.strerror}: {directory}", path=top) from None


def _unsafe(top: str, things: list[str]) -> Unsafe:
    shown = ", ".join(things[:5]) + (f" and {len(things) - 5} more" if len(things) > 5 else "")
    return Unsafe(
        f"{top} was left behind half made and holds work: {shown}",
        hint="move what you need out of it, then run the same command again",
        path=top,
        files=tuple(things),
    )
