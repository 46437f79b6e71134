"""An archive that was damaged, or that somebody hostile pushed: corrupt is never free, and nothing else suffers."""

from __future__ import annotations

import pytest

from gitcoord.core import archive, names
from gitcoord.errors import Corrupt, NewerFormat
from tests.coordinator.test_maintain import finish
from tests.faults.support import Office

PAGE = archive.page_of(names.task_ref("15"))


@pytest.fixture
def old(office: Office) -> Office:
    """An office in which 15 is archived, and 16 is live."""
    ann = office.hire("ann")
    finish(ann, "15")
    ann.maintain(older_than=0)
    ann.task_add("Live", id="16")
    return office


def planted(office: Office, page: bytes, header: bytes | None = None, mode: str = "100644 blob") -> None:
    """Put another archive there, with this content on the page of task 15."""
    git = office.scratch.git
    path = office.scratch.path / ".." / "page"
    path.write_bytes(page)
    oid = git("hash-object", "-w", "--", str(path))
    if mode.endswith("tree"):
        oid = git("mktree", stdin=f"100644 blob {oid}\tx\n")
    if mode.endswith("commit"):
        oid = git("rev-parse", "HEAD")
    folder, name = PAGE.split("/")
    path.write_bytes(header if header is not None else b'{"v":1,"at":"t"}\n')
    record = git("hash-object", "-w", "--", str(path))
    inner = git("mktree", stdin=f"{mode} {oid}\t{name}\n")
    tree = git("mktree", stdin=f"100644 blob {record}\trecord.json\n040000 tree {inner}\t{folder}\n")
    git("update-ref", names.ARCHIVE, git("commit-tree", tree, "-m", "planted"))


DAMAGE = {
    "garbage": (b"\x00\xff garbage", "100644 blob"),
    "to a missing commit": (b"15 " + b"1" * 40 + b"\n", "100644 blob"),
    "a link": (b"/etc/passwd", "120000 blob"),
    "a program": (b"", "100755 blob"),
    "a folder": (b"x", "040000 tree"),
    "a submodule": (b"", "160000 commit"),
    "too large": (b"a" * (1 << 20) + b"a", "100644 blob"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_hi08_what_cannot_be_read_out_of_the_archive_is_not_free(old: Office, what: str) -> None:
    page, mode = DAMAGE[what]
    planted(old, page, mode=mode)
    with pytest.raises(Corrupt):
        old.hire("bob").claim("15", worktree=False)
    with pytest.raises(Corrupt):
        old.coord().task_add("x", id="15")
    with pytest.raises(Corrupt):
        old.coord().task_show("15")
    assert "refs/coord/tasks/15" not in old.refs()
    bob = old.hire("bob")
    assert bob.claim("16", worktree=False).task.token == 1
    assert [view.id for view in bob.task_list()] == ["16"]
    assert bob.status().claims
    found = {check.name: check.status for check in bob.doctor()}
    assert found["archive"] == "problem"


def test_an_entry_that_leads_to_something_unfinished_is_not_believed(old: Office) -> None:
    tip = old.refs()["refs/coord/tasks/16"]
    path = archive.page_of(names.task_ref("15"))
    assert path == PAGE
    planted(old, f"15 {tip}\n".encode())
    with pytest.raises(Corrupt):  # it is the record of another task
        old.hire("bob").claim("15", worktree=False)
    open_one = old.plant("refs/coord/tasks/tmp", old.record("refs/coord/tasks/16") | {"id": "15"})
    old.scratch.git("update-ref", "-d", "refs/coord/tasks/tmp")
    planted(old, f"15 {open_one}\n".encode())
    with pytest.raises(Corrupt, match="not finished"):
        old.hire("bob").claim("15", worktree=False)


def test_an_archive_of_a_later_format_stops_only_what_needs_it(old: Office) -> None:
    planted(old, b"?", header=b'{"v":2,"at":5}\n')
    bob = old.hire("bob")
    with pytest.raises(NewerFormat):
        bob.claim("15", worktree=False)
    assert old.hire("cid").claim("16", worktree=False).task.token == 1


def test_an_archive_ref_that_holds_nothing_stops_only_what_needs_it(old: Office) -> None:
    old.scratch.git("update-ref", "-d", names.ARCHIVE)
    path = old.scratch.path / ".git" / names.ARCHIVE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(Corrupt):
        old.hire("bob").claim("15", worktree=False)
    assert old.hire("cid").claim("16", worktree=False).task.token == 1
    assert any(item.code == "corrupt" for item in old.coord().status().attention)
    old.coord().doctor(fix=True)
    assert old.hire("dan").claim("15", worktree=False).task.token > 1 << 19  # lost, but never a token again


def test_the_doctor_finds_a_sound_archive_sound(old: Office) -> None:
    found = {check.name: (check.status, check.message) for check in old.coord().doctor()}
    assert found["archive"] == ("ok", "1 finished tasks and 0 sessions in the archive can be read")


def test_pages_that_were_damaged_are_made_anew_from_the_archives_history(office: Office) -> None:
    ann = office.hire("ann")
    finish(ann, "15", "16")
    ann.maintain(older_than=0)
    ann.event("note", "so long")
    ann.task_edit("16", reopen=True)
    finish(ann, "16")
    ann.end()
    office.coord().maintain(older_than=0)
    shown = {name: office.coord().task_show(name) for name in ("15", "16")}
    who = str(ann.wanted)
    sessions, log = office.coord().sessions(all=True), office.coord().log(session=who, all=True)
    tip = office.refs()[names.ARCHIVE]
    planted(office, b"garbage")
    damaged = office.scratch.git("rev-parse", f"{names.ARCHIVE}^{{tree}}")
    office.scratch.git("update-ref", names.ARCHIVE, office.scratch.git("commit-tree", damaged, "-p", tip, "-m", "bad"))
    with pytest.raises(Corrupt):
        office.coord().task_show("15")
    assert {check.name: check.status for check in office.coord().doctor(fix=True)}["archive"] == "fixed"
    assert {name: office.coord().task_show(name) for name in ("15", "16")} == shown
    assert shown["16"].token == 2
    assert office.coord().sessions(all=True) == sessions
    assert office.coord().log(session=who, all=True) == log
    assert {check.name: check.status for check in office.coord().doctor()}["archive"] == "ok"
    assert office.coord().status().archived == 2
