"""Who was heard of at the hub keeps what is his: also where this clone had not heard of it, or decided alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.core import codec, names
from gitcoord.core.model import Beat
from gitcoord.errors import CoordError, Held, HubRefused, HubUnreachable
from gitcoord.git import remote
from tests.faults.support import FakeClock, foreign
from tests.support import Scratch
from tests.sync.support import Town, coord_refs

TTL = 1800


class Couple:
    """ann, who holds 15 and has locked the docs, in one clone; ben in another, who has not heard of her for a TTL."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.here, self.there = town.clone("here", hub=True), town.clone("there", hub=True)
        self.clock, self.elsewhere = FakeClock(), foreign()
        self.ann = town.hire(self.there, "ann", clock=self.elsewhere)
        self.ben = town.hire(self.here, "ben", clock=self.clock)
        self.ann.claim("15", worktree=False)
        self.ann.lock(["docs"])
        self.ben.sync()
        self.ben.status()
        self.elsewhere.move(TTL + 100)
        self.clock.move(TTL + 100)
        self.ben.sync()

    def ann_beats(self) -> None:
        self.ann.heartbeat()
        self.ann.sync()

    def holder(self) -> str:
        """Who holds 15, by the hub's record."""
        raw = codec.decode_raw(self.town.hub.git("show", "refs/coord/tasks/15:record.json").encode())
        names_ = {self.ann.wanted: "ann", self.ben.wanted: "ben"}
        return names_[raw["claim"]["session"]] if raw["claim"] else "nobody"

    def ann_lives(self) -> bool:
        return '"state":"live"' in self.town.hub.git("show", f"refs/coord/sessions/{self.ann.wanted}:record.json")


@pytest.fixture
def couple(town: Town) -> Couple:
    return Couple(town)


def beat_of(scratch: Scratch, coord: Coordinator) -> str:
    return coord_refs(scratch)[f"refs/coord/heartbeats/{coord.wanted}"]


def before_the_next_push(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something happen between a decision and the push that carries it, once."""
    push = remote.push
    waiting = [act]

    def later(*args: Any, **options: Any) -> Any:
        if waiting:
            waiting.pop()()
        return push(*args, **options)

    monkeypatch.setattr(remote, "push", later)


# -- heartbeats --------------------------------------------------------------------------------------------------------

TAKING: dict[str, Callable[[Coordinator], object]] = {
    "claim": lambda ben: ben.claim("15", worktree=False),
    "take-over": lambda ben: ben.takeover("15", reason="gone", worktree=False),
    "lock": lambda ben: ben.lock(["docs"]),
    "cancel": lambda ben: ben.task_cancel("15", reason="not needed"),
}


@pytest.mark.parametrize("verb", TAKING)
def test_a_heartbeat_that_comes_between_the_decision_and_its_push_stops_it(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    before_the_next_push(monkeypatch, couple.ann_beats)
    with pytest.raises(Held):
        TAKING[verb](couple.ben)
    assert (couple.holder(), couple.ann_lives()) == ("ann", True)


@pytest.mark.parametrize("verb", ["claim", "cancel"])
def test_without_one_it_comes_about_and_ann_is_told(couple: Couple, verb: str) -> None:
    TAKING[verb](couple.ben)
    assert not couple.ann_lives()
    couple.ann.sync()
    with pytest.raises(CoordError):
        couple.ann.progress("15", percent=1)
    assert coord_refs(couple.here) == couple.town.refs()


@pytest.mark.parametrize("atomic", [True, False])
def test_a_heartbeat_that_comes_in_between_stops_a_clean_up(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, atomic: bool
) -> None:
    couple.town.hub.git("config", "receive.advertiseAtomic", "true" if atomic else "false")
    before_the_next_push(monkeypatch, couple.ann_beats)
    assert couple.ben.cleanup().expired == ()
    assert couple.ann_lives()


def test_an_older_heartbeat_is_never_put_back(couple: Couple) -> None:
    """A push counted and its answer was lost: the hub has our newer heartbeat, and here stands the one before."""
    old = beat_of(couple.there, couple.ann)
    couple.ann_beats()
    new = beat_of(couple.town.hub, couple.ann)
    couple.there.git("update-ref", f"refs/coord/heartbeats/{couple.ann.wanted}", old)
    couple.ann.sync()
    assert beat_of(couple.town.hub, couple.ann) == beat_of(couple.there, couple.ann) == new != old


def test_an_older_heartbeat_does_not_go_along_with_a_claim(couple: Couple) -> None:
    couple.ann_beats()
    new = beat_of(couple.town.hub, couple.ann)
    up = int(couple.elsewhere.up()) - 30  # not old enough for a fresh one
    stale = codec.encode(Beat(utc=int(couple.elsewhere.now()), boot=couple.elsewhere.boot(), up=up)).decode()
    blob = couple.there.git("hash-object", "-w", "--stdin", stdin=stale)
    couple.there.git("update-ref", f"refs/coord/heartbeats/{couple.ann.wanted}", blob)
    couple.ann.claim("16", worktree=False)
    assert beat_of(couple.town.hub, couple.ann) == beat_of(couple.there, couple.ann) == new


def test_a_newer_heartbeat_goes_out_also_after_a_reboot(couple: Couple) -> None:
    couple.elsewhere.reboot()
    couple.ann.sync()
    old = beat_of(couple.town.hub, couple.ann)
    couple.ann_beats()
    assert beat_of(couple.town.hub, couple.ann) != old


def test_an_expiry_that_was_decided_on_a_heartbeat_not_yet_merged_is_decided_again(couple: Couple) -> None:
    """A clone that was killed between fetch and merge knows the hub's heartbeat, and has not looked at it."""
    couple.ann_beats()
    couple.here.git("fetch", "-q", "--refmap=", "origin", "+refs/coord/*:refs/coord-remotes/origin/*")
    with pytest.raises(Held):
        couple.ben.claim("15", worktree=False)
    assert couple.ann_lives()


# -- what was decided alone --------------------------------------------------------------------------------------------


def test_a_provisional_claim_is_undone_where_its_holder_came_back(couple: Couple) -> None:
    couple.ben.claim("15", worktree=False, provisional=True)
    couple.ben.progress("15", percent=5)
    couple.ann_beats()
    couple.ben.sync()
    assert (couple.holder(), couple.ann_lives()) == ("ann", True)
    assert [entry.code for entry in couple.ben.hub_show().conflicts] == ["held", "not-holder"]
    assert "undone" in str(couple.ben.notices)
    assert coord_refs(couple.here) == couple.town.refs()


def test_a_provisional_claim_is_confirmed_where_its_holder_did_not(couple: Couple) -> None:
    couple.ben.claim("15", worktree=False, provisional=True)
    couple.ben.sync()
    assert (couple.holder(), couple.ann_lives()) == ("ben", False)
    assert couple.ben.hub_show().conflicts == ()
    assert coord_refs(couple.here) == couple.town.refs()


def test_a_heartbeat_that_comes_while_the_hub_is_asked_undoes_it_too(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    couple.ben.claim("15", worktree=False, provisional=True)
    before_the_next_push(monkeypatch, couple.ann_beats)
    couple.ben.sync()
    assert (couple.holder(), couple.ann_lives()) == ("ann", True)


def test_locks_that_were_taken_provisionally_are_judged_in_the_same_way(couple: Couple) -> None:
    couple.ben.claim("16", worktree=False, lock=["docs"], provisional=True)
    couple.ann_beats()
    couple.ben.sync()
    assert couple.ann_lives()
    assert [lock.session_name for lock in couple.ann.locks()] == ["ann"]
    assert coord_refs(couple.here) == couple.town.refs()
    assert "held" in [entry.code for entry in couple.ben.hub_show().conflicts]


def test_what_rests_on_a_provisional_claim_is_not_pushed_past_that_question(couple: Couple) -> None:
    """A fenced push renews the record at once: the claim below it is judged first."""
    couple.ben.claim("15", worktree=False, provisional=True)
    couple.ann_beats()
    couple.here.commit("work", {"work.txt": "x"})
    with pytest.raises(CoordError, match="15"):
        couple.ben.push("HEAD:refs/heads/work", task="15")
    assert (couple.holder(), couple.ann_lives()) == ("ann", True)
    assert couple.town.hub.git("for-each-ref", "refs/heads/work") == ""


def test_after_a_provisional_claim_the_hub_decides_again(couple: Couple) -> None:
    couple.ben.claim("16", worktree=False, provisional=True)
    couple.ann_beats()
    with pytest.raises(Held):
        couple.ben.lock(["docs"])
    assert couple.ben.claim("17", worktree=False).guarantee == "confirmed"


def test_without_atomic_push_somebody_silent_is_cleaned_up_first(couple: Couple) -> None:
    """Two records would have to move at once; an end by itself is one, and its heartbeat goes before it."""
    couple.town.hub.git("config", "receive.advertiseAtomic", "false")
    with pytest.raises(HubRefused, match="several refs at once"):
        couple.ben.claim("15", worktree=False)
    assert (couple.holder(), couple.ann_lives()) == ("ann", True)
    assert [view.name for view in couple.ben.cleanup().expired] == ["ann"]
    couple.clock.move(100)
    couple.ben.heartbeat()
    couple.ben.sync()
    couple.ben.claim("15", worktree=False)
    assert (couple.holder(), couple.ann_lives()) == ("ben", False)


def test_what_was_taken_by_force_needs_no_question(couple: Couple) -> None:
    couple.ann_beats()
    couple.ben.sync()
    couple.ben.takeover("15", reason="urgent", force=True, token=1, worktree=False)
    couple.ben.progress("15", percent=5)
    couple.ben.sync()
    assert (couple.holder(), couple.ann_lives()) == ("ben", True)


def test_a_task_that_somebody_elsewhere_holds_is_not_cancelled_without_the_hub(couple: Couple) -> None:
    before = coord_refs(couple.here)
    couple.town.hub.path.rename(couple.town.root / "away.git")
    with pytest.raises(HubUnreachable):
        couple.ben.task_cancel("15", reason="not needed")
    assert coord_refs(couple.here) == before
    couple.ben.task_add("mine", id="16")
    assert couple.ben.task_cancel("16", reason="not needed").state == "cancelled"  # which nobody holds


def test_a_lock_that_its_holder_gave_back_needs_no_question(couple: Couple) -> None:
    couple.ann_beats()
    couple.ann.unlock(all=True)
    couple.ann.release("15")
    couple.ann.sync()
    couple.ben.sync()
    couple.ben.claim("15", worktree=False, provisional=True)
    couple.ben.sync()
    assert (couple.holder(), couple.ann_lives()) == ("ben", True)


# -- when a sync counts as one -----------------------------------------------------------------------------------------


def test_a_fetch_is_no_sync(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process only fetched while we waited for our turn: what we have is still to be sent."""
    from contextlib import contextmanager

    from gitcoord.coordinator.hub import Hubs
    from gitcoord.git import filelock
    from gitcoord.sync import hub

    couple.ben.task_add("write it", id="17")
    other = Hubs(couple.town.coord(couple.here, clock=couple.clock)).link()
    turns = [lambda: other.fetch(), lambda: other._remember("seen", other._now())]

    @contextmanager
    def after_the_other(path: str) -> Any:
        with filelock.exclusive(path):
            couple.clock.move(1)
            while turns:
                turns.pop(0)()
            couple.clock.move(1)
            yield

    monkeypatch.setattr(hub, "exclusive", after_the_other)
    view = couple.ben.sync()
    assert not view.shared
    assert names.task_ref("17") in couple.town.refs()


def test_a_clone_that_only_ever_fetches_still_says_that_it_lives(couple: Couple) -> None:
    started = couple.here.path / ".git" / "coord" / "hub" / "started"
    couple.here.git("config", "coord.syncInterval", "200s")
    couple.ben.reconfigure()
    started.unlink(missing_ok=True)
    couple.ben.sync_soon()
    assert not started.exists()
    couple.ann_beats()
    couple.clock.move(300)
    with pytest.raises(Held):
        couple.ben.claim("15", worktree=False)  # asks the hub, and tells it nothing
    couple.ben.sync_soon()
    assert started.exists()
