"""What sessions have in common: locks. Thin, because every command starts with it; the work is done in
``locks``, which is loaded when first used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gitcoord.coordinator.sessions import Sessions
from gitcoord.core.views import LockView

if TYPE_CHECKING:
    from gitcoord.coordinator.locks import Checked, Locked, Locks


class Commons(Sessions):
    """Locks."""

    # -- locks --------------------------------------------------------------------------------------------------------

    @property
    def _locks(self) -> Locks:
        from gitcoord.coordinator.locks import Locks

        return Locks(self)

    def lock(
        self,
        wants: Sequence[str],
        *,
        path: bool = False,
        shared: bool = False,
        ttl: float | None = None,
        reason: str | None = None,
        wait: float | None = None,
    ) -> Locked:
        """Lock all of ``wants``, or nothing. What has a ``/`` or a glob character (with ``path``: all) is a pattern.

        ``ttl``: seconds after which the locks end by themselves; asking again renews it. ``wait``: seconds to queue for
        them. Locks end with their session. Raises Held, TimedOut, NoSession, Ended, WrongState, Usage, Contended.
        """
        from gitcoord.coordinator.granting import Wish, targets

        wish = Wish(wants=targets(wants, path=path), mode="shared" if shared else "exclusive", ttl=ttl, reason=reason)
        return self._locks.lock(wish, wait=wait)

    def unlock(self, wants: Sequence[str] = (), *, path: bool = False, all: bool = False) -> list[LockView]:  # noqa: A002
        """Give back the locks named, with ``all`` every one of mine, else my only one; all or none of them.

        Raises NotHolder, Usage, NoSession, Ended.
        """
        return self._locks.unlock(wants, path=path, all=all)

    def locks(self) -> list[LockView]:
        """Every lock, oldest first; those that are no longer in force are free to take."""
        return self._locks.locks()

    def check(self, paths: Sequence[str] = (), *, staged: bool = False) -> Checked:
        """Whether paths (relative to the top; with ``staged`` also what is in the index) are free, or locked by me.

        Raises Held, which lists the others with their locks in its field ``paths``.
        """
        return self._locks.check(paths, staged=staged)
