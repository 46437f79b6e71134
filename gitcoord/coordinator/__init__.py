"""The public API: one method per verb, the only owner of the clock and of nonces.

    with Coordinator.open(".") as coord:
        grant = coord.claim("15")

Every method raises the errors of ``gitcoord.errors``; nothing was changed unless an error says so. The verbs live in
the sibling files, one noun each; each of those classes builds on the ones below it (``base`` ← ``liveness`` ←
``identity`` ← ``joins`` ← tasks, places ← claims ← handoffs ← endings).
"""

from __future__ import annotations

from gitcoord.coordinator.across import Across
from gitcoord.coordinator.cleaning import Cleaning
from gitcoord.coordinator.clock import Chance, Clock
from gitcoord.coordinator.commons import Commons
from gitcoord.coordinator.endings import Endings
from gitcoord.coordinator.keeping import Keeping
from gitcoord.coordinator.overview import Overview
from gitcoord.coordinator.upkeep import Upkeep
from gitcoord.coordinator.worktrees import Worktrees
from gitcoord.git.repo import discover
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import RefStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["Coordinator"]


class Coordinator(Endings, Cleaning, Worktrees, Overview, Keeping, Commons, Across, Upkeep):
    """One repository, seen from one place by one caller. Not safe to share between threads: open one in each."""

    @classmethod
    def open(
        cls,
        start: str = ".",
        environ: Mapping[str, str] | None = None,
        *,
        session: str | None = None,
        long_lived: bool = True,
        clock: Clock | None = None,
        chance: Chance | None = None,
        store: RefStore | None = None,
    ) -> Coordinator:
        """The coordinator of the repository around ``start``.

        ``environ`` is what git and the choice of session see (nothing but what is given: pass ``os.environ`` to be the
        session that the environment names). ``long_lived``: several verbs will follow, so a slow start may pay off.
        Raises NoRepository, GitFailed.
        """
        environ = environ if environ is not None else {}
        repo = discover(start, environ)
        return cls(repo, environ, session=session, long_lived=long_lived, clock=clock, chance=chance, store=store)

    def __enter__(self) -> Coordinator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
