"""Heartbeats at a remote that takes only branches: a branch is a commit, a heartbeat is a blob, so it travels in one.

The commit follows from the blob alone (nobody, no time, no parent): whoever wraps it gets the same, and an unchanged
heartbeat is no news. Only the remote and the way there know of it: here, and in what is noted of the remote, stands the
blob.
"""

from __future__ import annotations

from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FILE = "record.json"
_COMMIT = (
    "tree {}\nauthor gitcoord <gitcoord@localhost> 0 +0000\ncommitter gitcoord <gitcoord@localhost> 0 +0000\n\nbeat\n"
)


def needed(prefix: str) -> bool:
    """Whether below this prefix there are only branches."""
    return prefix.startswith("refs/heads/")


def wrapped(repo: Repo, oids: Iterable[str]) -> dict[str, str]:
    """For each of ``oids`` that is a blob the commit that carries it, made where it is missing. Raises GitFailed."""
    asked = list(dict.fromkeys(oids))
    blobs = [oid for oid, kind in zip(asked, _kinds(repo, asked), strict=True) if kind == "blob"]
    return {oid: _commit(repo, oid) for oid in blobs}


def unwrapped(repo: Repo, oids: Iterable[str]) -> dict[str, str]:
    """For each of ``oids`` that is such a commit the blob that it carries."""
    asked = list(dict.fromkeys(oids))
    found = _check(repo, [f"{oid}:{_FILE}" for oid in asked], "%(objectname) %(objecttype)")
    inside = {oid: line.split(" ") for oid, line in zip(asked, found, strict=True)}
    return {oid: words[0] for oid, words in inside.items() if words[1:] == ["blob"]}


def unwrap_noted(repo: Repo, prefix: str) -> None:
    """Note the blobs instead of the commits in the refs below ``prefix``. Raises GitFailed."""
    lines = repo.git("for-each-ref", "--format=%(refname) %(objectname) %(objecttype)", prefix).text.split("\n")
    noted = [words for line in lines if len(words := line.split(" ")) == 3 and words[2] == "commit"]
    blobs = unwrapped(repo, [oid for _ref, oid, _kind in noted])
    moves = "".join(f"update {ref} {blobs[oid]} {oid}\n" for ref, oid, _kind in noted if oid in blobs)
    if moves:
        repo.git("update-ref", "--no-deref", "--stdin", input=moves.encode())


def _commit(repo: Repo, blob: str) -> str:
    tree = repo.git("mktree", input=f"100644 blob {blob}\t{_FILE}\n".encode()).text
    return repo.git("hash-object", "-t", "commit", "-w", "--stdin", input=_COMMIT.format(tree).encode()).text


def _kinds(repo: Repo, oids: Sequence[str]) -> list[str]:
    return _check(repo, oids, "%(objecttype)")


def _check(repo: Repo, names: Sequence[str], form: str) -> list[str]:
    """One line for each name; some other words where there is no such object."""
    if not names:
        return []
    asked = "".join(f"{name}\n" for name in names).encode()
    return repo.git("cat-file", f"--batch-check={form}", input=asked).text.split("\n")
