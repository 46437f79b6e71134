"""Export and import: the same state again to the byte; beside another one nobody loses anything; hostile files fail."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.core import codec, conflicts, transfer
from gitcoord.core.transfer import Imported, Item
from gitcoord.errors import Blocked, CoordError, Corrupt, Exists, NewerFormat, Usage
from gitcoord.git import host
from gitcoord.store.base import Blob, Change, Commit, Ident
from tests.faults.support import Office
from tests.support import Scratch

IDENT = Ident("Ada", "ada@example.org", 0)


@pytest.fixture
def other(make_scratch: Callable[..., Scratch]) -> Office:
    """Another repository, freshly initialised."""
    return Office.found(make_scratch("other"))


def written(office: Office, *, private: bool = False) -> bytes:
    """The export as the file that the command writes."""
    with office.coord() as coord:
        return b"".join(line + b"\n" for line in coord.export(private=private))


def taken(office: Office, data: bytes, **how: Any) -> Imported:
    with office.coord() as coord:
        return coord.import_state(data, **how)


def actions(done: Imported) -> dict[str, str]:
    """What became of each thing, by what it is called here."""
    return {f"{row.kind} {row.target}": row.action for row in done.rows}


def plant(office: Office, ref: str, payload: bytes, *, blob: bool = False) -> None:
    """Put a record there that no command writes."""
    with office.coord() as coord:
        old = coord.store.list_refs(ref.rpartition("/")[0] + "/").get(ref)
        new = Blob(payload) if blob else Commit(payload, "planted", IDENT)
        coord.store.swap([Change(ref, old, new)])


def lived_in(office: Office) -> Office:
    """A repository in which something of every kind has happened."""
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.task_add("Fix the Tür", id="15", labels=["web"])
    ann.task_add("Later", id="Feature/ä", after=["15"], body="a\nb")
    ann.claim("15", worktree=False)
    ann.lock(["src/**", "deploy"], reason="me")
    ann.set("issue:15", "phase", {"a": [1, 2.5, None, "ü"]})
    ann.incr("project:m", "next")
    ann.set("private:mine", "key", "value")
    ann.event("note", "first\nline", meta={"k": "v"}, task="15")
    ann.event("decision", "second")
    ben.event("note", "mine")
    ben.end()
    entry = conflicts.Entry(ref="refs/coord/tasks/15", subject="s", code="held", why="w", at=ann.now(), when=1)
    plant(office, conflicts.REF, codec.encode(conflicts.Conflicts(entries=(entry,))))
    return office


# -- round trips ------------------------------------------------------------------------------------------------------


def test_an_import_into_a_fresh_repository_makes_the_same_state(office: Office, other: Office) -> None:
    lived_in(office)
    data = written(office, private=True)
    done = taken(other, data)
    assert written(other, private=True) == data
    assert set(actions(done).values()) == {"created", "changed"}
    kinds = {row.kind for row in done.rows}
    assert kinds == {
        *("session", "heartbeat", "task", "scope", "private-scope", "event", "locks", "repository", "conflicts"),
    }
    with other.coord() as coord:
        assert [(event.type, event.message, event.session_name) for event in coord.log(type="note")] == [
            ("note", "first\nline", "ann"),
            ("note", "mine", "ben"),
        ]
        assert all(check.status != "problem" for check in coord.doctor())


def test_a_second_import_changes_nothing(office: Office, other: Office) -> None:
    data = written(lived_in(office))
    taken(other, data)
    before = other.refs()
    assert set(actions(taken(other, data)).values()) == {"exists"}
    assert other.refs() == before


def test_the_same_state_gives_the_same_lines_from_every_store(office: Office) -> None:
    lived_in(office)
    with office.coord() as quick:
        first = quick.export()
        assert quick.store.kind == "libgit"
    office.scratch.git("config", "coord.store", "plumbing")
    with office.coord() as plain:
        assert plain.export() == first
        assert plain.store.kind == "plumbing"


def test_a_sha256_repository_takes_over_the_state_of_a_sha1_one(
    office: Office, make_scratch: Callable[..., Scratch]
) -> None:
    data = written(lived_in(office))
    newer = Office.found(make_scratch("sha256", "--object-format=sha256"))
    taken(newer, data)
    assert written(newer) == data


def test_who_held_a_task_holds_it_after_the_import_with_the_same_token(office: Office, other: Office) -> None:
    lived_in(office)
    taken(other, written(office))
    assert other.task("15")["claim"] == office.task("15")["claim"]
    with other.coord() as coord:
        coord.wanted = office.task("15")["claim"]["session"]
        assert coord.progress("15", percent=50).progress is not None


def test_unknown_fields_and_unknown_kinds_survive(office: Office, other: Office) -> None:
    lived_in(office)
    task = office.task("15")
    plant(office, "refs/coord/tasks/15", msgspec.json.encode({**task, "novel": {"x": [1]}}, order="sorted") + b"\n")
    plant(office, "refs/coord/reviews/r-1", b'{"what":"review","v":1}')
    plant(office, "refs/coord/reviews/r-2", b"\x00 no json \xff", blob=True)
    data = written(office)
    taken(other, data)
    assert written(other) == data
    assert other.task("15")["novel"] == {"x": [1]}
    assert other.scratch.git("cat-file", "-t", "refs/coord/reviews/r-2") == "blob"


def test_private_scopes_stay_unless_they_are_asked_for(office: Office) -> None:
    lived_in(office)
    assert b"private:mine" not in written(office)
    assert b"private:mine" in written(office, private=True)


def test_a_rescue_snapshot_is_named_and_comes_by_bundle(office: Office, other: Office, tmp_path: Path) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    bundle = str(tmp_path / "b")
    office.scratch.commit("only here", {"x": "y"})
    office.scratch.git("update-ref", "refs/coord/rescue/15", "HEAD")
    data = written(office)
    lacking = taken(other, data)
    assert actions(lacking)["rescue refs/coord/rescue/15"] == "skipped"
    office.scratch.git("bundle", "create", bundle, "--glob=refs/coord/rescue/*")
    other.scratch.git("fetch", "-q", bundle, "refs/coord/rescue/*:refs/bundled/*")
    assert actions(taken(other, data))["rescue refs/coord/rescue/15"] == "created"
    assert written(other) == data


# -- beside another state ---------------------------------------------------------------------------------------------


def test_other_content_is_refused_and_nothing_is_written(office: Office, other: Office) -> None:
    data = written(lived_in(office))
    other.hire("cyd").task_add("another", id="15")
    before = other.refs()
    with pytest.raises(Exists, match="other content") as refused:
        taken(other, data)
    assert "refs/coord/tasks/15" in str(refused.value.fields["refs"])
    assert other.refs() == before


def test_a_merge_adds_what_is_absent_and_takes_nothing_from_anybody(office: Office, other: Office) -> None:
    data = written(lived_in(office))
    cyd = other.hire("cyd")
    cyd.claim("15", worktree=False)
    cyd.lock(["docs/**"])
    cyd.set("issue:15", "phase", "ours")
    cyd.set("issue:15", "extra", 1)
    done = actions(taken(other, data, merge=True))
    assert done["task Feature/ä"] == "created"
    assert done["task 15"] == done["scope issue:15"] == "exists"
    assert other.task("15")["claim"]["session"] == cyd.wanted
    assert cyd.get("issue:15", "phase").value == "ours"
    assert [lock.path for lock in cyd.locks()] == ["docs/**"]
    assert cyd.progress("15", percent=10).progress is not None


def test_a_merge_raises_tokens_and_never_lowers_them(office: Office, other: Office) -> None:
    ann = office.hire("ann")
    for _ in range(3):
        ann.claim("15", worktree=False)
        ann.release("15")
    ann.lock(["a", "b", "c"])
    cyd = other.hire("cyd")
    cyd.claim("15", worktree=False)
    taken(other, written(office), merge=True)
    assert other.task("15")["token"] == 3
    assert other.task("15")["claim"]["token"] == 1
    assert cyd.progress("15", percent=10).progress is not None
    cyd.release("15")
    assert cyd.claim("15", worktree=False).task.token == 4
    taken(office, written(other), merge=True)
    assert office.task("15")["token"] == 4
    assert cyd.lock(["d"]).locks[0].token >= 4


def test_a_merge_takes_over_the_later_epoch(office: Office, other: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    path = office.scratch.common_dir() / "refs/coord/tasks/15"
    path.write_text("")
    with office.coord() as coord:
        coord.doctor(fix=True)
    other.hire("cyd")
    taken(other, written(office), merge=True)
    assert other.record("refs/coord/meta/repo")["epoch"] == 2
    assert other.hire("dan").claim("new", worktree=False).task.token > 1 << 20


def test_a_merge_adds_absent_keys_and_newer_log_entries(office: Office, other: Office) -> None:
    lived_in(office)
    taken(other, written(office))
    with office.coord() as ann:
        ann.wanted = office.task("15")["claim"]["session"]
        ann.event("note", "third")
        ann.set("issue:15", "new", True)
    version = other.hire("cyd").set("issue:15", "mine", 1).version
    done = actions(taken(other, written(office), merge=True))
    assert done["scope issue:15"] == "changed"
    with other.coord() as coord:
        assert coord.get("issue:15", "new").version > version
        assert coord.get("issue:15", "mine").value == 1
        assert [event.message for event in coord.log(type="note")][-1] == "third"


def test_a_dry_run_writes_nothing(office: Office, other: Office) -> None:
    data = written(lived_in(office))
    before = other.refs()
    done = taken(other, data, dry_run=True)
    assert done.dry_run
    assert "task 15" in actions(done)
    assert other.refs() == before


def test_an_import_that_is_killed_before_its_swap_left_nothing(office: Office, other: Office, tmp_path: Path) -> None:
    file = tmp_path / "state.jsonl"
    file.write_bytes(written(lived_in(office)))
    before = other.refs()
    dead = other.scratch.coord("import", str(file), env={"GITCOORD_FAILPOINT": "before_ref:kill"})
    assert dead.code < 0
    assert other.refs() == before
    assert other.scratch.coord("import", str(file)).code == 0
    assert written(other) == file.read_bytes()


def test_tasks_that_would_wait_for_each_other_are_refused(office: Office, other: Office) -> None:
    office.hire("ann").task_add("a", id="a", after=["b"])
    cyd = other.hire("cyd")
    cyd.task_add("b", id="b", after=["a"])
    with pytest.raises(Blocked):
        taken(other, written(office), merge=True)


def test_one_unreadable_record_stops_an_export(office: Office) -> None:
    lived_in(office)
    path = office.scratch.common_dir() / "refs/coord/tasks/15"
    path.write_text("")
    with office.coord() as coord, pytest.raises(Corrupt, match="refs/coord/tasks/15"):
        coord.export()


# -- hostile files ----------------------------------------------------------------------------------------------------

HEAD = b'{"kind":"gitcoord-export","format":1}\n'


def file_of(*lines: object) -> bytes:
    """An export with these lines, as somebody might write it by hand."""
    inner = b"".join((line if isinstance(line, bytes) else msgspec.json.encode(line)) + b"\n" for line in lines)
    return HEAD + inner + msgspec.json.encode({"kind": "end", "lines": len(lines)}) + b"\n"


def task(name: str, **fields: Any) -> dict[str, Any]:
    at = "2026-01-01T00:00:00.000Z"
    return {"id": name, "title": name, "created_at": at, "updated_at": at, **fields}


def line(ref: str, record: Any, kind: str = "task") -> dict[str, Any]:
    return {"kind": kind, "ref": ref, "record": record}


SESSION = "refs/coord/sessions/s-aaaaaaaaaa"
BAD = {
    "nothing": b"",
    "no header": b'{"kind":"end","lines":0}\n',
    "not json": b"hello\n",
    "cut off": HEAD + msgspec.json.encode(line("refs/coord/tasks/a", task("a"))) + b"\n",
    "a line lost": file_of(line("refs/coord/tasks/a", task("a"))).replace(b'"lines":1', b'"lines":2'),
    "a branch": file_of(line("refs/heads/main", task("a"))),
    "a ref that climbs": file_of(line("refs/coord/tasks/../../heads/main", task("a"))),
    "a ref with an option": file_of(line("refs/coord/tasks/--force", task("a"))),
    "a lock file": file_of(line("refs/coord/tasks/a.lock", task("a"))),
    "a deep ref": file_of(line("refs/coord/x/y/z", {}, "other")),
    "a tracking ref": file_of(line("refs/coord-remotes/origin/x", {}, "other")),
    "another's name": file_of(line("refs/coord/tasks/b", task("a"))),
    "another kind": file_of(line("refs/coord/tasks/a", task("a"), "session")),
    "twice the same": file_of(line("refs/coord/tasks/a", task("a")), line("refs/coord/tasks/a", task("a"))),
    "no record": file_of({"kind": "task", "ref": "refs/coord/tasks/a"}),
    "a list for a record": file_of(line("refs/coord/tasks/a", [])),
    "a title that is a number": file_of(line("refs/coord/tasks/a", task("a", title=7))),
    "bad base64": file_of({"kind": "task", "ref": "refs/coord/tasks/a", "base64": "!!"}),
    "an oid for a task": file_of({"kind": "task", "ref": "refs/coord/tasks/a", "oid": "a" * 40}),
    "an option for an oid": file_of({"kind": "rescue", "ref": "refs/coord/rescue/a", "oid": "--all"}),
    "no session id": file_of(line("refs/coord/heartbeats/x", {"utc": 1}, "heartbeat")),
    "a private scope outside": file_of(line("refs/coord/data/private-x", {"name": "private:x"}, "scope")),
    "nested deeply": file_of(b'{"kind":"task","ref":"refs/coord/tasks/a","record":' + b'{"x":' * 90 + b"1" + b"}" * 91),
    "a record of 2 MiB": file_of(line("refs/coord/tasks/a", task("a", body="x" * (2 << 20)))),
    "not utf-8": file_of(b'{"kind":"task","ref":"refs/coord/tasks/a","record":{"id":"\xff"}}'),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_a_reason_and_nothing_is_written(name: str, office: Office) -> None:
    before = office.refs()
    with pytest.raises(Usage) as refused:
        taken(office, BAD[name], merge=True)
    assert refused.value.message
    assert office.refs() == before


def test_what_a_newer_gitcoord_wrote_is_not_imported(office: Office) -> None:
    for data in (
        HEAD.replace(b"1", b"2") + b'{"kind":"end","lines":0}\n',
        file_of(line("refs/coord/tasks/a", task("a", v=2))),
    ):
        with pytest.raises(NewerFormat):
            taken(office, data)


def test_a_record_that_was_written_by_other_hands_comes_back_to_the_byte() -> None:
    items = [
        Item(kind="other", ref="refs/coord/x/a", payloads=(b'{ "b":1, "a":1e5 }',)),
        Item(kind="other", ref="refs/coord/x/b", payloads=(b'{"a":1e400}\n',), blob=True),
        Item(kind="other", ref="refs/coord/x/c", payloads=(b"[]\n",)),
    ]
    data = b"\n".join(transfer.lines(items))
    assert transfer.read(data) == items
    assert base64.b64encode(b"[]\n") in data


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(records=st.lists(st.dictionaries(st.text(), values, max_size=4), max_size=4), raw=st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_is_read_again(records: list[dict[str, Any]], raw: bytes) -> None:
    payloads = [msgspec.json.encode(record, order="sorted") + b"\n" for record in records]
    items = [Item(kind="other", ref=f"refs/coord/x/{n}", payloads=(p,)) for n, p in enumerate([*payloads, raw])]
    data = b"\n".join(transfer.lines(items))
    assert transfer.read(data) == items
    assert data.count(b"\n") == len(items) + 1


@given(data=st.binary(max_size=300), place=st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_no_damage_to_a_file_is_anything_but_refused(data: bytes, place: int) -> None:
    whole = file_of(line("refs/coord/tasks/a", task("a")))
    damaged = whole[:place] + data + whole[place:]
    try:
        transfer.read(damaged)
    except (Usage, NewerFormat):
        pass  # with a reason; anything else would be a bug
    except CoordError as error:
        raise AssertionError(error) from None


def test_a_pid_that_was_bound_elsewhere_proves_nothing_here(office: Office, other: Office) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        bound = office.hire("ann", pid=child.pid)
        bound.claim("15", worktree=False)
        taken(other, written(office))
        with other.coord() as coord:
            shown = {item.name: item.shown for item in coord.sessions()}
        assert shown["ann"] in ("active", "idle")
        assert host.pid_start(child.pid) is not None
    finally:
        child.communicate(b"\n", timeout=20)


# -- archived records -------------------------------------------------------------------------------------------------


def archived(office: Office) -> Office:
    """A repository whose finished task and session were folded away."""
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    ann.event("note", "was here")
    ann.done("15")
    ann.end()
    with office.coord() as coord:
        coord.maintain(older_than=0)
    assert "refs/coord/tasks/15" not in office.refs()
    return office


def test_an_archived_record_is_exported_like_any_other(office: Office, other: Office) -> None:
    data = written(archived(office))
    kinds = [item.kind for item in transfer.read(data)]
    assert sorted(kinds) == ["event", "heartbeat", "repository", "session", "task"]
    taken(other, data)
    assert written(other) == data
    assert other.task("15")["state"] == "done"
    assert set(actions(taken(office, data)).values()) == {"exists"}
    assert "refs/coord/tasks/15" not in office.refs()


def test_a_task_that_is_archived_here_keeps_its_tokens_above_what_a_file_says(office: Office, other: Office) -> None:
    cyd = other.hire("cyd")
    for _ in range(3):
        cyd.claim("15", worktree=False)
        cyd.release("15")
    taken(archived(office), written(other), merge=True)
    with office.coord() as coord:
        assert coord.task_show("15").token == 3
        assert coord.task_show("15").state == "done"
        assert all(check.status != "problem" for check in coord.doctor())


def test_a_file_cannot_bring_an_archive_of_its_own(office: Office) -> None:
    with pytest.raises(Usage, match="no ref of coordination state"):
        taken(office, file_of(line("refs/coord/archive/finished", {"at": "x", "v": 1}, "other")))
