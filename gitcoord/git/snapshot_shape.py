"""What a rescue snapshot is made of, written and read in one place.

The commit's tree is the whole worktree, so that ``git diff SNAPSHOT^ SNAPSHOT`` and ``git restore --source=SNAPSHOT``
work with plain Git. Its parents: HEAD (the *base*; none before the first commit), a commit that holds what was staged,
and the previous snapshot. Where a tree cannot say it (unmerged paths, ``git add -N``), the second has one more parent,
the *state*, with the directories ``1``, ``2``, ``3`` (the stages) and ``intent``.

Snapshots come from refs that others can push: everything is checked, nothing is believed.
"""

from __future__ import annotations

import os
import re

from gitcoord.errors import Corrupt, GitFailed, NewerFormat
from gitcoord.git.batch import Batch
from gitcoord.git.repo import Repo
from gitcoord.git.status import ABSENT, GITLINK
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT = "1"
STAGES = ("1", "2", "3")
INTENT = "intent"
OPERATIONS = ("rebase", "am", "merge", "cherry-pick", "revert", "bisect")

RAW = {"GIT_NO_REPLACE_OBJECTS": "1"}
"""Objects as they were written: replace refs can be pushed by anybody."""

_MAX_COMMIT = 1 << 20
_OID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


class Shape(msgspec.Struct, frozen=True):
    """A snapshot's parts. Trees by oid; ``state_tree`` None where the index tree says all."""

    oid: str
    tree: str
    base: str | None
    index_tree: str
    state_tree: str | None
    operation: str | None

    @property
    def work(self) -> tuple[str | None, ...]:
        """What makes two snapshots hold the same work."""
        return (self.base, self.tree, self.index_tree, self.state_tree)


class Change(msgspec.Struct, frozen=True):
    """A path that differs between two trees: ``letter`` A, D, M or T, and what the second one has."""

    letter: str
    mode: str
    oid: str
    path: str


class Kinds(msgspec.Struct, frozen=True):
    """Which paths are what, as ``git status`` would say. ``str()`` counts them."""

    staged: tuple[str, ...] = ()
    unstaged: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    conflicted: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = ("staged", "unstaged", "untracked", "conflicted")
        counts = [f"{len(paths)} {word}" for word in words if (paths := getattr(self, word))]
        return ", ".join(counts) or "nothing"


class _Commit(msgspec.Struct, frozen=True):
    tree: str
    parents: tuple[str, ...]
    message: str


def empty_tree(repo: Repo) -> str:
    """The oid of the tree with nothing in it."""
    return _EMPTY_TREE[repo.object_format]


def trailers(base: str | None, index: str, state: str | None, previous: str | None, operation: str | None) -> str:
    """The last paragraph of a snapshot's message."""
    named = (("Base", base), ("Index", index), ("State", state), ("Previous", previous), ("Operation", operation))
    lines = [f"Coord-Snapshot: {FORMAT}", *(f"Coord-{name}: {value}" for name, value in named if value)]
    return "\n".join(lines) + "\n"


def read(repo: Repo, oid: str) -> Shape:
    """The parts of the snapshot ``oid``. Raises Corrupt when it is none, NewerFormat."""
    batch = repo.cat_file()
    try:
        commit = _commit(batch, oid)
        said = dict(line.partition(": ")[::2] for line in commit.message.rstrip("\n").rpartition("\n\n")[2].split("\n"))
        _check_format(oid, said.get("Coord-Snapshot"))
        base, index = said.get("Coord-Base"), said.get("Coord-Index")
        state, previous = said.get("Coord-State"), said.get("Coord-Previous")
        if index is None or commit.parents != _present(base, index, previous):
            raise Corrupt(f"the snapshot {oid} does not have the parents it names")
        staged = _commit(batch, index)
        if staged.parents != _present(base, state):
            raise Corrupt(f"the snapshot {oid} has an index that does not belong to it")
        state_tree = None if state is None else _commit(batch, state).tree
    finally:
        batch.close()
    operation = said.get("Coord-Operation")
    return Shape(oid, commit.tree, base, staged.tree, state_tree, operation if operation in OPERATIONS else None)


def _present(*oids: str | None) -> tuple[str, ...]:
    return tuple(oid for oid in oids if oid is not None)


def _check_format(oid: str, found: str | None) -> None:
    if found is None or not found.isdigit() or found == "0":
        raise Corrupt(f"{oid} is not a rescue snapshot")
    if found != FORMAT:
        raise NewerFormat(f"the rescue snapshot {oid} has format {found[:20]}")


def _commit(batch: Batch, oid: str) -> _Commit:
    if not _OID.match(oid):
        raise Corrupt(f"not the name of a snapshot: {oid[:80]!r}")
    (answer,) = batch.ask([oid], _MAX_COMMIT)
    if not isinstance(answer, tuple) or answer[1] != "commit":
        raise Corrupt(f"the snapshot's commit {oid} is missing or is none")
    head, _, message = answer[2].decode("utf-8", "replace").partition("\n\n")
    lines = [line.partition(" ")[::2] for line in head.split("\n")]
    trees = [value for name, value in lines if name == "tree"]
    parents = tuple(value for name, value in lines if name == "parent")
    # Whoever writes the object itself can put options for git where names should stand.
    if len(trees) != 1 or not all(_OID.match(value) for value in (*trees, *parents)):
        raise Corrupt(f"the snapshot's commit {oid} is malformed")
    return _Commit(trees[0], parents, message)


def changes(repo: Repo, old: str, new: str) -> list[Change]:
    """Every path that differs between two trees, renames taken apart. Raises Corrupt for what is no tree."""
    done = repo.git("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new, check=False)
    if done.code != 0:
        raise Corrupt(f"the snapshot's tree cannot be read: {done.complaint}")
    items = [os.fsdecode(item) for item in done.out.split(b"\0")]
    found = []
    for meta, path in zip(items[::2], items[1::2], strict=False):
        _, mode, _, oid, letter = meta.removeprefix(":").split(" ")
        found.append(Change(letter, mode, oid, path))
    return found


def state_entries(repo: Repo, tree: str | None) -> list[tuple[str, Change]]:
    """What the state holds: for each path the stage (``1``, ``2``, ``3``) or ``intent``. Raises Corrupt."""
    if tree is None:
        return []
    found = []
    for item in changes(repo, empty_tree(repo), tree):
        where, _, path = item.path.partition("/")
        if where not in (*STAGES, INTENT) or not path:
            raise Corrupt("the snapshot's state is not understood")
        found.append((where, msgspec.structs.replace(item, path=path)))
    return found


def kinds(repo: Repo, base: str, index_tree: str, tree: str, state: Sequence[tuple[str, Change]]) -> Kinds:
    """What a snapshot's trees mean over the commit (or tree) ``base``."""
    conflicted = {item.path for where, item in state if where != INTENT}
    intended = {item.path for where, item in state if where == INTENT}
    staged = [item.path for item in changes(repo, base, index_tree) if item.path not in conflicted]
    unstaged: list[str] = []
    untracked: list[str] = []
    for item in changes(repo, index_tree, tree):
        if item.path not in conflicted:
            (untracked if item.letter == "A" and item.path not in intended else unstaged).append(item.path)
    return Kinds(tuple(staged), tuple(unstaged), tuple(untracked), tuple(sorted(conflicted)))


def index_removal(repo: Repo, path: str) -> str:
    """The line that makes ``git update-index --index-info`` forget a path, in all stages."""
    return f"0 {'0' * (64 if repo.object_format == 'sha256' else 40)}\t{path}\0"


def check_objects(repo: Repo, needed: Sequence[Change]) -> None:
    """Raises Corrupt unless every file named is there as a blob: to be known before the first one is written."""
    oids = sorted({item.oid for item in needed if item.mode not in (ABSENT, GITLINK)})
    if not oids:
        return
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    done = repo.git("cat-file", "--batch-check=%(objecttype)", input=asked)
    bad = [oid for oid, kind in zip(oids, done.text.split("\n"), strict=True) if kind != "blob"]
    if bad:
        raise Corrupt(
            f"{len(bad)} files of the snapshot are missing, {bad[0]} for one", hint="git fetch, then try again"
        )


def check_paths(repo: Repo, index: str, *trees: str | None) -> None:
    """Raises Corrupt unless Git would have every path of these trees in an index (``.git/hooks/x`` it would not).

    ``index`` is a scratch file.
    """
    for tree in trees:
        if tree is None:
            continue
        try:
            repo.git("read-tree", "--no-sparse-checkout", tree, env={**RAW, "GIT_INDEX_FILE": index})
        except GitFailed as error:
            raise Corrupt(f"the snapshot cannot be used: {error.message}") from None
