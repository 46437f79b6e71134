"""What the store tests share: opening each kind of store on a real repository, and making changes short to write."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from gitcoord.git.repo import Repo, discover
from gitcoord.store.base import Blob, Change, Commit, Ident, RefStore
from gitcoord.store.libgit import LibgitStore
from gitcoord.store.memory import MemoryStore
from gitcoord.store.plumbing import PlumbingStore
from tests.support import Scratch, git_version

ADA = Ident("Ada Example", "ada@example.org", 1_700_000_000, 60)
T1, T2, T3 = "refs/coord/tasks/t1", "refs/coord/tasks/t2", "refs/coord/tasks/t3"
_nonce = count()

KINDS = ("memory", "libgit", "plumbing", "plumbing-sha256", "plumbing-reftable")
REAL = KINDS[1:]
FILES = KINDS[1:4]
"""Those that keep a ref in a file."""


def record(payload: bytes | str = b"{}\n", message: str = "") -> Commit:
    """A record commit; without a message of its own it gets one that never repeats, as the nonce does in real life."""
    data = payload.encode() if isinstance(payload, str) else payload
    return Commit(data, message or f"event {os.getpid()}-{next(_nonce)}", ADA)


def create(ref: str, payload: bytes | str = b"{}\n") -> Change:
    return Change(ref, None, record(payload))


def update(ref: str, expected: str | None, payload: bytes | str = b"{}\n") -> Change:
    return Change(ref, expected, record(payload))


def beat(ref: str, expected: str | None, payload: bytes = b"beat\n") -> Change:
    return Change(ref, expected, Blob(payload))


def repo_at(path: Path) -> Repo:
    return discover(str(path), os.environ)


def open_real(kind: str, path: Path, *, durable: bool = False) -> RefStore:
    """A store of ``kind`` on the repository at ``path``; not durable, because most tests do not pull the plug."""
    if kind == "libgit":
        return LibgitStore(repo_at(path), durable=durable)
    return PlumbingStore(repo_at(path), durable=durable)


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
