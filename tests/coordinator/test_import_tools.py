"""Importing from other tools: what maps to what, nothing twice, originals untouched, odd files reported or refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.transfer import Imported, Row
from gitcoord.errors import CoordError, NotFound, Usage
from tests.faults.support import Office
from tests.support import Scratch


def take(office: Office, path: Path | str, source: str = "auto", *, dry_run: bool = False) -> Imported:
    with office.coord() as coord:
        return coord.import_from(str(path), source, dry_run=dry_run)


def rows(done: Imported, kind: str) -> dict[str, Row]:
    return {row.source: row for row in done.rows if row.kind == kind}


def actions(done: Imported) -> list[tuple[str, str]]:
    return sorted({(row.kind, row.action) for row in done.rows})


def put(folder: Path, files: dict[str, Any]) -> Path:
    """Write JSON files (text as it stands) below ``folder``."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


# -- beads ------------------------------------------------------------------------------------------------------------


def issue(name: str, **fields: Any) -> dict[str, Any]:
    """An issue with the fields that beads always writes."""
    return {
        "id": name,
        "title": f"Title of {name}",
        "description": "",
        "status": "open",
        "priority": 2,
        "issue_type": "task",
        "created_at": "2025-01-09T12:00:00.5+02:00",
        "updated_at": "2025-01-10T12:00:00Z",
        **fields,
    }


def blocks(name: str, other: str, kind: str = "blocks") -> dict[str, str]:
    return {"issue_id": name, "depends_on_id": other, "type": kind, "created_at": "2025-01-01T00:00:00Z"}


def beads(folder: Path, *issues: dict[str, Any]) -> Path:
    return put(folder, {".beads/issues.jsonl": "".join(json.dumps(each) + "\n" for each in issues)})


def test_issues_become_tasks(office: Office, tmp_path: Path) -> None:
    folder = beads(
        tmp_path / "b",
        issue("bd-1", status="closed", closed_at="2025-02-01T00:00:00Z", close_reason="works"),
        issue("bd-2", priority=0, description="Do it", design="so", labels=["api", "x"], assignee="ann", notes="n"),
        issue("bd-3", issue_type="bug", dependencies=[blocks("bd-3", "bd-2"), blocks("bd-3", "bd-1", "related")]),
        issue("bd-4", status="in_progress", comments=[{"author": "ben", "text": "on it", "created_at": "2025-01-01"}]),
        issue("bd-5", status="tombstone"),
        issue("bd-3.1", estimated_minutes=30, external_ref="gh-9"),
    )
    done = take(office, folder)
    assert done.source == "beads"
    first, second, third, fourth = (office.task(f"bd-{n}") for n in (1, 2, 3, 4))
    assert (first["state"], first["result"]["summary"], first["result"]["at"]) == (
        *("done", "works"),
        "2025-02-01T00:00:00.000Z",
    )
    assert (second["priority"], second["labels"]) == (0, ["api", "x", "assignee:ann", "source:beads"])
    assert second["body"] == "Do it\n\n## Design\n\nso\n\n## Notes\n\nn"
    assert (second["created_at"], second["updated_at"]) == ("2025-01-09T10:00:00.500Z", "2025-01-10T12:00:00.000Z")
    assert (third["after"], third["labels"]) == (["bd-2"], ["type:bug", "source:beads"])
    assert (fourth["state"], "was:in_progress" in fourth["labels"]) == ("pending", True)
    assert "ben, 2025-01-01: on it" in fourth["body"]
    assert rows(done, "task")["bd-5"].action == "skipped"
    assert "bd-3 → bd-1 (related)" in rows(done, "dependency")
    assert done.unread == ("beads: estimated_minutes",)
    with office.coord() as coord:
        assert [task.id for task in coord.ready()] == ["bd-2", "bd-3.1", "bd-4"]
        assert all(check.status != "problem" for check in coord.doctor())


def test_twice_is_once_and_a_dry_run_is_nothing(office: Office, tmp_path: Path) -> None:
    folder = beads(tmp_path / "b", issue("bd-1"), issue("bd-2"))
    before = office.refs()
    assert actions(take(office, folder, dry_run=True)) == [("task", "created")]
    assert office.refs() == before
    take(office, folder)
    imported = office.refs()
    assert actions(take(office, folder)) == [("task", "exists")]
    assert office.refs() == imported


def test_a_task_that_was_here_before_is_left_alone_and_told(office: Office, tmp_path: Path) -> None:
    office.hire("ann").claim("bd-1", worktree=False)
    mine = office.task("bd-1")
    done = take(office, beads(tmp_path / "b", issue("bd-1")))
    assert rows(done, "task")["bd-1"].action == "skipped"
    assert "another task" in str(rows(done, "task")["bd-1"].reason)
    assert office.task("bd-1") == mine


def test_a_circle_of_dependencies_is_told_and_broken(office: Office, tmp_path: Path) -> None:
    folder = beads(
        tmp_path / "b",
        *(issue(f"bd-{n}", dependencies=[blocks(f"bd-{n}", f"bd-{(n + 1) % 3}")]) for n in range(3)),
        issue("bd-9", dependencies=[blocks("bd-9", "bd-9"), blocks("bd-9", "gone")]),
    )
    done = take(office, folder)
    skipped = rows(done, "dependency")
    assert len(skipped) == 3
    assert sum("wait for each other" in str(row.reason) for row in skipped.values()) == 1
    assert sum(len(office.task(f"bd-{n}")["after"]) for n in range(3)) == 2
    with office.coord() as coord:
        assert {task.id for task in coord.ready()} >= {"bd-9"}


def test_what_a_task_cannot_be_is_cut_or_left_out_with_a_reason(office: Office, tmp_path: Path) -> None:
    folder = beads(
        tmp_path / "b",
        issue("bd-1", title="x" * 600, description="ü" * 70_000, priority=99, labels=["a\nb", "ok", 7, "l" * 200]),
        issue("bd\x1b[2J", title="evil"),
        issue("bd-2", title="  ", priority="P1"),
        issue("bd-2"),
        {"title": "no id", "status": "open"},
    )
    done = take(office, folder, "beads")
    first = office.task("bd-1")
    assert first["title"].endswith("…")
    assert len(first["body"].encode()) <= 64 << 10
    assert (first["priority"], first["labels"]) == (4, ["ok", "source:beads"])
    assert "cut to 64 KiB" in str(rows(done, "task")["bd-1"].reason)
    assert (office.task("bd-2")["title"], office.task("bd-2")["priority"]) == ("Title of bd-2", 2)
    assert {source for source, row in rows(done, "task").items() if row.action == "skipped"} == {
        *("bd\x1b[2J", "line 5"),
    }


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"id":"a","title":"t","status":' + "[" * 90 + "]" * 90 + "}", '{"id":"a","title":"\xff"}', "hello"],
)
def test_a_line_that_is_no_issue_stops_the_import(text: str, office: Office, tmp_path: Path) -> None:
    good = json.dumps(issue("bd-1"))
    path = tmp_path / "issues.jsonl"
    path.write_bytes(f"{good}\n{text}\n".encode("latin-1"))
    before = office.refs()
    with pytest.raises(Usage, match="line 2"):
        take(office, path)
    assert office.refs() == before


# -- dw ---------------------------------------------------------------------------------------------------------------

DW: dict[str, Any] = {
    "state/active.json": {
        "sessionId": "SESS-1",
        "activeProject": "tg-agent",
        "startTime": "2026-02-23T10:00:00Z",
        "status": "active",
    },
    "state/locks.json": {
        "locks": [
            {
                "lockId": "LOCK-1",
                "taskId": "V2-016",
                "ownerId": "SESS-1",
                "status": "active",
                "acquiredAt": "2026-02-23T10:00:00Z",
                "expiresAt": "2026-02-23T12:00:00Z",
            },
            {"lockId": "LOCK-2", "projectId": "PROJ-1", "ownerId": "SESS-2", "status": "released", "colour": "red"},
        ]
    },
    "state/queue.json": {
        "queue": [
            {"taskId": "V2-016", "projectId": "PROJ-1", "title": "OAuth", "priority": 5, "status": "in_progress"},
            {"taskId": "V2-014", "projectId": "PROJ-1", "title": "Docs", "priority": 1, "status": "passed"},
        ]
    },
    "state/sessions.json": {
        "version": "2.0",
        "sessions": [
            {
                "id": "SESS-2",
                "projectName": "wing",
                "taskId": "T",
                "worktreePath": "/home/j/wt",
                "status": "active",
                "createdAt": "2026-02-23T10:00:00Z",
                "lastActivity": "2026-02-23T11:30:00Z",
            }
        ],
    },
    "tasks.json": {
        "version": "1",
        "tasks": [{"id": "T-2", "title": "Two", "description": "more", "blockedBy": ["V2-016"], "status": "failed"}],
    },
}


def test_a_dw_workspace_becomes_tasks_and_ended_sessions_and_its_locks_are_told(office: Office, tmp_path: Path) -> None:
    folder = put(tmp_path / "dw", DW)
    original = snapshot(folder)
    done = take(office, folder)
    assert done.source == "dw"
    assert done.counts["created"] == 5
    with office.coord() as coord:
        tasks = {task.id: task for task in coord.task_list(all=True)}
        assert {name: (task.state, task.priority) for name, task in tasks.items()} == {
            "V2-016": ("pending", 0),
            "V2-014": ("done", 4),
            "T-2": ("failed", 2),
        }
        assert tasks["T-2"].after == ("V2-016",)
        assert tasks["V2-016"].labels == ("project:PROJ-1", "was:in_progress", "source:dw")
        sessions = {item.name: item for item in coord.sessions(all=True)}
        assert set(sessions) == {"tg-agent SESS-1", "wing SESS-2"}
        assert {item.state for item in sessions.values()} == {"ended"}
        assert sessions["wing SESS-2"].ended_at == "2026-02-23T11:30:00.000Z"
        assert coord.locks() == []
    locks = rows(done, "lock")
    assert "SESS-1" in str(locks["locks.json: LOCK-1 on task V2-016"].reason)
    assert {row.action for row in locks.values()} == {"skipped"}
    assert done.unread == ("dw locks.json: colour",)
    assert snapshot(folder) == original
    assert {row.action for row in take(office, folder / "state" / "active.json").rows if row.kind != "lock"} == {
        "exists",
    }


# -- registry ---------------------------------------------------------------------------------------------------------

UUID = "64448612-0e5c-4075-8d92-4cb54e7e0567"
METADATA = {
    "sessionId": UUID,
    "sessionName": "netbox-integration-dev",
    "userId": "md",
    "sshClient": "192.168.1.100 54321 22",
    "workingDirectory": "/home/x",
    "startTime": "2025-11-08T14:43:00Z",
    "endTime": None,
    "status": "active",
    "model": "claude-sonnet",
    "lastActivity": "2025-11-08T15:20:00Z",
    "messageCount": 42,
    "toolCallCount": 156,
    "mcpServers": ["netbox", "memory"],
    "exitCode": None,
}


def registry(folder: Path, **sessions: dict[str, Any]) -> Path:
    return put(folder, {"sessions/.registry": {"version": "1.0", "sessions": sessions}})


def test_registered_sessions_become_ended_ones_that_can_be_resumed(office: Office, tmp_path: Path) -> None:
    folder = registry(tmp_path / ".claude", **{UUID: {"sessionName": "old name", "startTime": "2025-11-08T14:43:00Z"}})
    put(folder, {f"sessions/{UUID}/metadata.json": METADATA, f"sessions/{UUID}/history.jsonl": "secret"})
    original = snapshot(folder)
    done = take(office, folder)
    assert actions(done) == [("session", "created")]
    with office.coord() as coord:
        (found,) = coord.sessions(all=True)
        assert (found.name, found.agent, found.model) == ("netbox-integration-dev", "claude", "claude-sonnet")
        assert (found.state, found.external_id, found.user) == ("ended", UUID, "md")
        assert found.ended_at == "2025-11-08T15:20:00.000Z"
        record = office.record(f"refs/coord/sessions/{found.id}")
        assert record["counters"] == {"messages": 42, "tool_calls": 156}
        assert (record["mcp_servers"], record["ssh_client"]) == (["netbox", "memory"], "192.168.1.100")
        assert record["labels"] == {"source": "registry", "source_id": UUID}
        assert done.unread == ()
        successor = coord.resume(UUID).session
        assert (successor.resumed_from, successor.state) == (found.id, "live")
    assert snapshot(folder) == original
    assert actions(take(office, folder / "sessions")) == [("session", "exists")]
    assert actions(take(office, folder / "sessions" / UUID / "metadata.json")) == [("session", "exists")]


def test_ids_that_are_paths_are_never_followed(office: Office, tmp_path: Path) -> None:
    put(tmp_path, {"outside/metadata.json": {**METADATA, "sessionName": "stolen"}})
    evil = {"../../outside": {}, "/etc": {}, "..": {}, "ok": {"sessionName": "ok"}}
    folder = registry(tmp_path / "in" / ".claude", **evil)
    os.symlink(tmp_path / "outside" / "metadata.json", folder / "sessions" / "metadata.json")
    link = folder / "sessions" / "linked"
    link.mkdir()
    os.symlink(tmp_path / "outside" / "metadata.json", link / "metadata.json")
    done = take(office, folder, "registry")
    assert {row.source for row in done.rows if row.action == "skipped"} == {"../../outside", "/etc", ".."}
    with office.coord() as coord:
        assert [item.name for item in coord.sessions(all=True)] == ["ok"]
    assert any("linked" in what for what in done.unread)


# -- session-state ----------------------------------------------------------------------------------------------------


def test_scope_files_become_scopes(office: Office, tmp_path: Path) -> None:
    office.hire("ann").set("issue:15", "mine", "stays")
    folder = put(
        tmp_path / "p" / ".claude" / "session-state",
        {
            "laptop__org__repo__issue__15.json": {
                "scope": "laptop:org/repo:issue:15",
                "data": {"phase": "review", "mine": "other", "n": [1, {"a": None}]},
                "metadata": {"phase": {"created_at": "2025-01-01T00:00:00", "updated_at": "2025-01-02T00:00:00"}},
            },
            "laptop__org__repo__session__claude_1.json": {"data": {"todo": []}, "metadata": {}},
            "laptop__org__repo__empty.json": {"data": {}, "metadata": {}},
            "a b.json": {"data": {"k": 1}, "metadata": {}},
            "broken.json": "{",
        },
    )
    original = snapshot(folder)
    done = take(office, tmp_path / "p")
    with office.coord() as coord:
        assert coord.get("issue:15", "phase").value == "review"
        assert coord.get("issue:15", "phase").at == "2025-01-02T00:00:00.000Z"
        assert coord.get("issue:15", "n").value == [1, {"a": None}]
        assert coord.get("issue:15", "mine").value == "stays"
        assert coord.get("session:claude_1", "todo").value == []
    skipped = {row.kind: row for row in done.rows if row.action == "skipped"}
    assert skipped["key"].source == "laptop__org__repo__issue__15.json: mine"
    assert {row.source for row in done.rows if row.kind == "scope" and row.action == "skipped"} == {
        *("laptop__org__repo__empty.json", "a b.json"),
    }
    assert done.unread == ("session-state: broken.json is no scope file",)
    assert snapshot(folder) == original
    assert ("scope", "created") not in actions(take(office, folder))


def test_a_secret_among_shared_data_is_warned_of(office: Office, tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    put(tmp_path / "session-state", {"x__y__z__a.json": {"data": {"token": token}, "metadata": {}}})
    with office.coord() as coord:
        coord.import_from(str(tmp_path / "session-state"))
        assert [notice.code for notice in coord.notices] == ["secret"]
        assert token not in coord.notices[0].message


# -- finding out what it is -------------------------------------------------------------------------------------------


def test_what_a_path_holds_is_found_out_from_its_content(office: Office, tmp_path: Path) -> None:
    export = tmp_path / "whatever.txt"
    with office.coord() as coord:
        export.write_bytes(b"\n".join(coord.export()) + b"\n")
    assert take(office, export, dry_run=True).source == "gitcoord"
    renamed = put(tmp_path, {"list.txt": json.dumps(issue("bd-1"))}) / "list.txt"
    assert take(office, renamed, dry_run=True).source == "beads"
    both = beads(put(tmp_path / "both", DW), issue("bd-1"))
    with pytest.raises(Usage, match="beads and dw"):
        take(office, both)
    assert take(office, both, "dw", dry_run=True).source == "dw"


def test_what_is_nothing_known_is_said(office: Office, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        take(office, tmp_path / "nowhere")
    put(tmp_path / "x", {"package.json": {"name": "x"}, "notes.txt": "hello"})
    for path in (tmp_path / "x", tmp_path / "x" / "package.json", tmp_path / "x" / "notes.txt"):
        with pytest.raises(Usage, match="does not look like anything"):
            take(office, path)
    with pytest.raises(CoordError, match="does not look like what beads writes"):
        take(office, tmp_path / "x", "beads")


def test_an_import_from_the_command_line_tells_what_became_of_what(scratch: Scratch, tmp_path: Path) -> None:
    folder = beads(tmp_path / "with space ü", issue("bd-1", title="a\x1b[31mb"), issue("bd-2"))
    assert scratch.coord("init", "--no-hooks").code == 0
    tried = scratch.coord("import", str(folder), "--dry-run")
    assert "would import from beads: 2 created" in tried.out
    done = scratch.coord("import", str(folder), "--json").result
    assert done["counts"] == {"created": 2, "changed": 0, "exists": 0, "skipped": 0}
    assert [row["target"] for row in done["rows"]] == ["bd-1", "bd-2"]
    assert "\x1b" not in scratch.coord("task", "list").out
    assert scratch.coord("import", "-", "--from", "beads").code == 129


def test_of_two_imports_at_once_one_makes_the_tasks_and_the_other_finds_them(scratch: Scratch, tmp_path: Path) -> None:
    scratch.git("config", "coord.durability", "relaxed")
    assert scratch.coord("init", "--no-hooks").code == 0
    folder = beads(tmp_path / "b", *(issue(f"bd-{number}") for number in range(60)))
    running = [scratch.start_coord("import", str(folder), "--json") for _ in range(3)]
    counts = []
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        counts.append(json.loads(out)["result"]["counts"])
    assert sorted((count["created"], count["exists"]) for count in counts) == [(0, 60), (0, 60), (60, 0)]
    assert len(scratch.coord("task", "list", "--json").result) == 60


def test_a_hub_has_what_was_imported(make_scratch: Callable[..., Scratch], tmp_path: Path) -> None:
    make_scratch("hub.git", "--bare")
    office = Office.found(make_scratch("mine"))
    office.scratch.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    with office.coord() as coord:
        coord.hub_set("origin")
    hub = Scratch(tmp_path / "hub.git")
    folder = beads(tmp_path / "b", issue("bd-1"))
    office.hire("ann")
    take(office, folder, dry_run=True)
    assert "refs/coord/sessions" not in hub.git("for-each-ref")
    take(office, folder)
    assert "refs/coord/tasks/bd-1" in hub.git("for-each-ref")
