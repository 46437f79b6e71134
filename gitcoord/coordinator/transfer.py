"""Import of an export, one record at a time: all of it or none of it, in one swap.

Into a repository without state of its own an import makes the same state; into any other one it adds what is absent, if
asked to, and never lowers a fencing token. What was archived counts as here. Loaded when first used.
"""

from __future__ import annotations

from gitcoord.coordinator import archive, epochs
from gitcoord.coordinator import transfer_merge as merging
from gitcoord.coordinator.records import understood
from gitcoord.coordinator.sessions import Sessions
from gitcoord.coordinator.transfer_state import State, some
from gitcoord.core import codec, conflicts, names, transfer
from gitcoord.core.event import LogEntry, Logged
from gitcoord.core.model import Meta, Task
from gitcoord.core.transfer import Import, Imported, Item, Row
from gitcoord.errors import Blocked, CoordError, Corrupt, Exists, NewerFormat, Usage
from gitcoord.git.remote import TRACKING
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import BROKEN, Blob, Change, Commit, Existing
from gitcoord.store.deposit import deposit
from gitcoord.store.objects import Obj, build
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Transfer:
    """Writing a whole state, over a Coordinator."""

    def __init__(self, coord: Sessions) -> None:
        self.coord = coord
        self.store = coord.store
        self._objects: list[Obj] = []
        self._me: str | None = None
        self._state = State(coord)

    # -- import -------------------------------------------------------------------------------------------------------

    def load(self, data: bytes, *, merge: bool, dry_run: bool) -> Imported:
        """Write what an export says. Raises Exists unless what is there already is the same, or ``merge``."""
        items = transfer.read(data)
        for item in items:
            _check(item)
        if not dry_run:
            self.coord.share()  # what others have done since, before it is decided what is absent
        self.coord.begin(*self.coord.my_refs())
        if self.coord.newer:
            raise NewerFormat("this repository's coordination state was written by a newer gitcoord")

        def decide() -> Plan[Imported]:
            changes, rows = self._decide(items, merge=merge)
            done = Imported(source="gitcoord", dry_run=dry_run, rows=tuple(rows))
            if dry_run:
                return Plan([], done)
            self._note_epoch(items)
            deposit(self.coord.repo, self._objects, durable=self.coord.durable)
            return Plan(changes, done)

        done = self.coord.transact(decide, limit=30.0)
        if not dry_run:
            self.coord.share()
        return done

    def _decide(self, items: list[Item], *, merge: bool) -> tuple[list[Change], list[Row]]:
        self._objects = []
        self._me = self.coord.my_id()
        self._state = State(self.coord)
        there = self._there(items)
        fresh = self._is_fresh()
        changes: list[Change] = []
        rows: list[Row] = []
        differ = []
        for item in items:
            old = there.get(item.ref)
            if item.oid is not None:
                change, row = self._named(item, old)
            elif old is None:
                change, row = self._new(item), _row(item, "created")
            elif old.payloads == item.payloads:
                change, row = None, _row(item, "exists")
            elif item.kind == "repository" and fresh:
                change, row = self._meta(item, old), _row(item, "changed", "this repository had no state of its own")
            else:
                if item.kind not in merging.KEPT:
                    differ.append(item.ref)
                change, row = self._merged(item, old)
            rows.append(row)
            changes += [change] if change is not None else []
        if differ and not merge:
            raise Exists(
                f"{some(differ)} {'is' if len(differ) == 1 else 'are'} here already, with other content",
                hint="see what --merge would add: git coord import FILE --merge --dry-run",
                refs=sorted(differ),
            )
        self._refuse_circles(items, there)
        return changes, rows

    def _there(self, items: Iterable[Item]) -> dict[str, merging.Old]:
        """What the refs of ``items`` hold now. Raises Corrupt for one that cannot be read."""
        refs = {**self._state.archived, **self._state.live}
        wanted = {item.ref: refs[item.ref] for item in items if item.ref in refs}
        if any(oid == BROKEN for oid in wanted.values()):
            raise Corrupt(f"{some(ref for ref, oid in wanted.items() if oid == BROKEN)} cannot be read")
        logs = [oid for ref, oid in wanted.items() if ref.startswith(names.EVENTS)]
        chains = self.store.history(logs) if logs else {}
        loaded = self.store.load([*wanted.values(), *(entry.oid for chain in chains.values() for entry in chain)])
        found = {}
        for ref, oid in wanted.items():
            links = [entry.oid for entry in reversed(chains[oid])] if oid in chains else [oid]
            payloads = tuple(loaded[link] for link in links if link in loaded)
            if len(payloads) != len(links) and transfer.kind_of(ref) not in ("rescue", "other"):
                raise Corrupt(f"{ref} cannot be read")
            found[ref] = merging.Old(ref=ref, oid=oid, payloads=payloads, archived=ref not in self._state.live)
        return found

    def _is_fresh(self) -> bool:
        """Whether nothing but the repository's own record is here, and no hub has any of it."""
        return (
            self.coord.config.hub is None
            and self._state.live.keys() <= {names.META}
            and not self.store.list_refs(TRACKING)
        )

    def _new(self, item: Item) -> Change | None:
        if item.blob:
            return Change(item.ref, None, Blob(item.payloads[0]))
        if item.kind == "event":
            return Change(item.ref, None, Existing(self._chain(item.payloads, None)))
        return self._commit(item.ref, None, item.payloads[0])

    def _commit(self, ref: str, oid: str | None, payload: bytes) -> Change:
        event = Import(at=self.coord.now(), session=self._me, source="gitcoord")
        return self.coord.commit(ref, oid, payload, event, f"import {transfer.kind_of(ref)} {_called(ref, payload)}")

    def _chain(self, payloads: Iterable[bytes], tip: str | None) -> str:
        """Make the commits of log entries on top of ``tip``; the last one. They say when each was written, and what."""
        for payload in payloads:
            entry = codec.decode(payload, LogEntry)
            event = Logged(
                type=entry.type,
                at=entry.at,
                session=entry.session,
                task=entry.task,
                text=entry.text,
                meta=entry.meta,
            )
            change = self.coord.commit("", tip, payload, event, f"{entry.type}: {entry.text}")
            assert isinstance(change.new, Commit)  # commit makes nothing else
            made = build(change.new, tip, self.coord.repo.object_format)
            self._objects += made
            tip = made[-1].oid
        assert tip is not None  # an item has a payload
        return tip

    def _meta(self, item: Item, old: merging.Old) -> Change:
        """The repository becomes the exported one; its epoch is never lowered."""
        theirs, ours = codec.decode(item.payloads[0], Meta), codec.decode(old.payloads[0], Meta)
        payload = item.payloads[0]
        if ours.epoch > theirs.epoch:
            record = msgspec.structs.replace(theirs, epoch=ours.epoch)
            payload = codec.encode(record, codec.decode_raw(payload))
        return self._commit(item.ref, old.oid, payload)

    def _note_epoch(self, items: Iterable[Item]) -> None:
        """Where a later epoch comes with the file, this clone remembers it as it does one that it began."""
        ours = self.coord.records.get(names.META, Meta)
        for item in items:
            if item.kind == "repository":
                epoch = codec.decode(item.payloads[0], Meta).epoch
                if ours is None or epoch > ours.record.epoch:
                    epochs.note(self.coord, epoch)

    def _merged(self, item: Item, old: merging.Old) -> tuple[Change | None, Row]:
        """What of ``item`` can be added to a record that says something else."""
        if item.kind == "event":
            if not old.archived and item.payloads[: len(old.payloads)] == old.payloads:
                tip = self._chain(item.payloads[len(old.payloads) :], old.oid)
                return Change(item.ref, old.oid, Existing(tip)), _row(item, "changed", "the newer entries were added")
            return None, _row(item, "exists", "the log here was kept")
        payload, reason = merging.merged(item, old)
        if payload is None:
            return None, _row(item, "exists", reason)
        change = self._commit(item.ref, old.oid, payload)
        return archive.revived(change) if old.archived else change, _row(item, "changed", reason)

    def _named(self, item: Item, old: merging.Old | None) -> tuple[Change | None, Row]:
        """A snapshot: nothing but its name is in the export, so its commit must have come here some other way."""
        assert item.oid is not None  # that is what it is
        if old is not None:
            return None, _row(item, "exists", None if old.oid == item.oid else "the snapshot here was kept")
        kind = self._state.object_kinds([item.oid]).get(item.oid)
        if kind is None or (item.kind == "rescue" and kind != "commit"):
            return None, _row(item, "skipped", f"commit {item.oid[:12]} is not here: bring it with git bundle")
        return Change(item.ref, None, Existing(item.oid)), _row(item, "created")

    def _refuse_circles(self, items: Iterable[Item], there: Mapping[str, merging.Old]) -> None:
        """Raises Blocked where tasks would wait for each other in a circle that was not here before."""
        from gitcoord.core import queue

        after = {name: task.after for name, task in self.coord.board().plain_tasks().items()}
        new = {}
        for item in items:
            if item.kind == "task" and item.ref not in there:
                task = codec.decode(item.payloads[0], Task)
                new[task.id] = task.after
        chain = queue.circle({**after, **new}, new)
        if chain is not None:
            raise Blocked(f"task {chain[0]} would wait for itself: {' → '.join(chain)}", cycle=chain)


def _check(item: Item) -> None:
    """Raises Usage or NewerFormat unless every record is one that could have been read from its ref."""
    for payload in item.payloads:
        try:
            record = understood(item.ref, payload)
            if item.kind == "conflicts":
                record = codec.decode(payload, conflicts.Conflicts)
        except NewerFormat:
            raise
        except CoordError as error:
            raise Usage(f"the export cannot be used: {error.message}", ref=item.ref) from None
        if record is not None and codec.is_newer(codec.decode_raw(payload)):
            raise NewerFormat(f"{item.ref} was written by a newer gitcoord")
    if item.kind in ("session", "heartbeat", "event") and not names.is_session_id(item.ref.rpartition("/")[2]):
        raise Usage(f"the export cannot be used: {item.ref} names no session", ref=item.ref)


def _row(item: Item, action: transfer.Action, reason: str | None = None) -> Row:
    called = item.ref if item.oid is not None else _called(item.ref, item.payloads[0])
    return Row(kind=item.kind, source=item.ref, target=called, action=action, reason=reason)


def _called(ref: str, payload: bytes) -> str:
    """What people call the record: a task's id, a scope's name, or the end of its ref."""
    if ref.startswith((names.TASKS, names.DATA, names.PRIVATE)):
        record = codec.decode_raw(payload)
        return str(record.get("id") or record.get("name"))
    return ref.rpartition("/")[2]
