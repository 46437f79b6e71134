"""What the store tests share: one store of each kind on its own repository, and ways to look at it from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitcoord.store.base import Change, RefStore
from gitcoord.store.memory import MemoryStore
from tests.store.changes import open_real
from tests.support import Scratch, git_version

KINDS = ("memory", "libgit", "plumbing", "plumbing-sha256", "plumbing-reftable")
REAL = KINDS[1:]
FILES = KINDS[1:4]
"""Those that keep a ref in a file."""


def init_options(kind: str) -> list[str]:
    """The ``git init`` options of a kind's repository; skips the test where this git cannot make one."""
    if kind == "plumbing-reftable":
        if git_version() < (2, 45):
            pytest.skip("reftable needs git 2.45 or newer")
        return ["--ref-format=reftable"]
    return ["--object-format=sha256"] if kind == "plumbing-sha256" else []


@dataclass
class Bench:
    """One store over one repository (none for memory), and as many more over the same one as a test wants."""

    kind: str
    store: RefStore
    scratch: Scratch
    opened: list[RefStore] = field(default_factory=list)

    @classmethod
    def make(cls, kind: str, path: Path) -> Bench:
        if kind == "memory":
            return cls(kind, MemoryStore(), Scratch(path))
        scratch = Scratch.create(path, *init_options(kind))
        return cls(kind, open_real(kind, path), scratch)

    def another(self) -> RefStore:
        """A second store on the same refs, as another process would have it."""
        if self.kind == "memory":
            return self.store
        self.opened.append(open_real(self.kind, self.scratch.path))
        return self.opened[-1]

    def swap(self, *changes: Change) -> dict[str, str]:
        return dict(self.store.swap(changes))

    def value(self, ref: str) -> str | None:
        """Where ``ref`` is, as git sees it (or the store, where there is no git)."""
        if self.kind == "memory":
            found = self.store.read([ref])[ref]
            return found.oid if found else None
        return self.scratch.git("for-each-ref", "--format=%(objectname)", ref) or None

    def payload(self, ref: str) -> bytes | None:
        """What another store finds behind ``ref``."""
        found = self.another().read([ref])[ref]
        return found.payload if found else None

    def ref_file(self, ref: str) -> Path:
        return self.scratch.common_dir() / ref

    def drop_object(self, oid: str) -> None:
        """Lose a loose object, as a disk does."""
        (self.scratch.common_dir() / "objects" / oid[:2] / oid[2:]).unlink()

    def close(self) -> None:
        for store in [self.store, *self.opened]:
            store.close()
