"""The whole state of a repository as items of an export: every record there is, archived or not, and every log entry.

What travels is what each record says now, byte for byte. What does not: how the records came to be (that is in their
commits) and the commits of rescue snapshots; both travel by ``git bundle``. Whether a finished record was folded into
the archive is nobody's business elsewhere, so it makes no difference here. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitcoord.coordinator import archive
from gitcoord.coordinator.joins import Joins
from gitcoord.core import names, transfer
from gitcoord.core.archive import KINDS
from gitcoord.core.transfer import Item
from gitcoord.errors import Corrupt
from gitcoord.git.repo import OFFLINE
from gitcoord.store.base import BROKEN

_SHOWN = 5


class State:
    """The refs of this moment: those that are there, and those that were folded into the archive."""

    def __init__(self, coord: Joins) -> None:
        self._coord = coord
        found = {ref: oid for tree in names.OURS for ref, oid in coord.store.list_refs(tree).items()}
        self.live = {ref: oid for ref, oid in found.items() if not ref.startswith(names.ARCHIVE_FOLDER)}
        coord.records.archived = None  # a fold moves the archive and then deletes refs: look into it after listing them
        shelf = archive.shelf_of(coord.records)
        folded = {ref: oid for kind in KINDS for ref, oid in shelf.all(kind).items()} if shelf is not None else {}
        self.archived = {ref: oid for ref, oid in folded.items() if ref not in self.live}

    def object_kinds(self, oids: Iterable[str]) -> dict[str, str]:
        """What Git says the objects are: a kind of ref that we do not know may point to anything."""
        asked = "".join(f"{oid}\n" for oid in oids).encode()
        said = self._coord.repo.git("cat-file", "--batch-check", input=asked, env=OFFLINE).text if asked else ""
        found = (line.split(" ") for line in said.split("\n"))
        return {words[0]: words[1] for words in found if len(words) == 3}

    def items(self, *, private: bool) -> list[Item]:
        """Everything. Raises Corrupt, naming what cannot be read."""
        refs = {**self.archived, **self.live}
        broken = [ref for ref, oid in refs.items() if oid == BROKEN]
        wanted = {ref: oid for ref, oid in refs.items() if (private or not transfer.is_private(ref)) and oid != BROKEN}
        logs = {ref: oid for ref, oid in wanted.items() if ref.startswith(names.EVENTS)}
        store = self._coord.store
        chains = store.history(logs.values()) if logs else {}
        broken += [ref for ref, oid in logs.items() if oid not in chains]
        oids = [oid for ref, oid in wanted.items() if ref not in logs and not ref.startswith(names.RESCUE)]
        payloads = store.load([*oids, *(entry.oid for chain in chains.values() for entry in chain)])
        kinds = self.object_kinds(oid for ref, oid in wanted.items() if transfer.kind_of(ref) == "other")
        items: list[Item] = []
        for ref, oid in wanted.items():
            links = [entry.oid for entry in reversed(chains.get(oid, []))] if ref in logs else [oid]
            item = _item(ref, oid, [payloads.get(link) for link in links], kinds.get(oid))
            if item is not None:
                items.append(item)
            elif ref not in broken:
                broken.append(ref)
        if broken:
            raise Corrupt(f"{some(broken)} cannot be read; nothing was exported", refs=sorted(broken))
        return items


def _item(ref: str, oid: str, payloads: list[bytes | None], kind: str | None) -> Item | None:
    """A ref as an item; None where it cannot be read."""
    what = transfer.kind_of(ref)
    found = tuple(payload for payload in payloads if payload is not None)
    if what == "rescue" or (what == "other" and not found and kind is not None):
        return Item(kind=what, ref=ref, oid=oid)
    if not found or len(found) != len(payloads):
        return None
    return Item(kind=what, ref=ref, payloads=found, blob=what == "heartbeat" or kind == "blob")


def some(refs: Iterable[str]) -> str:
    """The first few of many names."""
    found = sorted(refs)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
