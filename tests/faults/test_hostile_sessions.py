"""Hostile session records, and hostile things in the place of their directories, against what works on local files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcoord.agents.isolate import for_session
from gitcoord.errors import CoordError
from tests.faults.support import Office, Run, canaries
from tests.support import Scratch

SID = "s-aaaaaaaaaa"
VERBS = (
    ("sessions", "--all", "--sort", "activity", "--name", "*", "--label", "--x", "--here"),
    ("sessions", "show", SID),
    ("sessions", "export", SID, "out.tar.gz", "--mask"),
    ("attach", SID),
    ("sessions", "archive", "--older-than", "0s", "--yes"),
    ("sessions", "remove", SID, "--shred", "--yes"),
)


@pytest.mark.parametrize(
    "change",
    [
        {
            "name": "$(touch canary)\x1b[2J",
            "agent": "../../canary",
            "worktree": "/etc",
            "host_name": "-oProxyCommand=x",
        },
        {"ended_at": "0", "started_at": "", "process": {"pid": 2**70}, "labels": {"--x": "$(touch canary)"}},
        {"ended_at": "\u202e", "mcp_servers": ["../../canary"] * 50, "counters": {"messages": -1, "tool_calls": 2**70}},
        {"resumed_from": "../../../canary"},
        {"resumed_from": SID},
    ],
)
def test_hi05_what_a_session_record_says_is_never_a_path_or_a_command(
    run: Run, watched: Scratch, office: Office, change: dict[str, object]
) -> None:
    plain = office.record(f"refs/coord/sessions/{office.hire('ann').wanted}")
    ended = {"state": "ended", "host": office.coord().host, "ended_at": "2020-01-01T00:00:00.000Z"}
    office.plant(f"refs/coord/sessions/{SID}", {**plain, **ended, "id": SID, **change})
    private = watched.common_dir() / "coord" / "sessions" / SID
    private.mkdir(parents=True)
    (private / "tmux").write_text("1 1 %1 /tmp/$(touch canary)\n")
    (private / "file").write_text("x")
    os.utime(private, (1, 1))
    for words in VERBS:
        run(*words)
    assert for_session(office.coord(), SID, agent="claude", environ={"HOME": str(watched.path.parent)})
    assert canaries(watched) == []


def test_hi09_a_link_in_the_place_of_a_directory_is_not_followed(
    run: Run, watched: Scratch, office: Office, tmp_path: Path
) -> None:
    ann = office.hire("ann")
    sid = str(ann.wanted)
    ann.end()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    private = watched.common_dir() / "coord" / "sessions" / sid
    for path in private.iterdir():
        path.unlink()
    private.rmdir()
    private.symlink_to(outside)
    for words in VERBS:
        run(*(sid if word == SID else word for word in words))
    with pytest.raises(CoordError):
        for_session(office.coord(), sid, agent="claude", environ={"HOME": str(tmp_path)})
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "x"
