"""Every reader of a small local file and of what git prints, with garbage: None, the declared error, or plain values.

FAULTS HI01. These files are our own and git is believed; but a disk fills up, a power cut leaves half a file, and a
path in a listing may hold any byte.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitcoord.agents import hook_payload
from gitcoord.core import names
from gitcoord.core.model import Boot
from gitcoord.errors import GitFailed
from gitcoord.git import beatfile, binding, changes, claimfile, status, worktree_list
from gitcoord.git.run import Done
from gitcoord.store import cache, collected, files, intent
from gitcoord.store.base import BROKEN
from gitcoord.sync import heard
from gitcoord.sync.notes import Notes
from tests.faults.fuzz import JSON_CORPUS, few, spoilt
from tests.support import Scratch
from tests.sync.support import opened

SID = "s-abcdefgh27"
OID = "ab" * 20


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Git directory to be, into which each example puts its file anew."""
    return tmp_path_factory.mktemp("place")


def put(place: Path, name: str, data: bytes) -> str:
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o600)
    return str(path)


# -- our own files ----------------------------------------------------------------------------------------------------


@few
@given(spoilt(f'1 {SID} 3 {names.task_ref("a/b")}\n"a/b"\n'.encode()))
def test_hi01_msgpack_fuzz_claim_file(place: Path, data: bytes) -> None:
    """A claim that is read is one that could have been written."""
    put(place, claimfile.NAME, data)
    found = claimfile.read(str(place))
    if found is not None:
        assert names.is_session_id(found.session)
        assert names.task_ref(found.task).encode() in data


@few
@given(spoilt(f"1 300 1000 1795211700\n{OID} 30 dc1ef62e-fc2e-42e1-a4c4-03153cc528f7\n".encode()))
def test_hi01_msgpack_fuzz_beat_file(place: Path, data: bytes) -> None:
    put(place, f"coord/sessions/{SID}/beat", data)
    found = beatfile.read(str(place), SID)
    assert found is None or min(found.interval, found.bucket, found.up, found.utc) >= 0


@few
@given(spoilt(f"{SID}\n".encode()))
def test_hi01_msgpack_fuzz_binding(place: Path, data: bytes) -> None:
    put(place, binding.FILE, data)
    assert binding.bound_session(str(place)) in (None, data.decode("latin-1").strip("\n"))


@few
@given(spoilt(b"x" * 200 + b"\n" + bytes(range(256))))
def test_hi01_msgpack_fuzz_cache_file(place: Path, body: bytes) -> None:
    """Whatever was written is read; whatever was changed since is nothing."""
    cache.write(str(place), "tasks", body)
    path = Path(cache.path_of(str(place), "tasks"))
    assert cache.read(str(path)) == body
    whole = path.read_bytes()
    for spoiled in (whole[:-1], whole + b"\0", whole.replace(b" ", b"  ", 1), whole[::-1], b"", b"\n", body):
        path.write_bytes(spoiled)
        assert cache.read(str(path)) is None


@few
@given(st.binary(max_size=200) | spoilt(b"gitcoord-cache-2 00000000 0\n"))
def test_hi01_msgpack_fuzz_cache_file_of_anything(place: Path, data: bytes) -> None:
    body = cache.read(put(place, "coord/cache/any", data))
    assert body is None or data.endswith(body)


@few
@given(spoilt(f"refs/coord/tasks/15 {OID} 1 1795211700000000000\nrefs/coord/x - 0 5\n".encode()))
@example(b"refs/coord/tasks/15 - 0 \xb2\n")
@example("refs/coord/tasks/15 - 0 \u00b2\n".encode())
@example(b"refs/coord/tasks/15 - 0 " + b"9" * 5000 + b"\n")
def test_hi01_msgpack_fuzz_writers_notes(place: Path, data: bytes) -> None:
    """A note that names a file outside of the repository's own refs names a lock there at most, and none is there."""
    path = put(place, "coord/writers/1-ab", data)
    assert intent.left_locks(str(place), path) == []
    assert intent.noted(str(place), str(place / "refs/coord/tasks/15.lock")) is None


@few
@given(spoilt(b"boot 1234.5\n"))
def test_hi01_msgpack_fuzz_when_the_hub_was_heard_of(place: Path, data: bytes) -> None:
    put(place, "coord/hub/seen", data)
    age = heard.age(str(place), Boot(id="boot", at=5000.0))
    assert age is None or age >= 0


@few
@given(spoilt(f'{{"refs/coord/tasks/15":"{OID}"}}'.encode()) | st.sampled_from(JSON_CORPUS))
def test_hi01_msgpack_fuzz_notes_on_the_hub(place: Path, data: bytes) -> None:
    for name in ("doubt", "refused", "lost"):
        put(place, f"coord/hub/{name}", data)
    notes = Notes(str(place))
    assert all(isinstance(value, str) for value in {**notes.doubted, **notes.refused}.values())
    assert isinstance(notes.lost, str)


@few
@given(spoilt(b"4711 host.example\n") | st.binary(max_size=40))
def test_hi01_msgpack_fuzz_the_note_of_a_gc(place: Path, data: bytes) -> None:
    put(place, "gc.pid", data)
    assert collected.is_collecting(str(place)) in (True, False)


# -- refs on disk -----------------------------------------------------------------------------------------------------

PACKED = (
    b"# pack-refs with: peeled fully-peeled sorted \n"
    + f"{OID} refs/coord/tasks/15\n{OID} refs/coord/tasks/16\n^{OID}\n{OID} refs/heads/main\n".encode()
)


@few
@given(spoilt(PACKED))
def test_hi01_msgpack_fuzz_packed_refs(place: Path, data: bytes) -> None:
    """What is said for a ref is an oid, or that it is broken; asked for one or for all, it is the same."""
    put(place, "packed-refs", data)
    listed = files.list_all(str(place), names.TASKS)
    for ref, oid in listed.items():
        assert oid == BROKEN or names.is_oid(oid)
        assert ref.startswith(names.TASKS)
    asked = files.values(str(place), [names.TASKS + "15", names.TASKS + "16"])
    for ref, value in asked.items():
        assert value in (None, BROKEN) or listed.get(ref) is not None


@few
@given(spoilt(f"{OID}\n".encode()) | spoilt(b"ref: refs/heads/main\n"))
def test_hi01_msgpack_fuzz_loose_refs(place: Path, data: bytes) -> None:
    put(place, "refs/coord/data/x", data)
    (value,) = files.values(str(place), ["refs/coord/data/x"]).values()
    assert value is not None
    assert value == BROKEN or data.startswith(value.encode())
    assert files.list_all(str(place), names.DATA) == {"refs/coord/data/x": value}


# -- what git says ----------------------------------------------------------------------------------------------------

STATUS = (
    f"# branch.oid {OID}\0# branch.head main\x001 .M N... 100644 100644 100644 {OID} {OID} a b\0? new/\0"
    f"u UU N... 100644 100644 100644 100644 {OID} {OID} {OID} c\n\0! ignored\0"
).encode()
WORKTREES = (
    f"worktree /r\0HEAD {OID}\0branch refs/heads/main\0\0worktree /w\0HEAD {OID}\0detached\0locked x\n\0\0".encode()
)


@few
@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name), max_size=5))
def test_every_path_of_a_status_survives(paths: list[bytes]) -> None:
    said = b"".join(b"? " + path + b"\0" for path in paths)
    assert [os.fsencode(entry.path) for entry in status._parse(said).entries] == paths
    said = b"".join(b"1 .M N... 100644 100644 100644 %s %s " % (b"a" * 40, b"b" * 40) + path + b"\0" for path in paths)
    assert [os.fsencode(entry.path) for entry in status._parse(said).entries] == paths


@few
@given(spoilt(STATUS))
def test_hi01_msgpack_fuzz_status(data: bytes) -> None:
    """What is no status is an error of git's, and no bug of ours: work may be lost by misreading it."""
    try:
        status._parse(data)
    except GitFailed:
        pass


@few
@given(data=spoilt(WORKTREES))
def test_hi01_msgpack_fuzz_worktree_list(scratch: Scratch, data: bytes) -> None:
    repo = Said(data, opened(scratch))
    for found in worktree_list.list_worktrees(repo):  # type: ignore[arg-type]
        assert found.path is not None
        assert found.branch is None or isinstance(found.branch, str)


class Said:
    """A repository whose git prints what the test wants."""

    def __init__(self, data: bytes, repo: object) -> None:
        self.data = data
        self.repo = repo

    def git(self, *_: str, **__: object) -> Done:
        return Done(0, self.data, b"")

    def __getattr__(self, name: str) -> object:
        return getattr(self.repo, name)


@few
@given(spoilt(f"refs/heads/a {OID} refs/heads/a {OID}\n".encode()))
def test_hi01_msgpack_fuzz_lines_of_a_push(data: bytes) -> None:
    assert all(isinstance(item, changes.Update) for item in changes.updates(os.fsdecode(data)))


# -- what agents say --------------------------------------------------------------------------------------------------

CALL = (
    b'{"session_id": "c", "hook_event_name": "PreToolUse", "cwd": "/w", "tool_name": "Edit", "stop_hook_active": true,'
    b'"tool_input": {"file_path": "a.py", "edits": [{"path": "b"}], "command": "*** Begin Patch\\n*** Add File: c\\n"}}'
)


@few
@given(spoilt(CALL) | st.sampled_from(JSON_CORPUS), st.sampled_from(["", "claude", "nobody"]))
def test_hi01_msgpack_fuzz_hook_payloads(data: bytes, agent: str) -> None:
    """Only the errors that its one caller takes for silence; and whatever comes out is text."""
    try:
        call = hook_payload.read(data, agent, {})
    except (ValueError, RecursionError, StopIteration):
        return
    if call is not None:
        assert call.event in hook_payload.EVENTS
        assert all(isinstance(text, str) for text in (call.cwd, call.external, call.model, call.reason, *call.paths))
