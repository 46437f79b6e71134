"""The log and its entries, and waiting for what will be in it. Thin, because every command starts with it; the work is
done in ``events`` and ``waits``, which are loaded when first used.
"""

from __future__ import annotations

from gitcoord.coordinator.holding import Holding
from gitcoord.coordinator.sessions import Sessions
from gitcoord.core.views import EventView
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gitcoord.coordinator.events import Log
    from gitcoord.coordinator.looking_at import Past
    from gitcoord.coordinator.maintaining import Maintained
    from gitcoord.coordinator.undoing import Undone
    from gitcoord.coordinator.waits import Awaited, Waits


class History(Sessions, Holding):
    """What happened, and what is going to."""

    @property
    def _log(self) -> Log:
        from gitcoord.coordinator.events import Log

        return Log(self)

    def event(
        self,
        type: str,  # noqa: A002 - the argument's name
        text: str,
        *,
        meta: Mapping[str, str] | None = None,
        task: str | None = None,
    ) -> EventView:
        """Write an entry into my session's own log; about ``task``, if not given the one this worktree is for.

        Raises Usage for what is too large or called like something gitcoord writes itself, NoSession, Ended.
        """
        return self._log.write(type, text, meta=dict(meta or {}), task=task)

    def log(
        self,
        *,
        task: str | None = None,
        session: str | None = None,
        type: str | None = None,  # noqa: A002 - the option's name
        since: float | None = None,
        limit: int | None = None,
        all: bool = False,  # noqa: A002
    ) -> list[EventView]:
        """What happened to tasks, sessions, locks and data, and what sessions wrote down; oldest first.

        The last ``limit`` of those that match; ``since``: at most that many seconds ago. Of each record the newest
        1,000 events are read, with ``all`` every one. Raises NotFound.
        """
        log = self._log
        return log.read(log.filter(task, session, type, since), limit=limit, everything=all)

    def state_at(self, moment: str, *, task: str | None = None, all: bool = False) -> Past:  # noqa: A002
        """The state as it was: ``moment`` is a time, as in ``2h ago`` or RFC 3339, or a commit of a record.

        By the clocks of those who wrote; with ``all`` also tasks finished and sessions ended by then. Raises Usage,
        NotFound (for a ``task`` that was not there then).
        """
        from gitcoord.coordinator.looking_at import LookingAt

        return LookingAt(self).at(moment, task=task, everything=all)

    def follow(
        self,
        *,
        task: str | None = None,
        session: str | None = None,
        type: str | None = None,  # noqa: A002
        since: float | None = None,
        limit: int | None = None,
    ) -> Iterator[EventView]:
        """The same, and then every event as it comes, without end."""
        log = self._log
        return log.follow(log.filter(task, session, type, since), limit=limit)

    # -- taking back --------------------------------------------------------------------------------------------------

    def undo(self, *, dry_run: bool = False) -> Undone:
        """Take back the last operation of my session, as a new event: nothing is rewritten, and no work is lost.

        A second undo does it again. Raises NotFound, and where somebody built on it or the rules do not allow it
        Held, Conflict, WrongState, NotHolder; then nothing has changed.
        """
        from gitcoord.coordinator.undoing import Undoing

        return Undoing(self).run(dry_run=dry_run)

    # -- keeping it small ---------------------------------------------------------------------------------------------

    def maintain(self, *, older_than: float | None = None, dry_run: bool = False) -> Maintained:
        """Fold what was finished ``older_than`` seconds ago (default ``coord.archiveAfter``) or earlier into the
        archive, delete its refs, and pack the others. Nothing is lost, and a task can be reopened out of it. Thousands
        of superseded heartbeats are put aside, for Git's gc to drop.

        Raises HubUnreachable, HubRefused (refs are packed all the same), Usage, Contended.
        """
        from gitcoord.coordinator.maintaining import Maintaining

        return Maintaining(self).run(older_than, dry_run=dry_run)

    # -- waiting ------------------------------------------------------------------------------------------------------

    @property
    def _waits(self) -> Waits:
        from gitcoord.coordinator.waits import Waits

        return Waits(self)

    def wait_task(self, id: str, *, states: Sequence[str] = (), timeout: float | None = None) -> Awaited:  # noqa: A002
        """Wait until a task is in one of ``states``, or, if none are given, done, failed or cancelled.

        The task need not exist yet. Raises TimedOut after ``timeout`` seconds, Usage.
        """
        return self._waits.task(id, states, timeout)

    def wait_lock(
        self, wants: Sequence[str], *, path: bool = False, shared: bool = False, timeout: float | None = None
    ) -> Awaited:
        """Wait until nobody else holds any of ``wants``, without taking them. Raises TimedOut, Usage."""
        return self._waits.lock(wants, path=path, shared=shared, timeout=timeout)

    def wait_ready(self, *, label: Sequence[str] = (), timeout: float | None = None) -> Awaited:
        """Wait until there is a task that can be claimed. Raises TimedOut."""
        return self._waits.ready(label, timeout)

    def wait_change(self, *, timeout: float | None = None) -> Awaited:
        """Wait until any task, session, lock, shared data or log changes. Raises TimedOut."""
        return self._waits.change(timeout)
