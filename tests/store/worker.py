"""A process that races: ``python -m tests.store.worker SCENARIO KIND PATH ARGS…``.

Says ``ready`` when its store is open, starts at the first line on standard input (so all start at once), and ends with
one JSON document on standard output. ``GITCOORD_FAILPOINT`` works here as it does in the command.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from gitcoord import failpoint
from gitcoord.errors import CoordError
from gitcoord.store.base import Busy, Change, Delete, Lost, RefStore
from gitcoord.store.transact import Plan, transact
from tests.store.changes import T1, create, open_real, record, repo_at, update
from tests.store.checker import Op


def once(store: RefStore, changes: str) -> dict[str, str]:
    """One swap of ``changes`` (JSON: [ref, expected oid or null, payload or null to delete]); what came of it."""
    wanted = [_change(*each) for each in msgspec.json.decode(changes)]
    try:
        return {"new": msgspec.json.encode(store.swap(wanted)).decode()}
    except (Lost, Busy, CoordError) as error:
        return {"error": type(error).__name__, "message": str(error)}


def _change(ref: str, expected: str | None, payload: str | None) -> Change:
    return Change(ref, expected, Delete() if payload is None else record(payload))


def race(store: RefStore, count: str, blind: str) -> list[tuple[str, str]]:
    """Try to create each of ``count`` names once; the (name, oid) of those won. ``blind``: without looking first."""
    wins = []
    for number in range(int(count)):
        ref = f"refs/coord/tasks/n{number}"
        while blind == "blind" or store.read([ref])[ref] is None:
            try:
                wins.append((ref, store.swap([create(ref)])[ref]))
            except Lost:
                pass
            except Busy:
                continue  # somebody is at it: look again
            break
    return wins


def history(store: RefStore, count: str) -> list[Op]:
    """Move one ref ``count`` times at most, by read and swap, and write down what was seen and done."""
    ops: list[Op] = []
    for number in range(int(count) // 2):
        begun = time.monotonic_ns()
        found = store.read([T1])[T1]
        at = found.oid if found else None
        ops.append(Op("read", begun, time.monotonic_ns(), None, at))
        begun = time.monotonic_ns()
        try:
            new = store.swap([update(T1, at, str(number))])[T1]
        except (Lost, Busy):
            continue
        ops.append(Op("swap", begun, time.monotonic_ns(), at, new))
    return ops


def add(store: RefStore, count: str) -> int:
    """Add one to a counter ``count`` times through the loop that everything uses; how often that worked."""

    def decide() -> Plan[None]:
        found = store.read([T1])[T1]
        number = int(found.payload) if found else 0
        return Plan([update(T1, found.oid if found else None, str(number + 1))], None)

    for _ in range(int(count)):
        transact(store, decide, clock=time, rng=random, limit=30)
    return int(count)


def full(store: RefStore) -> dict[str, object]:
    """Fill the small disk this repository is on to every degree, and try to write each time."""
    common = repo_at(Path(sys.argv[3])).common
    at = store.swap([update(T1, None, "0")])[T1]
    filler = os.open(os.path.join(common, "filler"), os.O_RDWR | os.O_CREAT)
    size, failures, wrong, messages = _fill(filler), 0, [], set()
    for spared in range(0, 60, 2):
        os.ftruncate(filler, size - spared * 1024)
        try:
            # Random text does not compress, so that the objects take several blocks.
            at = store.swap([update(T1, at, os.urandom(6000).hex())])[T1]
        except CoordError as error:
            failures += 1
            messages.add(error.message)
        size = _fill(filler)
        wrong += [path for path in _locks(common) if not path.endswith("write.lock")]
    os.ftruncate(filler, 0)
    found = store.read([T1])[T1]
    wrong += [] if found and found.oid == at else ["the ref is not where the last success left it"]
    store.swap([update(T1, at, "afterwards")])
    return {"failures": failures, "wrong": wrong, "messages": sorted(messages), "afterwards": "works"}


def _fill(filler: int) -> int:
    for chunk in (b"x" * 4096, b"x"):
        try:
            while True:
                os.pwrite(filler, chunk, os.fstat(filler).st_size)
        except OSError:
            continue
    return os.fstat(filler).st_size


def _locks(common: str) -> list[str]:
    return [str(path) for path in Path(common).rglob("*.lock")]


SCENARIOS: dict[str, Callable[..., object]] = {"once": once, "race": race, "history": history, "add": add, "full": full}


def opened(kind: str, path: Path, *, durable: bool) -> RefStore:
    if kind in ("libgit", "plumbing"):
        return open_real(kind, path, durable=durable)
    from tests.store.mutants import open_mutant

    return open_mutant(kind, repo_at(path))


def main(scenario: str, kind: str, path: str, *args: str) -> None:
    failpoint.arm(os.environ.get("GITCOORD_FAILPOINT"))
    store = opened(kind, Path(path), durable="GITCOORD_DURABLE" in os.environ)
    print("ready", flush=True)
    sys.stdin.readline()
    answer = SCENARIOS[scenario](store, *args)
    store.close()
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
