"""What a session holds is found without reading every task, and is never less or more than that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcoord import Coordinator
from gitcoord.coordinator import ownclaims
from gitcoord.errors import Usage
from gitcoord.store.base import RefStore
from tests.support import Scratch


@pytest.fixture
def sid(scratch: Scratch) -> str:
    """A session beside 300 tasks, three of which it holds."""
    scratch.git("config", "coord.durability", "relaxed")
    with Coordinator.open(str(scratch.path), os.environ) as coord:
        coord.init(hooks=False)
        coord.wanted = coord.start("ann", bind=False).id
        coord.task_add_many([{"title": f"task {number}", "id": f"t{number}"} for number in range(300)])
        for name in ("t1", "t20", "t299"):
            coord.claim(name, worktree=False)
        return coord.wanted


def held(scratch: Scratch, sid: str) -> set[str]:
    with Coordinator.open(str(scratch.path), os.environ, session=sid) as fresh:
        return set(fresh.whoami().tasks)


def cache(scratch: Scratch) -> Path:
    return scratch.path / ".git/coord/cache/claims"


def test_the_first_look_and_the_next_find_the_same(scratch: Scratch, sid: str) -> None:
    assert held(scratch, sid) == held(scratch, sid) == {"t1", "t20", "t299"}
    assert cache(scratch).exists()


def test_the_next_look_reads_no_task_but_its_own(scratch: Scratch, sid: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held(scratch, sid)
    with Coordinator.open(str(scratch.path), os.environ, session=sid) as fresh:
        read: list[str] = []

        class Watched:
            def __getattr__(self, name: str) -> object:
                return getattr(store, name)

            def read(self, refs: list[str]) -> object:
                read.extend(refs)
                return store.read(refs)

        store: RefStore = fresh.store
        monkeypatch.setattr(fresh.records, "store", Watched())
        assert set(fresh.whoami().tasks) == {"t1", "t20", "t299"}
    assert {ref for ref in read if "/tasks/" in ref} == {f"refs/coord/tasks/{name}" for name in ("t1", "t20", "t299")}


def test_what_changed_since_counts(scratch: Scratch, sid: str) -> None:
    held(scratch, sid)
    with Coordinator.open(str(scratch.path), os.environ, session=sid) as coord:
        coord.release("t1", reason="not now")
        coord.claim("t2", worktree=False)
        coord.claim("new", worktree=False)
        other = coord.start("ben", bind=False).id
        coord.wanted = other
        coord.claim("t3", worktree=False)
    assert held(scratch, sid) == {"t2", "t20", "t299", "new"}
    assert held(scratch, other) == {"t3"}


def test_many_changes_are_noted_once_more(scratch: Scratch, sid: str) -> None:
    held(scratch, sid)
    before = cache(scratch).stat().st_ino
    with Coordinator.open(str(scratch.path), os.environ, session=sid) as coord:
        for number in range(100, 101 + ownclaims._FEW):
            coord.claim(f"t{number}", worktree=False)
    first = held(scratch, sid)
    assert len(first) == 4 + ownclaims._FEW
    assert cache(scratch).stat().st_ino != before
    assert held(scratch, sid) == first


@pytest.mark.parametrize("damage", ["nothing in it", "cut off", "another's", "a lie"])
def test_a_damaged_cache_takes_nothing_away(scratch: Scratch, sid: str, damage: str) -> None:
    held(scratch, sid)
    data = cache(scratch).read_bytes()
    if damage == "nothing in it":
        cache(scratch).write_bytes(b"")
    elif damage == "cut off":
        cache(scratch).write_bytes(data[: len(data) // 2])
    elif damage == "another's":
        cache(scratch).write_bytes(data.replace(b"gitcoord-cache", b"gitcoord-other"))
    else:
        tip = scratch.git("rev-parse", "refs/coord/tasks/t5")
        cache(scratch).unlink()
        ownclaims._write(str(scratch.path / ".git"), {tip: sid})
    assert held(scratch, sid) == {"t1", "t20", "t299"}


def test_a_verb_without_a_task_asks_which_of_several(scratch: Scratch, sid: str) -> None:
    held(scratch, sid)
    with (
        Coordinator.open(str(scratch.path), os.environ, session=sid) as coord,
        pytest.raises(Usage, match="t1, t20, t299"),
    ):
        coord.release(reason="not now")
