"""Hostile state from the repository: it is shown, and nothing in it is executed or used as a path. FAULTS HI05.

Whoever can push may write any record. A canary file says whether anything was executed.
"""

from __future__ import annotations

import os
from typing import Any

from tests.faults.support import Office, Run, canaries
from tests.support import Scratch

TASK = "refs/coord/tasks/15"
EXECUTABLE = {
    "post_create": "touch canary",
    "hooks": {"post-checkout": "touch canary"},
    "command": ["sh", "-c", "touch canary"],
    "env": {"GIT_SSH_COMMAND": "touch canary", "LD_PRELOAD": "./canary.so"},
    "config": {"core.hooksPath": "/tmp", "core.fsmonitor": "touch canary"},
    "template": "/tmp",
}
PLACES = ("/etc", ".git/hooks", "../../canary", "--force")
BRANCHES = (
    "-x",
    "--force",
    "--orphan",
    "../../canary",
    "main",
    "refs/heads/main",
    "@{-1}",
    "HEAD",
    "a b",
    ".git/hooks",
)
REVISIONS = (
    "--output=canary",
    "--upload-pack=touch canary",
    "-x",
    "$(touch canary)",
    "@{-1}",
    ":/first",
    "^main",
    "\n",
)
EVERYTHING = (
    ("status",),
    ("task", "show", "15"),
    ("task", "list", "--all"),
    ("sessions", "--all"),
    ("log",),
    ("worktree", "list"),
    ("handoffs",),
    ("ready",),
    ("cleanup", "--dry-run"),
    ("claim", "15", "--no-worktree"),
    ("accept", "15"),
    ("claim", "15"),
    ("takeover", "15", "--reason", "r"),
    ("worktree", "create", "15"),
    ("progress", "15", "5"),
    ("handoff", "15", "--note", "n"),
    ("withdraw", "15"),
    ("done", "15", "--remove-worktree"),
    ("worktree", "remove", "15"),
    ("cleanup",),
    ("doctor",),
    ("end", "--force"),
)


def hostile_tasks(office: Office) -> list[dict[str, Any]]:
    """Records that whoever can push may have written."""
    ann = office.hire("giver")
    ann.claim("15", worktree=False)
    plain = office.task("15")
    host, giver, head = ann.host, str(ann.wanted), office.scratch.git("rev-parse", "HEAD")
    free = {**plain, "claim": None, "state": "pending"}
    handoff = {"from": giver, "to": None, "note": "n", "at": plain["created_at"], "context": {}, "next": []}
    offer = {**free, "state": "offered"}
    return [
        {**free, **EXECUTABLE},
        *({**free, "worktrees": {host: place, "elsewhere": place}} for place in PLACES),
        *({**free, "branch": branch} for branch in BRANCHES),
        *({**free, "base": base} for base in REVISIONS),
        *({**offer, "handoff": {**handoff, "commit": commit}} for commit in REVISIONS[:3]),
        *({**offer, "handoff": {**handoff, "rescue": oid}} for oid in (head, "--all", "0" * 40)),
        {**offer, "handoff": {**handoff, "to": "../../canary"}},
        {**offer, "handoff": {**handoff, "from": "--force"}},
        {**plain, "claim": {"session": "../../canary", "token": 1, "since": "--x"}},
        {**plain, "claim": {"session": giver, "token": -5, "since": ""}, "token": -7},
        {**free, "after": ["../../canary", "--force", "$(touch canary)"], "labels": ["--x", "\x1b[2J"]},
        {**free, "title": "--force", "body": "$(touch canary)", "created_at": "--x", "updated_at": ""},
    ]


def test_hi05_no_execution_of_synced_content_nor_use_of_it_as_a_path(
    run: Run, watched: Scratch, office: Office
) -> None:
    mine = watched.user_state()
    etc = sorted(os.listdir("/etc"))
    hooks = sorted(os.listdir(watched.path / ".git/hooks"))
    for record in hostile_tasks(office):
        office.plant(TASK, record)
        acting = {"GIT_COORD_SESSION": str(office.hire("worker").wanted)}
        for words in EVERYTHING:
            run(*words, more=acting)
        assert canaries(watched) == [], record
        assert watched.user_state() == mine, record
        for path in (watched.path / ".worktrees").glob("*"):
            watched.git("worktree", "remove", "--force", "--force", str(path))
        branches = watched.git("for-each-ref", "--format=%(refname:short)", "refs/heads/coord/").splitlines()
        assert not branches or watched.git("branch", "-q", "-D", *branches) == ""
    assert sorted(os.listdir("/etc")) == etc
    assert sorted(os.listdir(watched.path / ".git/hooks")) == hooks


def test_hi05_hostile_sessions_and_rescue_refs_do_nothing_either(run: Run, watched: Scratch, office: Office) -> None:
    """Paths, names and pids of others are shown; a process that they name is never touched."""
    ann = office.hire("ann")
    plain = office.record(f"refs/coord/sessions/{ann.wanted}")
    sid = "s-aaaaaaaaaa"
    blob = watched.git("hash-object", "-w", "--stdin", stdin="#!/bin/sh\ntouch canary\n")
    tree = watched.git("mktree", stdin=f"100755 blob {blob}\tpost-checkout\n")
    for change in (
        {"worktree": "/etc", **EXECUTABLE},
        {"worktree": ".git/hooks", "name": "$(touch canary)", "agent": "--force"},
        {"process": {"pid": os.getpid(), "start": "1", "ns": None}},
        {"process": {"pid": -1}},
        {"process": {"pid": 2**70}},
        {"resumed_from": "../../canary", "host": "../../canary", "labels": {"--x": "$(touch canary)"}},
        {"state": "expired", "ending": {"how": "observed", "silent": -1e300, "boot": {"id": "x", "at": 1e300}}},
    ):
        office.plant(f"refs/coord/sessions/{sid}", {**plain, "id": sid, **change})
        office.plant(TASK, {**office_task(sid), "worktrees": {ann.host: ".git/hooks"}})
        watched.git("update-ref", "refs/coord/rescue/15", tree)
        acting = {"GIT_COORD_SESSION": str(office.hire("worker").wanted)}
        for words in (*EVERYTHING, ("resume", sid), ("end", sid, "--force")):
            run(*words, more=acting)
        assert canaries(watched) == [], change
    os.kill(os.getpid(), 0)


def office_task(sid: str) -> dict[str, Any]:
    at = "2026-11-20T13:00:00.000Z"
    claim = {"session": sid, "token": 1, "since": at}
    return {
        "id": "15",
        "title": "t",
        "state": "claimed",
        "token": 1,
        "claim": claim,
        "created_at": at,
        "updated_at": at,
    }
