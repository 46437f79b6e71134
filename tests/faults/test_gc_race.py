"""``git gc --prune=now`` beside writers: what is not pointed to yet may be gone the next moment. FAULTS CR12.

Whatever was acknowledged is there, and a ref never ends up pointing to nothing.
"""

from __future__ import annotations

import os
import time

import pytest

from gitcoord.store.collected import is_collecting
from tests.faults.test_crash_store import both
from tests.store.changes import T1, create, open_real, update
from tests.store.crowd import crowd
from tests.support import Scratch


@both
@pytest.mark.parametrize("count", [40, pytest.param(600, marks=pytest.mark.nightly)])
def test_cr12_gc_prune_now_race(scratch: Scratch, kind: str, count: int) -> None:
    collected = 0

    def collect() -> None:
        nonlocal collected
        scratch.git("gc", "-q", "--prune=now", check=False)  # two of them at once would be told so
        collected += 1

    added = crowd(3, "add", kind, scratch.path, count, meanwhile=collect)
    assert collected > 1, "nothing was collected meanwhile"
    assert scratch.git("fsck", "--no-dangling", "--full") == ""
    store = open_real(kind, scratch.path)
    found = store.read([T1])[T1]
    assert found is not None
    assert int(found.payload) == sum(added) == 3 * count
    assert len(store.history([found.oid])[found.oid]) == 3 * count
    store.close()


def test_whether_a_gc_is_at_work_is_known_by_its_note(scratch: Scratch) -> None:
    common = scratch.common_dir()
    note, here = common / "gc.pid", os.uname().nodename
    assert not is_collecting(str(common))
    for said, at_work in (
        (f"{os.getpid()} {here}", True),
        (f"{2**22 + 1} {here}", False),  # over the system's largest: nobody's
        (f"{9**40} {here}", False),
        ("1 elsewhere", True),
        ("", True),  # it has just been made
        ("nonsense", True),
    ):
        note.write_text(said)
        assert is_collecting(str(common)) is at_work, said
        os.utime(note, (time.time() - 86400,) * 2)
        assert not is_collecting(str(common)), "Git itself takes no notice of it any more"
        note.unlink()


@both
def test_beside_a_gc_a_swap_is_a_pack_that_nobody_keeps(scratch: Scratch, kind: str) -> None:
    """And a note that a killed gc left behind costs nothing."""
    common = scratch.common_dir()
    store = open_real(kind, scratch.path)
    (common / "gc.pid").write_text(f"{os.getpid()} {os.uname().nodename}")
    new = store.swap([create(T1, "beside a gc")])
    assert len(list((common / "objects" / "pack").glob("*.pack"))) == 1
    assert list((common / "objects" / "pack").glob("*.keep")) == []
    (common / "gc.pid").write_text(f"{2**22 + 1} {os.uname().nodename}")
    store.swap([update(T1, new[T1], "after it")])
    assert len(list((common / "objects" / "pack").glob("*.pack"))) == 1
    assert scratch.git("fsck", "--no-dangling", "--full") == ""
    store.close()


@both
def test_what_was_taken_before_the_ref_moved_is_written_again(scratch: Scratch, kind: str) -> None:
    """A gc that is over again: only that the objects are gone tells of it."""
    store = open_real(kind, scratch.path)

    def taken(point: str) -> None:
        if point == "before_ref":
            for oid in scratch.git("fsck", "--unreachable", "--no-progress").splitlines():
                kept, name = oid.split(" ")[1:]
                if kept != "commit":  # of that git itself would see that it is gone
                    (scratch.common_dir() / "objects" / name[:2] / name[2:]).unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"gitcoord.store.{kind}.hit", taken)
        store.swap([create(T1, "gone meanwhile")])
    assert scratch.git("show", f"{T1}:record.json") == "gone meanwhile"
    assert scratch.git("fsck", "--no-dangling", "--full") == ""
    store.close()
