"""Brings a rescue snapshot back into a worktree: the files, and what of them was staged.

All is checked before the first file is written. Running it again after an interruption finishes it, and where the work
lies there already it changes nothing. On another commit than the snapshot was taken on, the changes are carried over
when that goes without a conflict.
"""

from __future__ import annotations

import os

from gitcoord.errors import Conflict, GitFailed, Unsafe
from gitcoord.git import safety, status
from gitcoord.git import snapshot_shape as shape
from gitcoord.git.repo import Repo
from gitcoord.git.snapshot_shape import Change, Kinds, Shape
from gitcoord.git.snapshot_take import capture
from gitcoord.git.status import GITLINK
from gitcoord.git.tempfiles import scratch_index
from gitcoord.git.worktree_list import git_dir_of
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOBODY = {
    "GIT_AUTHOR_NAME": "gitcoord",
    "GIT_AUTHOR_EMAIL": "gitcoord@localhost",
    "GIT_AUTHOR_DATE": "@0 +0000",
    "GIT_COMMITTER_NAME": "gitcoord",
    "GIT_COMMITTER_EMAIL": "gitcoord@localhost",
    "GIT_COMMITTER_DATE": "@0 +0000",
}
"""Author of the commits that only tell ``git merge-tree`` what the merge base is; nothing ever points to them."""


class Restored(msgspec.Struct, frozen=True):
    """What was brought back. ``changed`` False: it lay there already. ``carried_over``: onto another commit.

    ``notices``: what files alone cannot bring back, in words.
    """

    kinds: Kinds
    changed: bool
    carried_over: bool
    notices: tuple[str, ...]


class _Plan(msgspec.Struct, frozen=True):
    """The trees to start from and to arrive at."""

    head: str
    tree: str
    index_tree: str
    state_tree: str | None
    state: list[tuple[str, Change]]


def restore(repo: Repo, worktree_path: str, oid: str) -> Restored:
    """Bring the snapshot ``oid`` back into the clean worktree whose root is ``worktree_path``.

    Raises Unsafe when that is not clean (or holds ignored files where others would go), Conflict when the changes do
    not fit its commit, Corrupt, NewerFormat, GitFailed. Nothing was changed then, unless Git failed while writing.
    """
    snapshot = shape.read(repo, oid)
    seen = status.read(repo, worktree_path, untracked="all", env=shape.RAW)
    plan = _plan(repo, worktree_path, snapshot, seen.head)
    there = capture(repo, worktree_path, seen) if seen.entries else None
    changed = there is None or (there.index_tree, there.state_tree) != (plan.index_tree, plan.state_tree)
    if there is None:
        _check(repo, worktree_path, plan)
        _write_files(repo, worktree_path, plan)
        _set_index(repo, worktree_path, plan.tree, plan)
    elif there.tree != plan.tree or there.index_tree not in (plan.tree, plan.index_tree):
        raise _unclean(worktree_path, seen, oid)
    elif changed:  # an earlier restore was cut short between the files and the index
        _set_index(repo, worktree_path, there.index_tree, plan)
    return Restored(
        kinds=shape.kinds(repo, plan.head, plan.index_tree, plan.tree, plan.state),
        changed=changed,
        carried_over=seen.head != snapshot.base,
        notices=_notices(repo, plan, snapshot),
    )


def _unclean(top: str, seen: status.Status, oid: str) -> Unsafe:
    paths = tuple(item.path for item in seen.entries)
    return Unsafe(
        f"{top} has uncommitted changes of its own",
        hint=f"commit them first; see what was to be restored with 'git diff {oid[:12]}^ {oid[:12]}'",
        path=top,
        files=paths,
    )


# -- the plan -----------------------------------------------------------------------------------------------------


def _plan(repo: Repo, top: str, snapshot: Shape, head: str | None) -> _Plan:
    state = shape.state_entries(repo, snapshot.state_tree)
    here = head or shape.empty_tree(repo)
    if head == snapshot.base:
        return _Plan(here, snapshot.tree, snapshot.index_tree, snapshot.state_tree, state)
    if unmerged := sorted({item.path for where, item in state if where != shape.INTENT}):
        raise _conflict(snapshot.oid, unmerged)
    base = snapshot.base or shape.empty_tree(repo)
    tree = _carry(repo, top, snapshot, base, here, snapshot.tree)
    index_tree = _carry(repo, top, snapshot, base, here, snapshot.index_tree)
    return _Plan(here, tree, index_tree, snapshot.state_tree, state)


def _carry(repo: Repo, top: str, snapshot: Shape, base: str, here: str, tree: str) -> str:
    """The tree with the changes from ``base`` to ``tree`` made to ``here``. Raises Conflict."""
    # `merge-tree --merge-base` is younger than git 2.39: a root of our own says the same.
    root = _commit(repo, base)
    ours, theirs = _commit(repo, here, root), _commit(repo, tree, root)
    merge = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
    done = repo.git(*merge, at=top, env=shape.RAW, check=False)
    if done.code not in (0, 1):
        raise GitFailed(f"git merge-tree failed: {done.complaint}")
    merged, *conflicted = [os.fsdecode(item) for item in done.out.split(b"\0") if item]
    if done.code == 1:
        raise _conflict(snapshot.oid, sorted(set(conflicted)))
    return merged


def _commit(repo: Repo, tree: str, parent: str | None = None) -> str:
    above = () if parent is None else ("-p", parent)
    return repo.git("commit-tree", f"{tree}^{{tree}}", *above, "-m", "for a merge", env={**shape.RAW, **_NOBODY}).text


def _conflict(oid: str, paths: list[str]) -> Conflict:
    short = oid[:12]
    return Conflict(
        f"the rescued work does not fit the commit that is checked out here: {', '.join(paths[:5])}",
        hint=f"see it with 'git diff {short}^ {short}', take a file with 'git restore --source={short} PATH'",
        snapshot=oid,
        files=tuple(paths),
    )


# -- before anything is written -----------------------------------------------------------------------------------


def _check(repo: Repo, top: str, plan: _Plan) -> None:
    operation = safety.operation(repo, git_dir_of(top), top)
    if operation is not None:
        raise Unsafe(f"{top} is in the middle of a {operation}", path=top)
    with scratch_index(repo) as index:
        shape.check_paths(repo, index, plan.tree, plan.index_tree, plan.state_tree)
    files = shape.changes(repo, plan.head, plan.tree)
    staged = shape.changes(repo, plan.tree, plan.index_tree)
    shape.check_objects(repo, [*files, *staged, *(item for _, item in plan.state)])
    if blocked := _in_the_way(top, files):
        raise Unsafe(
            f"{top} holds files where others would go: {', '.join(blocked[:5])}",
            hint="move them away, then run the same command again",
            path=top,
            files=tuple(blocked),
        )


def _in_the_way(top: str, files: Sequence[Change]) -> list[str]:
    """What lies, ignored, where a file is to be added. Git overwrites ignored files since 2.34."""
    gone = {item.path for item in files if item.letter == "D"}
    return [item.path for item in files if item.letter == "A" and not _is_free(top, item.path, gone)]


def _is_free(top: str, path: str, gone: set[str]) -> bool:
    parts = path.split("/")
    for count in range(1, len(parts)):
        above = "/".join(parts[:count])
        place = os.path.join(top, above)
        if not os.path.lexists(place):
            return True
        if os.path.islink(place) or not os.path.isdir(place):
            return above in gone
    place = os.path.join(top, path)
    if not os.path.lexists(place) or path in gone:
        return True
    if os.path.islink(place) or not os.path.isdir(place):
        return False
    inside = (os.path.join(root, name) for root, _, names in os.walk(place) for name in names)
    return all(os.path.relpath(name, top) in gone for name in inside)


# -- writing ------------------------------------------------------------------------------------------------------


def _write_files(repo: Repo, top: str, plan: _Plan) -> None:
    # Also what lies outside of a sparse checkout: the receiver is to see all of the work.
    repo.git("read-tree", "-m", "-u", "--no-sparse-checkout", plan.head, plan.tree, at=top, env=shape.RAW)


def _set_index(repo: Repo, top: str, start: str, plan: _Plan) -> None:
    """From an index that holds the tree ``start`` to the one that was rescued; files stay as they are."""
    lines = []
    for item in shape.changes(repo, start, plan.index_tree):
        lines.append(
            shape.index_removal(repo, item.path) if item.letter == "D" else f"{item.mode} {item.oid} 0\t{item.path}\0"
        )
    stages = [(where, item) for where, item in plan.state if where != shape.INTENT]
    lines += [shape.index_removal(repo, path) for path in sorted({item.path for _, item in stages})]
    lines += [f"{item.mode} {item.oid} {where}\t{item.path}\0" for where, item in stages]
    if lines:
        repo.git("update-index", "-z", "--index-info", at=top, input=os.fsencode("".join(lines)))
    intended = [item.path for where, item in plan.state if where == shape.INTENT]
    intended = [path for path in intended if os.path.lexists(os.path.join(top, path))]
    if intended:
        names = os.fsencode("\0".join(intended))
        announce = ("add", "--intent-to-add", "--force", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul")
        repo.git(*announce, at=top, input=names, env={"GIT_LITERAL_PATHSPECS": "1"})


def _notices(repo: Repo, plan: _Plan, snapshot: Shape) -> tuple[str, ...]:
    moved = [item for item in shape.changes(repo, plan.head, plan.tree) if item.mode == GITLINK]
    notices = [f"submodule {item.path} was at {item.oid}; it is not checked out here" for item in moved]
    if snapshot.operation:
        word = snapshot.operation
        notices.append(f"a {word} was in progress: its files are here, the {word} itself is not")
    return tuple(notices)
