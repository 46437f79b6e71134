"""What sessions have in common: locks, what guards them, and shared data.

Thin, because every command starts with it; the work is done in ``locks``, ``guards`` and ``sharing``, which are loaded
when first used.
"""

from __future__ import annotations

from gitcoord.coordinator.sessions import Sessions
from gitcoord.core.views import LockView
from gitcoord.lean import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.guards import Guards, Offence
    from gitcoord.coordinator.locks import Checked, Locked, Locks
    from gitcoord.coordinator.sharing import Entry, Removed, ScopeRow, ScopeView, Sharing


class Commons(Sessions):
    """Locks, guards and shared data."""

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

    # -- guards -------------------------------------------------------------------------------------------------------

    @property
    def _guards(self) -> Guards:
        from gitcoord.coordinator.guards import Guards

        return Guards(self)

    def guard_commit(self, index: str | None = None) -> list[Offence]:
        """What is wrong with committing the index: paths that others hold, a claim that is over. Nothing: go ahead.

        ``index``: the index file that Git builds for this commit and exports as ``GIT_INDEX_FILE``. Raises GitFailed.
        """
        return self._guards.commit(index)

    def guard_push(self, remote: str, lines: str) -> list[Offence]:
        """What is wrong with a push to ``remote``; ``lines`` as its pre-push hook gets them. Raises GitFailed."""
        from gitcoord.git.changes import updates

        return self._guards.push(remote, updates(lines))

    # -- shared data --------------------------------------------------------------------------------------------------

    @property
    def _sharing(self) -> Sharing:
        from gitcoord.coordinator.sharing import Sharing

        return Sharing(self)

    def set(self, scope: str, key: str, value: Any, *, if_version: int | None = None, if_absent: bool = False) -> Entry:
        """Write ``value`` (JSON) under ``key``; with ``if_version`` only over that version (0: only if absent).

        Needs no session. Raises Conflict, with the present version and value in its fields; WrongState, Usage.
        """
        return self._sharing.set(scope, key, value, if_version=if_version, if_absent=if_absent)

    @overload
    def get(self, scope: str) -> ScopeView: ...
    @overload
    def get(self, scope: str, key: str, default: Any = ...) -> Entry: ...
    @overload
    def get(self, scope: str, key: str | None, default: Any = ...) -> Entry | ScopeView: ...
    def get(self, scope: str, key: str | None = None, default: Any = ...) -> Entry | ScopeView:
        """One key, or the whole scope without ``key``. Raises NotFound unless there is a ``default`` for the key."""
        return self._sharing.get(scope, key, default)

    def unset(self, scope: str, key: str | None = None, *, if_version: int | None = None) -> Removed:
        """Take a key out of a scope, or everything. Raises NotFound, Conflict."""
        return self._sharing.unset(scope, key, if_version=if_version)

    def scopes(self, glob: str | None = None) -> list[ScopeRow]:
        """The scopes that hold something, by name; with ``glob`` those it matches whole."""
        return self._sharing.scopes(glob)

    def incr(self, scope: str, key: str, by: int = 1) -> Entry:
        """Add ``by`` to a whole number, absent counting as 0; no number is given out twice. Raises WrongState."""
        return self._sharing.incr(scope, key, by)
