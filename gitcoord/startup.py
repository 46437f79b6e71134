"""How a process starts: whether it does one small thing and ends, and so does without slow imports (``lean``).

Owns the list of verbs that do, and the guess at how much they will have to read. Settled before anything else of
gitcoord is imported; a wrong guess costs time and nothing else.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from typing import NoReturn

ONE_RECORD = frozenset(
    ("heartbeat", "get", "set", "incr", "lock", "unlock", "check", "progress", "event", "hook guard")
)
"""Verbs that read a handful of records, however many there are; so does ``claim`` of a task that is named."""

OWN_CLAIMS = frozenset(("whoami", "release", "done"))
"""Verbs that look for what one session holds: quick where that is noted (``ownclaims``), or while there are few."""

WHOLE_BOARD = frozenset(("claim", "start", "end"))
"""Verbs that look at every task: quick while there are few."""

_MANY = 40 << 10
"""Size in bytes of the tasks' cache from which msgspec reads them sooner than it takes to import (some 200 tasks)."""

_AGAIN = "GIT_COORD_START"
"""Tells the same process, started over, to do without the stand-ins."""

_state = {"lean": False}


def is_lean() -> bool:
    """Whether the stand-ins of ``lean`` serve this process."""
    return _state["lean"]


def be_lean() -> None:
    """Choose the stand-ins. No effect once records are declared: two kinds of them must never meet."""
    if "gitcoord.lean" not in sys.modules and sys.implementation.name == "cpython":
        _state["lean"] = True


def start_over(environ: MutableMapping[str, str]) -> NoReturn:
    """Begin again with everything, before anything was read or written: the command line needs more than ``lane``."""
    environ[_AGAIN] = "full"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very program


def choose(argv: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Choose by the command line, without understanding it: its first word that is no option."""
    if environ.pop(_AGAIN, None) is not None or os.name != "posix":
        return
    words = [word for word in argv if not word.startswith("-")]
    verb = " ".join(words[:2]) if words[:1] == ["hook"] else words[0] if words else ""
    named = verb == "claim" and "--next" not in argv
    quick = verb in ONE_RECORD or named or (verb in OWN_CLAIMS and _size("claims", environ) > 0)
    if quick or (verb in WHOLE_BOARD | OWN_CLAIMS and not _has_many_tasks(environ)):
        be_lean()


def look_ahead(argv: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Start the git processes that every command needs, while the rest is still being imported."""
    if "-C" in argv:
        return
    try:
        start = os.getcwd()
    except OSError:
        return
    from gitcoord.git import repo

    repo.look_ahead(start, environ)


def _has_many_tasks(environ: MutableMapping[str, str]) -> bool:
    """Whether the repository around has a cache of many tasks (see ``coordinator.records``)."""
    return _size("tasks", environ) > _MANY


def _size(cache: str, environ: MutableMapping[str, str]) -> int:
    """How many bytes the repository around has in a cache (see ``store.cache``); 0 where there is none."""
    if "GIT_DIR" in environ or "GIT_COMMON_DIR" in environ:
        return 0 if cache == "claims" else _MANY + 1  # elsewhere, and not worth finding out
    try:
        return os.stat(os.path.join(place_of(os.getcwd())[2], "coord", "cache", cache)).st_size
    except OSError:
        return 0


def place_of(start: str) -> tuple[str, str, str]:
    """The worktree around ``start`` as far as files show it: its root, its Git directory, and the one of all worktrees.

    Raises OSError.
    """
    top = start
    while not os.path.lexists(link := os.path.join(top, ".git")):
        parent = os.path.dirname(top)
        if parent == top:
            raise FileNotFoundError(start)
        top = parent
    if os.path.isdir(link):
        return top, link, link
    with open(link, encoding="utf-8", errors="surrogateescape") as file:
        git_dir = os.path.join(top, file.readline().removeprefix("gitdir: ").rstrip("\n"))
    with open(os.path.join(git_dir, "commondir"), encoding="utf-8", errors="surrogateescape") as file:
        return top, git_dir, os.path.normpath(os.path.join(git_dir, file.readline().rstrip("\n")))
