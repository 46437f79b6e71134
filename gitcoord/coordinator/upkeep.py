"""Verbs of set-up and repair, loaded when first used: init, uninstall, doctor and the Git hooks.

They need far more than the verbs of every day, whose start they must not slow down.
"""

from __future__ import annotations

from gitcoord.coordinator.sessions import Sessions
from gitcoord.core.views import Check, Wrote
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.setup import Setup
    from gitcoord.core.transfer import Imported
    from gitcoord.git.hooks_table import HookStatus


class Upkeep(Sessions):
    """Making a repository a coordinated one, and keeping it well."""

    @property
    def _setup(self) -> Setup:
        from gitcoord.coordinator.setup import Setup

        return Setup(self)

    def init(self, *, guard: str | None = None, hooks: bool = True, dry_run: bool = False) -> list[Wrote]:
        """Write what coordination needs, and say what was written; nothing where all is there already."""
        return self._setup.init(guard=guard, hooks=hooks, dry_run=dry_run)

    def uninstall(self, *, purge_state: bool = False) -> list[Wrote]:
        """Take back what ``init`` wrote. The state stays, unless ``purge_state``; rescue snapshots always stay.

        Raises Unsafe, before anything changes, when the state is to go while live sessions hold claims.
        """
        return self._setup.uninstall(purge_state=purge_state)

    def hooks_install(self, *, dry_run: bool = False) -> list[Wrote]:
        """Install the Git hooks; what could not be installed becomes a notice that says what to do."""
        return self._setup.hooks_install(dry_run=dry_run)

    def hooks_uninstall(self) -> list[Wrote]:
        """Take the Git hooks out again; what belongs to others stays as it was."""
        return self._setup.hooks_uninstall()

    def hooks_status(self) -> list[HookStatus]:
        """For each hook whether Git really runs it in this worktree; proved by running it."""
        return self._setup.hooks_status()

    def doctor(self, *, fix: bool = False) -> list[Check]:
        """Everything that was checked, with what was found; with ``fix`` what is safe to repair is repaired."""
        from gitcoord.coordinator.doctor import Doctor

        return Doctor(self).examine(fix=fix)

    # -- export and import --------------------------------------------------------------------------------------------

    def export(self, *, private: bool = False) -> list[bytes]:
        """The whole state as lines of JSON, sorted and without their newlines; with ``private`` also private scopes.

        Rescue snapshots are only named. Raises Corrupt, when anything cannot be read: then nothing is exported.
        """
        from gitcoord.coordinator.transfer_state import State
        from gitcoord.core import transfer

        self.begin()
        return list(transfer.lines(State(self).items(private=private)))

    def import_state(self, data: bytes, *, merge: bool = False, dry_run: bool = False) -> Imported:
        """Write what an export says, all of it or nothing; with ``merge`` only what is absent, beside what is here.

        Raises Exists where something is here with other content, Usage for what is no sound export, NewerFormat.
        """
        from gitcoord.coordinator.transfer import Transfer

        return Transfer(self).load(data, merge=merge, dry_run=dry_run)

    def import_from(self, path: str, source: str = "auto", *, merge: bool = False, dry_run: bool = False) -> Imported:
        """Import a file or directory: an export, or what beads, dw, a session registry or session-state wrote.

        The originals stay as they are; twice is once. Raises NotFound, Usage, Exists.
        """
        from gitcoord.coordinator.importing import Importing, detect, read_export

        found, place = detect(path, source)
        if found == "gitcoord":
            return self.import_state(read_export(place), merge=merge, dry_run=dry_run)
        return Importing(self).run(found, place, dry_run=dry_run)
