"""Listing refs off the disk: what is there is there, and what cannot be read is never absent."""

from __future__ import annotations

import os
from pathlib import Path

from gitcoord.store.base import BROKEN
from gitcoord.store.files import list_all

OIDS = ["1" * 40, "2" * 40, "3" * 64]
TASKS = "refs/coord/tasks/"


def plant(common: Path, ref: str, text: str) -> Path:
    path = common / ref
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_loose_and_packed_refs_are_listed_and_the_loose_one_counts(tmp_path: Path) -> None:
    plant(tmp_path, TASKS + "a", OIDS[0] + "\n")
    plant(tmp_path, TASKS + "deep/er", OIDS[2] + "\n")
    plant(tmp_path, "refs/coord/tasks-old/x", OIDS[0] + "\n")
    plant(
        tmp_path,
        "packed-refs",
        f"# pack-refs with: peeled\n{OIDS[1]} {TASKS}a\n{OIDS[1]} {TASKS}b\n^{OIDS[0]}\n{OIDS[0]} refs/heads/main\n",
    )
    assert list_all(str(tmp_path), TASKS) == {TASKS + "a": OIDS[0], TASKS + "b": OIDS[1], TASKS + "deep/er": OIDS[2]}
    assert list_all(str(tmp_path), "refs/coord/locks/") == {}


def test_what_holds_no_oid_is_broken_and_not_absent(tmp_path: Path) -> None:
    plant(tmp_path, TASKS + "empty", "")
    plant(tmp_path, TASKS + "zero", "0" * 40 + "\n")
    plant(tmp_path, TASKS + "symbolic", "ref: refs/heads/main\n")
    plant(tmp_path, "refs/heads/main", OIDS[0] + "\n")
    (tmp_path / TASKS / "link").symlink_to("../../heads/main")
    assert list_all(str(tmp_path), TASKS) == {TASKS + name: BROKEN for name in ("empty", "zero", "symbolic", "link")}


def test_locks_and_scratch_files_are_no_refs_and_a_fifo_stops_nobody(tmp_path: Path) -> None:
    plant(tmp_path, TASKS + "a.lock", OIDS[0] + "\n")
    plant(tmp_path, TASKS + ".tmp", OIDS[0] + "\n")
    os.mkfifo(tmp_path / TASKS / "fifo")
    assert list_all(str(tmp_path), TASKS) == {TASKS + "fifo": BROKEN}
