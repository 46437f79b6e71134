"""Somebody's ``packed-refs.lock``, left behind or at work, and values that were packed long ago. FAULTS CR06.

That file guards the user's branches as much as our refs, so nothing of ours ever removes it. Only what deletes or packs
refs needs it; everything else goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.errors import Contended, CoordError, Corrupt
from gitcoord.git import host
from gitcoord.store.recover import STALE_AFTER
from tests.faults.support import Office
from tests.support import Scratch

TASK = "refs/coord/tasks/15"


class Hasty:
    """Waits by turning its clock forward."""

    now = staticmethod(time.time)
    up = staticmethod(host.uptime)
    boot = staticmethod(host.boot_id)

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def leave_lock(scratch: Scratch, age: float) -> Path:
    """A lock file as a killed ``git pack-refs`` leaves it, and a short wait for it, which the user may configure."""
    scratch.git("pack-refs", "--all")
    scratch.git("config", "core.packedRefsTimeout", "10")
    lock = scratch.path / ".git" / "packed-refs.lock"
    lock.write_text("# pack-refs with: peeled fully-peeled sorted \n")
    then = time.time() - age
    os.utime(lock, (then, then))
    return lock


@pytest.mark.parametrize("age", [0.0, STALE_AFTER + 60], ids=["fresh", "stale"])
@pytest.mark.parametrize("store", ["libgit", "plumbing"])
def test_cr06_packed_refs_lock_stale(scratch: Scratch, store: str, age: float) -> None:
    """Creating and updating work; a purge says what is in the way, does not hang, and removes nothing."""
    office = Office.found(scratch, store=store)
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    lock = leave_lock(scratch, age)
    inode = lock.stat().st_ino
    assert ann.progress("15", percent=40).progress is not None
    ann.handoff("15", note="yours")
    assert ben.accept("15", worktree=False).grant.task.token == 2
    assert ben.claim("16", worktree=False).task.token == 1
    ben.lock(["deploy", "src/**"])
    ben.set("issue:15", "phase", "review")
    ben.unlock(all=True)
    ben.done("15")
    ben.release("16", reason="later")
    ann.end()
    ben.end()
    before = office.refs()
    with pytest.raises(Contended, match=r"packed-refs\.lock") as error:
        office.coord(clock=Hasty()).uninstall(purge_state=True)
    assert error.value.fields["lock"] == str(lock)
    assert office.refs() == before
    found = [check for check in office.coord().doctor(fix=True) if check.name == "locks"]
    assert [check.status for check in found] == (["warning"] if age else ["ok"])
    assert lock.stat().st_ino == inode
    lock.unlink()  # whoever left it there
    office.coord().uninstall(purge_state=True)
    assert office.refs() == {}
    office.close()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"\0" * 41)


def nowhere(path: Path) -> None:
    path.write_text("ref: refs/heads/nowhere\n")


def dangling(path: Path) -> None:
    path.write_text("12" * 20 + "\n")


@pytest.mark.parametrize("harm", [empty, garbage, nowhere, dangling])
def test_cr10_mending_brings_no_older_value_back(scratch: Scratch, harm: Callable[[Path], None]) -> None:
    """A packed value from before lies under the file that was damaged, with a claim that was given back since."""
    office = Office.found(scratch, store="plumbing")
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    older = office.refs()[TASK]
    scratch.git("pack-refs", "--all")
    ann.release("15")
    ben.claim("15", worktree=False)
    harm(scratch.path / ".git" / TASK)
    fixed = [check for check in ben.doctor(fix=True) if TASK in check.message]
    assert [check.status for check in fixed] == ["fixed"]
    assert TASK not in office.refs()
    assert older in Path(fixed[0].message.rpartition(" ")[2]).read_text()  # said where it is, for who wants it
    with pytest.raises(CoordError, match="15"):
        ann.progress("15", percent=1)
    assert ann.claim("15", worktree=False).task.token > 2
    office.close()


@pytest.mark.parametrize("harm", [empty, dangling])
def test_cr06_what_cannot_be_mended_now_stays_corrupt(scratch: Scratch, harm: Callable[[Path], None]) -> None:
    office = Office.found(scratch, store="plumbing")
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    lock = leave_lock(scratch, STALE_AFTER + 60)
    ann.release("15")
    harm(scratch.path / ".git" / TASK)
    checks = ben.doctor(fix=True)
    assert [(check.name, check.status) for check in checks if "packed-refs.lock" in check.message] == [
        ("refs", "problem"),
        ("locks", "warning"),
    ]
    with pytest.raises(Corrupt):
        ben.claim("15", worktree=False)
    assert lock.exists()
    lock.unlink()
    assert [check.status for check in ben.doctor(fix=True) if TASK in check.message] == ["fixed"]
    assert ben.claim("15", worktree=False).task.token > 1
    office.close()
