"""Every decoder of what comes from refs, with hostile bytes: the declared error, and nothing else. FAULTS HI01.

Memory and time are bounded by running all of it in one process under a limit of address space and of processor time:
what exceeds it dies.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.coordinator.entries import event_of, happened, said
from gitcoord.coordinator.joins import Board
from gitcoord.core import archive, codec, names
from gitcoord.core.event import LogEntry
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Beat, LastBeat, Meta, Session, Struct, Task
from gitcoord.core.scope import Scope
from gitcoord.errors import Corrupt, NewerFormat
from gitcoord.store.objects import commit_header, files_in, parse_commit, tree_item
from tests.faults.fuzz import JSON_CORPUS, few, spoilt, spoilt_object, with_fields

AT = "2026-11-20T13:03:11.402Z"
SID = "s-aaaaaaaaaa"
BOOT = {"id": "b", "at": 1.5}
ITEM = {"value": [1], "version": 2, "by": SID, "at": AT}
DEPLOY, PATHS = {"name": "deploy"}, {"path": "src/**"}
LOCK = {"target": PATHS, "mode": "exclusive", "session": SID, "token": 1, "since": AT, "ttl": 60.0, "mark": BOOT}
WAITER = {"ticket": 1, "session": SID, "wants": [DEPLOY, PATHS], "mode": "shared", "since": AT, "ttl": 9.5}
SOUND: dict[type[Struct], dict[str, Any]] = {
    Task: {
        "v": 1,
        "id": "15",
        "title": "Fix",
        "state": "claimed",
        "token": 3,
        "created_at": AT,
        "updated_at": AT,
        "claim": {"session": SID, "token": 3, "since": AT},
        "former": {"session": SID, "token": 2, "since": AT},
        "progress": {"phase": "review", "percent": 40, "at": AT, "by": SID},
        "handoff": {"from": SID, "next": ["a"], "context": {"a": "b"}, "note": "n", "at": AT},
        "hold": {"seconds": 60.0, "boot": BOOT},
        "result": {"status": "passed", "at": AT, "by": SID},
        "labels": ["x"],
        "after": ["14"],
        "worktrees": {"host": "/w"},
    },
    Session: {
        "v": 1,
        "id": SID,
        "name": "ann",
        "host": "h",
        "started_at": AT,
        "state": "expired",
        "labels": {"a": "b"},
        "process": {"pid": 12, "start": "1", "ns": "2"},
        "ending": {"how": "observed", "silent": 1.5, "boot": BOOT},
        "counters": {"messages": 1, "tool_calls": 2},
        "mcp_servers": ["x"],
    },
    LockTable: {"v": 1, "locks": [LOCK, {**LOCK, "target": DEPLOY}], "waiters": [WAITER], "next_token": 3},
    Scope: {
        "v": 1,
        "name": "issue:15",
        "version": 2,
        "entries": {"k": ITEM},
    },
    LogEntry: {"v": 1, "session": SID, "seq": 1, "type": "deploy", "text": "t", "meta": {"a": "b"}, "at": AT},
    Meta: {"v": 1, "id": "r-aaaaaaaaaa", "epoch": 2, "created_at": AT},
    Beat: {"v": 1, "utc": 1, "boot": "b", "up": 2},
    LastBeat: {"v": 1, "utc": 1, "boot": "b", "up": 2, "nonce": "n"},
    archive.Archive: {"v": 1, "tasks": {"done": 3}, "sessions": 2, "token": 7, "at": AT},
}
KINDS = tuple(SOUND)
by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def through(data: bytes, kind: type[Struct]) -> bool:
    """Read a record and write it again over what it was; whether it was one."""
    try:
        raw = codec.decode_raw(data)
        record = codec.convert(raw, kind)
        written = codec.encode(record, raw)
        assert codec.convert(codec.decode_raw(written), kind) == record
    except (Corrupt, NewerFormat):
        return False
    return True


@by_kind
def test_hi01_msgpack_fuzz_corpus(kind: type[Struct]) -> None:
    """FAULTS gave it that name when records were to be MessagePack; they are JSON."""
    for data in JSON_CORPUS:
        assert not through(data, kind) or kind is LockTable, data[:40]  # of which everything has a default


@by_kind
@few
@given(data=st.data())
def test_hi01_msgpack_fuzz_records(kind: type[Struct], data: st.DataObject) -> None:
    through(msgspec.json.encode(data.draw(spoilt_object(SOUND[kind]))), kind)
    through(msgspec.json.encode({**SOUND[kind], **data.draw(with_fields(kind.__struct_fields__))}), kind)
    through(data.draw(spoilt(msgspec.json.encode(SOUND[kind]))), kind)


@by_kind
def test_the_sound_records_that_are_spoilt_here_are_sound(kind: type[Struct]) -> None:
    assert through(msgspec.json.encode(SOUND[kind]), kind)


# -- events -----------------------------------------------------------------------------------------------------------

REFS = (
    names.task_ref("15"),
    names.session_ref(SID),
    names.events_ref(SID),
    names.LOCKS,
    names.data_ref("x"),
    names.META,
)
TRAILERS = st.builds(
    lambda event: b"claim 15\n\nCoord-Event: " + msgspec.json.encode(event),
    with_fields(("type", "at", "session", "nonce", "text", "task", "meta", "value", "record")),
)
MESSAGES = (
    TRAILERS | st.binary(max_size=100) | st.sampled_from(JSON_CORPUS).map(lambda data: b"x\n\nCoord-Event: " + data)
)


@few
@given(MESSAGES, st.integers(1 - 10**18, 10**18 - 1))
def test_hi01_msgpack_fuzz_event_trailers(message: bytes, when: int) -> None:
    """A trailer says what it says, or nothing; so does the author's time, of which a commit can claim anything."""
    entry = parse_commit("1" * 40, b"tree x\nauthor A <a@b> %d +9999\n\n%s" % (when, message))
    said(entry)
    happened(entry)
    for ref in REFS:
        view = event_of(ref, entry, "15", NOBODY)
        msgspec.json.encode(view)  # every view can be answered with


NOBODY = Board({}, {}, {}, [])


# -- objects ----------------------------------------------------------------------------------------------------------

COMMIT = (
    b"tree "
    + b"1" * 40
    + b"\nparent "
    + b"2" * 40
    + b"\nauthor A <a@b> 5 +0100\ncommitter A <a@b> 0 +0000\n\nclaim 15\n"
)
TREE = b"100644 record.json\0" + b"\1" * 20 + b"40000 tasks\0" + b"\2" * 20
HUGE = (
    b"tree " + b"1" * 900_000,
    b"author " + b"A" * 500_000 + b" <a@b> 5 +0100\ntree x\n\n",
    b"author " + b"<" * 300_000 + b"\ntree x\n\n",
    b"author A <" + b"a" * 300_000 + b"\ntree x\n\n",
    b"author " + b"A <" * 100_000 + b"a@b> 5 +0100\ntree x\n\n",
    b"author A <a@b> " + b"9" * 300_000 + b" +0100\ntree x\n\n",
    b"parent " * 100_000,
    b"\n" * 900_000,
)


def parsed(data: bytes) -> None:
    for parse in (lambda: parse_commit("3" * 40, data), lambda: tree_item(data, "record.json", 20)):
        try:
            parse()
        except Corrupt:
            pass
    commit_header(data, "tree")
    try:
        files_in("1" * 40, ["record.json", "tasks/15"], lambda oid, kind: data, 20)
    except Corrupt:
        pass


@few
@given(spoilt(COMMIT) | spoilt(TREE))
def test_hi01_msgpack_fuzz_commits_and_trees(data: bytes) -> None:
    parsed(data)


@pytest.mark.parametrize("data", HUGE, ids=range(len(HUGE)))
def test_hi01_msgpack_fuzz_huge_commits(data: bytes) -> None:
    parsed(data)


PAGE = "tasks/" + names.task_ref("15").rpartition("/")[2]


@few
@given(spoilt(b"15 " + b"1" * 40 + b"\n16 " + b"2" * 40 + b"\n"), st.sampled_from(["tasks/00", "x", "", "tasks/ff/.."]))
def test_hi01_msgpack_fuzz_archive_pages(data: bytes, path: str) -> None:
    """Whatever a page says, the refs on it are refs of that page."""
    try:
        found = archive.parse(path, data)
    except Corrupt:
        return
    assert all(archive.page_of(ref) == path and names.is_oid(oid) for ref, oid in found.items())


# -- bounds -----------------------------------------------------------------------------------------------------------

SPACE, SECONDS = 160 << 20, 30
"""Address space beyond what the interpreter takes, and processor time: these documents take a fraction of both."""


def limited() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        own = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (own + SPACE, own + SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def everything() -> None:
    """In a process of its own, whose limits are set before anything hostile is read."""
    limited()
    filler = codec.MAX_RECORD - 100
    large = (
        b"[" * filler,
        b'{"a":[' + b"[]," * (filler // 3) + b"0]}",
        b'{"a":[' + b"{}," * (filler // 3) + b"0]}",
        b"{" + b",".join(b'"%d":0' % number for number in range(filler // 10)) + b"}",
        b'{"labels":[' + b'"",' * (filler // 3) + b'""]}',
        b'{"a":"' + b"\\u00e9" * (filler // 6) + b'"}',
        b'{"a":"' + b'{[\\"' * (filler // 4) + b'"}',
    )
    for data in (*JSON_CORPUS, *large, *HUGE):
        for kind in (Task, LockTable, Scope):
            through(data, kind)
        parsed(data)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="counts its own memory in /proc")
def test_hi01_msgpack_fuzz_within_bounds() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from tests.faults.test_fuzz_records import everything; everything()"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
