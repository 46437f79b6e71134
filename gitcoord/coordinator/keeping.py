"""What stays of a session on this machine: listing it, showing it whole, packing it, archiving it, removing it.

Thin: the work is done in ``choosing``, ``packing`` and ``archiving``, which are loaded when first used. Records are
never touched: what is removed are local files.
"""

from __future__ import annotations

from gitcoord.coordinator.history import History
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.kept import Archive, Exported, Removed, Shown, Whereabouts
    from gitcoord.core.views import SessionView


class Keeping(History):
    """A session's local files, and the list to find it in."""

    def choose_sessions(
        self,
        *,
        all: bool = False,  # noqa: A002 - the option's name
        sort: str = "started",
        status: Sequence[str] = (),
        agent: str | None = None,
        label: Sequence[str] = (),
        name: str | None = None,
        here: bool = False,
    ) -> list[SessionView]:
        """Sessions that match, in the order of ``sort`` (started, activity, name or status).

        ``status``: any of these; naming one that has ended counts as ``all``. ``label``: all of these, each a name or
        ``name=value``. ``name``: a glob. ``here``: on this machine only. Raises Usage.
        """
        from gitcoord.coordinator.choosing import Choice, choose

        choice = Choice(all=all, sort=sort, status=tuple(status), agent=agent, label=tuple(label), name=name, here=here)
        return choose(self, choice)

    def show_session(self, session: str) -> Shown:
        """One session in full, with what is here of it. Raises NotFound."""
        from gitcoord.coordinator.archiving import Archiving

        return Archiving(self).show(session)

    def attach(self, session: str) -> Whereabouts:
        """Bring the tmux pane that a session was started in to the front, or tell where it is. Raises NotFound.

        Only what was noted on this machine when the session started is acted on, never what a record says.
        """
        from gitcoord.coordinator.archiving import Archiving

        return Archiving(self).attach(session)

    def export_session(self, session: str, path: str | None = None, *, mask: bool = False) -> Exported:
        """Pack record, events and private directory of a session into a new file ``path`` (tar.gz, mode 0600).

        The same content gives the same file. ``mask``: what looks like a secret is replaced in texts, and what is no
        text stays out. Raises NotFound, Exists, GitFailed.
        """
        from gitcoord.coordinator.archiving import Archiving

        return Archiving(self).export(session, path, mask=mask)

    def archive_sessions(self, *, older_than: float | None = None, dry_run: bool = False) -> Archive:
        """Pack the private directories of sessions that ended more than ``older_than`` seconds ago, and remove them.

        The default is ``coord.sessionRetention``. Sessions stay listed.
        """
        from gitcoord.coordinator.archiving import Archiving

        return Archiving(self).archive(older_than, dry_run=dry_run)

    def remove_session(self, session: str, *, shred: bool = False) -> Removed:
        """Remove the private directory of a session that has ended. Its record and its events stay.

        ``shred`` overwrites the files first: no promise on disks that write elsewhere than one thinks (SSD, copy on
        write, snapshots, backups). Raises Unsafe while it may be in use, NotFound.
        """
        from gitcoord.coordinator.archiving import Archiving

        return Archiving(self).remove(session, shred=shred)
