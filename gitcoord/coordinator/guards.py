"""Guards: does a commit or a push touch what somebody else has locked, or come from a claim that is over or unsure?

Only finds and names; whether that stops anything is the hook's and ``coord.guard``'s. Advice among friends: a paused
worker, ``--no-verify`` or a rebase pass it (the README lists what does); the fencing token is what holds. Loaded when
first used (``commons``).
"""

from __future__ import annotations

from gitcoord.coordinator import sight as seeing
from gitcoord.coordinator.locks import Locks
from gitcoord.core import names
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Struct, Task
from gitcoord.core.pattern import of_path
from gitcoord.errors import NotInitialised
from gitcoord.git import changes, claimfile, guardnote
from gitcoord.git.changes import Update
from gitcoord.git.claimfile import ClaimFile
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.sessions import Sessions


class Offence(Struct, frozen=True, kw_only=True):
    """One reason to stop: ``message`` in one line, ``hint`` a safe next step. ``path`` where it is about one."""

    code: str
    message: str
    hint: str
    path: str | None = None


class Guards:
    """The judgement, for one Coordinator."""

    def __init__(self, coord: Sessions) -> None:
        self.coord = coord

    def commit(self, index: str | None) -> list[Offence]:
        """What is wrong with a commit of the index (of the file ``index``, as Git exports it to hooks)."""
        if not self._begin():
            return []
        found = self._claim_over() or self._unconfirmed()
        return found + (self._locked(changes.staged(self.coord.repo, index)) if self._paths_locked() else [])

    def push(self, remote: str, updates: Sequence[Update]) -> list[Offence]:
        """What is wrong with a push of ``updates`` to the remote of that name (or URL)."""
        found = [_private(item) for item in updates if names.LOCAL in (_tree(item.local), _tree(item.remote))]
        if not self._begin():
            return found
        found += self._claim_over() or self._unconfirmed()
        return found + (self._locked(changes.pushed(self.coord.repo, remote, updates)) if self._paths_locked() else [])

    def _begin(self) -> bool:
        """Read what matters; False where this repository has no coordination state."""
        coord = self.coord
        note = claimfile.read(coord.repo.git_dir)
        try:
            coord.begin(*coord.my_refs(), names.LOCKS, *([names.task_ref(note.task)] if note else []))
        except NotInitialised:
            return False
        return True

    def _claim_over(self) -> list[Offence]:
        """The claim that this worktree was made for has been granted anew to somebody else."""
        note = claimfile.read(self.coord.repo.git_dir)
        task = self.coord.task(note.task) if note is not None else None
        if note is None or task is None or task.record.token <= note.token:
            self._note(note)
            return []
        claim = self.coord.task_view(task.record).claim
        now = f"token {task.record.token}" + (f", held by {claim.session_name or claim.session}" if claim else "")
        return [
            Offence(
                code="stale-token",
                message=f"this worktree's claim of {note.task} (token {note.token}) was taken over: it is at {now}",
                hint=f"your work is safe where it is; see 'git coord log --task {note.task}'",
            )
        ]

    def _unconfirmed(self) -> list[Offence]:
        """What is held here and the hub has not heard of its holder for long: others may soon take it, or have.

        What is held only provisionally was never the hub's: nobody relies on it, so nothing stops it.
        """
        if self.coord.config.hub is None:
            return []
        from gitcoord.coordinator.standing import Fence

        found = Fence(self.coord).unconfirmed(claimfile.read(self.coord.repo.git_dir))
        return [
            Offence(
                code="unconfirmed",
                message=f"the hub has not heard of you for long: whether {what} is still yours is not known",
                hint="git coord sync",
            )
            for what in found
        ]

    def _note(self, note: ClaimFile | None) -> None:
        """Let the hook decide alone next time, where nothing can be wrong while these refs stay as they are."""
        if self._paths_locked():
            return
        records = self.coord.records
        table = records.get(names.LOCKS, LockTable)
        task = records.get(names.task_ref(note.task), Task) if note is not None else None
        guardnote.write(
            self.coord.repo.git_dir,
            table.oid if table else None,
            task.oid if task else None,
            note.token if note else None,
        )

    def _paths_locked(self) -> bool:
        table = self.coord.records.get(names.LOCKS, LockTable)
        return table is not None and any(lock.target.path is not None for lock in table.record.locks)

    def _locked(self, paths: Sequence[str]) -> list[Offence]:
        found = {held.path: held.lock for held in reversed(Locks(self.coord).covering(paths))}
        return [
            Offence(
                code="held",
                message=f"{path} is locked by {seeing.described(found[path])}",
                hint=f"git coord lock {quoted(of_path(path).text)} --wait 10m",
                path=path,
            )
            for path in paths
            if path in found
        ]


def _tree(ref: str) -> str:
    """The first two parts of a ref's name."""
    return "/".join(ref.split("/", 2)[:2]) + "/"


def quoted(text: str) -> str:
    """One word for a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _private(update: Update) -> Offence:
    return Offence(
        code="private",
        message=f"{update.local} is private to this clone and would go to the remote as {update.remote}",
        hint="push branches by name instead of --mirror",
    )
