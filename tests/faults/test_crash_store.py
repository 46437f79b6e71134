"""CR at the level of the stores: killed, out of space, failing disks. Afterwards old or new, and never stuck."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from gitcoord.store.base import Change, RefStore
from gitcoord.store.plumbing import committed
from gitcoord.store.recover import STALE_AFTER
from gitcoord.store.transact import Plan, transact
from tests.store.changes import T1, T2, T3, open_real, record, repo_at, update
from tests.store.crowd import Worker, until
from tests.support import Scratch

both = pytest.mark.parametrize("kind", ["libgit", "plumbing"])
strace = pytest.mark.skipif(
    shutil.which("strace") is None
    or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False).returncode != 0,
    reason="needs strace and permission to trace",
)
REFS = (T1, T2, T3)


def begin(scratch: Scratch) -> dict[str, str]:
    """Three refs, each with a first record."""
    store = open_real("libgit", scratch.path)
    new = store.swap([update(ref, None, "old") for ref in REFS])
    store.close()
    return dict(new)


def moving(expected: dict[str, str], payload: str = "new") -> str:
    return msgspec.json.encode([[ref, oid, payload] for ref, oid in expected.items()]).decode()


def payloads(scratch: Scratch, refs: tuple[str, ...] = REFS) -> list[str]:
    return [scratch.git("show", f"{ref}:record.json") for ref in refs]


def the_next_command_works(scratch: Scratch, kind: str, refs: tuple[str, ...] = REFS) -> None:
    """Within its two seconds, on the real clock, with whatever is left lying about."""
    store = open_real(kind, scratch.path)
    begun = time.monotonic()
    transact(store, lambda: _after(store, refs), clock=time, rng=random)
    assert time.monotonic() - begun < 2
    store.close()
    assert payloads(scratch, refs) == ["after"] * len(refs)
    assert list(scratch.common_dir().rglob("*.lock")) == [scratch.common_dir() / "coord" / "write.lock"]
    assert scratch.git("fsck", "--no-dangling", "--full") == ""


def _after(store: RefStore, refs: tuple[str, ...]) -> Plan[None]:
    found = store.read(refs)
    return Plan([update(ref, snapshot.oid if snapshot else None, "after") for ref, snapshot in found.items()], None)


# -- CR01, CR02, CR03: killed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("libgit", 8),
        ("plumbing", 4),
        pytest.param("libgit", 300, marks=pytest.mark.nightly),
        pytest.param("plumbing", 300, marks=pytest.mark.nightly),
    ],
)
def test_cr01_kill9_loop(scratch: Scratch, kind: str, kills: int) -> None:
    chance = random.Random(kills)
    for _ in range(kills):
        begin_again = scratch.git("for-each-ref", "--format=%(objectname)", T1)
        worker = Worker("add", kind, scratch.path, 1_000_000)
        worker.wait_ready()
        worker.go()
        until(lambda before=begin_again: scratch.git("for-each-ref", "--format=%(objectname)", T1) != before)  # type: ignore[misc]
        time.sleep(chance.random() * 0.02)
        worker.kill_all()
        worker.end()
        before = int(scratch.git("show", f"{T1}:record.json"))
        assert before == int(scratch.git("rev-list", "--count", T1)), "every increment is one link of the chain"
        store = open_real(kind, scratch.path)
        begun = time.monotonic()
        transact(store, lambda store=store: _increment(store), clock=time, rng=random)  # type: ignore[misc]
        assert time.monotonic() - begun < 2
        store.close()
    assert scratch.git("fsck", "--no-dangling", "--full") == ""


def _increment(store: RefStore) -> Plan[None]:
    found = store.read([T1])[T1]
    assert found is not None
    return Plan([update(T1, found.oid, str(int(found.payload) + 1))], None)


@both
@pytest.mark.parametrize(("point", "left"), [("after_objects", "old"), ("before_ref", "old"), ("after_ref", "new")])
def test_cr02_kill_at_every_failpoint(scratch: Scratch, kind: str, point: str, left: str) -> None:
    expected = begin(scratch)
    before = scratch.user_state()
    worker = Worker("once", kind, scratch.path, moving(expected), env={"GITCOORD_FAILPOINT": f"{point}:kill"})
    worker.wait_ready()
    worker.go()
    assert worker.death() == -signal.SIGKILL
    worker.end()
    assert payloads(scratch) == [left] * 3
    the_next_command_works(scratch, kind)
    assert scratch.user_state() == before


@both
@pytest.mark.parametrize("point", ["after_objects", "before_ref"])
def test_cr02_failure_at_a_failpoint_changes_nothing(scratch: Scratch, kind: str, point: str) -> None:
    expected = begin(scratch)
    worker = Worker("once", kind, scratch.path, moving(expected), env={"GITCOORD_FAILPOINT": f"{point}:raise"})
    worker.wait_ready()
    worker.go()
    assert worker.answer()["error"] == "GitFailed"
    worker.end()
    assert payloads(scratch) == ["old"] * 3
    the_next_command_works(scratch, kind)


def under_strace(scratch: Scratch, inject: str, refs: tuple[str, ...] = REFS) -> list[str]:
    """strace that meddles with what happens to the files of ``refs``, in all processes."""
    paths = [str(scratch.common_dir() / ref) for ref in refs]
    watched = [part for path in paths for part in ("-P", path, "-P", f"{path}.lock")]
    calls = "trace=rename,renameat,renameat2,link,linkat"
    return ["strace", "-f", "-qq", "-o", "/dev/null", *watched, "-e", calls, "-e", f"inject=/^(rename|link):{inject}"]


@pytest.mark.strace
@strace
@pytest.mark.parametrize(
    ("kind", "nth"), [("libgit", 1), ("libgit", 2), ("libgit", 4), ("libgit", 6), ("plumbing", 1), ("plumbing", 3)]
)
def test_cr03_kill_at_nth_rename(scratch: Scratch, kind: str, nth: int) -> None:
    expected = begin(scratch)
    under = under_strace(scratch, f"signal=SIGKILL:when={nth}")
    worker = Worker("once", kind, scratch.path, moving(expected), under=under)
    worker.wait_ready()
    worker.go()
    worker.process.wait(60)
    worker.end()
    assert set(payloads(scratch)) <= {"old", "new"}
    the_next_command_works(scratch, kind)


@pytest.mark.strace
@strace
def test_cr05_git_that_outlives_us_keeps_its_locks(scratch: Scratch) -> None:
    """Our process is killed while its git child is on its way to rename: the lock is live, and must be left to it."""
    expected = {T1: begin(scratch)[T1]}
    lock = scratch.common_dir() / f"{T1}.lock"
    under = under_strace(scratch, "delay_enter=1500000:when=1", (T1,))
    worker = Worker("once", "plumbing", scratch.path, moving(expected), under=under)
    worker.wait_ready()
    worker.go()
    until(lambda: lock.exists() and lock.read_bytes() != b"")
    parent = int(next((scratch.common_dir() / "coord" / "writers").iterdir()).name.partition("-")[0])
    os.kill(parent, signal.SIGKILL)
    inode = lock.stat().st_ino
    rival = open_real("libgit", scratch.path)
    with pytest.raises(Exception, match="lock file"):
        transact(rival, lambda: _after(rival, (T1,)), clock=time, rng=random, limit=0.8)
    assert lock.stat().st_ino == inode
    rival.close()
    until(lambda: not lock.exists())
    assert payloads(scratch, (T1,)) == ["new"]
    worker.end()


@both
def test_cr05_a_note_does_not_excuse_another_programs_lock(scratch: Scratch, kind: str) -> None:
    expected = begin(scratch)
    worker = Worker("once", kind, scratch.path, moving(expected), env={"GITCOORD_FAILPOINT": "before_ref:kill"})
    worker.wait_ready()
    worker.go()
    worker.death()
    worker.end()
    lock = scratch.common_dir() / f"{T1}.lock"
    lock.unlink(missing_ok=True)
    lock.write_text(scratch.git("rev-parse", "main") + "\n")
    store = open_real(kind, scratch.path)
    with pytest.raises(Exception, match=re.escape(str(lock))):
        transact(store, lambda: _after(store, (T1,)), clock=time, rng=random, limit=0.6)
    store.close()
    assert lock.exists()


# -- CR07, CR08: disks ------------------------------------------------------------------------------------------------

needs_unshare = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode != 0,
    reason="needs unshare with user and mount namespaces",
)


@needs_unshare
@both
def test_cr07_enospc(tmp_path: Path, kind: str) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    script = 'mount -t tmpfs -o size=2m none "$0" && git init -q "$0/repo" && exec "$@"'
    worker = Worker("full", kind, mount / "repo", under=["unshare", "-Urm", "sh", "-c", script, str(mount)])
    worker.wait_ready()
    worker.go()
    answer = worker.answer()
    worker.end()
    assert answer["failures"] > 0, "the disk was never full enough"
    assert answer["wrong"] == []
    assert answer["messages"] == [f"the disk is full: {mount}/repo/.git could not be written"]
    assert answer["afterwards"] == "works"


@pytest.mark.strace
@strace
@both
def test_cr08_eio_midway_reports_unknown(scratch: Scratch, kind: str) -> None:
    expected = begin(scratch)
    # libgit2 tries link(2) first, which fails here because the ref exists.
    nth = 3 if kind == "libgit" else 2
    worker = Worker(
        "once", kind, scratch.path, moving(expected), under=under_strace(scratch, f"error=EIO:when={nth}..{nth + 1}")
    )
    worker.wait_ready()
    worker.go()
    answer = worker.answer()
    worker.end()
    assert answer["error"] == "UnknownOutcome", answer
    assert "half way" in answer["message"]
    assert sorted(set(payloads(scratch))) == ["new", "old"]
    the_next_command_works(scratch, kind)


# -- CR11, CR14 -------------------------------------------------------------------------------------------------------


def traced_write(scratch: Scratch, kind: str, log: Path, env: dict[str, str]) -> list[str]:
    expected = begin(scratch)
    shutil.rmtree(scratch.common_dir() / "objects" / "17", ignore_errors=True)
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat"
    under = ["strace", "-f", "-qq", "-y", "-o", str(log), "-e", calls]
    worker = Worker("once", kind, scratch.path, moving({T1: expected[T1]}), under=under, env=env)
    worker.wait_ready()
    worker.go()
    assert "new" in worker.answer()
    worker.end()
    return [line.partition(" ")[2].strip() for line in log.read_text().splitlines() if "= 0" in line]


@pytest.mark.strace
@strace
@both
def test_cr11_fsync_really_called(scratch: Scratch, tmp_path: Path, kind: str) -> None:
    calls = traced_write(scratch, kind, tmp_path / "log", {"GITCOORD_DURABLE": "1"})
    common = str(scratch.common_dir())
    synced: list[str] = []
    published: dict[str, int] = {}
    for at, call in enumerate(calls):
        if call.startswith(("fsync", "fdatasync")):
            synced.append(re.findall(r"<([^>]*)>", call)[0])
            continue
        source, target = re.findall(r'"([^"]*)"', call)[:2]
        source, target = (os.path.join(common, path) if not path.startswith("/") else path for path in (source, target))
        assert source in synced, f"{target} was published before it was synced"
        published[target] = at
    ref = os.path.join(common, *T1.split("/"))
    objects = [path for path in published if "/objects/" in path]
    assert len(objects) == 3
    assert ref in published
    for path in objects:
        folder = os.path.dirname(path)
        place = next(at for at, call in enumerate(calls) if f"<{folder}>" in call and at > published[path])
        assert place < published[ref], "an object's directory was not synced before the ref moved"
    assert any(f"<{os.path.dirname(ref)}>" in call for call in calls[published[ref] :])


@pytest.mark.strace
@strace
@both
def test_cr11_relaxed_means_no_fsync(scratch: Scratch, tmp_path: Path, kind: str) -> None:
    calls = traced_write(scratch, kind, tmp_path / "log", {})
    assert not [call for call in calls if "sync" in call.partition("(")[0]]


def test_cr14_parent_died_between_prepare_commit(scratch: Scratch) -> None:
    repo = repo_at(scratch.path)
    oid = scratch.git("rev-parse", "main")
    lines = f"start\ncreate {T1} {oid}\nprepare\n"
    cut = repo.git("update-ref", "--no-deref", "--stdin", input=lines.encode(), check=False)
    assert cut.code == 0, "git calls it a success"
    assert scratch.git("for-each-ref", T1) == "", "but nothing was committed"
    assert not committed(cut)
    assert committed(repo.git("update-ref", "--no-deref", "--stdin", input=f"{lines}commit\n".encode()))


def test_a_lock_left_by_another_program_is_waited_out(scratch: Scratch) -> None:
    begin(scratch)
    lock = scratch.common_dir() / f"{T1}.lock"
    lock.write_bytes(b"")
    then = time.time() - STALE_AFTER - 1
    os.utime(lock, (then, then))
    the_next_command_works(scratch, "plumbing")


@both
def test_one_ref_stuck_does_not_stop_the_others(scratch: Scratch, kind: str) -> None:
    (scratch.common_dir() / "refs/coord/tasks").mkdir(parents=True)
    (scratch.common_dir() / f"{T1}.lock").write_bytes(b"")
    store = open_real(kind, scratch.path)
    store.swap([Change(T2, None, record())])
    store.close()
