"""Whoever can push writes what we read: names, options, paths, records of the future, damaged refs. Real commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gitcoord.core import names
from tests.support import Ran, Scratch


@pytest.fixture
def office(scratch: Scratch) -> Scratch:
    """An initialised repository with one session, bound to it."""
    assert scratch.coord("init", "--no-hooks").code == 0
    assert scratch.coord("start", "ada").code == 0
    return scratch


def plant(repo: Scratch, ref: str, record: Any, *, message: str = "planted\n") -> str:
    """Put a record where an attacker who may push could put it."""
    data = record if isinstance(record, str) else msgspec.json.encode(record, order="sorted").decode()
    blob = repo.git("hash-object", "-w", "--stdin", stdin=data)
    tree = repo.git("mktree", stdin=f"100644 blob {blob}\trecord.json\n")
    commit = repo.git("commit-tree", tree, "-m", message)
    repo.git("update-ref", ref, commit)
    return commit


def task(task_id: str, **fields: Any) -> dict[str, Any]:
    """A task record with every field that has no default."""
    return {"v": 1, "id": task_id, "title": "t", "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "x", **fields}


def no_bug(done: Ran) -> None:
    """Whatever was asked: an answer of the contract, never a stack trace."""
    assert done.code in (0, 1, 7, 128, 129), done
    assert "Traceback" not in done.err


# -- HI04: names, options and paths --

AWKWARD = [
    "--upload-pack=touch canary",
    "a;touch canary\n",
    "../../canary",
    "@{-1}",
    "-x",
    "`touch canary`",
    "$(touch canary)",
    "/tmp/canary",
    ".git/hooks/post-commit",
    "C:\\canary",
    "a\nb",
    "..",
    "x" * 1001,
    "\u202eevil",
]


@pytest.mark.parametrize(
    "name",
    # Two dozen commands each: every run tries the most dangerous ones, the nightly run all of them.
    [name if place < 5 else pytest.param(name, marks=pytest.mark.nightly) for place, name in enumerate(AWKWARD)],
    ids=lambda name: repr(name[:16]),
)
def test_hi04_names_options_paths(office: Scratch, name: str) -> None:
    before = office.user_state()
    hooks = sorted((office.common_dir() / "hooks").iterdir())
    claimed = office.coord("claim", "--json", "--", name)
    no_bug(claimed)
    if claimed.code == 0:
        result = claimed.result
        assert result["id"] == name
        place = Path(result["worktree"])
        assert place.parent == office.path / ".worktrees"
        assert office.git("check-ref-format", "--branch", result["branch"]) == result["branch"]
        assert office.coord("task", "show", "--json", "--", name).result["token"] == 1
        assert office.coord("release", "--reason", name, "--", name).code == 0
    for args in (
        ("task", "add", "x", f"--id={name}"),
        ("task", "add", f"--body={name}", "--", name),
        ("task", "add", "y", f"--after={name}", f"--label={name}"),
        ("task", "cancel", f"--reason={name}", "--", name),
        ("claim", "ok", f"--branch={name}", "--no-worktree"),
        ("claim", "ok2", f"--branch={name}"),
        ("claim", "ok3", f"--base={name}"),
        ("handoff", "ok", f"--note={name}", f"--to={name}"),
        ("accept", "--", name),
        ("takeover", f"--reason={name}", "--", name),
        ("start", "--no-bind", "--", name),
        ("start", "--no-bind", f"--external-id={name}", f"--label=k={name}"),
        ("resume", "--", name),
        ("whoami", f"--session={name}"),
        ("worktree", "remove", "--", name),
        ("worktree", "adopt", "--task", "ok", "--", name),
        ("log", f"--task={name}"),
        ("event", "--", name, name),
        ("set", "--", name, name, name),
        ("lock", "--", name),
    ):
        no_bug(office.coord(*args))
    after = office.user_state()
    assert {**after, "refs": ""} == {**before, "refs": ""}
    branches = office.git("for-each-ref", "--format=%(refname)", "refs/tags", "refs/remotes")
    assert branches == ""
    assert sorted((office.common_dir() / "hooks").iterdir()) == hooks
    assert not [path for path in office.path.parent.rglob("canary") if ".git" not in path.parts]
    assert not Path("/tmp/canary").exists()


# -- HI05: nothing that came with the state is executed or used as a path --


def test_hi05_no_execution_of_synced_content(office: Scratch, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    script = f"touch {canary}"
    host = next(iter(office.coord("claim", "real", "--json").result and _host_of(office)))
    evil = {
        "branch": f"--upload-pack={script}",
        "base": f"--output={canary}",
        "worktrees": {host: str(tmp_path / "elsewhere")},
        "command": script,
        "hooks": {"post-create": script},
        "env": {"LD_PRELOAD": str(canary)},
    }
    offer = {
        "from": "s-aaaaaaaaaa",
        "note": script,
        "at": "t",
        "rescue": f"--exec={script}",
        "commit": f"--exec={script}",
    }
    plant(office, names.task_ref("pending"), task("pending", **evil))
    plant(office, names.task_ref("offered"), task("offered", state="offered", token=1, handoff=offer, **evil))
    main = office.git("rev-parse", "refs/heads/main")
    for rescue in (main, "0" * 40, "refs/heads/main", "../../HEAD"):
        name = f"offer-{names.slug(rescue)[:6]}"
        own = {**offer, "rescue": rescue, "commit": main}
        plant(office, names.task_ref(name), task(name, state="offered", token=1, handoff=own))
        no_bug(office.coord("accept", name))
    for args in (
        ("claim", "pending"),
        ("accept", "offered"),
        ("task", "show", "pending"),
        ("task", "list"),
        ("status",),
        ("handoffs",),
        ("worktree", "list"),
        ("log",),
        ("done", "pending", "--remove-worktree"),
        ("doctor", "--fix"),
    ):
        no_bug(office.coord(*args))
    assert not canary.exists()
    assert not (tmp_path / "elsewhere").exists()


def _host_of(office: Scratch) -> dict[str, str]:
    """The worktrees of the task ``real``: its one key is this host's id."""
    text = office.git("show", f"{names.task_ref('real')}:record.json")
    found: dict[str, str] = msgspec.json.decode(text)["worktrees"]
    return found


def test_hi05_a_session_record_pointing_anywhere_binds_and_runs_nothing(office: Scratch, tmp_path: Path) -> None:
    sid = "s-abcdefghij"
    record = {
        "v": 1,
        "id": sid,
        "name": "$(touch canary)",
        "host": "h",
        "started_at": "t",
        "worktree": "/etc",
        "process": {"pid": -1, "start": "x", "ns": "y"},
        "external_id": "--x",
    }
    plant(office, names.session_ref(sid), record)
    for args in (("sessions",), ("status",), ("resume", sid, "--no-bind"), ("end", sid), ("cleanup",), ("doctor",)):
        no_bug(office.coord(*args))
    assert not list(tmp_path.rglob("canary*"))


# -- HI03: the future --


def test_hi03_a_newer_record_is_shown_and_never_written(office: Scratch) -> None:
    commit = plant(office, names.task_ref("new"), task("new", v=2, shape="unheard of"))
    assert office.coord("task", "show", "new", "--json").result["title"] == "t"
    assert "new" in [item["id"] for item in office.coord("task", "list", "--json").result]
    refused = office.coord("claim", "new", "--json")
    assert (refused.code, refused.error["code"]) == (7, "newer-format")
    assert refused.error["hint"]
    assert office.git("rev-parse", names.task_ref("new")) == commit


def test_hi03_unknown_fields_survive_every_verb(office: Scratch) -> None:
    plant(office, names.task_ref("t"), task("t", estimate={"hours": 3}))
    for args in (("claim", "t"), ("progress", "t", "50"), ("task", "edit", "t", "--title", "u"), ("done", "t")):
        assert office.coord(*args).code == 0
    record = msgspec.json.decode(office.git("show", f"{names.task_ref('t')}:record.json"))
    assert (record["estimate"], record["state"], record["title"]) == ({"hours": 3}, "done", "u")


def test_hi03_kinds_of_the_future_are_ignored_and_kept(office: Scratch) -> None:
    commit = plant(office, "refs/coord/flows/release", {"v": 7})
    for args in (("status",), ("task", "list"), ("doctor", "--fix"), ("cleanup",)):
        assert office.coord(*args).code == 0
    assert office.git("rev-parse", "refs/coord/flows/release") == commit


# -- CR10: damaged refs, as commands see them --


def damage(office: Scratch, how: str) -> None:
    ref = names.task_ref("15")
    path = office.common_dir() / ref
    if how == "empty":
        path.write_text("")
    elif how == "dangling":
        path.write_text("12" * 20 + "\n")
    elif how == "symbolic":
        path.write_text("ref: refs/heads/main\n")
    elif how == "blob":
        path.write_text(office.git("hash-object", "-w", "--stdin", stdin="x") + "\n")
    elif how == "tag":
        office.git("tag", "-a", "-m", "x", "planted")
        path.write_text(office.git("rev-parse", "planted") + "\n")
        office.git("tag", "-d", "planted")
    elif how == "another name":
        plant(office, ref, task("16"))
    else:
        plant(office, ref, "not json")


@pytest.mark.parametrize("how", ["empty", "dangling", "symbolic", "blob", "tag", "another name", "no json"])
def test_cr10_a_damaged_task_is_never_free_and_can_be_mended(office: Scratch, how: str) -> None:
    if office.git("rev-parse", "--show-object-format") != "sha1" or (office.common_dir() / "reftable").exists():
        pytest.skip("damages files by hand")
    token = office.coord("claim", "15", "--no-worktree", "--json").result["token"]
    main = office.git("rev-parse", "refs/heads/main")
    damage(office, how)
    other = office.coord("start", "bob", "--no-bind", "--json").result["id"]
    refused = office.coord("claim", "15", "--json", "--session", other)
    assert (refused.code, refused.error["code"]) == (7, "corrupt"), refused
    assert office.coord("claim", "--next", "--session", other, "--json").error["code"] == "nothing-ready"
    status = office.coord("status", "--json").result
    assert "corrupt" in [item["code"] for item in status["attention"]]
    found = office.coord("doctor", "--json").result
    assert any(item["name"] == "refs" and item["status"] == "problem" for item in found)
    mended = office.coord("doctor", "--fix", "--json").result
    assert any(item["name"] == "refs" and item["status"] == "fixed" for item in mended)
    assert list((office.common_dir() / "coord" / "quarantine").iterdir())
    assert office.git("rev-parse", "refs/heads/main") == main
    office.git("log", "--all", "--oneline")
    again = office.coord("claim", "15", "--no-worktree", "--session", other, "--json")
    assert again.result["token"] > token
