"""The ``RefStore`` protocol: read, list, load, history and *swap*, the one way anything changes.

Implemented by ``memory``, ``libgit`` and ``plumbing``; one contract suite (tests/store/test_contract.py) runs over all.
A store knows refs, commits and bytes; it does not know records, sessions or time. There is no unconditional write.
"""

from __future__ import annotations

from gitcoord.lean import TYPE_CHECKING, Protocol, msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PAYLOAD = "record.json"
"""The one file in a record commit's tree."""

MAX_PAYLOAD = 1 << 20
"""Objects larger than this are refused by their header, before they are loaded."""


class Ident(msgspec.Struct, frozen=True):
    """Author of a record commit. ``when`` is seconds since the epoch, ``offset`` minutes east of UTC."""

    name: str
    email: str
    when: int
    offset: int = 0


class Commit(msgspec.Struct, frozen=True):
    """A record commit to be made: its tree holds ``payload`` as record.json, its parent is the expected value.

    ``parents``, where given, stand in place of the expected value: a record that goes on from where it was archived.
    ``files``: what the tree holds besides, by path (``folder/name``); those in ``kept`` are in the repository already.
    """

    payload: bytes
    message: str
    author: Ident
    parents: tuple[str, ...] | None = None
    files: Mapping[str, bytes] | None = None
    kept: frozenset[str] = frozenset()


class Blob(msgspec.Struct, frozen=True):
    """A bare blob to be made (heartbeats)."""

    payload: bytes


class Existing(msgspec.Struct, frozen=True):
    """An object that is in the repository already (a rescue snapshot's commit)."""

    oid: str


class Delete(msgspec.Struct, frozen=True):
    """The ref goes away (its expected value still has to match)."""


class Change(msgspec.Struct, frozen=True):
    """``ref`` moves from ``expected`` (None: must not exist) to ``new``.

    ``new`` None means *verify*: the ref must still be at ``expected`` when the others move. ``Delete`` is the only way
    to remove a ref and is used by purge and doctor alone.
    """

    ref: str
    expected: str | None
    new: Commit | Blob | Existing | Delete | None


class Snapshot(msgspec.Struct, frozen=True):
    """What a ref held at one moment: the value to expect, and the bytes found there."""

    ref: str
    oid: str
    payload: bytes


class Entry(msgspec.Struct, frozen=True):
    """One commit of a record's chain."""

    oid: str
    parent: str | None
    author: Ident
    message: str


BROKEN = ""
"""The oid that ``list_refs`` gives for a ref that exists but cannot be read: empty, dangling text, or symbolic."""


class Lost(Exception):
    """Another writer was first: ``ref`` is not at its expected value. Nothing of this swap was applied."""

    def __init__(self, ref: str) -> None:
        self.ref = ref
        super().__init__(ref)


class Busy(Exception):
    """A lock on ``ref`` is held by somebody else at this moment; nothing was applied. ``path`` names it if known."""

    def __init__(self, ref: str, path: str | None = None) -> None:
        self.ref = ref
        self.path = path
        super().__init__(ref)


class RefStore(Protocol):
    """Refs below ``refs/coord/`` of one repository.

    Every method raises ``errors.Corrupt`` when a ref or object it needs is there but unreadable (empty ref file,
    missing object, wrong object type, symbolic ref, over ``MAX_PAYLOAD``) and ``errors.GitFailed`` when
    Git itself cannot work (no permission, disk full). Absent is ``None``; corrupt is never absent.
    """

    @property
    def kind(self) -> str:
        """``libgit``, ``plumbing`` or ``memory``."""

    def read(self, refs: Sequence[str]) -> dict[str, Snapshot | None]:
        """The value and payload of each ref, read as one batch."""

    def list_refs(self, prefix: str) -> dict[str, str]:
        """Every ref below ``prefix`` (which ends in ``/``) with its oid; ``BROKEN`` for one that cannot be read."""

    def load(self, oids: Iterable[str]) -> dict[str, bytes]:
        """Payloads by the oid of a record commit or blob. An unreadable one is left out of the answer."""

    def files(self, oid: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Files (``folder/name``) in the tree of a commit, by path; absent ones are left out of the answer.

        Raises Corrupt where the commit or a tree cannot be read, or an entry is no plain file of at most
        ``MAX_PAYLOAD`` bytes.
        """

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        """Apply all changes or none, each against its expected value; the new oid by ref. Raises Lost, Busy.

        Where the system cannot move several refs in one step they move in the order of their names, and a crash may
        leave the first few moved.
        When it returns, every ref has been seen to hold its new value; in durable mode it is on disk.
        """

    def history(self, oids: Iterable[str], limit: int | None = None) -> dict[str, list[Entry]]:
        """The chain of record commits that ends in each oid, newest first, its newest ``limit`` links; as one batch.

        A chain with a link that cannot be read is left out of the answer.
        """

    def close(self) -> None:
        """Let go of processes and handles; the store must not be used after."""
