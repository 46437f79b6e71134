"""packed-refs is read once for each state of it, and never believed to be what it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcoord.store import packed
from gitcoord.store.base import BROKEN

OIDS = [f"{number:040x}" for number in range(1, 4)]
TASKS = "refs/coord/tasks/"


@pytest.fixture(autouse=True)
def remembered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_SETTLED", -1 << 60)
    monkeypatch.setattr(packed, "_known", {})


def plant(common: Path, *lines: str) -> None:
    """As Git does it: a new file in the place of the old."""
    (common / "packed-refs.lock").write_text("".join(f"{line}\n" for line in lines))
    os.replace(common / "packed-refs.lock", common / "packed-refs")


def below(common: Path) -> dict[str, str]:
    return packed.packed_refs(str(common)).below(TASKS)


def test_a_file_that_is_still_the_same_is_not_read_again(tmp_path: Path) -> None:
    plant(tmp_path, f"{OIDS[0]} {TASKS}a")
    assert packed.packed_refs(str(tmp_path)) is packed.packed_refs(str(tmp_path))


def test_another_file_of_the_same_size_is_seen(tmp_path: Path) -> None:
    plant(tmp_path, f"{OIDS[0]} {TASKS}a")
    assert below(tmp_path) == {TASKS + "a": OIDS[0]}
    plant(tmp_path, f"{OIDS[1]} {TASKS}a")
    assert below(tmp_path) == {TASKS + "a": OIDS[1]}
    (tmp_path / "packed-refs").unlink()
    assert below(tmp_path) == {}


def test_a_file_that_has_just_been_written_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_SETTLED", 1 << 60)
    plant(tmp_path, f"{OIDS[0]} {TASKS}a")
    assert packed.packed_refs(str(tmp_path)) is not packed.packed_refs(str(tmp_path))


def test_one_line_that_is_not_like_the_others_changes_nothing_for_them(tmp_path: Path) -> None:
    sound = {f"{TASKS}{name}": oid for name, oid in zip("abc", OIDS, strict=True)}
    lines = [f"{oid} {ref}" for ref, oid in sound.items()]
    odd = {
        f"{'0' * 40} {TASKS}x": {**sound, TASKS + "x": BROKEN},
        f"{OIDS[0]} refs/heads/main": sound,
        f"^{OIDS[0]}": sound,
        "# a comment": sound,
        f"{'g' * 40} {TASKS}x": sound,
        f"{'1' * 64} {TASKS}x": {**sound, TASKS + "x": "1" * 64},
        f"{OIDS[0]}\t{TASKS}x": sound,
    }
    for line, expected in odd.items():
        for where in range(len(lines) + 1):
            plant(tmp_path, *lines[:where], line, *lines[where:])
            assert below(tmp_path) == expected, (line, where)
