"""The guard where there is a hub: who was not heard of there for long must not rely on what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.git import hubnote
from tests.faults.support import FakeClock
from tests.hooks.guarded import Guarded, allowed, asked, blocked, commit, stage
from tests.support import Scratch
from tests.sync.support import Town

LONG_AGO = '{"boot":"11111111-2222-3333-4444-555555555555","up":1,"utc":1,"v":1}\n'


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town.build(tmp_path)
    yield made
    made.close()


class Desk:
    """ann, who holds task 15 and works in its worktree, by her hooks."""

    def __init__(self, town: Town) -> None:
        self.clone = town.clone("a", hub=True)
        self.guarded = Guarded.over(self.clone)
        self.ann: Coordinator = town.hire(self.clone, "ann")
        self.tree = Scratch(Path(self.ann.claim("15").task.worktree or ""))

    def fall_silent(self) -> None:
        """The hub's last word of ann is from before this machine started; so is what the hooks noted."""
        blob = self.clone.git("hash-object", "-w", "--stdin", stdin=LONG_AGO)
        self.clone.git("update-ref", f"refs/coord-remotes/origin/heartbeats/{self.ann.wanted}", blob)
        (Path(self.tree.git("rev-parse", "--absolute-git-dir")) / hubnote.FENCE).unlink(missing_ok=True)

    def during_a_commit(self) -> list[str]:
        return asked(self.guarded, self.tree, "commit", "-q", "-m", "x", "--allow-empty")


@pytest.fixture
def desk(town: Town) -> Iterator[Desk]:
    made = Desk(town)
    yield made
    made.guarded.office.close()


def test_le12_the_guard_stops_an_unconfirmed_holder_until_it_syncs(desk: Desk) -> None:
    allowed(desk.tree, "a.txt")
    desk.fall_silent()
    said = blocked(desk.tree, "b.txt")
    assert "the claim of 15" in said
    assert "git coord sync" in said
    ran = desk.tree.coord("hook", "guard", "pre-commit", "--json")
    assert (ran.code, ran.result["verdict"]) == (4, "block")
    desk.ann.heartbeat()
    desk.ann.sync()
    assert commit(desk.tree).code == 0


def test_le12_with_warn_the_guard_only_says_so(desk: Desk) -> None:
    desk.clone.git("config", "coord.guard", "warn")
    desk.fall_silent()
    assert "git coord sync" in allowed(desk.tree, "b.txt")
    assert desk.tree.coord("hook", "guard", "pre-commit").code == 0


def test_le12_a_push_is_stopped_too(desk: Desk) -> None:
    stage(desk.tree, "b.txt")
    assert commit(desk.tree).code == 0
    desk.fall_silent()
    ran = desk.tree.coord("hook", "guard", "pre-push", "origin", "url")
    assert (ran.code, ran.out.split("\n")[0]) == (4, "block")


def test_le12_locks_are_held_as_much_as_claims(town: Town) -> None:
    clock = FakeClock()
    ann = town.hire(town.clone("b", hub=True), "ann", clock=clock)
    assert ann.guard_commit() == []
    ann.lock(["deploy"])
    clock.move(1150)
    assert ann.guard_commit() == []
    clock.move(100)
    assert [offence.code for offence in ann.guard_commit()] == ["unconfirmed"]
    ann.unlock(["deploy"])
    ann.heartbeat()
    ann.sync()
    assert ann.guard_commit() == []


def test_what_is_held_only_provisionally_is_not_stopped(town: Town) -> None:
    clock = FakeClock()
    clone = town.clone("b", hub=True)
    ann = town.hire(clone, "ann", clock=clock)
    town.hub.path.rename(town.root / "away.git")
    tree = Scratch(Path(ann.claim("15", provisional=True).task.worktree or ""))
    clock.move(5000)
    here = town.coord(tree, clock=clock)
    assert here.guard_commit() == []


def test_a_confirmed_holder_starts_gitcoord_once(desk: Desk) -> None:
    assert "gitcoord" in desk.during_a_commit()
    assert desk.during_a_commit() == ["for-each-ref"]  # there is no lock table, and nothing else to ask
    note = Path(desk.tree.git("rev-parse", "--absolute-git-dir")) / hubnote.FENCE
    good = note.read_text()
    version, until, boot, end = good.split()
    for wrong in ("", "1\n", f"{version} 1 {boot} {end}\n", f"{version} {until} other {end}\n", f"1 {until} {boot}\n"):
        note.write_text(wrong)
        assert "gitcoord" in desk.during_a_commit(), wrong
        assert note.read_text() != wrong


def test_without_the_hub_nothing_is_asked_any_more(desk: Desk) -> None:
    desk.fall_silent()
    desk.ann.hub_unset()
    allowed(desk.tree, "b.txt")
    assert desk.during_a_commit() == ["for-each-ref"]


def test_who_has_nothing_is_never_asked_of(town: Town) -> None:
    clone = town.clone("b", hub=True)
    guarded = Guarded.over(clone)
    assert asked(guarded, clone, "commit", "-q", "-m", "x", "--allow-empty") == ["for-each-ref"]
    guarded.office.close()
