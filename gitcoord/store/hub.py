"""``HubStore``: the same refs and the same swap, decided by the hub. A swap is one push with exact leases.

Reads are local: the local refs contain what the hub was last seen to have. A swap pushes first and moves local refs
only after the hub said yes; the expected value there is what was last seen of it. When the hub refuses, it is fetched
and merged, and the swap is ``Lost``: the loop decides again. What was only to be verified goes along where the hub does
not have it yet, so that others can name whoever was granted something. Must not know records.
"""

from __future__ import annotations

from gitcoord.errors import CoordError, Corrupt, GitFailed
from gitcoord.git.remote import Update
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import Blob, Busy, Change, Commit, Entry, Existing, Lost, RefStore, Snapshot
from gitcoord.store.checks import ordered
from gitcoord.store.deposit import deposit
from gitcoord.store.hub_push import Decider, Line
from gitcoord.store.objects import Obj, build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


class HubStore:
    """The refs of one clone, decided by its hub.

    ``mate`` says of a ref that is only verified which other one is to go along with it, or None where it is somebody
    else's: a push does not compare what it does not move, so then the hub is asked first. ``beside``: branches that
    move together with every swap, or not at all.
    """

    kind = "hub"

    def __init__(
        self, local: RefStore, line: Line, mate: Callable[[str], str | None], beside: Sequence[Update] = ()
    ) -> None:
        self._local = local
        self._line = line
        self._mate = mate
        self._decider = Decider(line, beside, self._oids)

    # -- reading is local ---------------------------------------------------------------------------------------------

    def read(self, refs: Sequence[str]) -> dict[str, Snapshot | None]:
        return self._local.read(refs)

    def list_refs(self, prefix: str) -> dict[str, str]:
        return self._local.list_refs(prefix)

    def load(self, oids: Iterable[str]) -> dict[str, bytes]:
        return self._local.load(oids)

    def files(self, oid: str, paths: Sequence[str]) -> dict[str, bytes]:
        return self._local.files(oid, paths)

    def history(self, oids: Iterable[str], limit: int | None = None) -> dict[str, list[Entry]]:
        return self._local.history(oids, limit)

    def close(self) -> None:
        self._local.close()

    # -- deciding is the hub's ----------------------------------------------------------------------------------------

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """As in the protocol. Raises HubUnreachable, HubRefused (nothing was granted), UnknownOutcome."""
        changes = ordered(changes)
        objects, new = self._made(changes)
        if not new:
            return {}
        verified = {change.ref: self._mate(change.ref) for change in changes if change.new is None}
        if None in verified.values() and not self._line.fresh:
            self._line.catch_up()
        refs = list(dict.fromkeys([*(change.ref for change in changes), *filter(None, verified.values())]))
        tracked = self._line.remote.tracked
        now = self._oids([*refs, *(tracked(ref) for ref in refs)])
        for change in changes:
            if now[change.ref] != change.expected:
                raise Lost(change.ref)
        seen = {ref: now[tracked(ref)] for ref in refs}
        self._require_descent(changes, new, seen)
        self._require_newer(changes, now, seen)
        ahead = [ref for ref in refs if seen[ref] is not None and now[ref] != seen[ref]]
        if ahead and self._line.ask(ahead):
            raise Lost(ahead[0])
        deposit(self._line.repo, objects, durable=self._line.durable)
        goal = {**{ref: oid for ref in refs if (oid := now[ref]) is not None and seen[ref] != oid}, **new}
        self._decider.push(goal, seen, [change.ref for change in changes if isinstance(change.new, Commit | Existing)])
        self._follow(changes, goal, seen, new)
        return new

    def _made(self, changes: Sequence[Change]) -> tuple[list[Obj], dict[str, str]]:
        """The objects of a swap, and where each ref goes that moves."""
        objects: list[Obj] = []
        new: dict[str, str] = {}
        for change in changes:
            if isinstance(change.new, Commit | Blob):
                made = build(change.new, change.expected, self._line.repo.object_format)
                objects += made
                new[change.ref] = made[-1].oid
            elif isinstance(change.new, Existing):
                new[change.ref] = change.new.oid
            elif change.new is not None:
                raise ValueError(f"{change.ref}: nothing is deleted at a hub")
        return objects, new

    def _oids(self, refs: Sequence[str]) -> dict[str, str | None]:
        return {ref: None if found is None else found.oid for ref, found in self._local.read(refs).items()}

    def _require_descent(
        self, changes: Sequence[Change], new: Mapping[str, str], seen: Mapping[str, str | None]
    ) -> None:
        """A value may replace the hub's only if it was decided on top of it. Raises Lost (after a merge), Corrupt.

        That goes for what is only verified and goes along, too: a process killed between fetch and merge leaves it old.
        """
        for change in changes:
            known = seen[change.ref]
            goes = isinstance(change.new, Commit) or (change.new is None and self._mate(change.ref) is not None)
            if known is None or known == change.expected or not goes:
                continue
            if isinstance(change.new, Commit) and known in (change.new.parents or ()):
                continue  # taken out of the archive, on top of what the hub was not allowed to delete
            if change.expected is None or not self._line.has(change.expected, known):
                if change.ref in self._line.merge():
                    raise Corrupt(f"{change.ref} cannot be read at {self._line.remote.shown}; nothing was granted")
                raise Lost(change.ref)

    def _require_newer(
        self, changes: Sequence[Change], now: Mapping[str, str | None], seen: Mapping[str, str | None]
    ) -> None:
        """The same for blobs, which have no history: those that move, and those that go along. Raises Lost.

        Where one of the hub's was fetched and not merged, ours would otherwise replace what nobody here has seen.
        """
        chained = {change.ref for change in changes if not isinstance(change.new, Blob)}
        for ref, known in seen.items():
            if ref not in chained and known is not None and known != now[ref] and self._line.behind(ref):
                self._line.merge()
                raise Lost(ref)

    def _follow(
        self,
        changes: Sequence[Change],
        goal: Mapping[str, str],
        seen: Mapping[str, str | None],
        new: Mapping[str, str],
    ) -> None:
        """The hub said yes: local refs, and what is noted of the hub, follow."""
        tracked = self._line.remote.tracked
        notes = [Change(tracked(ref), seen[ref], Existing(oid)) for ref, oid in goal.items()]
        moves = [Change(item.ref, item.expected, Existing(new[item.ref])) for item in changes if item.ref in new]
        try:
            self._local.swap([*moves, *notes])
            return
        except (Lost, Busy):
            pass  # another process of this clone wrote meanwhile: its change goes on top of what the hub has
        try:
            self._line.catch_up()
        except CoordError as error:
            raise GitFailed(
                f"{self._line.remote.shown} granted it, but it could not be noted here: {error.message}",
                hint="git coord sync",
            ) from None
