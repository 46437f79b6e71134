"""Damage is said, never taken for absence: a task whose ref cannot be read is not free."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gitcoord.errors import Corrupt
from gitcoord.store.base import BROKEN, MAX_PAYLOAD, Lost
from gitcoord.store.memory import MemoryStore
from tests.store.changes import T1, T2, create
from tests.store.kit import REAL, Bench

Damage = Callable[[Bench], None]


def hash_object(bench: Bench, kind: str, text: str) -> str:
    return bench.scratch.git("hash-object", "-w", "--stdin", "-t", kind, "--literally", stdin=text)


def point(bench: Bench, oid: str) -> None:
    bench.scratch.git("update-ref", T1, oid)


def empty_file(bench: Bench) -> None:
    bench.ref_file(T1).write_bytes(b"")


def garbage(bench: Bench) -> None:
    bench.ref_file(T1).write_text("this is no oid\n")


def all_zeros(bench: Bench) -> None:
    width = 64 if "sha256" in bench.kind else 40
    bench.ref_file(T1).write_text("0" * width + "\n")


def truncated(bench: Bench) -> None:
    bench.ref_file(T1).write_text(bench.ref_file(T2).read_text()[:20])


def dangling(bench: Bench) -> None:
    oid = hash_object(bench, "blob", "soon gone")
    point(bench, oid)
    bench.drop_object(oid)


def to_branch(bench: Bench) -> None:
    bench.scratch.git("symbolic-ref", T1, "refs/heads/main")


def to_record(bench: Bench) -> None:
    bench.scratch.git("symbolic-ref", T1, T2)


def to_nowhere(bench: Bench) -> None:
    bench.scratch.git("symbolic-ref", T1, "refs/heads/none")


def tag(bench: Bench) -> None:
    bench.scratch.git("tag", "-a", "-m", "a tag", "v1", T2)
    point(bench, bench.scratch.git("rev-parse", "v1"))


def tree(bench: Bench) -> None:
    point(bench, bench.scratch.git("rev-parse", f"{T2}^{{tree}}"))


def commit_of_the_project(bench: Bench) -> None:
    point(bench, bench.scratch.git("rev-parse", "main"))


def lost_blob(bench: Bench) -> None:
    point(bench, bench.scratch.git("rev-parse", T2))
    bench.drop_object(bench.scratch.git("rev-parse", f"{T2}:record.json"))


def lost_tree(bench: Bench) -> None:
    point(bench, bench.scratch.git("rev-parse", T2))
    bench.drop_object(bench.scratch.git("rev-parse", f"{T2}^{{tree}}"))


def oversize_blob(bench: Bench) -> None:
    point(bench, hash_object(bench, "blob", "x" * (MAX_PAYLOAD + 1)))


def oversize_record(bench: Bench) -> None:
    big = hash_object(bench, "blob", "x" * (MAX_PAYLOAD + 2000))
    point(bench, commit_of(bench, f"100644 blob {big}\trecord.json\n"))


def record_is_a_directory(bench: Bench) -> None:
    inner = bench.scratch.git("rev-parse", f"{T2}^{{tree}}")
    point(bench, commit_of(bench, f"040000 tree {inner}\trecord.json\n"))


def record_is_a_submodule(bench: Bench) -> None:
    head = bench.scratch.git("rev-parse", "main")
    point(bench, commit_of(bench, f"160000 commit {head}\trecord.json\n"))


def commit_of(bench: Bench, entries: str) -> str:
    made = bench.scratch.git("mktree", stdin=entries)
    return bench.scratch.git("commit-tree", "-m", "hostile", made)


def zlib_garbage(bench: Bench) -> None:
    oid = hash_object(bench, "blob", "soon garbled")
    point(bench, oid)
    bench.drop_object(oid)
    (bench.scratch.common_dir() / "objects" / oid[:2] / oid[2:]).write_bytes(b"not zlib at all")


IN_FILES: list[Damage] = [empty_file, garbage, all_zeros, truncated]
ANYWHERE: list[Damage] = [
    dangling,
    to_branch,
    to_record,
    tag,
    tree,
    commit_of_the_project,
    lost_blob,
    lost_tree,
    oversize_blob,
    oversize_record,
    record_is_a_directory,
    record_is_a_submodule,
    zlib_garbage,
]
LISTED_AS_BROKEN: list[Damage] = [*IN_FILES, to_branch, to_record, to_nowhere]
CASES = [
    (kind, damage)
    for kind in REAL
    for damage in [*ANYWHERE, *([*IN_FILES, to_nowhere] if kind != "plumbing-reftable" else [])]
]


@pytest.mark.parametrize(
    ("bench", "damage"), CASES, indirect=["bench"], ids=[f"{kind}-{damage.__name__}" for kind, damage in CASES]
)
def test_cr10_empty_and_dangling_coord_ref_is_corrupt_and_never_free(bench: Bench, damage: Damage) -> None:
    bench.swap(create(T2, "good"))
    main = bench.scratch.git("rev-parse", "main")
    damage(bench)
    store = bench.another()
    with pytest.raises(Corrupt):
        store.read([T1])
    with pytest.raises((Corrupt, Lost)):
        store.swap([create(T1, "mine now")])
    with pytest.raises(Corrupt):
        store.read([T2, T1])
    assert (store.list_refs("refs/coord/tasks/")[T1] == BROKEN) == (damage in LISTED_AS_BROKEN)
    assert bench.scratch.git("rev-parse", "main") == main
    assert store.swap([create("refs/coord/tasks/other")]), "one damaged ref stops nothing else"


@pytest.mark.parametrize("bench", REAL, indirect=True)
def test_one_bad_object_does_not_hide_the_good_ones(bench: Bench) -> None:
    good = bench.swap(create(T2, "good"))[T2]
    also = bench.swap(create("refs/coord/tasks/also", "also good"))["refs/coord/tasks/also"]
    garbled = hash_object(bench, "blob", "soon garbled")
    bench.drop_object(garbled)
    (bench.scratch.common_dir() / "objects" / garbled[:2] / garbled[2:]).write_bytes(b"not zlib at all")
    big = hash_object(bench, "blob", "x" * (MAX_PAYLOAD + 2000))
    head = bench.scratch.git("rev-parse", "main^{tree}")
    found = bench.another().load([garbled, good, big, head, also])
    assert found == {good: b"good", also: b"also good"}


@pytest.mark.parametrize("bench", ["plumbing-reftable"], indirect=True)
def test_a_symbolic_ref_to_nowhere_in_a_reftable_cannot_be_claimed(bench: Bench) -> None:
    to_nowhere(bench)  # no listing of git's shows it, so it reads as absent there; git itself refuses to replace it
    with pytest.raises(Corrupt):
        bench.swap(create(T1))
    assert bench.scratch.git("symbolic-ref", T1) == "refs/heads/none"


def test_memory_can_be_damaged_like_a_disk() -> None:
    store = MemoryStore()
    store.plant(T1, BROKEN)
    store.plant(T2, store.put("tree", b""))
    assert store.list_refs("refs/coord/tasks/")[T1] == BROKEN
    for ref in (T1, T2):
        with pytest.raises(Corrupt):
            store.read([ref])
        with pytest.raises((Corrupt, Lost)):
            store.swap([create(ref)])
