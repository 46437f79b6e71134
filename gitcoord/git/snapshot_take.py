"""Takes rescue snapshots: a worktree's index, tracked and untracked changes as commits, touching nothing of the user's.

All Git commands here work on a copy of the index; the only things written are objects. The caller decides which ref
keeps them. What Git ignores is not taken, and neither is the inside of nested repositories: that is ``left_out``.
"""

from __future__ import annotations

import os

from gitcoord.git import safety, status
from gitcoord.git import snapshot_shape as shape
from gitcoord.git.repo import Repo
from gitcoord.git.settings import with_settings
from gitcoord.git.status import ABSENT, Entry
from gitcoord.git.tempfiles import scratch_index
from gitcoord.git.worktree_list import git_dir_of
from gitcoord.lean import TYPE_CHECKING, Protocol, msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

_SETTINGS = {
    "core.fsmonitor": "false",  # look at the files themselves
    "core.splitIndex": "false",  # or the copy would leave its half beside the user's index
    "core.hooksPath": os.devnull,  # post-index-change is about the user's index, not about our copy
    "core.safecrlf": "false",  # it would refuse files that a rescue must take
    "i18n.commitEncoding": "UTF-8",
}
_DURABLE = {"core.fsync": "objects", "core.fsyncMethod": "batch"}


class Author(Protocol):
    """Who takes it and when: seconds since the epoch and minutes east of UTC."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def when(self) -> int: ...
    @property
    def offset(self) -> int: ...


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot that was taken; no ref points to it yet. ``left_out``: what it could not take, as paths."""

    oid: str
    base: str | None
    branch: str | None
    kinds: shape.Kinds
    left_out: tuple[str, ...]
    operation: str | None


class Captured(msgspec.Struct, frozen=True):
    """The trees that say how a worktree stands."""

    tree: str
    index_tree: str
    state_tree: str | None


def take(
    repo: Repo,
    worktree_path: str,
    *,
    message: str,
    author: Author,
    previous: str | None = None,
    durable: bool = True,
) -> Snapshot | None:
    """Snapshot the worktree whose root is ``worktree_path``; None when nothing is uncommitted.

    ``previous`` (a snapshot's oid) becomes a parent. ``durable``: on disk when this returns. Raises NotFound, GitFailed
    (a file that cannot be read, say: better no snapshot than one that is taken for whole).
    """
    env = _environment(repo, durable=durable)
    seen = status.read(repo, worktree_path, untracked="all", env=env)
    if not seen.entries:
        return None
    found = capture(repo, worktree_path, seen, env)
    operation = safety.operation(repo, git_dir_of(worktree_path), worktree_path)
    draft = _draft(seen, operation)
    oid = _commit_all(repo, draft, found, message, previous, {**env, **_identity(author)})
    return msgspec.structs.replace(draft, oid=oid)


def _environment(repo: Repo, *, durable: bool) -> dict[str, str]:
    return {**shape.RAW, **with_settings(repo.env, {**_SETTINGS, **(_DURABLE if durable else {})})}


def _identity(author: Author) -> dict[str, str]:
    sign, minutes = ("-" if author.offset < 0 else "+"), abs(author.offset)
    return {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_AUTHOR_DATE": f"@{author.when} {sign}{minutes // 60:02}{minutes % 60:02}",
        "GIT_COMMITTER_NAME": author.name,
        "GIT_COMMITTER_EMAIL": author.email,
        # As on record commits: sorts below the project's history and stays out of fetch negotiation.
        "GIT_COMMITTER_DATE": "@0 +0000",
    }


def _draft(seen: status.Status, operation: str | None) -> Snapshot:
    tracked = [item for item in seen.entries if item.kind == "1"]
    return Snapshot(
        oid="",
        base=seen.head,
        branch=seen.branch,
        kinds=shape.Kinds(
            staged=tuple(item.path for item in tracked if item.staged != "."),
            unstaged=tuple(item.path for item in tracked if item.unstaged != "." and not _only_inside(item)),
            untracked=tuple(item.path for item in seen.entries if item.kind == "?" and not item.nested),
            conflicted=tuple(item.path for item in seen.entries if item.kind == "u"),
        ),
        left_out=tuple(item.path for item in seen.entries if item.nested or item.dirty_inside),
        operation=operation,
    )


def _only_inside(item: Entry) -> bool:
    """A submodule that is at the commit it should be at: for us nothing to record."""
    return item.dirty_inside and not item.moved and item.unstaged == "M"


def capture(repo: Repo, top: str, seen: status.Status, env: dict[str, str] | None = None) -> Captured:
    """Write the trees that say how the worktree stands, from its status ``seen``."""
    env = env if env is not None else _environment(repo, durable=False)
    unmerged = [item for item in seen.entries if item.kind == "u"]
    with scratch_index(repo) as index:
        _copy_index(os.path.join(git_dir_of(top), "index"), index)
        env = {**env, "GIT_INDEX_FILE": index}
        _feed_index(repo, top, env, (_settled(repo, item) for item in unmerged))
        index_tree = repo.git("write-tree", at=top, env=env).text
        gone = (shape.index_removal(repo, item.path) for item in seen.entries if item.kind != "?" and item.missing)
        _feed_index(repo, top, env, gone)
        _feed_files(repo, top, env, [item.path for item in seen.entries if _has_file(item)])
        tree = repo.git("write-tree", at=top, env=env).text
    return Captured(tree, index_tree, _state_tree(repo, top, env, seen.entries))


def _has_file(item: Entry) -> bool:
    changed = item.kind in ("u", "?") or item.unstaged != "."
    return changed and not (item.nested or item.missing or _only_inside(item))


def _copy_index(source: str, target: str) -> None:
    try:
        with open(source, "rb") as file:
            data, old = file.read(), os.fstat(file.fileno())
    except FileNotFoundError:
        return  # before the first 'git add': no index is an empty one
    with open(target, "xb") as file:
        file.write(data)
    # Git takes a file for unchanged when its time and size are those in the index, unless that time is not before the
    # index's own. A younger copy would hide a change made within the same tick as the last 'git add'.
    os.utime(target, ns=(old.st_atime_ns, old.st_mtime_ns))


def _settled(repo: Repo, item: Entry) -> str:
    """Index lines that leave our side of an unmerged path, which a tree can hold."""
    mode, oid = item.stages[1]
    ours = "" if mode == ABSENT else f"{mode} {oid} 0\t{item.path}\0"
    return shape.index_removal(repo, item.path) + ours


def _feed_index(repo: Repo, top: str, env: dict[str, str], lines: Iterable[str]) -> None:
    if text := "".join(lines):
        repo.git("update-index", "-z", "--index-info", at=top, env=env, input=os.fsencode(text))


def _feed_files(repo: Repo, top: str, env: dict[str, str], paths: list[str]) -> None:
    # Names on standard input are plain names, not patterns. --replace: a file may have become a directory.
    if paths:
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        repo.git("update-index", "-z", "--add", "--remove", "--replace", "--stdin", at=top, env=env, input=names)


def _state_tree(repo: Repo, top: str, env: dict[str, str], entries: Iterable[Entry]) -> str | None:
    lines = [
        f"{mode} {oid} 0\t{stage}/{item.path}\0"
        for item in entries
        for stage, (mode, oid) in zip(shape.STAGES, item.stages, strict=False)
        if mode != ABSENT
    ]
    if intended := [item.path for item in entries if item.intended]:
        empty = repo.git("hash-object", "-w", "--stdin", env=env).text
        lines += [f"100644 {empty} 0\t{shape.INTENT}/{path}\0" for path in intended]
    if not lines:
        return None
    with scratch_index(repo) as index:
        env = {**env, "GIT_INDEX_FILE": index}
        _feed_index(repo, top, env, lines)
        return repo.git("write-tree", at=top, env=env).text


def _commit_all(
    repo: Repo, taken: Snapshot, found: Captured, message: str, previous: str | None, env: dict[str, str]
) -> str:
    state = None
    if found.state_tree is not None:
        state = _commit(repo, env, found.state_tree, [], "what was unmerged, or only meant to be added\n")
    index = _commit(repo, env, found.index_tree, [taken.base, state], "what was staged\n")
    end = shape.trailers(taken.base, index, state, previous, taken.operation)
    text = f"{message.replace(chr(0), '').strip()}\n\n{_summary(taken)}\n\n{end}"
    return _commit(repo, env, found.tree, [taken.base, index, previous], text)


def _commit(repo: Repo, env: dict[str, str], tree: str, parents: list[str | None], message: str) -> str:
    named = [word for parent in parents if parent is not None for word in ("-p", parent)]
    return repo.git("commit-tree", tree, *named, "-F", "-", env=env, input=message.encode("utf-8", "replace")).text


def _summary(taken: Snapshot) -> str:
    lines = [f"On {taken.branch or 'a detached HEAD'}: {taken.kinds}."]
    lines += [f"Not taken, a repository of its own: {path!a}" for path in taken.left_out]
    return "\n".join(lines)
