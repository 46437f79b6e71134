"""Local refs and what the hub was last seen to have, made one: fast-forward where only one side moved, else replay.

The base is the last commit that both chains share, read from the chains themselves: a process killed between fetch and
merge leaves nothing that could be taken for it. Chains only grow, so afterwards every local chain contains the hub's.
Moves local refs by swaps; never talks to the hub. What is replayed, and what is refused, ``core.merge`` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from gitcoord.core import archive, merge, names
from gitcoord.core.model import Boot, Struct
from gitcoord.errors import CoordError, Corrupt
from gitcoord.git.repo import Repo
from gitcoord.store.base import BROKEN, Busy, Change, Commit, Delete, Entry, Existing, Lost
from gitcoord.store.deposit import deposit
from gitcoord.store.objects import Obj, build
from gitcoord.sync import folding
from gitcoord.sync.sides import FIRST_LOOK, Sides, diverged

_ROUNDS = 20


class Clash(Struct, frozen=True, kw_only=True):
    """An event of ours that the hub's history does not allow; ``subject`` says it in one line."""

    ref: str
    subject: str
    code: str
    why: str
    event: str | None = None


class Joined(Struct, frozen=True, kw_only=True):
    """What a merge did: refs that moved here, and events that were refused; ``unreadable`` was left as it is."""

    moved: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()
    unreadable: tuple[str, ...] = ()


Keep = Callable[[Sequence[Clash]], Sequence[Change]]
"""The changes that write refused events down for their authors."""


class Joining:
    """The merge of one clone with what is known of its hub; ``now`` is this moment by the running clock.

    What ``keep`` makes of refused events is swapped together with the records that they vanish from: whatever happens
    next, a line that breaks or a process that dies, they are told. Its ref has to come first by name.
    """

    def __init__(self, repo: Repo, sides: Sides, *, now: Boot | None, keep: Keep, durable: bool) -> None:
        self._repo = repo
        self._sides = sides
        self._store = sides.store
        self._now = now
        self._keep = keep
        self._durable = durable

    def join(self) -> Joined:
        """Merge everything that differs. Raises GitFailed, Corrupt where the store itself cannot work."""
        done = Joined()
        moved = folding.join(self._sides)  # first: what it has, the hub need not have any more
        if moved is None or moved:
            done = Joined(unreadable=(names.ARCHIVE,)) if moved is None else Joined(moved=(names.ARCHIVE,))
        ours, theirs = self._sides.local(), self._sides.tracked()
        gone = names.ARCHIVE in ours and any(ref not in theirs for ref in ours)
        if not gone and all(ours.get(ref) == oid for ref, oid in theirs.items()):
            return done
        first = self._pass(beats=False)
        return _sum(done, first, self._pass(beats=True))  # whose heartbeat counts, the merged session records say

    def undo(self, refs: Iterable[str]) -> Joined:
        """Replay what was done here to ``refs`` on what the hub has, by whose record all holders are alive."""
        return self._pass(beats=False, undo=frozenset(refs))

    def _pass(self, *, beats: bool, undo: frozenset[str] = frozenset()) -> Joined:
        done = Joined()
        for attempt in range(_ROUNDS):
            plan = _Plan(undo)
            ours, theirs = self._sides.local(), plan.less_archived(self._sides)
            differ = [
                ref
                for ref, oid in theirs.items()
                if ref.startswith(names.HEARTBEATS) is beats and (ours.get(ref) != oid or ref in plan.folded)
            ]
            plan.chains = self._chains(differ, ours, theirs)
            plan.payloads = self._store.load(oid for ref in differ if (oid := theirs[ref]) != BROKEN)
            for ref in differ:
                self._decide(plan, ref, ours.get(ref), theirs[ref])
            try:
                deposit(self._repo, plan.objects, durable=self._durable)
                self._store.swap([*(self._keep(plan.clashes) if plan.clashes else ()), *plan.changes])
                return _sum(done, plan.joined())
            except (Lost, Busy):
                if attempt == _ROUNDS - 1:
                    raise
        raise AssertionError("unreachable")

    def _chains(
        self, refs: Iterable[str], ours: Mapping[str, str], theirs: Mapping[str, str]
    ) -> Mapping[str, list[Entry]]:
        """The newest links of both sides' chains, all at once."""
        both = [ref for ref in refs if ref in ours and not ref.startswith((names.HEARTBEATS, names.RESCUE))]
        oids = [oid for ref in both for oid in (ours[ref], theirs[ref]) if oid != BROKEN]
        return self._store.history(oids, FIRST_LOOK) if oids else {}

    def _decide(self, plan: _Plan, ref: str, ours: str | None, theirs: str) -> None:
        try:
            if BROKEN in (ours, theirs):
                raise Corrupt(f"{ref} cannot be read")
            if not ref.startswith((names.HEARTBEATS, names.RESCUE)):
                self._require_record(plan, ref, theirs)
            if ours is None or ours == theirs:
                plan.move(ref, ours, theirs)
            elif ref.startswith(names.HEARTBEATS):
                if not self._is_ours(ref, plan.payloads.get(theirs)):
                    plan.move(ref, ours, theirs)
            elif ref.startswith(names.RESCUE):
                self._rescue(plan, ref, ours, theirs)
            else:
                self._record(plan, ref, ours, theirs)
        except CoordError:
            plan.unreadable.append(ref)

    def _require_record(self, plan: _Plan, ref: str, theirs: str) -> None:
        """Raises Corrupt for what no gitcoord put there: whoever may push may have, and it must not become ours."""
        payload = plan.payloads.get(theirs)
        if payload is None:
            raise Corrupt(f"{ref} is at {theirs} at the hub, which cannot be read")
        merge.check(ref, payload)
        if ref in plan.folded and not archive.is_over_at(ref, payload):
            raise Corrupt(f"{ref} was archived at {theirs}, where it is not finished")

    def behind(self, ref: str) -> bool:
        """Whether the hub's heartbeat, as far as it is known, is to replace the one here."""
        tracked = self._sides.remote.tracked(ref)
        found = self._store.read([ref, tracked])
        here, there = found[ref], found[tracked]
        if there is None or (here is not None and here.oid == there.oid):
            return False
        return not self._is_ours(ref, there.payload)

    def _is_ours(self, ref: str, theirs: bytes | None) -> bool:
        """Whether our heartbeat stands: that of a live session of this clone, whose one writer we are, and a later."""
        ours = self._store.read([ref])[ref]
        if ours is None or not self._sides.lives_here(ref.removeprefix(names.HEARTBEATS)):
            return False
        return theirs is None or merge.is_later(ours.payload, theirs, self._now)

    def _rescue(self, plan: _Plan, ref: str, ours: str, theirs: str) -> None:
        """Two snapshots for one name: theirs stands, ours is kept beside it. Work is never lost."""
        if self._is_ancestor(ours, theirs):
            plan.move(ref, ours, theirs)
        elif not self._is_ancestor(theirs, ours):
            plan.move(ref, ours, theirs)
            plan.move(f"{ref}+{ours[:20]}", None, ours)

    def _is_ancestor(self, old: str, new: str) -> bool:
        return self._repo.git("merge-base", "--is-ancestor", old, new, check=False).code == 0

    def _record(self, plan: _Plan, ref: str, ours: str, theirs: str) -> None:
        mine, others = diverged(self._store, ours, theirs, plan.chains)
        if not others and ref not in plan.undo:
            return  # only we moved
        if not mine:
            plan.move(ref, ours, theirs)
            return
        links = [merge.link(entry.message) for entry in reversed(mine)]
        tip = theirs
        replayed = merge.replay(ref, plan.payloads[theirs], links, [merge.link(entry.message) for entry in others])
        authors = {entry.message: entry.author for entry in mine}
        for item in replayed:
            if isinstance(item, merge.Lost):
                plan.clashes.append(_clash(ref, item))
                continue
            made = build(Commit(item.payload, item.message, authors[item.message]), tip, self._repo.object_format)
            plan.objects += made
            tip = made[-1].oid
        plan.move(ref, ours, tip)


class _Plan:
    """What one pass of a merge is going to do."""

    def __init__(self, undo: frozenset[str]) -> None:
        self.undo = undo
        self.folded: Mapping[str, str] = {}
        """What the hub does not have any more because it was archived, though it is here."""
        self.changes: list[Change] = []
        self.objects: list[Obj] = []
        self.clashes: list[Clash] = []
        self.unreadable: list[str] = []
        self.chains: Mapping[str, list[Entry]] = {}
        self.payloads: Mapping[str, bytes] = {}

    def less_archived(self, sides: Sides) -> Mapping[str, str]:
        """What the hub has, less what it only could not delete, and what it has in its archive and we have as a ref."""
        ours, theirs = sides.local(), sides.tracked()
        try:
            folded = folding.folded(sides)
        except CoordError:
            folded = {}
            self.unreadable.append(names.ARCHIVE)
        self.folded = {ref: oid for ref, oid in folded.items() if ref in ours and ref not in theirs}
        kept = {ref: oid for ref, oid in theirs.items() if ref in ours or folded.get(ref) != oid}
        return {ref: oid for ref, oid in {**kept, **self.folded}.items() if ref != names.ARCHIVE}

    def move(self, ref: str, expected: str | None, oid: str) -> None:
        """Let the ref go there; or away, if that is where it was archived."""
        gone = expected is not None and self.folded.get(ref) == oid
        self.changes.append(Change(ref, expected, Delete() if gone else Existing(oid)))

    def joined(self) -> Joined:
        return Joined(
            moved=tuple(change.ref for change in self.changes),
            clashes=tuple(self.clashes),
            unreadable=tuple(self.unreadable),
        )


def _clash(ref: str, item: merge.Lost) -> Clash:
    event = None if item.event is None else item.event.decode("utf-8", "replace")
    return Clash(ref=ref, subject=item.message.split("\n", 1)[0], code=item.code, why=item.why, event=event)


def _sum(*parts: Joined) -> Joined:
    return Joined(
        moved=_chain(part.moved for part in parts),
        clashes=tuple(clash for part in parts for clash in part.clashes),
        unreadable=_chain(part.unreadable for part in parts),
    )


def _chain(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for part in parts for item in part))
