"""What of a listing of refs is known from the one before: among ten thousand, nearly all of it. Pure."""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

V = TypeVar("V")


def still_known(
    oids: Mapping[str, str], before: Mapping[str, str], known: Mapping[str, V]
) -> tuple[dict[str, V], dict[str, str]]:
    """What is ``known`` of refs that are where they were ``before``, and the refs of ``oids`` that have to be read.

    ``known`` has those of ``before`` that could be read; the others are to be read again.
    """
    kept = dict(known)
    changed = [ref for ref, oid in oids.items() if before.get(ref) != oid]
    for ref in changed:
        kept.pop(ref, None)
    if len(known) != len(before) or len(kept) + len(changed) != len(oids):  # some could not be read, or are gone
        for ref in kept.keys() - oids.keys():
            del kept[ref]
        changed = [ref for ref in oids if ref not in kept]
    return kept, {ref: oids[ref] for ref in changed}
