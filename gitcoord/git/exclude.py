"""Hides the directory of worktrees from ``git status`` through ``<common>/info/exclude``, and takes that back.

Owns the marked lines in that file and nothing else in it: ``unhide`` leaves the bytes that were there before. The mark
says what has to go besides the line itself.
"""

from __future__ import annotations

import fcntl
import os

from gitcoord.git.localfile import write_atomic
from gitcoord.git.repo import Repo
from gitcoord.git.worktree_list import main_top
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    import re

_MARK = b"# gitcoord hides its worktrees"
_ENDED = b" (and ended the line above)"
_MADE = b" (and made this file)"
# As text: importing re takes 2 ms, which commands that only look at worktrees need not wait for.
_OURS = (
    rb"(?:\n(?=# gitcoord hides its worktrees \(and ended))?"
    rb"(?:# gitcoord hides its worktrees(?: \(and (?:ended the line above|made this file)\))?\n[^\n]*\n)+"
)
_SPECIAL = "\\*?[]"


def hide(repo: Repo, path: str) -> bool:
    """Hide the directory that holds the worktree ``path``; whether a line had to be written.

    Does nothing for a path outside the main worktree. Raises OSError.
    """
    pattern = _pattern(repo, path)
    if pattern is None:
        return False
    info = os.path.join(repo.common, "info")
    os.makedirs(info, exist_ok=True)
    file = os.path.join(info, "exclude")
    made = not os.path.lexists(file)
    fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    with open(fd, "r+b", buffering=0) as stream:
        fcntl.flock(fd, fcntl.LOCK_EX)  # two claims at once would both find it missing
        old = stream.read()
        if pattern in old.split(b"\n"):
            return False
        note = _MADE if made and not old else _ENDED if old and not old.endswith(b"\n") else b""
        start = b"\n" if note == _ENDED else b""
        stream.write(start + _MARK + note + b"\n" + pattern + b"\n")
    return True


def unhide(repo: Repo) -> bool:
    """Take back every line that ``hide`` wrote; whether there was one. Raises OSError."""
    file = os.path.realpath(os.path.join(repo.common, "info", "exclude"))
    try:
        with open(file, "rb") as stream:
            old = stream.read()
            mode = os.fstat(stream.fileno()).st_mode & 0o777
    except FileNotFoundError:
        return False
    import re

    new = re.sub(_OURS, _rest, old)
    if new == old:
        return False
    if not new and _MARK + _MADE in old:
        os.unlink(file)
    else:
        write_atomic(file, new, mode)
    return True


def _rest(ours: re.Match[bytes]) -> bytes:
    """What stays in place of our lines: the end of the line above, where others have written on since."""
    return b"\n" if ours[0].startswith(b"\n") and ours.end() < len(ours.string) else b""


def _pattern(repo: Repo, path: str) -> bytes | None:
    """The anchored gitignore line for the directory around ``path``; None outside the main worktree."""
    top = main_top(repo)
    if top is None:
        return None
    inside = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
    if inside == os.pardir or inside.startswith(os.pardir + os.sep) or inside == os.curdir or "\n" in inside:
        return None
    directory = os.path.dirname(inside) or inside
    return os.fsencode("/" + "".join(f"\\{sign}" if sign in _SPECIAL else sign for sign in directory) + "/")
