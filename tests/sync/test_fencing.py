"""Fencing at the hub: a branch moves only while its task is held, whoever asks and whatever happens in between."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import Guarded, HubRefused, NotHolder, Usage
from tests.support import Scratch
from tests.sync.support import Town

SERVER = Path(__file__).parent.parent.parent / "hooks" / "server" / "update"


@pytest.fixture
def pair(town: Town) -> tuple[Coordinator, Coordinator, Scratch]:
    """ann, who works on 15 in her clone; ben in his; and ann's worktree."""
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    place = Scratch(Path(ann.claim("15").task.worktree or ""))
    return ann, ben, place


def head(town: Town, branch: str = "coord/15") -> str:
    return town.hub.git("rev-parse", "-q", "--verify", f"refs/heads/{branch}", check=False)


def test_a_fenced_push_moves_the_branch_and_renews_the_claim(
    town: Town, pair: tuple[Coordinator, Coordinator, Scratch]
) -> None:
    _ann, _ben, place = pair
    tip = place.commit("work", {"work.txt": "x"})
    before = town.refs()["refs/coord/tasks/15"]
    done = place.coord("push", "--json")
    assert (done.result["branch"], done.result["commit"], done.json["guarantee"]) == (
        "refs/heads/coord/15",
        tip,
        "confirmed",
    )
    assert head(town) == tip
    assert town.refs()["refs/coord/tasks/15"] != before
    assert place.coord("push", "HEAD:other").code == 0
    assert head(town, "other") == tip


def test_sy04_fenced_push_race(town: Town, pair: tuple[Coordinator, Coordinator, Scratch]) -> None:
    """While the hub is looking at the push, somebody takes the task over: the branch does not move."""
    _ann, ben, place = pair
    place.commit("work", {"work.txt": "x"})
    ben.sync()
    ben.takeover("15", reason="urgent", force=True, token=1, worktree=False)
    stolen = town.refs()["refs/coord/tasks/15"]
    town.hub.git("update-ref", "refs/coord/tasks/15", f"{stolen}^")  # not yet there when ann's push begins
    hook = town.hub.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        f"git update-ref refs/coord/tasks/15 {stolen}\n"
    )
    hook.chmod(0o755)
    done = place.coord("push", "--json")
    assert (done.code, done.error["code"]) == (1, "stale-token")
    assert head(town) == ""
    assert town.refs()["refs/coord/tasks/15"] == stolen


def test_who_does_not_hold_the_task_pushes_nothing(town: Town, pair: tuple[Coordinator, Coordinator, Scratch]) -> None:
    _ann, ben, _place = pair
    with pytest.raises(NotHolder):
        ben.push("main:coord/15", task="15")
    assert head(town) == ""


def test_a_branch_that_moved_on_is_not_overwritten(town: Town, pair: tuple[Coordinator, Coordinator, Scratch]) -> None:
    _ann, _ben, place = pair
    other = town.clone("other")
    tip = other.commit("theirs", {"theirs.txt": "x"})
    other.git("push", "-q", "origin", "HEAD:refs/heads/coord/15")
    place.commit("mine", {"mine.txt": "x"})
    done = place.coord("push", "--json")
    assert (done.code, done.error["code"]) == (1, "conflict")
    assert head(town) == tip


def test_without_atomic_push_a_fenced_push_is_refused(
    town: Town, pair: tuple[Coordinator, Coordinator, Scratch]
) -> None:
    ann, _ben, _place = pair
    town.hub.git("config", "receive.advertiseAtomic", "false")
    with pytest.raises(HubRefused, match="several refs at once"):
        ann.push("main:coord/15", task="15")
    assert head(town) == ""


@pytest.mark.parametrize("refspec", ["+main:x", ":x", "main:a..b", "nowhere", "-x"])
def test_a_fenced_push_moves_one_branch_forward(pair: tuple[Coordinator, Coordinator, Scratch], refspec: str) -> None:
    with pytest.raises(Usage):
        pair[0].push(refspec, task="15")


def test_the_pre_push_hook_of_the_user_is_asked(town: Town, pair: tuple[Coordinator, Coordinator, Scratch]) -> None:
    ann, _ben, _place = pair
    hook = Path(ann.repo.common) / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Guarded):
        ann.push("main:coord/15", task="15")
    assert head(town) == ""


# -- the hook for whoever runs the hub ---------------------------------------------------------------------------------


def fenced(town: Town) -> None:
    target = town.hub.path / "hooks" / "update"
    target.parent.mkdir(exist_ok=True)
    shutil.copy(SERVER, target)


def push(clone: Scratch, branch: str) -> bool:
    clone.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}", check=False)
    return clone.git("ls-remote", "origin", f"refs/heads/{branch}")[:40] == clone.git("rev-parse", "HEAD")


@pytest.mark.parametrize("task", ["15", "Fix the Login/page"])
def test_the_server_hook_refuses_commits_of_a_superseded_claim(town: Town, task: str) -> None:
    fenced(town)
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    ann.claim(task, worktree=False)
    here.commit(f"work\n\nCoord-Task: {task}\nCoord-Token: 1", {"work.txt": "1"})
    assert push(here, "feature")
    ben.sync()
    ben.takeover(task, reason="urgent", force=True, token=1, worktree=False)
    here.commit(f"more\n\nCoord-Task: {task}\nCoord-Token: 1", {"work.txt": "2"})
    assert not push(here, "feature")
    assert not push(here, "another")
    there.commit(f"work\n\nCoord-Task: {task}\nCoord-Token: 2", {"work.txt": "3"})
    assert push(there, "theirs")


def test_the_server_hook_lets_everything_else_through(town: Town) -> None:
    fenced(town)
    clone = town.clone("here", hub=True)
    town.hire(clone, "ann").claim("15", worktree=False)
    for message in ("plain", "unknown\n\nCoord-Task: 99\nCoord-Token: 1", "odd\n\nCoord-Task: 15\nCoord-Token: x"):
        clone.commit(message, {"file": message})
        assert push(clone, "feature")
    clone.git("push", "-q", "origin", ":refs/heads/feature")
    assert head(town, "feature") == ""
