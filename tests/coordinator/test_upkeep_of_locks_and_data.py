"""Doctor, uninstall and recovery know locks and data too, private ones included."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gitcoord.core import names
from gitcoord.errors import Corrupt, Unsafe
from gitcoord.git import guardnote
from tests.faults.support import Office


def refs(office: Office) -> list[str]:
    return office.scratch.git("for-each-ref", "--format=%(refname)", "refs/coord/", "refs/coord-local/").splitlines()


@pytest.mark.parametrize("what", ["a lock table", "a scope", "a private scope"])
def test_the_doctor_finds_and_mends_what_cannot_be_read(office: Office, what: str) -> None:
    ann = office.hire("ann")
    token = ann.lock(["db"]).token
    for scope in ("issue:15", "private:x"):
        ann.set(scope, "k", 1)
    ref = {
        "a lock table": names.LOCKS,
        "a scope": names.data_ref("issue:15"),
        "a private scope": names.data_ref("private:x"),
    }[what]
    office.plant(ref, b'{"v":1,"name":7,"locks":8}')
    problems = [check for check in ann.doctor() if check.status == "problem"]
    assert [ref in check.message for check in problems] == [True]
    assert [check.status for check in ann.doctor(fix=True) if ref in check.message] == ["fixed"]
    assert ref not in refs(office)
    if what == "a lock table":
        assert ann.lock(["db"]).token > token  # no token is given twice, not even when its table was lost
    else:
        assert ann.set("issue:15", "k", 2).value == 2


def test_a_purge_takes_private_scopes_and_notes_along_and_waits_for_locks(office: Office) -> None:
    ann = office.hire("ann")
    ann.set("private:x", "k", 1)
    ann.lock(["db"])
    note = office.scratch.path / ".git" / guardnote.FILE
    assert office.coord().guard_commit() == []
    assert note.exists()
    with pytest.raises(Unsafe, match="db") as refusal:
        office.coord().uninstall(purge_state=True)
    assert refusal.value.fields["locks"] == ["db"]
    ann.unlock()
    office.coord().uninstall(purge_state=True)
    assert refs(office) == []
    assert not note.exists()


def test_a_lock_file_left_behind_on_a_private_scope_is_recovered(office: Office) -> None:
    ann = office.hire("ann")
    ann.set("private:x", "k", 1)
    left = Path(office.scratch.path, ".git", *names.data_ref("private:x").split("/"))
    left = left.with_name(left.name + ".lock")
    left.touch()
    old = time.time() - 3600
    os.utime(left, (old, old))
    assert ann.set("private:x", "k", 2).version == 2
    assert not left.exists()


def test_a_ref_that_is_empty_is_corrupt_and_not_free(office: Office) -> None:
    ann = office.hire("ann")
    ann.lock(["db"])
    Path(office.scratch.path, ".git", *names.LOCKS.split("/")).write_bytes(b"")
    with pytest.raises(Corrupt):
        office.hire("ben").lock(["db"])
