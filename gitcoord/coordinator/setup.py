"""Setting a repository up and taking that back: init, uninstall, and the Git hooks.

What ``init`` writes: ``meta/repo``, the hooks, ``coord.guard`` if asked. Each is listed; run again, it changes nothing.
"""

from __future__ import annotations

import os
import sys

from gitcoord.coordinator import belongings, epochs
from gitcoord.coordinator.joins import Joins
from gitcoord.core import ids, names
from gitcoord.core.model import Meta, Struct
from gitcoord.core.views import Wrote
from gitcoord.errors import GitFailed, Unsafe, Usage
from gitcoord.git import binding, claimfile, guardnote, hooks, hubnote, worktree
from gitcoord.git.hooks_table import HookChange, HookStatus
from gitcoord.git.remote import TRACKING
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import Change, Delete
from gitcoord.store.transact import Plan, transact

if TYPE_CHECKING:
    from collections.abc import Iterable

GUARDS = ("block", "warn", "off")


class Founded(Struct, frozen=True, kw_only=True):
    """The event in the first commit of ``meta/repo``."""

    type: str = "init"
    at: str
    nonce: str = ""


class Setup:
    """Making a repository a coordinated one. Apart from the verbs of every day, whose start it must not slow down."""

    def __init__(self, coord: Joins) -> None:
        self.coord = coord
        self.repo = coord.repo
        self.records = coord.records
        self.store = coord.store

    def init(self, *, guard: str | None = None, hooks: bool = True, dry_run: bool = False) -> list[Wrote]:
        """Write what coordination needs, and say what was written; nothing where all is there already."""
        if guard is not None and guard not in GUARDS:
            raise Usage(f"'{guard}' is no guard mode", hint=f"choose one of {', '.join(GUARDS)}")
        self.records.forget()
        wrote = []
        if self.records.get(names.META, Meta) is None:
            wrote.append(Wrote(what="coordination state", path=names.META))
            if not dry_run:
                self.coord.transact(self._found)
        if guard is not None and guard != self._configured("coord.guard"):
            wrote.append(Wrote(what=f"setting coord.guard = {guard}", path=os.path.join(self.repo.common, "config")))
            if not dry_run:
                self.repo.git("config", "coord.guard", guard)
        if hooks:
            wrote += self.hooks_install(dry_run=dry_run)
        return wrote

    def _found(self) -> Plan[None]:
        if self.records.get(names.META, Meta) is not None:
            return Plan([], None)
        now = self.coord.now()
        repo_id = ids.repository_id(self.coord.chance.bytes(ids.SESSION_BYTES))
        meta = Meta(id=repo_id, epoch=epochs.first(self.coord), created_at=now)
        return Plan([self.coord.write(names.META, None, meta, Founded(at=now), f"init {meta.id}")], None)

    def _configured(self, name: str) -> str | None:
        done = self.repo.git("config", "--local", "--get", name, check=False)
        return done.text if done.code == 0 else None

    def uninstall(self, *, purge_state: bool = False) -> list[Wrote]:
        """Take back what ``init`` wrote. The state stays, unless ``purge_state``; rescue snapshots always stay.

        Raises Unsafe, before anything changes, when the state is to go while live sessions hold claims or locks.
        """
        self.records.forget()
        if purge_state:
            self._refuse_purge()
        wrote = self.hooks_uninstall()
        for name in ("coord.guard", "coord.hub"):
            if self._configured(name) is not None:
                self.repo.git("config", "--local", "--unset-all", name)
                wrote.append(Wrote(what=f"setting {name}", path=os.path.join(self.repo.common, "config")))
        hubnote.agree(self.repo.common, hub=False, interval=None)
        if worktree.unhide(self.repo):
            wrote.append(
                Wrote(what="ignored worktree directory", path=os.path.join(self.repo.common, "info", "exclude"))
            )
        if purge_state:
            wrote += self._purge()
        return wrote

    def _refuse_purge(self) -> None:
        board = self.coord.board()
        held = sorted(
            task.id for task in board.plain_tasks().values() if board.live(task.claim.session if task.claim else None)
        )
        locked = sorted(
            text for sid in board.sessions if board.locks and board.live(sid) for text in board.locks.held_by(sid)
        )
        if held or locked:
            raise Unsafe(
                f"live sessions still hold {', '.join([*held, *locked][:10])}",
                hint="let them finish, or end them with 'git coord end SESSION --handoff NOTE'",
                tasks=held,
                locks=locked,
            )

    def _purge(self) -> list[Wrote]:
        gone = transact(self.store, self._deletion, clock=self.coord.clock, rng=self.coord.chance)
        wrote = [Wrote(what=f"coordination state ({gone} refs)", path=names.ROOT)] if gone else []
        for item in worktree.list_worktrees(self.repo):
            guardnote.clear(item.git_dir)
            hubnote.clear(item.git_dir)
            sid = binding.bound_session(item.git_dir)
            if sid is not None:
                binding.unbind(item.git_dir, sid)
                claimfile.clear(item.git_dir)
                wrote.append(Wrote(what="binding to a session", path=item.git_dir))
        if os.path.isdir(self.repo.coord_dir) and not os.path.islink(self.repo.coord_dir):
            stay = belongings.clear(self.repo.coord_dir)
            wrote.append(Wrote(what="local notes", path=self.repo.coord_dir))
            if stay:
                self.coord.notice("kept", f"what launched programs keep stays: {', '.join(stay[:5])}")
        return wrote

    def _deletion(self) -> Plan[int]:
        """All at once: packed refs are rewritten for every deletion, and somebody's lock on them stops all or none."""
        refs = {ref: oid for tree in (*names.OURS, TRACKING) for ref, oid in self.store.list_refs(tree).items()}
        gone = [Change(ref, oid, Delete()) for ref, oid in refs.items() if oid and not ref.startswith(names.RESCUE)]
        return Plan(gone, len(gone))

    # -- hooks --------------------------------------------------------------------------------------------------------

    def hooks_install(self, *, dry_run: bool = False) -> list[Wrote]:
        """Install the Git hooks; what could not be installed becomes a notice that says what to do."""
        return self._reported(
            hooks.install(
                self.repo,
                hooks.hook_source(),
                self._launcher(),
                trailers=self.coord.config.trailers,
                dry_run=dry_run,
            )
        )

    def _launcher(self) -> str:
        """The command by which a hook that needs more than sh can find this gitcoord again."""
        script = os.path.join(os.path.dirname(sys.executable), "git-coord")
        return script if os.access(script, os.X_OK) else ""

    def hooks_uninstall(self) -> list[Wrote]:
        """Take the Git hooks out again; what belongs to others stays as it was."""
        return self._reported(hooks.uninstall(self.repo))

    def hooks_status(self) -> list[HookStatus]:
        """For each hook whether Git really runs it in this worktree; proved by running it."""
        return hooks.status(self.repo)

    def _reported(self, changes: Iterable[HookChange]) -> list[Wrote]:
        wrote = []
        for change in changes:
            if change.outcome in ("written", "removed"):
                wrote.append(Wrote(what=change.what, path=change.path))
            elif change.outcome == "refused":
                hint = f" ({change.hint})" if change.hint else ""
                self.coord.notice("hook", f"{change.what}: {change.why}{hint}")
        return wrote


def repository_version(text: str) -> str:
    """The version in what ``git version`` prints."""
    words = text.split()
    if len(words) < 3:
        raise GitFailed(f"git does not say its version: {text}")
    return words[2]
