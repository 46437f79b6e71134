"""Copies what ``.worktreeinclude`` names (local settings, secrets, caches) from the main worktree into a new one.

The file has gitignore syntax and lies at the root; Git does the matching. As in other tools that read it, only
*ignored* files are copied: a tracked file comes by checkout, and an untracked one that is not ignored would make the
new worktree dirty from its first moment. Never overwrites, never follows a symbolic link out of either worktree.
"""

from __future__ import annotations

import errno
import os
import stat

from gitcoord.errors import GitFailed
from gitcoord.git.repo import Repo
from gitcoord.lean import msgspec

NAME = ".worktreeinclude"
_CHUNK = 1 << 20


class Copied(msgspec.Struct, frozen=True):
    """Paths copied, and for people why the others were not."""

    paths: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def copy_included(repo: Repo, source: str, target: str) -> Copied:
    """Copy the named ignored files from the worktree ``source`` to ``target``. Raises GitFailed."""
    rules = os.path.join(source, NAME)
    if not os.path.isfile(rules):
        return Copied()
    named = _named(repo, source, rules, target)
    ignored = set(_split(_ignored(repo, source, named)))
    paths, notices = [], []
    for path in named:
        try:
            if path in ignored and _copy(source, target, path):
                paths.append(path)
        except OSError as error:
            notices.append(f"{path} was not copied: {error.strerror}")
    visible = [path for path in named if path not in ignored]
    if visible:
        more = f" and {len(visible) - 1} more" if len(visible) > 1 else ""
        notices.append(f"{NAME} names {visible[0]}{more}, not ignored by Git: not copied")
    return Copied(tuple(paths), tuple(notices))


def _named(repo: Repo, source: str, rules: str, target: str) -> list[str]:
    """Untracked files that the rules match, without nested repositories and what lies around the worktrees."""
    done = repo.git("ls-files", "-z", "--others", "--ignored", f"--exclude-from={rules}", at=source)
    around = os.path.relpath(os.path.realpath(target), os.path.realpath(source))
    around = os.path.dirname(around) or around
    return [path for path in _split(done.out) if not path.endswith("/") and not path.startswith(around + os.sep)]


def _ignored(repo: Repo, source: str, paths: list[str]) -> bytes:
    if not paths:
        return b""
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    done = repo.git("check-ignore", "-z", "--stdin", at=source, input=names, check=False)
    if done.code > 1:  # 1 is "none of them"
        raise GitFailed(f"git check-ignore failed: {done.complaint}")
    return done.out


def _split(out: bytes) -> list[str]:
    return [os.fsdecode(item) for item in out.split(b"\0") if item]


def _copy(source: str, target: str, path: str) -> bool:
    """Copy one file or symbolic link with its mode; False when something is there already. Raises OSError."""
    origin, place = os.path.join(source, path), os.path.join(target, path)
    if os.path.lexists(place):
        return False
    _make_parents(target, path)
    if os.path.islink(origin):
        os.symlink(os.readlink(origin), place)
        return True
    _copy_file(origin, place)
    return True


def _make_parents(target: str, path: str) -> None:
    """Make the directories for ``path``; one that is a symbolic link could lead anywhere and is refused."""
    place = target
    for part in path.split("/")[:-1]:
        place = os.path.join(place, part)
        try:
            os.mkdir(place)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                raise OSError(errno.ENOTDIR, f"{os.path.relpath(place, target)} is not a directory there") from None


def _copy_file(origin: str, place: str) -> None:
    source = os.open(origin, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        mode = stat.S_IMODE(os.fstat(source).st_mode)
        target = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(target, mode & 0o777)
            _pour(source, target)
        except OSError:
            os.unlink(place)
            raise
        finally:
            os.close(target)
    finally:
        os.close(source)


def _pour(source: int, target: int) -> None:
    """All bytes of one descriptor into the other; inside the kernel, sharing blocks, where the system can."""
    fast = getattr(os, "copy_file_range", None)
    while fast is not None:
        try:
            if fast(source, target, _CHUNK << 10) == 0:
                return
        except OSError:
            break  # other file systems, old kernels: the plain way goes on from the same offsets
    while chunk := os.read(source, _CHUNK):
        while chunk:
            chunk = chunk[os.write(target, chunk) :]
