"""What Git, libgit2 and the system say when they cannot work, as one plain sentence each.

The only translation point of the stores. Must not decide whether a swap was applied: see ``outcome``.
"""

from __future__ import annotations

import os
import re

from gitcoord.errors import GitFailed

_HELD = re.compile(r"[Uu]nable to create '([^']+)': File exists")

_HARDLY_ANY = 64 * 1024  # bytes of disk in which no swap can be sure to succeed

# What the system's own words become, with one safe next step; the first that fits is used.
_PLAIN = (
    (
        re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE),
        "the disk is full: {what} could not be written",
        "free some space, then run the same command again",
    ),
    (
        re.compile(r"permission denied|insufficient permission|operation not permitted", re.IGNORECASE),
        "no permission to write {what}",
        "run the command as a user (or outside the sandbox) that may write there",
    ),
    (
        re.compile(r"read-only file system", re.IGNORECASE),
        "the file system of {what} is read-only",
        "run the command where the repository may be written",
    ),
    (
        re.compile(r"input/output error", re.IGNORECASE),
        "the disk of {what} reports an input/output error",
        "check the disk before anything else",
    ),
)


def failed(said: str, where: str) -> GitFailed:
    """The error for what a program ``said`` about the repository at ``where``."""
    if not is_plain(said) and _is_full(where):
        said = "no space left on device"  # neither git nor libgit2 always passes on the system's words
    for pattern, sentence, hint in _PLAIN:
        if pattern.search(said):
            return GitFailed(sentence.format(what=where), hint=hint)
    return GitFailed(f"Git could not write to {where}: {said}" if said else f"Git could not write to {where}")


def _is_full(where: str) -> bool:
    try:
        disk = os.statvfs(where)
    except (OSError, AttributeError):
        return False
    return disk.f_bavail * disk.f_frsize < _HARDLY_ANY or (disk.f_files > 0 and disk.f_favail == 0)


def os_failed(error: OSError, where: str) -> GitFailed:
    """The same for a call of our own that the system refused."""
    return failed(error.strerror or str(error), where)


def is_plain(said: str) -> bool:
    """Whether the system's own refusal is in it, so that trying again would be of no use."""
    return any(pattern.search(said) for pattern, _, _ in _PLAIN)


def held_lock(said: str) -> str | None:
    """The lock file that Git found in its way, if that is what it complains about."""
    found = _HELD.search(said)
    return found.group(1) if found else None
