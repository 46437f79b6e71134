"""Lock files: live ones are respected and named, leftovers are found, judged and removed only where that is safe."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitcoord.errors import Contended, GitFailed
from gitcoord.store import recover
from gitcoord.store.base import Busy
from gitcoord.store.recover import STALE_AFTER, StaleLock, recover_lock, stale_locks
from gitcoord.store.transact import Plan, transact
from gitcoord.store.writelock import alone, writing
from tests.store.changes import T1, T2, create, update
from tests.store.kit import FILES, Bench
from tests.store.test_transact import FakeClock, FixedRng
from tests.support import Scratch

on_files = pytest.mark.parametrize("bench", FILES, indirect=True)


def leave_lock(common: Path, name: str, age: float = 20 * 60) -> Path:
    """A lock file as a writer killed ``age`` seconds ago leaves it."""
    path = common / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


@contextmanager
def holding(common: Path, mode: int = fcntl.LOCK_SH) -> Iterator[None]:
    """A writer of ours, inside a swap."""
    (common / "coord").mkdir(mode=0o700, exist_ok=True)
    fd = os.open(common / "coord" / "write.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, mode)
    try:
        yield
    finally:
        os.close(fd)


def only(common: Path) -> StaleLock:
    (lock,) = stale_locks(str(common))
    return lock


# -- CR04 -----------------------------------------------------------------------------------------------------------


@on_files
def test_cr04_stale_ref_lock_recovered(bench: Bench) -> None:
    first = bench.swap(create(T1))[T1]
    lock = leave_lock(bench.scratch.common_dir(), T1)
    store = bench.another()
    transact(store, lambda: Plan([update(T1, first, "after")], None), clock=FakeClock(), rng=FixedRng())
    assert bench.payload(T1) == b"after"
    assert not lock.exists()


@on_files
def test_cr04_fresh_lock_is_named_and_left_alone(bench: Bench) -> None:
    bench.swap(create(T1))
    lock = leave_lock(bench.scratch.common_dir(), T2, age=60)
    with pytest.raises(Contended) as contended:
        transact(bench.store, lambda: Plan([create(T2)], None), clock=FakeClock(), rng=FixedRng(), limit=0.2)
    assert contended.value.fields["lock"] == str(lock)
    assert str(lock) in contended.value.message
    assert lock.exists()
    assert bench.value(T2) is None


@on_files
def test_a_held_lock_is_busy_and_names_its_file(bench: Bench) -> None:
    lock = leave_lock(bench.scratch.common_dir(), T2, age=1)
    with pytest.raises(Busy) as busy:
        bench.swap(create(T1), create(T2))
    assert (busy.value.ref, busy.value.path) == (T2, str(lock))
    assert bench.value(T1) is None


# -- CR05 -----------------------------------------------------------------------------------------------------------


@on_files
def test_cr05_live_lock_never_broken(bench: Bench) -> None:
    common = bench.scratch.common_dir()
    lock = leave_lock(common, T1)
    with holding(common):
        assert recover_lock(str(common), only(common)) is False
        with pytest.raises(Busy):
            bench.swap(create(T1))
        assert lock.exists()
    assert recover_lock(str(common), only(common)) is True
    assert not lock.exists()


def test_cr05_a_fresh_lock_with_the_same_inode_is_not_the_one_that_was_judged(scratch: Scratch) -> None:
    common = scratch.common_dir()
    lock = leave_lock(common, T1)
    judged = only(common)
    for _ in range(50):
        lock.unlink()
        lock.write_bytes(b"a live writer's\n")
        if lock.stat().st_ino == judged.inode:
            break
    else:  # this file system does not give inode numbers again: make the judgement believe it did
        judged = StaleLock(judged.path, judged.age, True, judged.device, lock.stat().st_ino, judged.mtime_ns)
    assert recover_lock(str(common), judged) is False
    assert lock.read_bytes() == b"a live writer's\n"


def test_cr05_a_lock_exchanged_between_the_look_and_the_removal_goes_back(scratch: Scratch) -> None:
    common = scratch.common_dir()
    lock = leave_lock(common, T1)
    judged = only(common)
    lock.unlink()
    leave_lock(common, T1, age=30 * 60).write_bytes(b"another")
    os.utime(lock, (1, 1))
    assert recover_lock(str(common), judged) is False
    assert lock.read_bytes() == b"another"
    assert [path.name for path in lock.parent.iterdir()] == [lock.name]


def test_a_lock_younger_than_a_quarter_of_an_hour_is_nobodys_business(scratch: Scratch) -> None:
    common = scratch.common_dir()
    leave_lock(common, T1, age=STALE_AFTER - 30)
    assert stale_locks(str(common)) == []


def test_a_lock_from_the_future_is_not_stale(scratch: Scratch) -> None:
    common = scratch.common_dir()
    leave_lock(common, T1, age=-3600)
    assert stale_locks(str(common)) == []


# -- what else is there ---------------------------------------------------------------------------------------------


def test_locks_that_guard_the_users_refs_are_only_reported(scratch: Scratch) -> None:
    common = scratch.common_dir()
    kept = [leave_lock(common, "packed-refs"), leave_lock(common, "config")]
    leave_lock(common, "refs/heads/main")
    found = stale_locks(str(common))
    assert sorted(lock.path for lock in found) == sorted(str(path) for path in kept)
    for lock in found:
        assert not lock.recoverable
        assert recover_lock(str(common), lock) is False
    assert recover.free(str(common), str(kept[0])) is False
    assert all(path.exists() for path in kept)


def test_something_else_named_lock_is_left_alone(scratch: Scratch) -> None:
    common = scratch.common_dir()
    victim = leave_lock(common, "victim")
    (common / "refs/coord/tasks").mkdir(parents=True)
    (common / "refs/coord/tasks/t1.lock").symlink_to(victim)
    assert stale_locks(str(common)) == []
    assert recover.free(str(common), str(common / "refs/coord/tasks/t1.lock")) is False
    assert victim.exists()


# -- the write lock -------------------------------------------------------------------------------------------------


def test_writers_do_not_wait_for_each_other_but_recovery_keeps_out(scratch: Scratch) -> None:
    common = str(scratch.common_dir())
    with writing(common, T1), writing(common, T2), alone(common) as nobody_inside:
        assert not nobody_inside
    with alone(common) as nobody_inside:
        assert nobody_inside
        with pytest.raises(Busy) as busy, writing(common, T1):
            raise AssertionError("a writer got in during a recovery")
    assert busy.value.ref == T1


@pytest.mark.parametrize("mask", [0, 0o77])
def test_the_private_directory_is_private_whatever_the_umask(scratch: Scratch, mask: int) -> None:
    common = scratch.common_dir()
    old = os.umask(mask)
    try:
        with writing(str(common), T1):
            pass
    finally:
        os.umask(old)
    assert (common / "coord").stat().st_mode & 0o7777 == 0o700
    assert (common / "coord" / "write.lock").stat().st_mode & 0o7777 == 0o600


def test_a_directory_left_open_to_others_is_closed(scratch: Scratch) -> None:
    common = scratch.common_dir()
    (common / "coord").mkdir()
    (common / "coord").chmod(0o777)
    with writing(str(common), T1):
        pass
    assert (common / "coord").stat().st_mode & 0o7777 == 0o700


@on_files
@pytest.mark.parametrize("name", ["coord", "coord/write.lock"])
def test_a_symbolic_link_is_refused_and_not_followed(bench: Bench, tmp_path: Path, name: str) -> None:
    target = tmp_path / "elsewhere"
    link = bench.scratch.common_dir() / name
    if name == "coord":
        target.mkdir()
    else:
        link.parent.mkdir(mode=0o700, exist_ok=True)
    link.symlink_to(target)
    with pytest.raises(GitFailed, match="symbolic link"):
        bench.swap(create(T1))
    assert bench.value(T1) is None
    assert not target.exists() or not list(target.iterdir())
