"""Which hooks gitcoord has, and the words its parts use about them.

Owns the list of events: a new hook is a script in hooks/ and a row here. Must not know how anything is installed.
"""

from __future__ import annotations

from gitcoord.lean import Literal, msgspec

BEGIN = b"# >>> gitcoord >>>\n"
"""First line of our part of a hook file; what stands outside the two marks was written by somebody else."""

END = b"# <<< gitcoord <<<\n"

CHAINED = ".gitcoord-chained"
"""A hook that stood in our place lives on under its name and this ending, as it was; ours runs it first."""

_NOBODY = "0" * 40


class Event(msgspec.Struct, frozen=True):
    """One Git hook. ``arguments`` are plausible ones, for proving that it fires."""

    name: str
    arguments: tuple[str, ...] = ()


GUARDS = ("pre-commit", "pre-push")
"""The hooks that may stop Git."""

EVENTS = (
    Event("pre-commit"),
    Event("pre-push", ("origin", "origin")),
    Event("post-commit"),
    Event("post-checkout", (_NOBODY, _NOBODY, "0")),
    Event("post-merge", ("0",)),
    Event("post-rewrite", ("amend",)),
)


TRAILERS = Event("prepare-commit-msg", ("/dev/null", "message"))
"""Only where ``coord.trailers`` is on: the mere presence of such a hook costs a rebase a third (measured)."""

ALL = (*EVENTS, TRAILERS)


class HookChange(msgspec.Struct, frozen=True):
    """One thing done, found done already, or not done; ``why`` and ``hint`` say what the reader should know of it."""

    what: str
    path: str
    outcome: Literal["written", "removed", "unchanged", "refused"]
    why: str = ""
    hint: str = ""


class HookStatus(msgspec.Struct, frozen=True):
    """Whether Git runs our hook for ``event`` in this worktree, and by which way (``path`` is what Git would start)."""

    event: str
    fires: bool
    how: Literal["config", "file", "none"]
    path: str | None
    why: str
    hint: str = ""


def advice(path: str, event: str) -> str:
    """What to do where the hook file at ``path`` is not ours to write: the line in it that calls our script."""
    line = f'h="$(git rev-parse --git-common-dir)/coord/hooks/{event}"; [ ! -x "$h" ] || "$h" "$@"'
    if event in GUARDS:
        line += " || exit"
    return f"use Git 2.54 or newer, or call it from {path}: {line}"
