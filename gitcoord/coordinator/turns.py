"""Taking turns at a record that many write: the lock table, a counter.

Only a courtesy between the processes of one machine; the swap decides. Without it eight writers of one record lose most
of their races (measured: 160 writes in 5.3 s instead of 1.6), and sixty-four hardly get on.
"""

from __future__ import annotations

import os

from gitcoord.coordinator.base import Base
from gitcoord.git.filelock import turn
from gitcoord.lean import TYPE_CHECKING, TypeVar
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds to wait for one's turn, before it is left to the swaps."""

CONTENTION = 10.0
"""Seconds of lost races before ``contended``: writers of one record lose more of them than others."""


def in_turn(coord: Base, decide: Callable[[], Plan[T]], what: str, *, exclusive: bool = False) -> T:
    """``coord.transact(decide)``, one at a time among all here that write ``what``."""
    with turn(os.path.join(coord.repo.coord_dir, f"{what}.turn"), PATIENCE) as waited:
        if waited:
            coord.records.forget()  # what was read before is old
        return coord.transact(decide, limit=CONTENTION, exclusive=exclusive)
