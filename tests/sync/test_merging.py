"""Two clones apart, then in step: whoever comes first, both end equal, and what cannot stand is told, not dropped."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.coordinator.sharing import ScopeView
from gitcoord.errors import CoordError, Ended
from tests.support import Scratch
from tests.sync.support import Town, coord_refs

Act = Callable[[Coordinator], object]


class Pair:
    """Two clones that have seen the same, each with a worker; ``ann`` holds task held."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.here, self.there = town.clone("here", hub=True), town.clone("there", hub=True)
        self.ann, self.ben = town.hire(self.here, "ann"), town.hire(self.there, "ben")
        for name in ("open", "over"):
            self.ann.task_add(name, id=name)
        self.ann.claim("held", worktree=False)
        self.ann.set("project:x", "shared", 1)
        self.in_step()

    def in_step(self, *, first: str = "ann") -> None:
        """Sync until nobody has anything new."""
        one, two = (self.ann, self.ben) if first == "ann" else (self.ben, self.ann)
        for coord in (one, two, one, two):
            coord.sync()

    def equal(self) -> bool:
        return coord_refs(self.here) == coord_refs(self.there) == self.town.refs()

    def told(self) -> list[str]:
        """Codes of what was refused on either side."""
        return [entry.code for coord in (self.ann, self.ben) for entry in coord.hub_show().conflicts]


@pytest.fixture
def pair(town: Town) -> Pair:
    return Pair(town)


CASES: dict[str, tuple[Act, Act, tuple[int, int]]] = {
    "edits of one task": (
        lambda ann: ann.task_edit("open", title="ann's"),
        lambda ben: ben.task_edit("open", priority=0, add_labels=["web"]),
        (0, 0),
    ),
    "cancelled by one, edited by the other": (
        lambda ann: ann.task_cancel("open", reason="no"),
        lambda ben: ben.task_edit("open", title="ben's"),
        (1, 0),
    ),
    "the same id added twice": (
        lambda ann: ann.task_add("ann's", id="new"),
        lambda ben: ben.task_add("ben's", id="new"),
        (1, 1),
    ),
    "progress here, an edit there": (
        lambda ann: ann.progress("held", percent=50),
        lambda ben: ben.task_edit("held", priority=1),
        (0, 0),
    ),
    "done here, an edit there": (
        lambda ann: ann.done("held"),
        lambda ben: ben.task_edit("held", body="more"),
        (1, 0),
    ),
    "different keys": (
        lambda ann: ann.set("project:x", "a", 1),
        lambda ben: ben.set("project:x", "b", 2),
        (0, 0),
    ),
    "one key": (
        lambda ann: ann.set("project:x", "shared", "ann"),
        lambda ben: ben.set("project:x", "shared", "ben"),
        (0, 0),
    ),
    "a scope of the same name": (
        lambda ann: ann.set("issue:1", "a", 1),
        lambda ben: ben.set("issue:1", "b", 2),
        (0, 0),
    ),
    "a key removed twice": (
        lambda ann: ann.unset("project:x", "shared"),
        lambda ben: ben.unset("project:x", "shared"),
        (1, 1),
    ),
    "new sessions": (
        lambda ann: ann.start("one", bind=False),
        lambda ben: ben.start("two", bind=False),
        (0, 0),
    ),
    "a session ended here and there": (
        lambda ann: ann.end(force=True),
        lambda ben: ben.end(ann_of(ben), force=True),
        (2, 2),
    ),
}


"""What ann does, what ben does, and how many events are refused when ann or ben is first to sync."""


def ann_of(coord: Coordinator) -> str:
    return next(view.id for view in coord.sessions() if view.name == "ann")


@pytest.mark.parametrize("first", ["ann", "ben"])
@pytest.mark.parametrize("case", CASES)
def test_sy08_partition_matrix(pair: Pair, case: str, first: str) -> None:
    ann_does, ben_does, refused = CASES[case]
    ann_does(pair.ann)
    ben_does(pair.ben)
    pair.in_step(first=first)
    assert pair.equal()
    assert len(pair.told()) == refused[first == "ben"], pair.told()
    if case == "the same id added twice":
        assert pair.told() == ["exists"]
        assert pair.ann.task_show("new").title == f"{first}'s"
    if case == "edits of one task":
        task = pair.ben.task_show("open")
        assert (task.title, task.priority, task.labels) == ("ann's", 0, ("web",))
    if case == "different keys":
        found = pair.ann.get("project:x")
        assert isinstance(found, ScopeView)
        assert set(found.entries) == {"shared", "a", "b"}


def test_a_session_that_was_expired_elsewhere_learns_of_it(pair: Pair) -> None:
    pair.ben.end(ann_of(pair.ben), force=True)
    pair.ben.sync()
    pair.ann.sync()
    with pytest.raises(Ended):
        pair.ann.claim("open", worktree=False)


def test_random_histories_end_equal(pair: Pair) -> None:
    """Both do at random what one can do alone, and meet now and then."""
    rng = random.Random(20261120)
    acts: list[Callable[[Coordinator, int], object]] = [
        lambda coord, n: coord.task_add(f"task {n}", id=f"t{n % 4}"),
        lambda coord, n: coord.task_edit("open", title=f"title {n}"),
        lambda coord, n: coord.task_edit("over", priority=n % 5),
        lambda coord, n: coord.set("project:x", f"k{n % 3}", n),
        lambda coord, n: coord.unset("project:x", f"k{n % 3}"),
        lambda coord, n: coord.task_cancel("over", reason=f"reason {n}"),
        lambda coord, n: coord.task_edit("over", reopen=True),
        lambda coord, n: coord.progress("held", percent=n),
    ]
    for number in range(40):
        coord = rng.choice([pair.ann, pair.ben])
        with suppress(CoordError):  # the rules say no: that is one of the things that happen
            rng.choice(acts)(coord, number)
        if rng.random() < 0.15:
            coord.sync()
    pair.in_step(first=rng.choice(["ann", "ben"]))
    assert pair.equal()


def test_sy13_concurrent_syncs_single_flight(pair: Pair) -> None:
    mode = pair.town.trouble(pair.here)
    pair.ann.progress("held", percent=10)
    clones = [pair.town.coord(pair.here) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        views = list(pool.map(lambda coord: coord.sync(), clones))
    assert sum(not view.shared for view in views) <= 2
    assert mode.with_suffix(".mode.count").read_text().count("\n") == 1
    assert pair.town.refs() == coord_refs(pair.here)


def test_a_clone_killed_between_fetch_and_merge_loses_nothing(pair: Pair) -> None:
    """What the hub has was fetched and never merged: still it is not mistaken for the common base."""
    pair.ben.task_edit("open", title="ben's")
    pair.ben.sync()
    pair.ann.task_edit("open", priority=0)
    pair.here.git("fetch", "-q", "--refmap=", "origin", "+refs/coord/*:refs/coord-remotes/origin/*")
    pair.ann.sync()
    task = pair.ann.task_show("open")
    assert (task.title, task.priority) == ("ben's", 0)


def test_rescued_work_of_both_sides_is_kept(pair: Pair) -> None:
    for clone, text in ((pair.here, "ann's work"), (pair.there, "ben's work")):
        tip = clone.commit(text, {"file": text})
        clone.git("update-ref", "refs/coord/rescue/open", tip)
    pair.in_step()
    assert pair.equal()
    kept = [ref for ref in pair.town.refs() if ref.startswith("refs/coord/rescue/")]
    assert sorted(pair.town.hub.git("show", f"{ref}:file") for ref in kept) == ["ann's work", "ben's work"]


def test_private_scopes_never_leave_the_clone(pair: Pair) -> None:
    pair.ann.set("private:notes", "x", 1)
    pair.in_step()
    assert pair.town.hub.git("for-each-ref", "--format=%(refname)", "refs/coord-local") == ""
    assert Scratch(pair.there.path).git("for-each-ref", "refs/coord-local") == ""
