"""A process that stays open for days: what it has read once does not stay with it."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pygit2
import pytest

from gitcoord.git import handle
from tests.store.changes import T1, create, open_real, update
from tests.store.kit import Bench

either = pytest.mark.parametrize("bench", ["libgit", "plumbing"], indirect=True)


@either
def test_asking_for_refs_again_and_again_keeps_nothing(bench: Bench) -> None:
    """libgit2's binding keeps every string that it is asked for; a name is built anew for each question."""
    bench.swap(create(T1))
    store = bench.another()

    def ask(times: int) -> None:
        for _ in range(times):
            store.read(["".join(["refs/coord/tasks/", "t1"]), "".join(["refs/coord/tasks/", "t9"])])

    ask(100)
    gc.collect()
    before = sys.getallocatedblocks()
    ask(1000)
    gc.collect()
    assert sys.getallocatedblocks() - before < 500


def test_libgit2_forgets_what_it_has_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "USES", 50)
    gc.collect()
    start = pygit2.settings.cached_memory[0]
    bench = Bench.make("libgit", tmp_path / "repo")
    store, oid = bench.another(), bench.swap(create(T1, "x" * 1000))[T1]
    most = 0
    for number in range(200):
        oid = bench.swap(update(T1, oid, f"{number}"))[T1]
        assert store.load([oid]) == {oid: str(number).encode()}
        most = max(most, pygit2.settings.cached_memory[0])
    store.close()
    bench.close()
    assert most - start < 20_000  # of all those commits with their trees it is 50,000
    assert pygit2.settings.cached_memory[0] == start


def test_a_handle_is_opened_anew_in_the_middle_of_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each use of it, inside a swap of several refs too."""
    monkeypatch.setattr(handle, "USES", 1)
    bench = Bench.make("libgit", tmp_path / "repo")
    refs = [f"refs/coord/tasks/t{number}" for number in range(5)]
    new = bench.swap(*(create(ref, ref) for ref in refs))
    again = bench.swap(*(update(ref, new[ref], f"{ref} again") for ref in refs))
    assert [bench.payload(ref) for ref in refs] == [f"{ref} again".encode() for ref in refs]
    assert len(open_real("libgit", bench.scratch.path).history(list(again.values()))[again[refs[0]]]) == 2
    assert bench.scratch.git("fsck", "--no-dangling") == ""
    bench.close()
