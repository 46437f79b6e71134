"""The envelope, the porcelain lines and the three lines of a failure."""

from __future__ import annotations

import msgspec

from gitcoord.cli.output import envelope, failed, records
from gitcoord.cli.render.errors import complaint
from gitcoord.cli.reply import Reply
from gitcoord.core.views import ClaimView, Grant, Notice, TaskView, WorktreeView
from gitcoord.errors import Held, NoSession, Unsafe

TASK = TaskView(
    id="15",
    title="a\ttitle",
    body="two\nlines",
    state="claimed",
    priority=2,
    labels=("x", "y"),
    after=(),
    blocked_by=(),
    claim=ClaimView(session="s-aaaaaaaaaa", session_name="backend", token=3, since="2026-11-20T13:03:11.402Z"),
    token=3,
    attempts=1,
    branch="coord/15",
    base="main",
    worktree=None,
    progress=None,
    handoff=None,
    result=None,
    created_at="2026-11-20T13:00:00.000Z",
    updated_at="2026-11-20T13:03:11.402Z",
    in_force=True,
)
NOTICE = Notice(code="taken-over", message="taken from s-old, which no longer lives")
GRANT = Grant(
    task=TASK,
    guarantee="local",
    changed=True,
    created=False,
    taken_from="s-old",
    taken_from_name="old",
    notices=(NOTICE,),
)


def test_a_success_is_one_envelope_with_its_result() -> None:
    document = envelope(Reply([1, 2]))
    assert document == {"schema": "gitcoord/1", "ok": True, "result": [1, 2], "as_of": None, "notices": []}


def test_a_grant_is_its_task_with_what_the_grant_says_beside_it() -> None:
    document = envelope(Reply(GRANT), [NOTICE])
    assert document["guarantee"] == "local"
    assert document["notices"] == [NOTICE]
    result = document["result"]
    assert set(result) == {*TASK.__struct_fields__, "changed", "created", "taken_from", "taken_from_name", "locks"}
    assert result["id"] == "15"
    assert result["claim"]["token"] == 3
    assert result["taken_from"] == "s-old"


def test_a_failure_has_its_code_message_and_hint_and_then_its_fields() -> None:
    error = Held("task 15 is held by backend", holder="s-aaaaaaaaaa", token=3, code="never", hint="try later")
    assert failed(error)["error"] == {
        "code": "held",
        "message": "task 15 is held by backend",
        "hint": "try later",
        "holder": "s-aaaaaaaaaa",
        "token": 3,
    }


def test_a_failure_without_a_hint_says_null() -> None:
    assert failed(Unsafe("work would be lost"))["error"]["hint"] is None


def test_porcelain_is_one_record_a_line_with_nested_values_as_json() -> None:
    line = records([TASK], "\n")
    assert line.count("\n") == 1
    fields = dict(field.split("=", 1) for field in line[:-1].split("\t"))
    assert fields["id"] == "15"
    assert fields["title"] == "a\\ttitle"
    assert fields["body"] == "two\\nlines"
    assert fields["worktree"] == ""
    assert fields["in_force"] == "true"
    assert msgspec.json.decode(fields["labels"]) == ["x", "y"]
    assert msgspec.json.decode(fields["claim"])["token"] == 3


def test_porcelain_with_z_ends_records_with_nul() -> None:
    assert records([{"a": 1}, {"a": None}], "\0") == "a=1\0a=\0"


def test_a_refusal_is_said_in_what_why_and_hint() -> None:
    error = Held(
        "task 15 is held by backend",
        holder="s-aaaaaaaaaa",
        holder_name="backend",
        token=3,
        since="2026-11-20T13:03:11.402Z",
        heartbeat_age=42.3,
    )
    assert list(complaint(error)) == [
        "git coord: held: task 15 is held by backend",
        "  token 3, since 2026-11-20 13:03Z",
        "  hint: pick other work with 'git coord ready', or look at the holder with 'git coord sessions'",
    ]


def test_what_an_error_lists_is_named_and_not_dumped() -> None:
    error = Unsafe(
        "backend still holds 15", tasks=["15"], locks=[], worktrees=[{"path": "/w/15\x1b[2J", "files": ["a"]}]
    )
    assert list(complaint(error)) == [
        "git coord: unsafe: backend still holds 15",
        "  tasks: 15",
        "  worktrees: /w/15\\x1b[2J",
    ]
    assert list(complaint(NoSession())) == [
        "git coord: no-session: You have no session here.",
        "  hint: git coord start",
    ]


def test_a_path_that_is_not_utf_8_still_makes_a_json_document() -> None:
    from gitcoord.cli.output import _encode

    view = WorktreeView(
        path="/w/\udcff",
        branch=None,
        head=None,
        task=None,
        session=None,
        session_name=None,
        dirty=None,
        unpushed=None,
        missing=True,
        main=False,
    )
    assert msgspec.json.decode(_encode([view]))[0]["path"] == "/w/\ufffd"
