"""A clone that was away for long comes back: what was deleted, ended or given up meanwhile stays so. FAULTS SY12.

The horizon is that of the objects: hub and clone have thrown away what no ref reaches any more.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.coordinator.sharing import ScopeView
from gitcoord.core import codec, merge, names
from tests.support import Scratch
from tests.sync.support import Town, coord_refs


class Journey:
    """ann stays and ends everything there is; ben is away, and goes on with what he knew."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.here, self.there = town.clone("here", hub=True), town.clone("there", hub=True)
        self.ann, self.ben = town.hire(self.here, "ann"), town.hire(self.there, "ben")
        self.helper = town.hire(self.here, "helper")
        for name in ("dropped", "given", "finished", "failed"):
            self.ann.task_add(name, id=name)
        for name in ("given", "finished", "failed"):
            self.ann.claim(name, worktree=False)
        self.ann.handoff("given", note="half done")
        self.ann.lock(["docs", "src/**"])
        self.ann.set("project:x", "gone", 1)
        self.ann.set("project:y", "gone", 1)
        for coord in (self.ann, self.ben, self.ann):
            coord.sync()

    def end_everything(self) -> None:
        """What ann does meanwhile."""
        self.ann.task_cancel("dropped", reason="not wanted")
        self.ann.withdraw("given")
        self.ann.release("given")
        self.ann.done("finished", summary="all of it")
        self.ann.done("failed", status="failed")
        self.ann.unlock(all=True)
        self.ann.unset("project:x", "gone")
        self.ann.unset("project:y")
        self.helper.end(force=True)

    def go_on(self) -> None:
        """What ben does on the train, with all of it."""
        ben = self.ben
        for name in ("dropped", "given", "finished", "failed"):
            ben.task_edit(name, body="written on the train")
        ben.set("project:x", "other", 2)
        ben.event("note", "on the train")
        ben.claim("beside", worktree=False, lock=["attic"], provisional=True)
        back = self.town.coord(self.there)
        back.resume(self.helper.wanted or "", bind=False)

    def forget(self) -> None:
        """The horizon passes."""
        for scratch in (self.town.hub, self.here, self.there):
            scratch.git("reflog", "expire", "--expire=now", "--all")
            scratch.git("gc", "-q", "--prune=now")

    def meet(self, first: str) -> None:
        one, two = (self.ann, self.ben) if first == "ann" else (self.ben, self.ann)
        one.sync()
        self.forget()
        for coord in (two, one, two, one):
            coord.sync()

    def equal(self) -> bool:
        return coord_refs(self.here) == coord_refs(self.there) == self.town.refs()


@pytest.fixture
def journey(town: Town) -> Journey:
    return Journey(town)


def assert_over(journey: Journey) -> None:
    assert journey.equal()
    for coord in (journey.ann, journey.ben):
        states = {name: coord.task_show(name).state for name in ("dropped", "given", "finished", "failed")}
        assert states == {"dropped": "cancelled", "given": "pending", "finished": "done", "failed": "failed"}
        assert coord.handoffs() == []
        assert [lock.name for lock in coord.locks() if lock.session == journey.ann.wanted] == []
        assert "gone" not in keys(coord, "project:x")
        assert "gone" not in keys(coord, "project:y")
        assert journey.helper.wanted not in [view.id for view in coord.sessions()]


def keys(coord: Coordinator, scope: str) -> set[str]:
    found = coord.get(scope)
    assert isinstance(found, ScopeView)
    return set(found.entries)


@pytest.mark.parametrize("first", ["ann", "ben"])
def test_sy12_resurrection_after_gc_horizon(journey: Journey, first: str) -> None:
    """Nothing that was ended comes back, whoever is first to sync; and what ben did beside it is there."""
    journey.end_everything()
    journey.go_on()
    journey.meet(first)
    assert_over(journey)
    assert keys(journey.ann, "project:x") == {"other"}
    assert [view.message for view in journey.ann.log(type="note")] == ["on the train"]
    assert_readable(journey.town)


def test_sy12_a_clone_that_did_nothing_meanwhile_brings_nothing_back(journey: Journey) -> None:
    journey.end_everything()
    journey.meet("ben")
    assert_over(journey)


def test_sy12_a_clone_that_was_restored_from_an_old_backup_brings_nothing_back(journey: Journey) -> None:
    """Its refs, what it noted of the hub and all are as they were before."""
    backup = journey.town.root / "backup"
    shutil.copytree(journey.there.path / ".git", backup, symlinks=True)
    journey.end_everything()
    journey.ann.sync()
    journey.ben.sync()
    journey.ben.close()
    shutil.rmtree(journey.there.path / ".git")
    shutil.copytree(backup, journey.there.path / ".git", symlinks=True)
    wanted = journey.ben.wanted
    journey.ben = journey.town.coord(journey.there)
    journey.ben.wanted = wanted
    journey.go_on()
    journey.meet("ben")
    assert_over(journey)


# -- what happened happens once ----------------------------------------------------------------------------------------

TWICE: dict[str, tuple[str, Callable[[Coordinator], object], Callable[[Coordinator], object]]] = {
    "a scope": (
        names.data_ref("project:x"),
        lambda ann: ann.set("project:x", "new", 1),
        lambda ben: ben.set("project:x", "other", 1),
    ),
    "a task": (
        names.task_ref("dropped"),
        lambda ann: ann.task_edit("dropped", title="ann's"),
        lambda ben: ben.task_edit("dropped", priority=0),
    ),
    "the lock table": (
        names.LOCKS,
        lambda ann: ann.unlock(["docs"]),
        lambda ben: ben.claim("beside", worktree=False, lock=["attic"], provisional=True),
    ),
}


@pytest.mark.parametrize("what", TWICE)
def test_what_a_copied_clone_also_sends_happens_once(journey: Journey, what: str) -> None:
    """A clone was copied with events in it that nobody had seen: both send them, one on top of a replayed one."""
    ref, ann_does, ben_does = TWICE[what]
    ann_does(journey.ann)
    copy = journey.town.root / "copy"
    shutil.copytree(journey.here.path, copy, symlinks=True)
    ben_does(journey.ben)
    journey.ben.sync()
    journey.ann.sync()
    journey.town.coord(Scratch(copy)).sync()
    marks = [merge.nonce(merge.link(message)) for message in messages(journey.town.hub, ref)]
    assert len(marks) == len(set(marks))
    journey.ann.sync()
    journey.ben.sync()
    assert journey.equal()
    assert journey.town.coord(Scratch(copy)).hub_show().conflicts == ()


def messages(scratch: Scratch, ref: str) -> list[str]:
    return [text.strip("\n") for text in scratch.git("log", "-z", "--format=%B", ref).split("\0")]


def assert_readable(town: Town) -> None:
    """After all this the chains hold together, and every record behind every ref decodes."""
    for ref in town.refs():
        if not ref.startswith((names.HEARTBEATS, names.RESCUE)):
            assert codec.decode_raw(town.hub.git("show", f"{ref}:record.json").encode())["v"] == 1
    assert "missing" not in town.hub.git("fsck", "--connectivity-only", check=False)
