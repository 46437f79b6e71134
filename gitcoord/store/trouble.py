"""What Git, libgit2 and the system say when they cannot work, as one plain sentence each.

The only translation point of the stores. Must not decide whether a swap was applied: see ``outcome``.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed

_HELD = "nable to create '", "': File exists"

_HARDLY_ANY = 64 * 1024  # bytes of disk in which no swap can be sure to succeed

# What the system's own words become, with one safe next step; the first that fits is used.
_PLAIN = (
    (
        (
            "no space left on device",
            "disk quota exceeded",
        ),
        "the disk is full: {what} could not be written",
        "free some space, then run the same command again",
    ),
    (
        (
            "permission denied",
            "insufficient permission",
            "operation not permitted",
        ),
        "no permission to write {what}",
        "run the command as a user (or outside the sandbox) that may write there",
    ),
    (
        ("read-only file system",),
        "the file system of {what} is read-only",
        "run the command where the repository may be written",
    ),
    (
        ("input/output error",),
        "the disk of {what} reports an input/output error",
        "check the disk before anything else",
    ),
)


def failed(said: str, where: str) -> GitFailed:
    """The error for what a program ``said`` about the repository at ``where``."""
    if not is_plain(said) and _is_full(where):
        said = "no space left on device"  # neither git nor libgit2 always passes on the system's words
    for words, sentence, hint in _PLAIN:
        if _has(said, words):
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
    return any(_has(said, words) for words, _, _ in _PLAIN)


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said.lower() for word in words)


def held_lock(said: str) -> str | None:
    """The lock file that Git found in its way, if that is what it complains about."""
    _, begun, rest = said.partition(_HELD[0])
    path, ended, _ = rest.partition(_HELD[1])
    return path if begun and ended and path and "'" not in path else None
