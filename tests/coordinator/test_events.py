"""The log: everything that happened, once, causes before effects; and the entries that sessions write themselves."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from threading import Timer

import msgspec
import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.core.event import LIVE
from gitcoord.core.views import EventView
from gitcoord.errors import Ended, NoSession, NotFound, Usage
from gitcoord.store.base import Change, Commit
from tests.faults.support import FakeClock, Office
from tests.support import Scratch


def told(events: list[EventView]) -> list[str]:
    return [f"{event.session_name or '-'} {event.type}" for event in events]


def test_an_entry_is_a_commit_that_git_log_shows(office: Office) -> None:
    ann = office.hire("ann")
    first = ann.event("deploy", "v1 is out", meta={"version": "1.0"})
    assert (first.session, first.type, first.message, first.meta, first.source) == (
        ann.wanted,
        "deploy",
        "v1 is out",
        {"version": "1.0"},
        "event",
    )
    ann.event("note", "of two\nlines \x1b[31m")
    ref = f"refs/coord/events/{ann.wanted}"
    assert office.scratch.git("log", "--format=%s", ref).splitlines() == [
        "note: of two lines [31m",
        "deploy: v1 is out",
    ]
    assert "\n\nof two\nlines  [31m\n\nCoord-Event: {" in office.scratch.git("log", "-1", "--format=%B", ref)
    record = office.record(ref)
    assert (record["seq"], record["text"], record["meta"]) == (2, "of two\nlines \x1b[31m", {})


def test_the_log_tells_of_tasks_sessions_locks_data_and_entries(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann")
    steps: list[Callable[[], object]] = [
        lambda: ann.claim("15", worktree=False),
        lambda: ann.lock(["deploy"]),
        lambda: ann.set("project:x", "k", 1),
        lambda: ann.set("private:x", "k", 2),
        lambda: ann.event("note", "half way", task="15"),
        lambda: ann.progress("15", percent=50),
        lambda: ann.done("15"),
    ]
    for step in steps:
        clock.move(1)  # two records changed in one millisecond have no order
        step()
    found = [(event.source, event.type, event.task) for event in ann.log()]
    assert found == [
        ("repository", "init", None),
        ("session", "start", None),
        ("task", "claim", "15"),
        ("lock", "lock", None),
        ("data", "set", None),
        ("data", "set", None),
        ("event", "note", "15"),
        ("task", "progress", "15"),
        ("task", "done", "15"),
    ]
    assert [event.type for event in ann.log(task="15")] == ["claim", "note", "progress", "done"]


def test_the_log_is_narrowed_by_session_type_age_and_number(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.event("deploy", "one")
    clock.move(3600)
    ben.event("deploy", "two")
    ben.event("note", "three")
    assert told(ann.log(type="deploy")) == ["ann deploy", "ben deploy"]
    assert told(ann.log(session="ben")) == ["ben start", "ben deploy", "ben note"]
    assert told(ann.log(since=600)) == ["ben deploy", "ben note"]
    assert told(ann.log(limit=1)) == ["ben note"]
    with pytest.raises(NotFound):
        ann.log(task="none")
    with pytest.raises(NotFound):
        ann.log(session="nobody")


def test_causes_come_before_their_effects_though_clocks_differ(office: Office) -> None:
    ahead, behind = FakeClock(), FakeClock()
    ahead.jump(3600)
    ann, ben = office.hire("ann", clock=ahead), office.hire("ben", clock=behind)
    ann.claim("15", worktree=False)
    ann.release("15", reason="x")
    behind.jump(1)
    ben.claim("15", worktree=False)
    behind.jump(1)
    ben.event("note", "mine now")
    found = told(office.coord().log())
    assert found.index("ann release") < found.index("ben claim") < found.index("ben note")


def test_an_entry_is_about_the_task_whose_worktree_it_is_written_in(office: Office) -> None:
    ann = office.hire("ann")
    grant = ann.claim("15")
    inside = office.coord(at=grant.task.worktree)
    assert inside.event("note", "here").task == "15"
    assert inside.event("note", "there", task="16").task == "16"
    assert ann.event("note", "elsewhere").task is None


def test_who_has_no_session_or_has_left_writes_no_entries(office: Office) -> None:
    with pytest.raises(NoSession):
        office.coord().event("note", "x")
    ann = office.hire("ann")
    ann.end()
    with pytest.raises(Ended):
        ann.event("note", "x")
    with pytest.raises(Usage):
        office.hire("ben").event("claim", "of nothing")


def test_two_processes_of_one_session_append_without_losing_anything(office: Office) -> None:
    ann = office.hire("ann")
    other = office.coord(session=ann.wanted)
    for number in range(10):
        (ann, other)[number % 2].event("note", str(number))
    assert [event.message for event in ann.log(type="note")] == [str(number) for number in range(10)]
    assert office.record(f"refs/coord/events/{ann.wanted}")["seq"] == 10


# -- what others put there ---------------------------------------------------------------------------------------------


def forge(coord: Coordinator, ref: str, message: str) -> None:
    found = coord.store.read([ref])[ref]
    payload = found.payload if found else b"{}"
    coord.store.swap([Change(ref, found.oid if found else None, Commit(payload, message, coord.author()))])


def test_hi11_impersonation_visible(office: Office) -> None:
    """An entry in ann's log that says it is ben's is shown as ann's, and with what it says."""
    ann, ben = office.hire("ann"), office.hire("ben")
    trailer = f'{{"type":"note","at":"2026-11-20T13:03:11.402Z","session":"{ben.wanted}","text":"I am ben"}}'
    forge(ann, f"refs/coord/events/{ann.wanted}", f"note: I am ben\n\nCoord-Event: {trailer}\n")
    (event,) = ann.log(type="note")
    assert (event.session, event.meta) == (ann.wanted, {"signed_by": ben.wanted})
    said = office.scratch.coord("log", "--type", "note").out
    assert f"(signed by {ben.wanted}!)" in said


@pytest.mark.parametrize(
    "message",
    [
        "no trailer at all",
        "x\n\nCoord-Event: {",
        "x\n\nCoord-Event: [1]",
        'x\n\nCoord-Event: {"type":7,"at":[],"session":{"a":1},"text":3,"meta":"no"}',
        'x\n\nCoord-Event: {"type":"note","at":"\x1b[31mxxxxxxxxxxxxxxxxxxx","text":"\x1b]0;owned\x07\u202e"}',
        "x\n\nCoord-Event: " + "[" * 100_000,
        "\n\n\n",
    ],
    ids=["none", "cut", "a list", "wrong types", "escapes", "deep", "empty"],
)
def test_whatever_stands_in_a_commit_is_an_event_of_plain_harmless_values(office: Office, message: str) -> None:
    ann = office.hire("ann")
    ann.event("note", "before")
    forge(ann, f"refs/coord/events/{ann.wanted}", message)
    entries = [event for event in ann.log() if event.source == "event"]
    assert [event.session for event in entries] == [ann.wanted, ann.wanted]
    for args in (("log",), ("log", "--json"), ("log", "--porcelain")):
        ran = office.scratch.coord(*args)
        assert ran.code == 0
        assert not {"\x1b", "\x07", "\u202e"}.intersection(ran.out)


def test_a_text_that_looks_like_a_trailer_is_only_text(office: Office) -> None:
    ann = office.hire("ann")
    ann.event("note", 'x\n\nCoord-Event: {"type":"claim","session":"s-aaaaaaaaaa","at":"x"}')
    assert [event.type for event in ann.log(session=ann.wanted)] == ["start", "note"]


def test_a_damaged_chain_is_left_out_and_named(office: Office) -> None:
    ann = office.hire("ann")
    ann.event("note", "one")
    oid = office.refs()[f"refs/coord/events/{ann.wanted}"]
    ann.event("note", "two")
    (office.scratch.common_dir() / "objects" / oid[:2] / oid[2:]).unlink()
    (office.scratch.common_dir() / "refs" / "coord" / "tasks").mkdir()
    (office.scratch.common_dir() / "refs" / "coord" / "tasks" / "x").write_text("")
    coord = office.coord()
    assert [event.type for event in coord.log()] == ["init", "start"]
    assert sorted(notice.message.split(" ")[0] for notice in coord.notices if notice.code == "corrupt") == [
        f"refs/coord/events/{ann.wanted}",
        "refs/coord/tasks/x",
    ]


# -- much of it --------------------------------------------------------------------------------------------------------


def grow(office: Office, ref: str, count: int) -> None:
    """Put ``count`` plain commits on a chain, by git alone, which is quick."""
    tip = office.refs()[ref]
    tree = office.scratch.git("rev-parse", f"{ref}^{{tree}}")
    lines = []
    for number in range(count):
        message = f"note: {number}\n"
        parent = f"from {tip}\n" if number == 0 else ""
        lines.append(
            f"commit {ref}\nauthor A <a@b> {number} +0000\ncommitter A <a@b> 0 +0000\n"
            f"data {len(message)}\n{message}\n{parent}"
        )
    office.scratch.git("fast-import", "--quiet", "--force", stdin="".join(lines))
    assert office.scratch.git("rev-parse", f"{ref}^{{tree}}") == tree


def test_the_newest_thousand_are_live_and_older_ones_stay_in_history(office: Office) -> None:
    ann = office.hire("ann")
    ann.event("first", "the very first")
    ref = f"refs/coord/events/{ann.wanted}"
    grow(office, ref, LIVE)
    coord = office.coord()
    assert len([event for event in coord.log() if event.source == "event"]) == LIVE
    assert [notice.code for notice in coord.notices] == ["older"]
    coord = office.coord()
    everything = [event for event in coord.log(all=True) if event.source == "event"]
    assert (len(everything), everything[0].message, coord.notices) == (LIVE + 1, "the very first", [])


def test_a_log_over_many_tasks_starts_a_handful_of_processes(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.coord().task_add_many([{"title": f"Task {number}"} for number in range(300)])
    real = office.scratch.git("--exec-path")
    shim = tmp_path / "bin"
    shim.mkdir()
    (shim / "git").write_text(f'#!/bin/sh\necho "$$" >>{tmp_path}/started\nexec {real}/git "$@"\n')
    (shim / "git").chmod(0o755)
    ran = office.scratch.coord("log", "--json", env={"PATH": f"{shim}{os.pathsep}{os.environ['PATH']}"})
    assert len([event for event in ran.result if event["type"] == "add"]) == 300
    assert len((tmp_path / "started").read_text().splitlines()) < 10


# -- following it ------------------------------------------------------------------------------------------------------


def after(seconds: float, *steps: Callable[[], object]) -> None:
    def run() -> None:
        for step in steps:
            step()

    Timer(seconds, run).start()


def test_following_begins_with_the_last_and_goes_on_with_what_comes(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    for number in range(12):
        ann.event("note", str(number))
    coming: Iterator[EventView] = office.coord().follow(type="note")
    assert [event.message for event in islice(coming, 10)] == [str(number) for number in range(2, 12)]
    after(0.2, lambda: ben.event("note", "12"), lambda: ben.event("other", "x"), lambda: ben.event("note", "13"))
    assert [event.message for event in islice(coming, 2)] == ["12", "13"]


def test_nothing_is_missed_however_much_comes_at_once(office: Office) -> None:
    ann = office.hire("ann")
    ann.event("note", "begin")
    coming = office.coord().follow(limit=1)
    assert next(coming).message == "begin"
    ref = f"refs/coord/events/{ann.wanted}"
    after(0.1, lambda: grow(office, ref, 100), lambda: ann.claim("15", worktree=False))
    found = [event.message for event in islice(coming, 101)]
    assert found[:100] == [f"note: {number}" for number in range(100)]
    assert found[100] == "claim 15 by ann, token 1"


def test_following_from_the_command_line_prints_json_lines_until_it_is_interrupted(scratch: Scratch) -> None:
    scratch.coord("init", "--no-hooks")
    scratch.coord("start", "ann")
    running = scratch.start_coord("log", "--follow", "--type", "note", "--json")
    assert running.stdout is not None
    time.sleep(0.5)
    scratch.coord("event", "note", "one")
    assert msgspec.json.decode(running.stdout.readline())["message"] == "one"
    scratch.coord("event", "deploy", "no")
    scratch.coord("event", "note", "two")
    assert msgspec.json.decode(running.stdout.readline())["message"] == "two"
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err) == (0, "", "")
