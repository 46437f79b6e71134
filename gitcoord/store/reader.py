"""``git cat-file --batch`` as the plumbing store reads through it: restarted when an object stops it, always offline.

Owns the process, one conversation at a time. An object that is over the limit or so corrupt that git dies of it costs a
restart and is answered as unreadable, so that one bad object cannot hide the good ones.
"""

from __future__ import annotations

from _thread import allocate_lock

from gitcoord.errors import Corrupt, GitFailed
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store import loose
from gitcoord.store.base import MAX_PAYLOAD, PAYLOAD
from gitcoord.store.objects import files_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.git.batch import Batch

_DEATHS = 20
_FEW = 200  # records that are read from their files sooner than git starts and answers
_SPARE = 1024  # a commit object is its message and headers; the limit is meant for what people store


class Raw(msgspec.Struct, frozen=True):
    """An object as it is stored."""

    oid: str
    kind: str
    data: bytes


class Reader:
    """Objects of one repository, by name, many for the price of one process. Safe to share between threads."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._batch: Batch | None = None
        self._lock = allocate_lock()

    def _start(self) -> Batch:
        if self._batch is None or self._batch.closed:
            self._batch = self._repo.cat_file()
        return self._batch

    def ask(self, names: Sequence[str]) -> list[Raw | None]:
        """Each object, or None where it is missing, over the limit or unreadable. Raises GitFailed."""
        with self._lock:
            try:
                return self._ask(names)
            except (GitFailed, OSError):
                self._drop()
                return self._one_by_one(names)

    def _ask(self, names: Sequence[str]) -> list[Raw | None]:
        answers: list[Raw | None] = []
        while len(answers) < len(names):
            for found in self._start().ask(names[len(answers) :], MAX_PAYLOAD + _SPARE):
                answers.append(Raw(*found) if isinstance(found, tuple) else None)
        return answers

    def _one_by_one(self, names: Sequence[str]) -> list[Raw | None]:
        """git died on one of ``names``: find out which, and get the others all the same."""
        answers: list[Raw | None] = []
        deaths = 0
        for name in names:
            try:
                answers += self._ask([name])
            except (GitFailed, OSError):
                self._drop()
                answers.append(None)
                deaths += 1
                if deaths > _DEATHS:
                    raise
        return answers

    def payloads(self, oids: Sequence[str]) -> dict[str, bytes]:
        """The payload of each record commit or blob. An unreadable one is left out."""
        found: dict[str, bytes] = {}
        if len(oids) <= _FEW and self._batch is None:
            for oid in oids:
                payload = loose.payload(self._repo.common, oid)
                if payload is not None:
                    found[oid] = payload
        rest = [oid for oid in oids if oid not in found]
        return {**found, **self._payloads(rest)} if rest else found

    def _payloads(self, oids: Sequence[str]) -> dict[str, bytes]:
        # The commit is asked for too: a name like <oid>:<path> alone would look through tags and bare trees.
        answers = self.ask([name for oid in oids for name in (oid, f"{oid}:{PAYLOAD}")])
        found: dict[str, bytes] = {}
        for at, oid in enumerate(oids):
            outer, inner = answers[2 * at], answers[2 * at + 1]
            wanted = inner if outer is not None and outer.kind == "commit" else outer
            if wanted is not None and wanted.kind == "blob" and len(wanted.data) <= MAX_PAYLOAD:
                found[oid] = wanted.data
        return found

    def files(self, oid: str, paths: Sequence[str], oid_bytes: int) -> dict[str, bytes]:
        """Plain files in a commit's tree, by path. Raises Corrupt as ``objects.files_in`` does."""
        folders = list(dict.fromkeys(path.partition("/")[0] for path in paths))
        names = [oid, f"{oid}^{{tree}}", *(f"{oid}:{folder}" for folder in folders), *(f"{oid}:{p}" for p in paths)]
        commit, root, *inside = self.ask(names)
        known = {item.oid: item for item in (root, *inside) if item is not None}
        if commit is None or commit.kind != "commit" or root is None:
            raise Corrupt(f"{oid} is not a commit that can be read")

        def read(wanted: str, kind: str) -> bytes:
            found = known.get(wanted)
            if found is None or found.kind != kind or len(found.data) > MAX_PAYLOAD:
                raise Corrupt(f"{wanted} is not a {kind} that can be read")
            return found.data

        return files_in(root.oid, paths, read, oid_bytes)

    def commits(self, oids: Sequence[str]) -> dict[str, bytes]:
        """The raw bytes of those that are commits and can be read."""
        found = zip(oids, self.ask(oids), strict=True)
        return {oid: raw.data for oid, raw in found if raw is not None and raw.kind == "commit"}

    def commit(self, oid: str) -> bytes:
        """The raw bytes of a commit. Raises Corrupt when it is missing or something else."""
        found = self.ask([oid])[0]
        if found is None or found.kind != "commit":
            raise Corrupt(f"{oid} is not a commit that can be read")
        return found.data

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._batch is not None:
            batch, self._batch = self._batch, None
            batch.close()
