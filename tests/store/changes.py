"""Making changes short to write, and opening the real stores. Light: the racing processes import nothing else."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from gitcoord.git.repo import Repo, discover
from gitcoord.store.base import Blob, Change, Commit, Ident, RefStore
from gitcoord.store.plumbing import PlumbingStore

ADA = Ident("Ada Example", "ada@example.org", 1_700_000_000, 60)
T1, T2, T3 = "refs/coord/tasks/t1", "refs/coord/tasks/t2", "refs/coord/tasks/t3"
_nonce = count()


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
        from gitcoord.store.libgit import LibgitStore

        return LibgitStore(repo_at(path), durable=durable)
    return PlumbingStore(repo_at(path), durable=durable)
