"""``LibgitStore``: pygit2 as the store, microseconds per read, for every process that lives longer than one command.

With ``git.handle`` the one place that imports pygit2 (70 ms, so it is itself imported late). A swap is libgit2's
transaction: lock each ref in order, read it again under its lock, compare, set, commit in that order too. Never
``references.create`` or ``create_commit(ref)``, which look before they lock: two creators both win, 4 in 2,000 tight
races. Never libgit2's delete, which loses an unrelated branch when ``git pack-refs`` runs at the same time (libgit2
#1534): what deletes goes through git.
"""

from __future__ import annotations

import os
import sys
import threading

import pygit2
from pygit2.enums import ObjectType, ReferenceType

from gitcoord.errors import Corrupt, GitFailed
from gitcoord.failpoint import hit
from gitcoord.git.handle import TROUBLE, Handles
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store import durable, files, intent, recover
from gitcoord.store.base import (
    BROKEN,
    MAX_PAYLOAD,
    PAYLOAD,
    Blob,
    Busy,
    Change,
    Commit,
    Delete,
    Entry,
    Existing,
    Lost,
    Snapshot,
)
from gitcoord.store.chain import chains, is_in_chain
from gitcoord.store.checks import check_oid, check_prefix, check_ref, ordered
from gitcoord.store.collected import Kept
from gitcoord.store.objects import Obj, build, commit_header, files_in, tree_entry
from gitcoord.store.outcome import settle
from gitcoord.store.plumbing import MANY, PlumbingStore
from gitcoord.store.trouble import failed, is_plain, os_failed
from gitcoord.store.writelock import writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORMAT = "sha1"  # libgit2 opens no other
_OID_BYTES = 20
_TRIES = 5
_KINDS = {"commit": ObjectType.COMMIT, "tree": ObjectType.TREE, "blob": ObjectType.BLOB}
_SPARE = 1024  # a commit object is its message and headers; the limit is meant for what people store


class LibgitStore:
    """The refs of ``repo`` in process. ``durable``: on disk, not only in memory, when a swap returns.

    Shared by threads: each gets its own libgit2 handle, to which libgit2 binds a transaction.
    """

    kind = "libgit"

    def __init__(self, repo: Repo, *, durable: bool = True) -> None:
        self._repo = repo
        self._common = repo.common
        self._durable = durable
        handles = Handles(repo.common)
        self._handle, self._drop = handles.get, handles.drop
        self._local = threading.local()
        self._opened: list[intent.Notes] = []
        if durable:
            # One switch for the whole process, so it is only ever turned on: another store may rely on it.
            pygit2.settings.enable_fsync_gitdir(True)
        self._git = PlumbingStore(repo, durable=durable)
        # libgit2 would write a reflog for every record then, and has no way to be told not to.
        self._logs_all = handles.setting("core.logAllRefUpdates") == "always"

    def _notes(self) -> intent.Notes:
        notes: intent.Notes | None = getattr(self._local, "notes", None)
        if notes is None:
            notes = self._local.notes = intent.Notes(self._common)
            self._opened.append(notes)
        return notes

    def read(self, refs: Sequence[str]) -> dict[str, Snapshot | None]:
        found: dict[str, Snapshot | None] = {}
        for ref in refs:
            oid = self._value(check_ref(ref))
            payload = None if oid is None else self._payload(oid)
            if oid is not None and payload is None:
                raise Corrupt(f"{ref} is at {oid}, which is not a record that can be read")
            found[ref] = None if oid is None or payload is None else Snapshot(ref, oid, payload)
        return found

    def _value(self, ref: str) -> str | None:
        """The oid of ``ref``, None when it is absent. Raises Corrupt when it is there and holds none."""
        try:
            found = self._handle().lookup_reference(sys.intern(ref))  # it never lets go of the string (pygit2 1.21)
        except KeyError:
            return None
        except (pygit2.GitError, ValueError, OSError) as error:
            if is_plain(str(error)):
                raise failed(str(error), self._common) from None
            raise Corrupt(f"{ref} exists but cannot be read: {error}") from None
        oid = str(found.raw_target) if found.type == ReferenceType.DIRECT else BROKEN
        if not oid.strip("0"):
            raise Corrupt(f"{ref} exists but cannot be read")
        return oid

    def _payload(self, oid: str) -> bytes | None:
        """The payload of a record commit or a blob; None when any part is missing, too large or of another type."""
        try:
            kind, _ = self._handle().odb.read_header(oid)
            if kind == ObjectType.COMMIT:
                tree = commit_header(self._object(oid, "commit"), "tree")
                blob = tree_entry(self._object(tree or BROKEN, "tree"), PAYLOAD, _OID_BYTES)
                return self._object(blob or BROKEN, "blob")
            return self._object(oid, "blob")
        except (Corrupt, *TROUBLE):
            return None

    def _object(self, oid: str, kind: str) -> bytes:
        """An object's bytes, after its header said that they are of ``kind`` and not too many. Raises Corrupt."""
        odb = self._handle().odb
        try:
            found, size = odb.read_header(oid)
            if found != _KINDS[kind] or size > MAX_PAYLOAD + (0 if kind == "blob" else _SPARE):
                raise Corrupt(f"{oid} is not a {kind} that can be read")
            data: bytes = odb.read(oid)[1]
        except TROUBLE:
            raise Corrupt(f"{oid} is not a {kind} that can be read") from None
        return data

    def list_refs(self, prefix: str) -> dict[str, str]:
        try:
            return files.list_all(self._common, check_prefix(prefix))
        except OSError as error:
            raise os_failed(error, self._common) from None

    def load(self, oids: Iterable[str]) -> dict[str, bytes]:
        found = {oid: self._payload(check_oid(oid)) for oid in dict.fromkeys(oids)}
        return {oid: payload for oid, payload in found.items() if payload is not None}

    def files(self, oid: str, paths: Sequence[str]) -> dict[str, bytes]:
        tree = commit_header(self._object(check_oid(oid), "commit"), "tree")
        return files_in(tree or BROKEN, paths, self._object, _OID_BYTES)

    def history(self, oids: Iterable[str], limit: int | None = None) -> dict[str, list[Entry]]:
        return chains([check_oid(oid) for oid in oids], self._commits, self._common, limit)

    def _commits(self, oids: Sequence[str]) -> dict[str, bytes]:
        found = {}
        for oid in oids:
            try:
                found[oid] = self._commit(oid)
            except Corrupt:
                continue
        return found

    def _commit(self, oid: str) -> bytes:
        return self._object(oid, "commit")

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        if self._logs_all or len(changes) > MANY or any(_is_bulky(change.new) for change in changes):
            return self._git.swap(changes)  # a bulk goes into one pack there, with one sync
        changes = ordered(changes)
        if not changes:
            return {}
        try:
            new, kept = self._write_objects(changes)
            hit("after_objects")
            with kept, writing(self._common, changes[0].ref), self._notes() as notes:
                notes.write(changes, new)
                self._move(changes, new)
                kept.secure(self._is_there)
        except Busy as busy:
            recover.free(self._common, busy.path)
            raise
        except OSError as error:
            raise os_failed(error, self._common) from None
        hit("after_ref")
        return new

    def _is_there(self, oid: str) -> bool:
        return oid in self._handle().odb

    def _write_objects(self, changes: Sequence[Change]) -> tuple[dict[str, str], Kept]:
        """Write what the changes need; the oid that each moving ref will get, and what was written for it."""
        new: dict[str, str] = {}
        objects: list[Obj] = []
        for change in changes:
            if isinstance(change.new, Existing):
                if not self._handle().odb.exists(check_oid(change.new.oid)):
                    raise GitFailed(f"there is no object {change.new.oid}")
                new[change.ref] = change.new.oid
            elif isinstance(change.new, Commit | Blob):
                objects += build(change.new, change.expected, _FORMAT)
                new[change.ref] = objects[-1].oid
        known = durable.has_all_folders(self._common, [obj.oid for obj in objects])
        for obj in objects:
            self._write(obj)
        if self._durable and not known:
            durable.sync_folders(self._common)
        return new, Kept(self._repo, objects, durable=self._durable)

    def _write(self, obj: Obj) -> None:
        for tries_left in range(_TRIES - 1, -1, -1):
            try:
                self._handle().odb.write(_KINDS[obj.kind], obj.data)
                return
            except TROUBLE as error:
                # A concurrent `git gc` removes directories of objects that have become empty, also under our hands.
                if not tries_left or "No such file or directory" not in str(error):
                    raise failed(str(error), self._common) from None

    def _move(self, changes: Sequence[Change], new: Mapping[str, str]) -> None:
        trouble: Exception | None = None
        begun = False
        # One transaction each: libgit2 moves the refs of one in no order, and a crash must leave the first few moved.
        transactions = [(self._handle().transaction(), change.ref) for change in changes]
        try:
            for transaction, ref in transactions:
                transaction.lock_ref(ref)
            self._compare(changes)
            moving = [(transaction, ref) for transaction, ref in transactions if ref in new]
            for transaction, ref in moving:
                transaction.set_target(ref, new[ref])
            hit("before_ref")
            begun = True
            for transaction, _ref in moving:
                transaction.commit()
                hit("between_refs")
        except TROUBLE as error:
            trouble = error
        finally:
            for transaction, _ref in transactions:
                transaction.__exit__(Exception, None, None)  # lets go of the locks and commits nothing
        if trouble is not None:
            self._explain(changes, new, str(trouble), begun=begun)

    def _compare(self, changes: Sequence[Change]) -> None:
        """Under the locks: is every ref where it is expected?"""
        for change in changes:
            if self._value(change.ref) != change.expected:
                raise Lost(change.ref)

    def _explain(self, changes: Sequence[Change], new: Mapping[str, str], said: str, *, begun: bool) -> None:
        """Find out what became of a swap in which libgit2 failed; returns when it was applied after all."""
        current = {change.ref: self._value(change.ref) for change in changes}
        if settle(changes, new, current, begun=begun, contains=self._contains) == "applied":
            return
        if is_plain(said):
            raise failed(said, self._common)
        for change in changes:
            path = files.lock_path(self._common, change.ref)
            if os.path.lexists(path):
                raise Busy(change.ref, path)
        if "lock" in said or "No such file or directory" in said:
            raise Busy(changes[0].ref)  # let go of already; or git has just removed an empty directory
        raise failed(said, self._common)

    def _contains(self, tip: str, oid: str) -> bool:
        return is_in_chain(oid, tip, self._commit, self._common)

    def close(self) -> None:
        self._git.close()
        for notes in self._opened:
            notes.close()
        self._drop()
        self._local = threading.local()


def _is_bulky(new: object) -> bool:
    return isinstance(new, Delete) or (isinstance(new, Commit) and bool(new.files))
