"""Where work happens: the worktree of a claim, its binding, and the rescue of what is uncommitted in it.

A path out of a record is only ever shown. What this file acts on comes from ``git worktree list`` or local
configuration. ``worktree``, ``safety`` and ``snapshot`` are imported where they are used: a command that makes no
worktree must not pay for them.
"""

from __future__ import annotations

import os

from gitcoord.coordinator.rescue import Rescue
from gitcoord.core import names
from gitcoord.core import task as rules
from gitcoord.core import task_events as events
from gitcoord.core.model import Session, Task
from gitcoord.errors import NotFound, Unsafe
from gitcoord.failpoint import hit
from gitcoord.git import binding, claimfile
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from gitcoord.git.worktree import Worktree


class Plot(msgspec.Struct, frozen=True):
    """Where a claim is going to be worked on: ``existing`` is a worktree to take over as it is."""

    path: str
    branch: str
    base: str | None
    existing: Worktree | None = None


class Places(Rescue):
    """Worktrees of claims."""

    def default_base(self) -> str | None:
        """What a new branch starts from: this worktree's branch, or the main one's where this serves a task itself."""
        own = claimfile.read(self.repo.git_dir) is None
        return self._head(self.repo.git_dir if own else self.repo.common)

    def _head(self, git_dir: str) -> str | None:
        try:
            with open(os.path.join(git_dir, "HEAD"), encoding="utf-8") as file:
                text = file.read(4096).strip()
        except (OSError, UnicodeDecodeError):
            text = ""
        if text.startswith("ref: refs/heads/") and not text.endswith("/.invalid"):  # reftable keeps a dummy there
            return text.removeprefix("ref: refs/heads/")
        at = ["--git-dir", git_dir]
        done = self.repo.git(*at, "rev-parse", "--abbrev-ref", "HEAD", check=False)
        if done.code == 0 and done.text != "HEAD":
            return done.text
        done = self.repo.git(*at, "rev-parse", "--verify", "-q", "HEAD", check=False)
        return done.text if done.code == 0 else None

    def plot(self, task_id: str, task: Task | None, *, base: str | None, branch: str | None) -> Plot:
        """Plan a claim's worktree, before the claim is made; touches nothing."""
        from gitcoord.git import worktree

        title = task.title if task is not None else ""
        wanted = branch or (task.branch if task is not None else None) or self._branch_name(task_id, title)
        path = worktree.plan_path(self.repo, self.config.worktree_dir, names.key(task_id))
        known = task is not None and (task.branch is not None or task.token > 0)
        existing = None
        if known or branch is not None or os.path.lexists(path):
            existing = self._checked_out(wanted)
        if existing is not None and existing.path == path and self._cut_short(existing):
            existing = None  # a killed `git worktree add`: making it again resumes or cleans it
        if existing is not None:
            self._may_take(existing, task_id, wanted, path)
            path = existing.path
        return Plot(path, wanted, base or (task.base if task else None) or self.default_base(), existing)

    def _branch_name(self, task_id: str, title: str) -> str:
        from gitcoord.git import worktree

        return worktree.branch_name(task_id, title, self.config.branch)

    def _checked_out(self, branch: str) -> Worktree | None:
        from gitcoord.git import worktree

        for item in worktree.list_worktrees(self.repo):
            if item.branch == branch and not item.bare:
                return item
        return None

    def _cut_short(self, item: Worktree) -> bool:
        from gitcoord.git import worktree

        return item.unfinished or item.missing or worktree.was_interrupted(self.repo, item.path)

    def _may_take(self, found: Worktree, task_id: str, branch: str, planned: str) -> None:
        """A worktree that has the branch may be taken over when it was made for this very task."""
        note = claimfile.read(found.git_dir)
        if note is None and found.path == planned:
            return  # killed after the worktree was made and before it was bound
        if (note is not None and note.task == task_id) or not os.path.isdir(found.path):
            return
        raise Unsafe(
            f"branch {branch} is checked out in {found.path}",
            hint=f"git coord claim {task_id} --no-worktree, or name another branch with --branch",
            path=found.path,
            branch=branch,
        )

    def settle(self, plot: Plot, task_id: str, me: Session, token: int, rescued: str | None = None) -> None:
        """Make (or take over) the planned worktree and bind it to my session.

        ``rescued`` is the work to bring into a new one; only then is it bound, so that a kill leaves nothing half done.
        """
        from gitcoord.git import worktree

        hit("before_worktree")
        if plot.existing is not None and os.path.isdir(plot.path):
            self.rescue(task_id, plot.path, f"before {me.name} takes over its worktree")
            git_dir = plot.existing.git_dir
        else:
            added = worktree.add(self.repo, plot.path, plot.branch, plot.base)
            git_dir = added.git_dir
            for text in added.notices:
                self.notice("worktree", text)
            if rescued is not None:
                self.bring_back(plot.path, rescued)
        hit("mid_worktree")
        binding.bind(git_dir, me.id)
        hit("mid_binding")
        claimfile.write(git_dir, claimfile.ClaimFile(task_id, me.id, token))
        hook = os.path.join(self.repo.coord_dir, "hooks", "prepare-commit-msg")
        if self.config.trailers and not os.path.exists(hook):
            self.notice("hook", "coord.trailers is on, and its hook is not installed yet: git coord hooks install")

    def resettle(self, task: Task, me: Session, *, shared: bool) -> Task:
        """Give the new holder of an already granted task a worktree, and note it in the record.

        ``shared``: the former holder lives and keeps its worktree; the new one gets a branch and a copy of its own.
        """
        from gitcoord.git import worktree

        if shared and (old := self.worktree_for(task.id)) is not None and os.path.isdir(old.path):
            rescued = self.rescue(task.id, old.path, f"copied for {me.name}")
            tail = f"-t{task.token}"
            plot = Plot(
                worktree.plan_path(self.repo, self.config.worktree_dir, names.key(task.id) + tail),
                (task.branch or self._branch_name(task.id, task.title)) + tail,
                old.head,
            )
            self.settle(plot, task.id, me, task.token, rescued)
        else:
            plot = self.plot(task.id, task, base=None, branch=None)
            self.settle(plot, task.id, me, task.token)
        return self.place(task.id, plot)

    def rejoin(self, task: Task, me: Session) -> Task:
        """The worktree of a task that I hold already: made if a kill came in between, or somebody deleted it."""
        from gitcoord.git import worktree

        found = self.worktree_for(task.id)
        if found is not None and found.missing and worktree.mend(self.repo, found) is not None:
            found = self.worktree_for(task.id)  # the repository was moved, and this with it
        note = claimfile.read(found.git_dir) if found is not None else None
        if found is None or note is None or not os.path.isdir(found.path):
            return self.resettle(task, me, shared=False)
        if note.session != me.id:
            bound = binding.bound_session(found.git_dir)
            return self.resettle(task, me, shared=bound not in (None, me.id) and self.board().live(bound))
        if note.token != task.token:
            claimfile.write(found.git_dir, claimfile.ClaimFile(task.id, me.id, task.token))
        if task.worktrees.get(self.host) == found.path:
            return task
        return self.place(task.id, Plot(found.path, found.branch or "", task.base, found))

    def place(self, task_id: str, plot: Plot) -> Task:
        """Note in the record where the task is worked on."""

        def decide() -> Plan[Task]:
            me = self.me()
            base = self.task(task_id)
            if base is None:
                raise NotFound(f"there is no task {task_id}")
            event = events.Place(
                at=self.now(),
                session=me.record.id,
                host=self.host,
                path=plot.path,
                branch=plot.branch,
                base=plot.base,
            )
            record = rules.step(base.record, event, rules.Facts(in_force=True))
            if record is base.record:
                return Plan([], record)
            return Plan([self.write(base.ref, base, record, event, f"place {task_id} on {plot.branch}")], record)

        return self.transact(decide)

    # -- worktrees by session and task ----------------------------------------------------------------------------

    def bound_worktrees(self, sid: str) -> list[Worktree]:
        """The worktrees of this clone that are bound to a session."""
        from gitcoord.git import worktree

        return [
            item
            for item in worktree.list_worktrees(self.repo)
            if not item.bare and binding.bound_session(item.git_dir) == sid
        ]

    def worktree_for(self, task_id: str) -> Worktree | None:
        """The worktree of this clone that was made for a task; of several the one for the newest claim.

        After a forced take-over the former holder goes on living in its own.
        """
        if not claimfile.is_named(self.repo.common, task_id):
            return None
        from gitcoord.git import worktree

        newest, found = -1, None
        for item in worktree.list_worktrees(self.repo):
            note = None if item.bare else claimfile.read(item.git_dir)
            if note is not None and note.task == task_id and note.token > newest:
                newest, found = note.token, item
        return found

    def dirt(self, item: Worktree) -> list[str]:
        """What is uncommitted in a worktree, as porcelain-like lines; in the main worktree tracked files only.

        The main worktree is the user's own and never removed, so files that were always lying around there are no work
        of the session.
        """
        from gitcoord.git import safety

        if not os.path.isdir(item.path):
            return []
        state = safety.inspect(self.repo, item.path, None)
        own = [*state.staged, *state.unstaged, *state.conflicted]
        return own if item.git_dir == self.repo.common else [*own, *state.untracked]

    def branch_tip(self, branch: str | None) -> str | None:
        """The commit a branch of this clone points to, or None."""
        if branch is None:
            return None
        done = self.repo.git("rev-parse", "--verify", "-q", f"refs/heads/{branch}^{{commit}}", check=False)
        return done.text if done.code == 0 else None

    def is_removable(self, item: Worktree, base: str | None) -> bool:
        """Whether removing a worktree can lose nothing: clean, and its commits merged or pushed."""
        from gitcoord.git import safety

        if item.git_dir == self.repo.common or not os.path.isdir(item.path):
            return False
        state = safety.inspect(self.repo, item.path, base)
        return not state.dirty and state.merged_or_pushed and state.operation is None

    def has_work(self, item: Worktree, base: str | None) -> bool:
        """Whether anything was done in a worktree: uncommitted, committed on top of ``base``, or under way."""
        from gitcoord.git import safety

        if not os.path.isdir(item.path):
            return False
        if not safety.inspect(self.repo, item.path, base).clean:
            return True
        since = f"{base or self.default_base() or 'HEAD'}..HEAD"
        done = self.repo.git("rev-list", "-n1", "--end-of-options", since, at=item.path, check=False)
        return done.code != 0 or done.text != ""  # where the base is gone nobody can say that there is none

    def require_removable(self, item: Worktree, base: str | None) -> None:
        """Raises Unsafe, naming what would be lost."""
        from gitcoord.git import worktree

        worktree.refuse_work(self.repo, item, base)

    def remove_place(self, item: Worktree, *, base: str | None = None, force: bool = False) -> None:
        """Remove a worktree, and note it in its task's record. Raises Unsafe unless ``force``."""
        from gitcoord.git import worktree

        note = claimfile.read(item.git_dir)
        worktree.remove(self.repo, item.path, force=force, base=base)
        if note is not None:
            self.transact(lambda: self._unplace(note.task))

    def _unplace(self, task_id: str) -> Plan[None]:
        base = self.task(task_id)
        if base is None:
            return Plan([], None)
        me = self.find_me()
        event = events.Unplace(at=self.now(), session=me.record.id if me else None, host=self.host)
        record = rules.step(base.record, event, rules.Facts())
        if record is base.record:
            return Plan([], None)
        return Plan([self.write(base.ref, base, record, event, f"remove the worktree of {task_id}")], None)
