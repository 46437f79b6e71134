"""Worktree verbs: list, create, remove, adopt."""

from __future__ import annotations

import os

from gitcoord.coordinator.claims import Claims
from gitcoord.coordinator.places import Plot
from gitcoord.core import names
from gitcoord.core.model import Struct
from gitcoord.core.views import WorktreeView
from gitcoord.errors import Exists, NotFound, NotHolder, Unsafe
from gitcoord.git import binding, claimfile
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.git.worktree import Worktree


class RemovedWorktree(Struct, frozen=True, kw_only=True):
    """A removed worktree; ``rescued``: the snapshot of what was uncommitted in it, if it was forced."""

    path: str
    task: str | None
    rescued: str | None


class Worktrees(Claims):
    """Places to work in."""

    def worktrees(self) -> list[WorktreeView]:
        """Every worktree of this clone, with the task and session it serves."""
        from gitcoord.git import safety, worktree

        self.begin()
        board = self.board()
        views = []
        for item in worktree.list_worktrees(self.repo):
            note = None if item.bare else claimfile.read(item.git_dir)
            sid = None if item.bare else binding.bound_session(item.git_dir)
            missing = not os.path.isdir(item.path)
            task = board.tasks.get(note.task) if note else None
            state = None
            if not missing and not item.bare:
                state = safety.inspect(self.repo, item.path, task.record.base if task else None)
            known = board.sessions.get(sid) if sid else None
            views.append(
                WorktreeView(
                    path=item.path,
                    branch=item.branch,
                    head=item.head,
                    task=note.task if note else None,
                    session=sid,
                    session_name=known.record.name if known else None,
                    dirty=None if state is None else state.dirty,
                    unpushed=None if state is None else state.unpushed,
                    missing=missing,
                    main=item.git_dir == self.repo.common,
                )
            )
        return views

    def worktree_path(self, id: str | None = None) -> str:  # noqa: A002
        """Where the worktree of a task is in this clone; of None, the main worktree. Only reads. Raises NotFound."""
        from gitcoord.git import worktree

        if id is None:
            found = next((item for item in worktree.list_worktrees(self.repo) if not item.bare), None)
            if found is not None and found.git_dir != self.repo.common:
                found = None  # a bare repository's first worktree is not its main one
        else:
            found = self.worktree_for(id)
        if found is None or not os.path.isdir(found.path):
            what = "no main worktree" if id is None else f"no worktree of task {id} in this clone"
            raise NotFound(f"there is {what}", hint="git coord worktree list")
        return found.path

    def worktree_create(self, id: str) -> WorktreeView:  # noqa: A002
        """Make the worktree of a task that I hold and that has none here yet. Raises Exists, NotHolder."""
        self.begin(*self.my_refs(), names.task_ref(id))
        me = self.me()
        task = self.known_task(id).record
        if task.claim is None or task.claim.session != me.record.id:
            raise NotHolder(f"you do not hold task {id}", hint=f"git coord claim {id}", task=id)
        found = self.worktree_for(id)
        if found is not None and os.path.isdir(found.path):
            raise Exists(f"task {id} has a worktree: {found.path}", hint=f"cd {found.path}", path=found.path)
        placed = self.resettle(task, me.record, shared=False)
        return self._view_of(placed.worktrees[self.host])

    def _view_of(self, path: str) -> WorktreeView:
        return next(view for view in self.worktrees() if view.path == path)

    def worktree_adopt(self, path: str, task: str) -> WorktreeView:
        """Bind an existing worktree to a task that I hold."""
        self.begin(*self.my_refs(), names.task_ref(task))
        me = self.me()
        record = self.known_task(task).record
        if record.claim is None or record.claim.session != me.record.id:
            raise NotHolder(f"you do not hold task {task}", hint=f"git coord claim {task} --no-worktree", task=task)
        item = self._listed(path)
        bound = binding.bound_session(item.git_dir)
        if bound is not None and bound != me.record.id and self.board().live(bound):
            raise Unsafe(f"{item.path} is bound to another live session: {bound}", hint="git coord worktree list")
        binding.bind(item.git_dir, me.record.id)
        claimfile.write(item.git_dir, claimfile.ClaimFile(task, me.record.id, record.claim.token))
        self.place(task, Plot(item.path, item.branch or "", record.base, item))
        return self._view_of(item.path)

    def worktree_remove(self, id: str, *, force: bool = False) -> RemovedWorktree:  # noqa: A002
        """Remove the worktree of a task (or at a path). Raises Unsafe when work would be lost.

        With ``force`` what is uncommitted is first kept as a rescue snapshot; commits stay on their branch anyhow.
        """
        self.begin(*self.my_refs())
        item = self.worktree_for(id)
        if item is None and (gone := self._forget_place(id)) is not None:
            return RemovedWorktree(path=gone, task=id, rescued=None)
        item = item or self._listed(id)
        note = claimfile.read(item.git_dir)
        record = self.task(note.task) if note else None
        base = record.record.base if record else None
        rescued = None
        if not force:
            self._refuse_in_use(item)
            self.require_removable(item, base)
        elif os.path.isdir(item.path):
            rescued = self.rescue(
                note.task if note else names.slug(item.path) or "worktree", item.path, "removed by force"
            )
        self.remove_place(item, base=base, force=force)
        return RemovedWorktree(path=item.path, task=note.task if note else None, rescued=rescued)

    def _forget_place(self, task_id: str) -> str | None:
        """The worktree that a task's record speaks of and that is not there: a kill came between the two."""
        if not task_id.strip() or (found := self.task(task_id)) is None:
            return None
        path = found.record.worktrees.get(self.host)
        if path is None or os.path.lexists(path):
            return None
        self.transact(lambda: self._unplace(task_id))
        return path

    def _refuse_in_use(self, item: Worktree) -> None:
        sid = binding.bound_session(item.git_dir)
        mine = self.find_me()
        if sid is not None and (mine is None or sid != mine.record.id) and self.board().live(sid):
            raise Unsafe(
                f"{item.path} is in use by a live session: {sid}",
                hint="git coord sessions",
                path=item.path,
                session=sid,
            )

    def _listed(self, path: str) -> Worktree:
        from gitcoord.git import worktree

        wanted = os.path.realpath(os.path.join(self.repo.top or self.repo.common, path))
        for item in worktree.list_worktrees(self.repo):
            if os.path.realpath(item.path) == wanted or os.path.realpath(path) == os.path.realpath(item.path):
                return item
        raise NotFound(f"there is no worktree for '{path}'", hint="git coord worktree list")
