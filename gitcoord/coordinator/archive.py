"""Reading the archive of finished records, for those whose ref does not exist any more.

Loaded only where there is an archive. Owns the order that keeps a record from being missed or made anew: a live ref
always wins and is read first; the archive is read after it; and whoever makes a task whose ref does not exist insists,
in the same swap, on the archive being what was looked into (``unmoved``). Writes nothing.
"""

from __future__ import annotations

from gitcoord.core import archive, codec, names
from gitcoord.core.model import Struct
from gitcoord.errors import CoordError, Corrupt, Exists
from gitcoord.lean import TYPE_CHECKING, Any, TypeVar, msgspec
from gitcoord.store.base import Change, Commit
from gitcoord.sync.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.records import Loaded, Records

R = TypeVar("R", bound=Struct)


def find(records: Records, ref: str) -> Loaded[Any] | None:
    """The record of a ref that was found not to exist; None where it was never archived. Raises Corrupt."""
    shelf = shelf_of(records)
    tip = shelf.find([ref]).get(ref) if shelf is not None else None
    return None if tip is None else _finished(records, ref, tip, records.store.load([tip]).get(tip, b""))


def every(records: Records, prefix: str, kind: type[R]) -> tuple[dict[str, Loaded[R]], list[str]]:
    """Every archived record below ``prefix`` whose ref does not exist, and the refs that cannot be read."""
    live = records.oids(prefix)
    shelf = shelf_of(records) if records.oids(names.ARCHIVE_FOLDER) else None
    tips = {ref: tip for ref, tip in shelf.all(prefix).items() if ref not in live} if shelf is not None else {}
    payloads = records.store.load(tips.values()) if tips else {}
    found: dict[str, Loaded[R]] = {}
    corrupt: list[str] = []
    for ref, tip in tips.items():
        try:
            found[ref] = _finished(records, ref, tip, payloads.get(tip, b""))
        except CoordError:
            corrupt.append(ref)
    return found, corrupt


def _finished(records: Records, ref: str, tip: str, payload: bytes) -> Loaded[Any]:
    found = records.decode(ref, tip, payload)
    if not archive.is_over(found.record):
        raise Corrupt(f"{ref} was archived at {tip}, where it is not finished", ref=ref)
    return msgspec.structs.replace(found, folded=True)


def shelf_of(records: Records) -> Shelf | None:
    """What to look finished records up in, not older than the last look at a ref that was absent. Raises Corrupt."""
    if records.archived is None:
        found = records.store.read([names.ARCHIVE])[names.ARCHIVE]
        records.has_archive = found is not None
        if found is not None:
            codec.decode(found.payload, archive.Archive)  # one of a later format may have other pages
            known = records.shelf
            records.shelf = known if known is not None and known.oid == found.oid else Shelf(records.store, found.oid)
            records.archived = records.shelf
    return records.archived


def guarded(records: Records, changes: Sequence[Change]) -> Sequence[Change]:
    """``changes`` with the condition that those which make tasks need. Raises Exists for one that was archived.

    Without it a task that is folded between the decision and the swap would begin anew, with tokens given out before.
    """
    made = [item for item in changes if item.expected is None and isinstance(item.new, Commit) and _is_task(item)]
    if not made:
        return changes
    shelf = shelf_of(records) if records.has_archive is not False else None
    if shelf is not None:
        tips = shelf.find(item.ref for item in made)
        for item in made:
            tip = tips.get(item.ref)
            if tip is not None and (not isinstance(item.new, Commit) or item.new.parents != (tip,)):
                name = item.ref.removeprefix(names.TASKS)
                raise Exists(f"task {name} was finished and is archived", hint=f"git coord task show {name}", task=name)
    return [*changes, unmoved(shelf.oid if shelf is not None else None)]


def _is_task(change: Change) -> bool:
    return change.ref.startswith(names.TASKS)


def revived(change: Change) -> Change:
    """``change`` of a record that was found in the archive: its ref is made again, on top of where it ended."""
    assert isinstance(change.new, Commit)
    assert change.expected is not None  # it is written on top of what was read
    return Change(change.ref, None, msgspec.structs.replace(change.new, parents=(change.expected,)))


def unmoved(oid: str | None) -> Change:
    """The condition that nothing was folded since the archive was looked into."""
    return Change(names.ARCHIVE, oid, None)
