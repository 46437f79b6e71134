"""The same verbs in unusual surroundings: bare and SHA-256 repositories, odd paths, exported Git variables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import NoRepository, NotInitialised, WrongState
from tests.faults.support import Office
from tests.support import Scratch, git_version

MakeScratch = Callable[..., Scratch]


def a_day_of_work(office: Office) -> str:
    """Claim, commit, progress, hand over, accept, finish; the path of the worktree."""
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.task_add("Größe prüfen 🎉", id="größe/15")
    path = str(ann.claim("größe/15").task.worktree)
    work = Scratch(Path(path))
    work.commit("work", {"sub/wörk 1.txt": "x\n"})
    (work.path / "neu\t.txt").write_text("uncommitted\n")
    inside = office.coord(at=path)
    assert inside.progress(percent=50).id == "größe/15"
    inside.handoff(note="weiter 🎉")
    accepted = ben.accept("größe/15")
    assert (accepted.restored, accepted.grant.task.worktree) == (True, path)
    assert (work.path / "neu\t.txt").read_text() == "uncommitted\n"
    finished = ben.done("größe/15")
    assert (finished.task.state, finished.removable) == ("done", False)
    result = finished.task.result
    assert result is not None
    assert result.commit == work.git("rev-parse", "HEAD")
    assert [event.type for event in ben.log(task="größe/15")] == [
        *("add", "claim", "progress", "offer", "accept", "done"),
    ]
    office.close()
    return path


def test_a_day_of_work_in_an_ordinary_repository(office: Office) -> None:
    a_day_of_work(office)


@pytest.mark.parametrize("name", ["with space", "Ünïcode-日本", "quote'\"$(x)`y`;&|", "-dash", "new\nline", "%s{task}"])
def test_paths_may_hold_anything(make_scratch: MakeScratch, name: str) -> None:
    path = a_day_of_work(Office.found(make_scratch(name)))
    assert f"/{name}/.worktrees/" in path


def test_a_sha256_repository(make_scratch: MakeScratch) -> None:
    office = Office.found(make_scratch("sha256", "--object-format=sha256"))
    assert office.coord().store.kind == "plumbing"
    a_day_of_work(office)


def test_a_reftable_repository(make_scratch: MakeScratch) -> None:
    if git_version() < (2, 45):
        pytest.skip("reftable needs git 2.45 or newer")
    a_day_of_work(Office.found(make_scratch("reftable", "--ref-format=reftable")))


def test_a_bare_repository_has_its_worktrees_beside_it(make_scratch: MakeScratch, scratch: Scratch) -> None:
    hub = make_scratch("hub.git", "--bare")
    office = Office.found(hub)
    ann = office.hire("ann")
    with pytest.raises(WrongState, match="no commit yet"):
        ann.claim("15")
    assert office.task("15")["claim"] is None
    scratch.git("push", "-q", str(hub.path), "main")
    path = ann.claim("15").task.worktree
    assert path == str(hub.path.parent / "hub.worktrees" / "15")
    assert office.coord(at=path).whoami().id == ann.wanted
    a_day_of_work(office)


def test_a_session_may_be_bound_to_a_bare_repository(make_scratch: MakeScratch) -> None:
    office = Office.found(make_scratch("hub.git", "--bare"))
    sid = office.coord().start("hub").id
    assert office.coord().claim("15", worktree=False).task.claim is not None
    assert office.coord().whoami().id == sid
    assert [check.message for check in office.coord().doctor() if check.status == "problem"] == []


def test_from_a_linked_worktree_the_same_state_is_seen(office: Office, scratch: Scratch, tmp_path: Path) -> None:
    scratch.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    here, there = office.coord(), office.coord(at=tmp_path / "linked")
    first, second = here.start("here").id, there.start("there").id
    assert (office.coord().whoami().id, office.coord(at=tmp_path / "linked").whoami().id) == (first, second)
    there.claim("15", worktree=False)
    assert [view.tasks for view in here.sessions() if view.id == second] == [("15",)]
    assert office.coord(at=tmp_path / "linked").claim("16").task.base == "linked"


def test_an_exported_git_dir_counts_and_does_not_leak(office: Office, make_scratch: MakeScratch) -> None:
    """Hooks export it; worktrees and snapshots must not be made in the repository they are called from."""
    other = make_scratch("other")
    before = other.user_state()
    git_dir, index = str(office.scratch.path / ".git"), str(other.path / ".git/index")
    coord = office.coord(at=other.path, GIT_DIR=git_dir, GIT_INDEX_FILE=index)
    coord.wanted = coord.start("ann", bind=False).id
    path = coord.claim("15").task.worktree
    assert path == str(office.scratch.path / ".worktrees" / "15")
    assert other.user_state() == before
    assert other.git("for-each-ref", "refs/coord") == ""


@pytest.mark.parametrize("inside", ["sub", ".git", ".git/refs"])
def test_any_directory_of_the_repository_will_do(office: Office, scratch: Scratch, inside: str) -> None:
    (scratch.path / inside).mkdir(exist_ok=True)
    sid = office.coord().start("ann").id
    assert office.coord(at=scratch.path / inside).whoami().id == sid


def test_outside_of_a_repository_and_before_init_it_says_so(make_scratch: MakeScratch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoRepository):
        Coordinator.open(str(tmp_path / "empty"), os.environ)
    with pytest.raises(NoRepository):
        Coordinator.open(str(tmp_path / "nowhere"), os.environ)
    with Coordinator.open(str(make_scratch("plain").path), os.environ) as coord:
        for verb in (coord.status, coord.sessions, coord.start, lambda: coord.claim("15"), lambda: coord.task_add("t")):
            with pytest.raises(NotInitialised):
                verb()


def test_before_the_first_commit_work_can_be_planned_and_claimed_without_a_worktree(tmp_path: Path) -> None:
    (tmp_path / "young").mkdir()
    young = Scratch(tmp_path / "young")
    young.git("init", "-q")
    office = Office.found(young)
    ann = office.hire("ann")
    with pytest.raises(WrongState) as refusal:
        ann.claim("15")
    assert refusal.value.hint == "make the first commit"
    assert ann.claim("15", worktree=False).task.token == 2
    assert ann.done("15").task.state == "done"
    office.close()


WRITING = """
import json, subprocess, sys
for words in sys.argv[1:]:
    argv = [sys.executable, "-m", "gitcoord", *words.split(), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True)
    print(done.returncode, json.loads(done.stdout).get("error", {}).get("code"), words)
"""


def test_a_read_only_git_directory_is_said_plainly_and_reading_still_works(
    office: Office, scratch: Scratch, tmp_path: Path
) -> None:
    """What an agent's sandbox does: everything can be read, nothing below .git can be written."""
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    before = office.refs()
    reads = ["status", "task list", "task show 15", "sessions", "log", "ready", "whoami"]
    writes = ["claim 16", "progress 15 5", "task add t", "start", "handoff 15 --note n", "done", "end --force"]
    (tmp_path / "all.py").write_text(WRITING)
    place = 'mount --bind .git .git && mount -o remount,bind,ro .git && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", place, "sh", sys.executable, str(tmp_path / "all.py"), *reads, *writes],
        cwd=scratch.path,
        env={**os.environ, "GIT_COORD_SESSION": str(ann.wanted)},
        capture_output=True,
        text=True,
    )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("nothing may be mounted here")
    assert done.stdout.splitlines() == [
        *(f"0 None {words}" for words in reads),
        *(f"128 git {words}" for words in writes),
    ]
    assert office.refs() == before
