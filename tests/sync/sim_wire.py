"""Git without processes, for the simulation: what a clone asks of ``git`` is answered from stores in memory.

Owns the transport alone: what fetch, ls-remote and push do to the objects and refs of two stores, in the words in
which git answers, and how a push can go wrong (refused on the way, cut before or after it counts, late, twice). The
rules by which gitcoord decides are the real ones; this must not know records.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Protocol

import msgspec

from gitcoord.git.repo import Repo
from gitcoord.git.run import Done
from gitcoord.store.base import Change, Commit, Entry, Existing, Lost
from gitcoord.store.memory import MemoryStore
from gitcoord.store.objects import Obj, commit_header, make, tree_entry

_KINDS = {1: "commit", 2: "tree", 3: "blob"}


class Crash(BaseException):
    """The process dies here; what it had written stays."""


class Command(msgspec.Struct, frozen=True):
    """One ref of a push as the server sees it: moves from ``old``, which the client was shown, to ``new``."""

    ref: str
    old: str | None
    new: str


class Parcel(msgspec.Struct, frozen=True):
    """A push under way: objects and commands, applied all or none."""

    objects: tuple[Obj, ...]
    commands: tuple[Command, ...]


class Store(MemoryStore):
    """A store whose objects can be handed over, and in whose swaps a process can die."""

    def __init__(self, fate: Callable[[], float], wrote: Callable[[Change], None]) -> None:
        super().__init__()
        self._fate = fate
        """Which part of the next swap comes about before the process dies; 1 or more: it lives on."""
        self._wrote = wrote
        self._payloads: dict[str, bytes] = {}
        self._chains: dict[tuple[str, int | None], list[Entry]] = {}

    def _payload(self, oid: str) -> bytes | None:
        """No object ever changes or goes here, so what was read is known."""
        payload = self._payloads.get(oid)
        if payload is None and (payload := super()._payload(oid)) is not None:
            self._payloads[oid] = payload
        return payload

    def history(self, oids: Iterable[str], limit: int | None = None) -> dict[str, list[Entry]]:
        wanted = [(oid, limit) for oid in oids]
        found = super().history([oid for oid, _ in wanted if (oid, limit) not in self._chains], limit)
        self._chains.update(((oid, limit), chain) for oid, chain in found.items())
        return {key[0]: self._chains[key] for key in wanted if key in self._chains}

    def swap(self, changes: Sequence[Change]) -> Mapping[str, str]:
        part = self._fate()
        if part >= 1.0:
            return self._swapped(changes)
        moving = [change for change in sorted(changes, key=lambda change: change.ref) if change.new is not None]
        for change in changes:
            if self._refs.get(change.ref) != change.expected:
                raise Lost(change.ref)
        self._swapped(moving[: int(part * (len(moving) + 1))])
        raise Crash

    def _swapped(self, changes: Sequence[Change]) -> Mapping[str, str]:
        new = super().swap(changes)
        for change in changes:
            if isinstance(change.new, Commit):
                self._wrote(change)
        return new

    def add(self, objects: Sequence[Obj]) -> None:
        self._objects.update((obj.oid, obj) for obj in objects)

    def missing(self, tips: Sequence[str], other: Store) -> list[Obj]:
        """What ``other`` lacks of all that is reachable from ``tips``."""
        found: dict[str, Obj] = {}
        queue = list(tips)
        while queue:
            oid = queue.pop()
            if oid in found or oid in other._objects:
                continue
            obj = found[oid] = self._objects[oid]
            queue += _links(obj)
        return list(found.values())

    def take_in(self, tracking: str, refs: Mapping[str, str]) -> None:
        """Make the refs below ``tracking`` exactly these: what ``fetch --prune`` does."""
        for ref in [ref for ref in self._refs if ref.startswith(tracking)]:
            if ref not in refs:
                del self._refs[ref]
        self._refs.update(refs)
        self._listed.clear()


def _links(obj: Obj) -> list[str]:
    if obj.kind == "commit":
        return [oid for name in ("tree", "parent") if (oid := commit_header(obj.data, name)) is not None]
    if obj.kind == "tree":
        return [oid for oid in [tree_entry(obj.data, "record.json", 20)] if oid is not None]
    return []


class Fault(Protocol):
    """What becomes of the next message: ``ok``, ``down``, ``lost``, ``cut``, ``late`` or ``twice``."""

    def __call__(self, verb: str) -> str: ...


class Hub:
    """The bare repository in the middle: refs, and parcels that are still on their way to it."""

    def __init__(self, rng: Random, witness: Callable[[Store, Sequence[Command]], None]) -> None:
        self.store = Store(lambda: 1.0, lambda change: None)
        self.under_way: list[Parcel] = []
        self.compares = True
        """Set to False, it is a hub that takes every push: one of the faults the simulation has to find."""
        self._rng = rng
        self._witness = witness

    def refs(self) -> dict[str, str]:
        return self.store.list_refs("refs/coord/")

    def deliver(self, parcel: Parcel) -> str | None:
        """Apply a push, all or nothing: the ref that had moved meanwhile, or None."""
        now = self.refs()
        if self.compares:
            for item in parcel.commands:
                if now.get(item.ref) != item.old:
                    return item.ref
        self.store.add(parcel.objects)
        moves = [Change(item.ref, now.get(item.ref), Existing(item.new)) for item in parcel.commands]
        seen = [Command(item.ref, now.get(item.ref), item.new) for item in parcel.commands]
        self.store.swap(moves)
        self._witness(self.store, seen)
        return None

    def arrive(self, chance: float) -> None:
        """Some of what is under way gets there, in any order."""
        waiting, self.under_way = self.under_way, []
        self._rng.shuffle(waiting)
        for parcel in waiting:
            if self._rng.random() < chance:
                self.deliver(parcel)
            else:
                self.under_way.append(parcel)


class SimRepo(Repo, frozen=True):
    """A clone without a disk, as far as git is concerned."""

    store: Store
    hub: Hub
    fault: Fault
    meanwhile: Callable[[], None]
    """Called between the server's greeting and a push: then others act."""
    values: dict[str, str]

    def git(self, *args: str, **options: object) -> Done:
        words = list(args)
        while words[0] in ("-C", "-c"):
            del words[:2]
        answer: Callable[..., Done] = getattr(self, "_" + words[0].replace("-", "_"))
        return answer(words[1:], options.get("input", b""))

    def _config(self, words: Sequence[str], data: bytes) -> Done:
        if len(words) == 2:
            self.values[words[0]] = words[1]
        return _said("\0".join(f"{name}\n{value}" for name, value in self.values.items()))

    def _worktree(self, words: Sequence[str], data: bytes) -> Done:
        return _said(f"worktree {self.common}\0bare\0\0")

    def _rev_parse(self, words: Sequence[str], data: bytes) -> Done:
        return Done(1, b"", b"")

    def _unpack_objects(self, words: Sequence[str], data: bytes) -> Done:
        self.store.add(unpacked(data))
        return _said("")

    _index_pack = _unpack_objects

    def _fetch(self, words: Sequence[str], data: bytes) -> Done:
        if self.fault("fetch") == "down":
            return _down()
        theirs, _, tracking = words[-1].removeprefix("+").partition(":")
        there, here = theirs.removesuffix("*"), tracking.removesuffix("*")
        refs = {here + ref.removeprefix(there): oid for ref, oid in self.hub.refs().items()}
        self.store.add(self.hub.store.missing(list(refs.values()), self.store))
        self.store.take_in(here, refs)
        return _said("")

    def _ls_remote(self, words: Sequence[str], data: bytes) -> Done:
        if self.fault("ls-remote") == "down":
            return _down()
        refs = self.hub.refs()
        return _said("".join(f"{refs[ref]}\t{ref}\n" for ref in words if ref in refs))

    def _push(self, words: Sequence[str], data: bytes) -> Done:
        fault = self.fault("push")
        if fault == "down":
            return _down()
        shown = self.hub.refs()
        leases = dict(word.split("=", 1)[1].split(":") for word in words if word.startswith("--force-with-lease="))
        wanted = {ref: oid for oid, ref in (word.split(":") for word in words if ":refs/" in word and word[0] != "-")}
        verdicts, commands = _compared(shown, leases if self.hub.compares else {}, wanted)
        if "--atomic" in words and any(flag == "!" for flag, _ in verdicts.values()):
            for ref in [item.ref for item in commands]:
                verdicts[ref] = ("!", "[rejected] (atomic push failed)")
            commands = []
        if commands:
            self.meanwhile()
            parcel = Parcel(tuple(self.store.missing([item.new for item in commands], self.hub.store)), tuple(commands))
            if fault == "die":
                raise Crash
            failed = self._carried(parcel, fault, atomic="--atomic" in words)
            if failed is None:
                return Done(128, b"", b"fatal: the remote end hung up unexpectedly: unexpected disconnect")
            for ref, why in failed.items():
                verdicts[ref] = ("!", f"[remote rejected] ({why})")
        lines = [f"{flag}\t{wanted[ref]}:{ref}\t{text}\n" for ref, (flag, text) in verdicts.items()]
        bad = any(flag == "!" for flag, _ in verdicts.values())
        return Done(int(bad), "".join(["To hub\n", *lines, "Done\n"]).encode(), b"error: failed" if bad else b"")

    def _carried(self, parcel: Parcel, fault: str, *, atomic: bool) -> dict[str, str] | None:
        """Bring a push to the hub: why which refs did not move, or None where the answer is lost."""
        if fault == "lost":
            return None
        if fault == "late":
            self.hub.under_way.append(parcel)
            return None
        parts = [parcel] if atomic else [Parcel(parcel.objects, (item,)) for item in parcel.commands]
        failed: dict[str, str] = {}
        for part in parts:
            stale = self.hub.deliver(part)
            for item in part.commands if stale else ():
                failed[item.ref] = "failed to update ref" if item.ref == stale else "atomic transaction failed"
        if fault == "twice":
            self.hub.under_way.append(parcel)
        if fault == "applied, die":
            raise Crash
        return None if fault == "cut" else failed


def _compared(
    shown: Mapping[str, str], leases: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[dict[str, tuple[str, str]], list[Command]]:
    """What git itself says of each ref before it sends anything: "up to date" comes before the lease."""
    verdicts: dict[str, tuple[str, str]] = {}
    commands = []
    for ref, oid in wanted.items():
        if shown.get(ref) == oid:
            verdicts[ref] = ("=", "[up to date]")
        elif ref in leases and (leases[ref] or None) != shown.get(ref):
            verdicts[ref] = ("!", "[rejected] (stale info)")
        else:
            verdicts[ref] = ("*", "[new reference]") if ref not in shown else (" ", "moved")
            commands.append(Command(ref, shown.get(ref), oid))
    return verdicts, commands


def unpacked(data: bytes) -> list[Obj]:
    """The objects of a pack without deltas, as ``store.objects.pack`` makes it."""
    found, at = [], 12
    for _ in range(int.from_bytes(data[8:12], "big")):
        kind = _KINDS[data[at] >> 4 & 7]
        while data[at] & 0x80:
            at += 1
        inflate = zlib.decompressobj()
        body = inflate.decompress(data[at + 1 :])
        at = len(data) - len(inflate.unused_data)
        found.append(make(kind, body, "sha1"))
    return found


def _said(text: str) -> Done:
    return Done(0, text.encode(), b"")


def _down() -> Done:
    return Done(128, b"", b"fatal: unable to access the hub: Could not resolve host")
