"""The cache file: it saves reading, and whatever is in it changes no answer and no record."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.core.views import TaskView
from gitcoord.errors import CoordError
from gitcoord.store.base import RefStore
from tests.faults.support import Office

COUNT = 220


@pytest.fixture
def full(office: Office) -> Office:
    """An office with tasks enough for a cache, which is written."""
    ann = office.hire("ann")
    for first in range(0, COUNT, 20):  # few at once: each object is a file, which a test can lose
        some = range(first, first + 20)
        ann.task_add_many([{"title": f"Task {n}", "id": f"t{n:03}", "priority": n % 5} for n in some])
    office.coord().task_list()
    assert cache_of(office).exists()
    return office


def cache_of(office: Office) -> Path:
    return office.scratch.common_dir() / "coord" / "cache" / "tasks"


def answer(office: Office) -> list[TaskView]:
    return office.coord().task_list(all=True)


def loads(coord: Coordinator, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many objects each call of the store's ``load`` is asked for."""
    counted: list[int] = []
    plain: Callable[[Iterable[str]], dict[str, bytes]] = coord.store.load

    def load(oids: Iterable[str]) -> dict[str, bytes]:
        wanted = list(oids)
        counted.append(len(wanted))
        return plain(wanted)

    store: RefStore = coord.store
    monkeypatch.setattr(store, "load", load)
    return counted


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change what is in the cache, and make its header fit again."""
    body = change(path.read_bytes().partition(b"\n")[2])
    path.write_bytes(b"gitcoord-cache-2 %08x %d\n" % (zlib.crc32(body), len(body)) + body)


def test_the_second_command_reads_no_objects_and_answers_the_same(
    full: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    coord = full.coord()
    counted = loads(coord, monkeypatch)
    found = coord.task_list(all=True)
    assert sum(counted) < 10  # sessions and heartbeats
    shutil.rmtree(cache_of(full).parent)
    assert answer(full) == found
    assert found == sorted(found, key=lambda task: (task.priority, task.created_at, task.id))


def test_the_file_is_nobody_elses_business(full: Office) -> None:
    assert cache_of(full).stat().st_mode & 0o777 == 0o600
    assert cache_of(full).parent.stat().st_mode & 0o777 == 0o700


def test_what_changed_since_is_read_from_the_objects(full: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    full.hire("ben").task_edit("t003", title="Another title")
    coord = full.coord()
    counted = loads(coord, monkeypatch)
    assert {task.id: task.title for task in coord.task_list()}["t003"] == "Another title"
    assert 1 <= sum(counted) < 10


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def garbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def symlinked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def of_another_kind(path: Path) -> None:
    rewritten(path, lambda _: msgspec.msgpack.encode([["refs/coord/tasks/t000"], ["1" * 40], [{"id": 7}]]))


def of_unequal_columns(path: Path) -> None:
    rewritten(path, lambda body: msgspec.msgpack.encode([msgspec.msgpack.decode(body)[0], [], []]))


def of_no_columns(path: Path) -> None:
    rewritten(path, lambda _: b"\xc1nonsense")


def writable_by_others(path: Path) -> None:
    rewritten(path, lambda body: body.replace(b"Task", b"Lies"))
    path.chmod(0o666)


def somebody_elses(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    rewritten(path, lambda body: body.replace(b"Task", b"Lies"))
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        garbled,
        symlinked,
        a_directory,
        a_fifo,
        of_another_kind,
        of_unequal_columns,
        of_no_columns,
        writable_by_others,
        somebody_elses,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"gitcoord-cache-2 zz -1\nx\n"),
        lambda path: path.write_bytes(os.urandom(5000)),
    ],
    ids=lambda damage: damage.__name__ if damage.__name__ != "<lambda>" else "garbage",
)
def test_a_damaged_cache_changes_no_answer(full: Office, damage: Callable[[Path], None]) -> None:
    right = answer(full)
    damage(cache_of(full))
    assert answer(full) == right
    assert full.hire("ben").claim(next=True, worktree=False).task.id == "t000"


def test_a_lie_in_the_cache_is_never_built_upon(full: Office) -> None:
    """Nobody but ourselves writes there; but what is written to a record must not depend on that."""
    rewritten(cache_of(full), lambda body: body.replace(b"Task ", b"Lies "))
    grant = full.hire("ben").claim(next=True, worktree=False)
    assert grant.task.title == full.task(grant.task.id)["title"] == f"Task {int(grant.task.id[1:])}"
    assert full.task("t000")["title"] == "Task 0"
    assert not cache_of(full).exists()


def test_a_lie_about_one_task_does_not_outlive_a_look_at_it(full: Office) -> None:
    rewritten(cache_of(full), lambda body: body.replace(b"Task 0", b"Lies 0"))
    coord = full.coord()
    coord.task_list()
    assert coord.task_show("t000").title == "Task 0"


def test_the_record_of_another_name_is_corrupt_with_the_cache_as_without(full: Office) -> None:
    refs = full.refs()
    full.scratch.git("update-ref", "refs/coord/tasks/t001", refs["refs/coord/tasks/t002"])
    full.scratch.git("update-ref", "refs/coord/tasks/t999", refs["refs/coord/tasks/t002"])
    for coord in (full.coord(), full.coord()):
        assert {task.id for task in coord.task_list()} == {f"t{number:03}" for number in range(COUNT)} - {"t001"}
        assert [notice.code for notice in coord.notices] == ["corrupt", "corrupt"]


def test_a_lost_object_is_found_by_the_doctor_and_never_written_over(full: Office) -> None:
    oid = full.scratch.git("rev-parse", "refs/coord/tasks/t000:record.json")
    (full.scratch.common_dir() / "objects" / oid[:2] / oid[2:]).unlink()
    assert "t000" in " ".join(check.message for check in full.coord().doctor() if check.status == "problem")
    with pytest.raises(CoordError) as refusal:
        full.hire("ben").claim("t000", worktree=False)
    assert refusal.value.exit == 7
    assert full.hire("cyd").claim(next=True, worktree=False).task.id != "t000"  # goes on with what can be read


def test_a_read_only_place_for_it_is_no_trouble(full: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    right = answer(full)
    shutil.rmtree(cache_of(full).parent)
    cache_of(full).parent.write_text("in the way")
    assert answer(full) == right


def test_records_too_large_for_it_are_left_to_the_objects(full: Office) -> None:
    full.hire("ben").task_add("large", id="large", body="x" * 20_000)
    cache_of(full).unlink()
    for _ in range(2):
        assert len(answer(full)) == COUNT + 1
        assert b"x" * 100 not in cache_of(full).read_bytes()


def test_what_a_newer_gitcoord_put_into_a_record_outlives_a_change_by_way_of_the_cache(full: Office) -> None:
    record = full.task("t000")
    full.plant("refs/coord/tasks/t000", {**record, "colour": "green"})
    cache_of(full).unlink()
    full.coord().task_list()
    assert full.hire("ben").claim(next=True, worktree=False).task.id == "t000"
    assert (full.task("t000")["colour"], full.task("t000")["state"]) == ("green", "claimed")


def test_two_refs_at_one_object_share_nothing_but_their_bytes(full: Office) -> None:
    """A hundred sessions of one host share their heartbeat object."""
    for number in range(3):
        full.hire(f"worker-{number}")
    coord = full.coord()
    first = [session.heartbeat_age for session in coord.sessions()]
    assert [session.heartbeat_age is None for session in coord.sessions()] == [age is None for age in first]
    assert None not in first
