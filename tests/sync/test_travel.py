"""What travels by itself: offered work with its branch and what is uncommitted, and a sync that nobody waits for."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support import Scratch
from tests.sync.support import Town


def test_offered_work_goes_on_in_another_clone_as_it_stood(town: Town) -> None:
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    place = Scratch(Path(ann.claim("15").task.worktree or ""))
    tip = place.commit("half", {"half.txt": "half\n"})
    (place.path / "staged.txt").write_text("staged\n")
    place.git("add", "staged.txt")
    (place.path / "half.txt").write_text("more than half\n")
    (place.path / "new.txt").write_text("untracked\n")
    status = place.git("status", "--porcelain")
    ann.handoff("15", note="half done")
    accepted = ben.accept("15")
    got = Scratch(Path(accepted.grant.task.worktree or ""))
    assert accepted.restored
    assert got.git("rev-parse", "HEAD") == tip
    assert got.git("status", "--porcelain") == status
    assert (got.path / "half.txt").read_text() == "more than half\n"


def test_a_clean_branch_travels_too(town: Town) -> None:
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    place = Scratch(Path(ann.claim("15").task.worktree or ""))
    tip = place.commit("all of it", {"all.txt": "all\n"})
    ann.handoff("15", note="please review")
    got = Scratch(Path(ben.accept("15").grant.task.worktree or ""))
    assert got.git("rev-parse", "HEAD") == tip


def test_an_offer_that_cannot_be_shared_says_so(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    ann.claim("15", worktree=False)
    town.hub.path.rename(town.root / "away.git")
    ann.handoff("15", note="half done")
    assert [notice.code for notice in ann.notices] == ["not-shared"]


def test_a_command_syncs_in_the_background_when_the_hub_has_not_heard_of_us_for_long(town: Town) -> None:
    clone = town.clone("a", hub=True)
    clone.git("config", "coord.syncInterval", "0s")
    started = clone.coord("start", "ann", "--json").result["id"]
    deadline = time.monotonic() + 20
    while f"refs/coord/sessions/{started}" not in town.refs():  # it is its own process: only waiting shows it
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_sync_in_the_background_starts_no_other(town: Town) -> None:
    clone = town.clone("a", hub=True)
    clone.git("config", "coord.syncInterval", "0s")
    clone.git("config", "coord.heartbeat", "1s")
    assert clone.coord("start", "ann").code == 0
    stamp = clone.path / ".git" / "coord" / "hub" / "started"
    deadline = time.monotonic() + 20
    while not stamp.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    before = stamp.read_bytes()
    assert clone.coord("sync", env={"GIT_COORD_BACKGROUND": "1"}).code == 0
    assert stamp.read_bytes() == before
    assert clone.coord("sync").code == 0
    assert stamp.read_bytes() != before


def test_with_manual_sync_nothing_goes_out_by_itself(town: Town) -> None:
    clone = town.clone("a", hub=True)
    for name, value in (("syncInterval", "0s"), ("sync", "manual")):
        clone.git("config", f"coord.{name}", value)
    assert clone.coord("start", "ann", "--json").code == 0
    assert not (clone.path / ".git" / "coord" / "hub" / "started").exists()


def test_an_unreachable_hub_is_not_called_again_and_again(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    (clone.path / ".git" / "coord" / "hub" / "sent").unlink()
    town.hub.path.rename(town.root / "away.git")
    stamp = clone.path / ".git" / "coord" / "hub" / "started"
    ann.status()
    ann.keep_alive()
    first = stamp.read_bytes()
    ann.keep_alive()
    assert stamp.read_bytes() == first
