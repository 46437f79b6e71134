"""After a swap that did not simply succeed: what really happened, found out by reading the refs again.

Pure. Neither libgit2's exceptions nor git's messages tell a lost race from a held lock or an applied write reliably;
the refs do. Must not know how they are read.
"""

from __future__ import annotations

from gitcoord.errors import UnknownOutcome
from gitcoord.lean import TYPE_CHECKING, Literal
from gitcoord.store.base import Change, Delete, Lost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Verdict = Literal["applied", "untouched"]


def targets(changes: Sequence[Change], new: Mapping[str, str]) -> dict[str, str | None]:
    """Where each ref of ``changes`` is meant to be afterwards; ``new`` holds the oids of what was written."""
    return {c.ref: new[c.ref] if c.ref in new else None if isinstance(c.new, Delete) else c.expected for c in changes}


def settle(
    changes: Sequence[Change],
    new: Mapping[str, str],
    current: Mapping[str, str | None],
    *,
    begun: bool,
    contains: Callable[[str, str], bool],
) -> Verdict:
    """Judge a failed swap from the ``current`` values of its refs.

    ``begun`` says that the commit may have started: only then can a ref have moved. ``contains(tip, oid)`` tells
    whether ``oid`` is in the chain below ``tip``: a ref that has moved on from our value still counts as moved by us.
    Raises Lost when another writer was first, UnknownOutcome when some refs moved and some did not.
    """
    wanted = targets(changes, new)
    moving = [c for c in changes if wanted[c.ref] != c.expected] if begun else []
    done = [c.ref for c in moving if _reached(current[c.ref], wanted[c.ref], contains)]
    if done and len(done) == len(moving):
        return "applied"
    if done:
        rest = [c.ref for c in moving if c.ref not in done]
        raise UnknownOutcome(f"the write stopped half way: {', '.join(done)} moved, {', '.join(rest)} did not")
    for change in changes:
        if current[change.ref] != change.expected:
            raise Lost(change.ref)
    return "untouched"


def _reached(now: str | None, goal: str | None, contains: Callable[[str, str], bool]) -> bool:
    return now == goal or (now is not None and goal is not None and contains(now, goal))
