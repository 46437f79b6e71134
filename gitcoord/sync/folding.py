"""What was archived, between clones: folding is decided at the hub, and every clone follows.

Owns the merge of the archive itself, and the deletion of folded refs at the hub. A ref that the hub does not have is
not lost, and does not come back from a clone that was away, when the hub's archive names it at the commit that was
known, or at a later one. A host may refuse every deletion: then the refs stay there, and are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitcoord.core import archive, codec, names
from gitcoord.core.archive import Archive
from gitcoord.errors import CoordError, Corrupt
from gitcoord.git import remote as git
from gitcoord.git.remote import LostContact, Update
from gitcoord.git.repo import Repo
from gitcoord.store.base import BROKEN, Busy, Change, Commit, Delete, Existing, Lost
from gitcoord.sync.shelf import Shelf
from gitcoord.sync.sides import Sides

AT_ONCE = 500
"""Deletions in one push: each of them is named twice on the command line."""

_ROUNDS = 20


def folded(sides: Sides) -> Mapping[str, str]:
    """Every ref in this clone's archive, with the commit at which it ended. Raises Corrupt."""
    ours = sides.local().get(names.ARCHIVE)
    return {} if ours is None else Shelf(sides.store, ours).everything()


def join(sides: Sides) -> bool | None:
    """Make the archive here contain the hub's: whether it moved; None where the hub's cannot be read, and is left."""
    for attempt in range(_ROUNDS):
        ours, theirs = sides.local().get(names.ARCHIVE), sides.tracked().get(names.ARCHIVE)
        if theirs is None or ours == theirs:
            return False
        try:
            change = _change(sides, ours, theirs)
        except CoordError:
            return None
        if change is None:
            return False
        try:
            sides.store.swap([change])
            return True
        except (Lost, Busy):
            if attempt == _ROUNDS - 1:
                raise
    raise AssertionError("unreachable")


def _change(sides: Sides, ours: str | None, theirs: str) -> Change | None:
    """What makes one of the two; None where ours is ahead. Raises Corrupt, NewerFormat."""
    if BROKEN in (ours, theirs):
        raise Corrupt(f"{names.ARCHIVE} cannot be read")
    record, entries = _read(sides, theirs)
    if ours is None or sides.has(theirs, ours):
        return Change(names.ARCHIVE, ours, Existing(theirs))
    if sides.has(ours, theirs):
        return None
    mine, own = _read(sides, ours)
    return _union(sides, ours, theirs, {**own, **entries}, _sum(mine, record))


def _read(sides: Sides, oid: str) -> tuple[Archive, Mapping[str, str]]:
    payload = sides.store.load([oid]).get(oid, b"")
    return codec.decode(payload, Archive), Shelf(sides.store, oid).everything()


def _sum(one: Archive, other: Archive) -> Archive:
    tasks = {state: one.tasks.get(state, 0) + other.tasks.get(state, 0) for state in {**one.tasks, **other.tasks}}
    token = max(one.token, other.token)
    return Archive(tasks=tasks, sessions=one.sessions + other.sessions, token=token, at=max(one.at, other.at))


def _union(sides: Sides, ours: str, theirs: str, entries: Mapping[str, str], record: Archive) -> Change:
    """Two archives that grew apart, which were folded without the hub: what is in either is in both."""
    author = sides.store.history([ours], 1)[ours][0].author
    pages = {path: {ref: entries[ref] for ref in refs} for path, refs in archive.spread(entries).items()}
    commit = Commit(
        codec.encode(record),
        f"join two archives\n\nCoord-Nonce: {ours[:16]}{theirs[:16]}\n",
        author,
        parents=(theirs, ours),
        files={path: archive.page(some) for path, some in sorted(pages.items())},
    )
    return Change(names.ARCHIVE, ours, commit)


def lost(sides: Sides, gone: Sequence[str], before: Mapping[str, str]) -> list[str]:
    """Those of the refs ``gone`` from the hub that its archive does not account for."""
    theirs = sides.tracked().get(names.ARCHIVE)
    if theirs is None or not gone:
        return list(gone)
    try:
        tips = Shelf(sides.store, theirs).find(ref for ref in gone if ref.startswith(archive.KINDS))
    except CoordError:
        return list(gone)
    return [ref for ref in gone if not sides.has(tips.get(ref), before[ref])]


def delete_there(repo: Repo, sides: Sides) -> tuple[int, str | None]:
    """Delete at the hub what its archive has as it is there; how many refs went, and why any did not.

    Raises HubUnreachable, GitFailed, Corrupt.
    """
    theirs = sides.tracked()
    tip = theirs.get(names.ARCHIVE)
    tips = Shelf(sides.store, tip).everything() if tip is not None else {}
    gone = [ref for ref, oid in theirs.items() if tips.get(ref) == oid]
    done, why = 0, None
    for start in range(0, len(gone), AT_ONCE):
        some = gone[start : start + AT_ONCE]
        try:
            verdicts = git.push(
                repo, sides.remote, [Update(sides.remote.there(ref), None, theirs[ref]) for ref in some]
            )
        except LostContact:
            return done, "the connection broke"
        went = [ref for ref in some if verdicts[sides.remote.there(ref)].state == "moved"]
        _forget(sides, went, theirs)
        done += len(went)
        refused = [verdicts[sides.remote.there(ref)] for ref in some if ref not in went]
        if refused:
            return done, refused[0].reason
    return done, why


def _forget(sides: Sides, refs: Sequence[str], theirs: Mapping[str, str]) -> None:
    """Note that the hub no longer has these. Best effort: the next fetch finds out."""
    try:
        sides.store.swap([Change(sides.remote.tracked(ref), theirs[ref], Delete()) for ref in refs])
    except (Lost, Busy):
        pass
