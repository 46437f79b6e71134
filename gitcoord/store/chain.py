"""Walking a record's chain of commits, newest first, over any way to get at a commit's bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from gitcoord.errors import Corrupt
from gitcoord.store.base import Entry
from gitcoord.store.objects import parse_commit

_LOOK_BACK = 1000  # swaps by others between our write and our looking for it: far more than can happen


def chain(oid: str, commit: Callable[[str], bytes], common: str, limit: int | None) -> list[Entry]:
    """Up to ``limit`` links from ``oid`` down. Raises Corrupt when a link is missing or is no commit."""
    found: list[Entry] = []
    for entry in _walk(oid, commit, common):
        if limit is not None and len(found) >= limit:
            break
        found.append(entry)
    return found


def is_in_chain(oid: str, tip: str, commit: Callable[[str], bytes], common: str) -> bool:
    """Whether ``oid`` is ``tip`` or an ancestor of it; a chain that cannot be read to there says no."""
    try:
        for count, entry in enumerate(_walk(tip, commit, common)):
            if oid in (entry.oid, entry.parent):
                return True
            if count >= _LOOK_BACK:
                break
    except Corrupt:
        pass
    return False


def _walk(oid: str, commit: Callable[[str], bytes], common: str) -> Iterator[Entry]:
    at: str | None = oid
    below: str | None = None
    while at is not None:
        try:
            entry = parse_commit(at, commit(at))
        except Corrupt:
            if below is not None and below in _shallow(common):
                return  # a shallow clone ends here, and that is how it is meant to be
            raise
        yield entry
        below, at = at, entry.parent


def _shallow(common: str) -> set[str]:
    try:
        with open(os.path.join(common, "shallow"), encoding="ascii", errors="replace") as file:
            return set(file.read().split())
    except FileNotFoundError:
        return set()
