"""Walking records' chains of commits, newest first, over any way to get at commits' bytes."""

from __future__ import annotations

import os

from gitcoord.errors import Corrupt
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import Entry
from gitcoord.store.objects import parse_commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_LOOK_BACK = 1000  # swaps by others between our write and our looking for it: far more than can happen


def chains(
    oids: Iterable[str], commits: Callable[[Sequence[str]], Mapping[str, bytes]], common: str | None, limit: int | None
) -> dict[str, list[Entry]]:
    """Up to ``limit`` links from each oid down, all chains a link further in one batch; unreadable ones left out.

    ``commits``: the bytes of those of these oids that are commits and can be read.
    """
    found: dict[str, list[Entry]] = {oid: [] for oid in oids}
    ends = {oid: oid for oid in found} if limit is None or limit > 0 else {}
    depth = 0
    while ends:
        depth += 1
        data = commits(list(dict.fromkeys(ends.values())))
        following: dict[str, str] = {}
        for tip, oid in ends.items():
            entry = _entry(oid, data)
            if entry is not None:
                found[tip].append(entry)
            elif not found[tip] or common is None or found[tip][-1].oid not in _shallow(common):
                del found[tip]  # but a shallow clone ends where it is meant to
            if entry is not None and entry.parent is not None and depth != limit:
                following[tip] = entry.parent
        ends = following
    return found


def _entry(oid: str, data: Mapping[str, bytes]) -> Entry | None:
    try:
        return parse_commit(oid, data[oid])
    except (KeyError, Corrupt):
        return None


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
