"""``PlumbingStore``: the git program as the store. Works wherever Git works: reftable, SHA-256, partial clones.

A write is two processes: ``git unpack-objects`` fed with a pack built in memory, then ``git update-ref --stdin``, which
locks, compares and moves all refs of a swap. What happened is read off its answer and, without one, off the refs: it
exits 0 when its input ends after ``prepare``, and 128 when half of the refs have moved. Must not know records.
What only trouble and history need is imported there: a command that swaps once pays for every import.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from gitcoord.errors import Corrupt, GitFailed, UnknownOutcome
from gitcoord.failpoint import hit
from gitcoord.git.repo import OFFLINE, Repo
from gitcoord.git.run import Done
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store import durable, files, intent, loose
from gitcoord.store.base import BROKEN, Blob, Busy, Change, Commit, Delete, Entry, Existing, Snapshot
from gitcoord.store.checks import check_oid, check_prefix, check_ref, ordered
from gitcoord.store.collected import Kept
from gitcoord.store.objects import Obj, build, pack
from gitcoord.store.reader import Reader
from gitcoord.store.trouble import failed, held_lock, is_plain, os_failed
from gitcoord.store.writelock import writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORMAT = "--format=%(refname) %(objectname) %(symref)"
_BROKEN_WARNING = "ignoring broken ref "
_LOOSE_OBJECTS = 100  # more than these become one pack, so that a bulk import is not 30,000 files
MANY = 50
"""More refs than these in one swap are synced together, and in one pack: a bulk import."""

_TRIES = 5
_PATTERNS = 100  # refs to name on one command line; with more, listing their folders is faster
# Said where a swap races with its like: the next round decides anew. Anything else does not get better by itself.
_RACED = ("but expected", "already exists", "unable to resolve", "unable to lock", "cannot lock references")


class PlumbingStore:
    """The refs of ``repo`` through the git program. ``durable``: on disk, not only in memory, when a swap returns."""

    kind = "plumbing"

    def __init__(self, repo: Repo, *, durable: bool = True) -> None:
        self._repo = repo
        self._durable = durable
        self._reader = Reader(repo)
        self._notes = intent.Notes(repo.common)
        self._one_swap = allocate_lock()
        self._reftable = files.is_reftable(repo.common)

    def read(self, refs: Sequence[str]) -> dict[str, Snapshot | None]:
        if not refs:
            return {}
        values = self._values([check_ref(ref) for ref in refs])
        for ref, oid in values.items():
            if oid == BROKEN:
                raise Corrupt(f"{ref} exists but cannot be read")
        payloads = self._reader.payloads([oid for oid in values.values() if oid is not None])
        return {ref: None if oid is None else self._snapshot(ref, oid, payloads) for ref, oid in values.items()}

    def _snapshot(self, ref: str, oid: str, payloads: Mapping[str, bytes]) -> Snapshot:
        if oid not in payloads:
            raise Corrupt(f"{ref} is at {oid}, which is not a record that can be read")
        return Snapshot(ref, oid, payloads[oid])

    def _values(self, refs: Sequence[str]) -> dict[str, str | None]:
        """The value of each ref: None when absent, BROKEN when there but unreadable."""
        if not self._reftable:
            return files.values(self._repo.common, refs)
        found = self._for_each_ref(refs if len(refs) <= _PATTERNS else sorted({os.path.dirname(ref) for ref in refs}))
        return {ref: found.get(ref) for ref in refs}

    def _for_each_ref(self, patterns: Sequence[str]) -> dict[str, str]:
        """Refs that match: a pattern is a whole name or a leading path, so there may be more than were asked for."""
        done = self._repo.git("for-each-ref", _FORMAT, *patterns, env=OFFLINE)
        found: dict[str, str] = {}
        for line in done.text.split("\n") if done.out else ():  # str.splitlines would split inside a name, at U+2028
            ref, oid, symbolic = line.split(" ")
            found[ref] = BROKEN if symbolic else oid
        for line in os.fsdecode(done.err).split("\n"):
            _, warned, ref = line.partition(_BROKEN_WARNING)
            if warned:
                found[ref] = BROKEN
        return found

    def list_refs(self, prefix: str) -> dict[str, str]:
        if self._reftable:
            return {r: oid for r, oid in self._for_each_ref([check_prefix(prefix)]).items() if r.startswith(prefix)}
        try:
            return files.list_all(self._repo.common, check_prefix(prefix))  # no process, and half the time
        except OSError as error:
            raise os_failed(error, self._repo.common) from None

    def load(self, oids: Iterable[str]) -> dict[str, bytes]:
        wanted = [check_oid(oid) for oid in dict.fromkeys(oids)]
        return self._reader.payloads(wanted) if wanted else {}

    def files(self, oid: str, paths: Sequence[str]) -> dict[str, bytes]:
        return self._reader.files(check_oid(oid), paths, len(oid) // 2)

    def history(self, oids: Iterable[str], limit: int | None = None) -> dict[str, list[Entry]]:
        from gitcoord.store.chain import chains

        return chains([check_oid(oid) for oid in oids], self._reader.commits, self._repo.common, limit)

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        changes = ordered(changes)
        if not changes:
            return {}
        try:
            self._refuse_broken(changes)
            new, kept = self._write_objects(changes)
            hit("after_objects")
            common = self._repo.common
            with kept, self._one_swap, writing(common, changes[0].ref, hand_down=True), self._notes as notes:
                notes.write(changes, new)
                hit("before_ref")
                self._move(changes, new)
                kept.secure(self._is_there)
        except Busy as busy:
            from gitcoord.store import recover

            recover.free(self._repo.common, busy.path)
            raise
        except OSError as error:
            raise os_failed(error, self._repo.common) from None
        hit("after_ref")
        return new

    def _refuse_broken(self, changes: Sequence[Change]) -> None:
        """git 2.39 would replace a symbolic ref by a plain one without a word."""
        for change in changes:
            if not self._reftable and files.loose_value(self._repo.common, change.ref) == BROKEN:
                raise Corrupt(f"{change.ref} exists but cannot be read")

    def _is_there(self, oid: str) -> bool:
        return self._reader.ask([oid])[0] is not None

    def _write_objects(self, changes: Sequence[Change]) -> tuple[dict[str, str], Kept]:
        """Write what the changes need; the oid that each moving ref will get, and what was written for it."""
        new: dict[str, str] = {}
        objects: dict[str, Obj] = {}
        for change in changes:
            if isinstance(change.new, Commit | Blob):
                made = build(change.new, change.expected, self._repo.object_format)
                objects.update((obj.oid, obj) for obj in made)
                new[change.ref] = made[-1].oid
            elif isinstance(change.new, Existing):
                new[change.ref] = check_oid(change.new.oid)
        if objects:
            self._unpack(list(objects.values()))
        return new, Kept(self._repo, list(objects.values()), durable=self._durable)

    def _unpack(self, objects: Sequence[Obj]) -> None:
        many = len(objects) > _LOOSE_OBJECTS
        if not many and loose.write(self._repo.common, objects, durable=self._durable):
            return
        command = ("index-pack", "--stdin") if many else ("unpack-objects", "-q")
        data = pack(objects, self._repo.object_format)
        for tries_left in range(_TRIES - 1, -1, -1):
            done = self._run(*command, data=data)
            if done.code == 0:
                break
            # A concurrent `git gc` removes directories of objects that have become empty, also under our hands.
            if not tries_left or b"No such file or directory" not in done.err:
                raise failed(done.complaint, self._repo.common)
        if self._durable:
            durable.sync_objects(self._repo.common, [] if many else [obj.oid for obj in objects])

    def _run(self, *args: str, data: bytes, many: bool = False) -> Done:
        options = [
            *durable.options(self._durable, many=many),
            "-c",
            "core.logAllRefUpdates=false",
            "-c",
            "core.hooksPath=/dev/null",
        ]
        return self._repo.git(*options, *args, input=data, env=OFFLINE, check=False)

    def _move(self, changes: Sequence[Change], new: Mapping[str, str]) -> None:
        lines = ["start", *(_line(change, new) for change in changes), "prepare", "commit", ""]
        many = len(new) > MANY and not self._reftable
        done = self._run("update-ref", "--no-deref", "--stdin", data="\n".join(lines).encode(), many=many)
        if done.code < 0:
            self._notes.leave()
        if not committed(done):
            self._explain(changes, new, done)
        if self._durable and not self._reftable:
            durable.sync_refs(self._repo.common, [change.ref for change in changes if change.ref in new])

    def _explain(self, changes: Sequence[Change], new: Mapping[str, str], done: Done) -> None:
        """Find out what became of a swap that git did not confirm; returns when it was applied after all."""
        from gitcoord.store.outcome import settle

        begun = b"prepare: ok" in done.out or done.code < 0
        try:
            current = self._values([change.ref for change in changes])
        except GitFailed as error:
            if begun:
                raise UnknownOutcome(f"the write was under way when Git stopped: {error.message}") from None
            raise
        for ref, oid in current.items():
            if oid == BROKEN:
                raise Corrupt(f"{ref} exists but cannot be read")
        if settle(changes, new, current, begun=begun, contains=self._contains) == "untouched":
            self._complain(changes, done)

    def _contains(self, tip: str, oid: str) -> bool:
        from gitcoord.store.chain import is_in_chain

        return is_in_chain(oid, tip, self._reader.commit, self._repo.common)

    def _complain(self, changes: Sequence[Change], done: Done) -> None:
        """Nothing was applied and every ref is where it was expected: a lock was in the way, or git cannot write."""
        said = done.err.decode("utf-8", "replace")
        ref = next((change.ref for change in changes if f"'{change.ref}'" in said), changes[0].ref)
        if "dangling symref" in said:
            raise Corrupt(f"{ref} exists but cannot be read")
        path = held_lock(said)
        if path is not None:
            raise Busy(ref, path)
        if self._reftable and "cannot lock references" in said:
            raise Busy(ref, os.path.join(self._repo.common, "reftable", "tables.list.lock"))
        if any(words in said for words in _RACED) and not is_plain(said):
            raise Busy(ref)
        if "nonexistent object" in said and not any(isinstance(change.new, Existing) for change in changes):
            raise Busy(ref)  # a `git gc --prune=now` took what was just written: write it again
        raise failed(done.complaint, self._repo.common)

    def close(self) -> None:
        self._reader.close()
        self._notes.close()


def committed(done: Done) -> bool:
    """Whether ``git update-ref --stdin`` said that the transaction went through; its exit code alone does not."""
    return b"commit: ok\n" in done.out


def _line(change: Change, new: Mapping[str, str]) -> str:
    if change.ref in new:
        if change.expected is None:
            return f"create {change.ref} {new[change.ref]}"
        return f"update {change.ref} {new[change.ref]} {change.expected}"
    if isinstance(change.new, Delete):
        return f"delete {change.ref} {change.expected}"
    return f"verify {change.ref} {change.expected}" if change.expected else f"verify {change.ref}"
