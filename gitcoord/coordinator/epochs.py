"""Epochs of fencing tokens: each has a range of its own, so that no token comes again after a record was lost.

Owns the note ``<common>/coord/epoch``: the last epoch that was raised in this clone, for the day on which the
repository's own record is lost too. Losing the note costs nothing as long as that record is there.
"""

from __future__ import annotations

import os

from gitcoord.coordinator.joins import EPOCH_BITS, Joins
from gitcoord.core import names
from gitcoord.core.archive import Archive
from gitcoord.errors import CoordError
from gitcoord.git import localfile

_DIGITS = 20


def note(coord: Joins, epoch: int) -> None:
    """Note an epoch that is about to begin. Raises GitFailed."""
    localfile.write_line(os.path.join(localfile.private_dir(coord.repo.common, "coord"), "epoch"), str(epoch))


def _largest_archived(coord: Joins) -> int:
    try:
        found = coord.records.get(names.ARCHIVE, Archive)
    except CoordError:
        return 0  # the doctor, who moves it aside, begins an epoch for it
    return found.record.token if found is not None else 0


def first(coord: Joins) -> int:
    """The epoch in which a repository without a record of its own begins: after all that tokens or the note tell of."""
    noted = localfile.read_line(os.path.join(coord.repo.coord_dir, "epoch"), _DIGITS) or ""
    tokens = [item.record.token for item in coord.board().tasks.values()]
    archived = coord.store.list_refs(names.ARCHIVE_FOLDER)
    if archived:
        tokens.append(_largest_archived(coord))
    if not coord.store.list_refs(names.TASKS) and not noted and not archived:
        return 1
    return max((max(tokens, default=0) >> EPOCH_BITS) + 1, int(noted) if noted.isdecimal() else 0) + 1
