"""``maintain``: keeps live refs few. Folds what was finished long ago into the archive, and packs what is left; puts
superseded heartbeats aside (``tidying``).

Loaded when first used. The order makes every interruption harmless: first the archive moves, to a commit that has the
folded commits as parents and names each of them; only then are the refs deleted, each only if it is still where the
archive says. Killed in between, both are there, the live ref counts, and the next run goes on. Nothing is ever lost:
the archive's history keeps every chain, ``task show``, ``task list --all`` and ``log`` read it, and a task can be
reopened out of it.
"""

from __future__ import annotations

from gitcoord.coordinator.archive import shelf_of
from gitcoord.coordinator.finished import Chosen, batches, chosen
from gitcoord.coordinator.tidying import pack_refs, tidy
from gitcoord.core import archive, codec, names
from gitcoord.core.archive import Archive, Fold
from gitcoord.core.lease import span
from gitcoord.core.model import Struct, Task
from gitcoord.errors import CoordError, HubRefused, HubUnreachable, Usage
from gitcoord.failpoint import hit
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import Change, Commit, Delete
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitcoord.coordinator.history import History

BATCH = 2000
"""Refs folded by one commit, which has as many parents, and deleted by one swap. More commits would be more packs."""

LIMIT = 30.0
"""Seconds of lost races or of somebody's lock before a fold gives up."""

SHORTEST_AT_HUB = 3600.0
"""Seconds for which something has to be finished before it is folded at a hub.

A clone that heard of the hub less than ``arbiter.RECENT`` seconds ago makes a task whose name it does not know without
asking. What is that old was there when it last looked, and so it knows it.
"""

_LOOSE = 6700  # from so many loose objects on ``git gc --auto`` does something, unless told otherwise


class Maintained(Struct, frozen=True, kw_only=True):
    """What was folded (``sessions``: how many), how many refs went and how many are left, and how many tasks and
    sessions the archive holds. ``packed``: whether Git packed the refs; ``loose``: objects that ``git gc`` would pack;
    ``heartbeats``: superseded ones put aside, of which git gc will not complain.
    """

    tasks: tuple[str, ...]
    sessions: int
    removed: int
    live: int
    archived: int
    packed: bool
    loose: int
    heartbeats: int
    dry_run: bool


class Maintaining:
    """The verb, over a Coordinator."""

    def __init__(self, coord: History) -> None:
        self.coord = coord

    def run(self, older_than: float | None, *, dry_run: bool) -> Maintained:
        """Fold, delete, pack. Where the hub cannot be reached refs are packed all the same, and then it raises."""
        coord = self.coord
        coord.begin(*coord.my_refs())
        limit = coord.config.archive_after if older_than is None else older_than
        if coord.config.hub is not None and limit < SHORTEST_AT_HUB:
            raise Usage(
                f"with a hub only what has been finished for {span(SHORTEST_AT_HUB)} or longer can be archived",
                hint="git coord maintain --older-than 1h",
            )
        if dry_run:
            return self._summary(chosen(coord, limit), dry_run=True)
        try:
            self._in_step()
            found = chosen(coord, limit)
            for some in batches(found, BATCH):
                self._fold(some)
            hit("between_fold_and_delete")
            removed = self._delete()
            self._delete_at_hub()
        except (HubUnreachable, HubRefused):
            pack_refs(self.coord)
            self._tidy()
            raise
        packed = pack_refs(self.coord)
        heartbeats = self._tidy()
        coord.records.forget()
        return self._summary(found, removed=removed, packed=packed, heartbeats=heartbeats)

    def _in_step(self) -> None:
        """With a hub: know what others have done before anything of it is folded."""
        if self.coord.config.hub is not None:
            from gitcoord.coordinator.hub import Hubs

            Hubs(self.coord).sync()

    def _delete_at_hub(self) -> None:
        """The same there, where the host allows it. Where it does not, clones ignore what is left."""
        if self.coord.config.hub is None:
            return
        from gitcoord.coordinator.hub import Hubs

        hit("before_delete_at_hub")
        _count, why = Hubs(self.coord).link().delete_folded()
        if why is not None:
            self.coord.notice("hub-keeps", f"archived refs stay at {self.coord.config.hub}, and are ignored: {why}")

    def _summary(
        self,
        folded: Sequence[Chosen],
        *,
        removed: int = 0,
        packed: bool = False,
        heartbeats: int = 0,
        dry_run: bool = False,
    ) -> Maintained:
        base = self.coord.records.get(names.ARCHIVE, Archive)
        return Maintained(
            tasks=tuple(sorted(item.record.id for item in folded if isinstance(item.record, Task))),
            sessions=sum(item.record is not None and not isinstance(item.record, Task) for item in folded),
            removed=removed,
            live=len(self.coord.store.list_refs(names.ROOT)),
            archived=sum(base.record.tasks.values()) + base.record.sessions if base is not None else 0,
            packed=packed,
            loose=self._loose(),
            heartbeats=heartbeats,
            dry_run=dry_run,
        )

    # -- the archive --------------------------------------------------------------------------------------------------

    def _fold(self, some: Sequence[Chosen]) -> None:
        """Put these into the archive, as far as they are still where they were found; with a hub, it decides."""
        if self.coord.records.get(names.ARCHIVE, Archive) is None:
            # Its first commit has no parents, so that its chain never goes on into a record's.
            self.coord.transact(self._found, limit=LIMIT, exclusive=True)
        self.coord.transact(lambda: self._plan(some), limit=LIMIT, exclusive=True)

    def _found(self) -> Plan[None]:
        coord = self.coord
        if coord.records.get(names.ARCHIVE, Archive) is not None:
            return Plan([], None)
        event = Fold(type="found-archive", at=coord.now(), refs=0)
        payload = codec.encode(Archive(at=coord.now()))
        return Plan([coord.commit(names.ARCHIVE, None, payload, event, "begin the archive")], None)

    def _plan(self, some: Sequence[Chosen]) -> Plan[None]:
        coord = self.coord
        # The archive before the refs: if one is folded in between the archive has moved, and this is decided anew.
        base = coord.records.get(names.ARCHIVE, Archive)
        shelf = shelf_of(coord.records)
        if base is None or shelf is None or shelf.oid != base.oid:
            coord.records.forget()
            return self._plan(some)
        refs = coord.store.list_refs(names.ROOT)
        going = [item for item in some if item.refs.items() <= refs.items()]
        before = shelf.everything()
        entries = {ref: oid for item in going for ref, oid in item.refs.items() if before.get(ref) != oid}
        entries = self._onwards(entries, before)
        if not entries:
            return Plan([], None)
        new = [item.record for item in going if item.record is not None and before.keys().isdisjoint(item.refs)]
        me = coord.find_me()
        event = Fold(at=coord.now(), session=me.record.id if me is not None else None, refs=len(entries))
        payload = codec.encode(archive.grown(base.record, new, coord.now()), base.raw)
        change = coord.commit(
            names.ARCHIVE,
            base.oid,
            payload,
            event,
            f"fold {len(entries)} finished ref{'s' if len(entries) > 1 else ''}",
        )
        return Plan([_filed(change, before, entries)], None)

    def _onwards(self, entries: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
        """Without what is older than the archive has it: somebody put an old ref back, whose token must not count."""
        again = [ref for ref in entries if ref in before and not ref.startswith(names.HEARTBEATS)]
        chains = self.coord.store.history([entries[ref] for ref in again]) if again else {}
        old = {ref for ref in again if all(entry.oid != before[ref] for entry in chains.get(entries[ref], []))}
        for ref in sorted(old):
            self.coord.notice("set-back", f"{ref} is older than it was when it was archived, and is left as it is")
        return {ref: oid for ref, oid in entries.items() if ref not in old}

    def _delete(self) -> int:
        """Delete the refs that stand where the archive has them; how many went."""
        total = 0
        while True:
            self.coord.records.forget()
            try:
                gone = self.coord.loop(self.coord.store, self._deletion, limit=LIMIT)
            except CoordError as error:
                if error.fields.get("lock") is None:
                    raise
                self.coord.notice("locked", f"{error.message}; what is archived is deleted by the next 'maintain'")
                return total
            total += gone
            if gone < BATCH:
                return total
            hit("between_deletions")

    def _deletion(self) -> Plan[int]:
        shelf = shelf_of(self.coord.records)
        if shelf is None:
            return Plan([], 0)
        refs = self.coord.store.list_refs(names.ROOT)
        folded = shelf.everything()
        gone = [ref for ref, oid in folded.items() if refs.get(ref) == oid][:BATCH]
        return Plan([Change(ref, folded[ref], Delete()) for ref in gone], len(gone))

    # -- Git's own files ----------------------------------------------------------------------------------------------

    def _tidy(self) -> int:
        """Put superseded heartbeats aside; how many. What cannot be done is told."""
        try:
            return tidy(self.coord)
        except (CoordError, OSError) as error:
            self.coord.notice("not-tidied", f"superseded heartbeats stay where they are: {error}")
            return 0

    def _loose(self) -> int:
        """How many objects lie in files of their own. Packing them is the user's to decide."""
        done = self.coord.repo.git("count-objects", check=False)
        count = done.text.partition(" ")[0]
        found = int(count) if done.code == 0 and count.isdecimal() else 0
        if found > _LOOSE:
            self.coord.notice(
                "loose-objects", f"{found} objects are a file each: 'git gc' packs them, when it suits you"
            )
        return found


def _filed(change: Change, before: Mapping[str, str], entries: Mapping[str, str]) -> Change:
    """``change`` of the archive with its pages, and with what is folded now as further parents."""
    assert isinstance(change.new, Commit)
    assert change.expected is not None  # there is an archive before anything is folded
    pages: dict[str, dict[str, str]] = {}
    for ref, oid in {**before, **entries}.items():
        pages.setdefault(archive.page_of(ref), {})[ref] = oid
    touched = set(archive.spread(entries))
    tips = [oid for ref, oid in sorted(entries.items()) if not ref.startswith(names.HEARTBEATS)]
    commit = msgspec.structs.replace(
        change.new,
        parents=(change.expected, *dict.fromkeys(tips)),
        files={path: archive.page(some) for path, some in sorted(pages.items())},
        kept=frozenset(pages.keys() - touched),
    )
    return Change(change.ref, change.expected, commit)
