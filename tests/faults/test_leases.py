"""Leases above the stores: who may take over when, and what a late one may still do. FAULTS LE01–LE03, LE09, LE11.

(What clocks may do is in ``test_lease_clocks``, the rules alone in tests/core, pids in tests/git/test_host.)
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import Ended, Held, NotHolder, StaleToken, Usage
from gitcoord.git import binding
from tests.faults.support import DELAY, TTL, YEAR, Crowd, FakeClock, Office, foreign, refused

# -- LE01: silence is what the observer has seen itself ---------------------------------------------------------------


def test_le01_no_steal_before_ttl_observed(timed: Office, clock: FakeClock) -> None:
    """The holder's machine is another one, and by its wall clock the last heartbeat is a year old."""
    abroad = timed.hire("abroad", clock=foreign())
    abroad.claim("15", worktree=False)
    clock.jump(YEAR)
    ann = timed.hire("ann")
    refused(ann, "15")
    for _ in range(3):
        clock.move(TTL / 3 - 1)
        ann.heartbeat()
        refused(ann, "15")
    clock.move(3)
    assert 0 < refused(ann, "15").fields["retry_after"] <= DELAY  # type: ignore[operator]
    clock.move(DELAY)
    grant = ann.claim("15", worktree=False)
    assert (grant.taken_from, grant.taken_from_name, grant.task.token) == (abroad.wanted, "abroad", 2)


def test_le01_a_heartbeat_seen_in_between_starts_the_count_anew(timed: Office, clock: FakeClock) -> None:
    its_clock = foreign()
    abroad = timed.hire("abroad", clock=its_clock)
    abroad.claim("15", worktree=False)
    ann = timed.hire("ann")
    refused(ann, "15")
    clock.move(TTL - 10)
    its_clock.move(TTL - 10)
    assert abroad.heartbeat().written
    clock.move(DELAY + 20)
    refused(ann, "15")
    assert abroad.whoami().state == "live"


# -- LE02: a heartbeat or an expiry, never both -----------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [25, pytest.param(500, marks=pytest.mark.nightly)])
def test_le02_heartbeat_vs_expire_race(office: Office, rounds: int) -> None:
    contested(office, rounds, lambda holder, _sid: lambda: holder.heartbeat().written, head_start=0.0)


@pytest.mark.parametrize("rounds", [25, pytest.param(500, marks=pytest.mark.nightly)])
def test_le02_the_same_against_the_hook(office: Office, rounds: int) -> None:
    """The hook script beats without Python; it too must never revive a session or be overheard."""
    script = Path(__file__).parents[2] / "hooks" / "post-commit"

    def start(_holder: Coordinator, sid: str) -> Callable[[], bool]:
        binding.bind(str(office.scratch.path / ".git"), sid)
        ref = f"refs/coord/heartbeats/{sid}"
        before = office.refs()[ref]
        running = subprocess.Popen([script], cwd=office.scratch.path)
        return lambda: running.wait() == 0 and office.refs()[ref] != before

    contested(office, rounds, start, head_start=0.012)


def contested(
    office: Office, rounds: int, start: Callable[[Coordinator, str], Callable[[], bool]], *, head_start: float
) -> None:
    """Rounds of one silent holder that beats again while eight others try to expire it.

    ``start`` begins the beat and returns what ends it and says whether it came about; it may begin up to ``head_start``
    seconds before the others: more where it lost, less where it won, so that it is a race however fast the machine is.
    """
    seen, rng = set(), random.Random(rounds)
    with Crowd(8, "expire", office.scratch.path) as crowd:
        for number in range(rounds):
            holder = office.hire(f"holder-{number}")
            holder.claim(f"t{number}", worktree=False)
            sid = str(holder.wanted)
            office.silence(sid, TTL + DELAY + 100)
            finish = start(holder, sid)
            time.sleep(rng.uniform(0, head_start))
            for index, worker in enumerate(crowd.workers):
                crowd.tell(worker, f"t{number}", "cleanup" if index == number % 8 else "claim")
            try:
                heard = finish()
            except Ended:
                heard = False
            answers = [crowd.answer(worker)["answer"] for worker in crowd.workers]
            state = office.record(f"refs/coord/sessions/{sid}")["state"]
            assert state == ("live" if heard else "expired"), (number, answers)
            assert answers.count("granted") <= (0 if heard else 1), (number, answers)
            assert set(answers) <= {"granted", "held", "expired", "nobody"}
            seen.add(heard)
            head_start *= 0.7 if heard else 1.4
            settle(office, f"t{number}", sid if heard else None)
    assert seen == {True, False}  # both sides win sometimes, or nothing was contested


def settle(office: Office, task: str, survivor: str | None) -> None:
    """Finish a round: nobody holds anything, nobody but the crowd lives."""
    holder = office.task(task)["claim"]
    if holder is not None and survivor is None:
        office.coord(holder["session"]).done(task)
    if survivor is not None:
        office.coord().end(survivor, force=True)


# -- LE03: who was paused meanwhile finds out -------------------------------------------------------------------------


def test_le03_paused_holder_fenced(office: Office) -> None:
    ann = office.hire("ann")
    with Crowd(1, "hold", office.scratch.path) as crowd:
        (held,) = crowd.go("15")
        paused, sid = crowd.workers[0], held["session"]
        os.kill(paused.pid, signal.SIGSTOP)
        office.silence(sid, TTL + DELAY + 1)
        assert ann.claim("15", worktree=False).taken_from == sid
        os.kill(paused.pid, signal.SIGCONT)
        crowd.tell(paused, "16")
        with pytest.raises(AssertionError, match="Ended"):
            crowd.answer(paused)
    before = office.refs()
    woken = office.coord(sid, GIT_COORD_TASK="15", GIT_COORD_TOKEN="1")
    acts: list[Callable[[], object]] = [
        lambda: woken.progress("15", percent=50),
        lambda: woken.release("15"),
        lambda: woken.done("15"),
        lambda: woken.handoff("15", note="n"),
        lambda: woken.claim("17", worktree=False),
        lambda: woken.heartbeat(),
    ]
    for act in acts:
        with pytest.raises(Ended):
            act()
    assert office.refs() == before


def test_le03_a_successor_of_the_paused_one_does_not_hold_what_it_lost(office: Office) -> None:
    """Resumed, the same worker may act again, but not on the strength of its old token."""
    old = office.hire("old")
    old.claim("15", worktree=False)
    office.silence(str(old.wanted), TTL + DELAY + 1)
    office.hire("ann").claim("15", worktree=False)
    back = office.coord()
    resumed = back.resume(str(old.wanted), bind=False)
    assert (resumed.retaken, resumed.lost, resumed.session.resumed_from) == ((), ("15",), old.wanted)
    fenced = office.coord(resumed.session.id, GIT_COORD_TASK="15", GIT_COORD_TOKEN="1")
    with pytest.raises(StaleToken):
        fenced.done("15")
    with pytest.raises(NotHolder):
        office.coord(resumed.session.id).done("15")


# -- LE09, LE11: force and delay --------------------------------------------------------------------------------------


def test_le09_force_needs_the_token_of_this_very_moment(timed: Office, clock: FakeClock) -> None:
    holder, ann = timed.hire("holder"), timed.hire("ann")
    holder.claim("15", worktree=False)
    holder.release("15")
    holder.claim("15", worktree=False)
    before = timed.refs()
    with pytest.raises(Held):
        ann.takeover("15", reason="r", worktree=False)
    with pytest.raises(Usage):
        ann.takeover("15", reason="r", force=True, worktree=False)
    for token in (1, 3):
        with pytest.raises(StaleToken):
            ann.takeover("15", reason="r", force=True, token=token, worktree=False)
    assert timed.refs() == before
    grant = ann.takeover("15", reason="it hangs", force=True, token=2, worktree=False)
    assert (grant.task.token, grant.taken_from) == (3, holder.wanted)
    event = timed.events("refs/coord/tasks/15")[-1]
    assert (event["type"], event["reason"], event["force"]) == ("take-over", "it hangs", True)
    with pytest.raises(NotHolder):
        holder.progress("15", percent=1)
    assert holder.whoami().state == "live"  # it lost a task, not its session
    ann.release("15")
    assert refused(timed.hire("ben"), "15").fields["retry_after"] == DELAY
    clock.move(DELAY + 1)
    assert timed.hire("cat").claim("15", worktree=False).task.token == 4


def test_le11_lock_delay_comes_after_an_observed_expiry_and_after_nothing_else(timed: Office, clock: FakeClock) -> None:
    holder, ann = timed.hire("holder"), timed.hire("ann")
    holder.claim("released", worktree=False)
    holder.release("released")
    assert ann.claim("released", worktree=False).changed
    ending = timed.hire("ending")
    ending.claim("ended", worktree=False)
    ending.end(force=True)
    assert ann.claim("ended", worktree=False).changed
    holder.claim("15", worktree=False)
    clock.move(TTL + 1)
    ann.heartbeat()
    left = refused(ann, "15").fields["retry_after"]
    assert isinstance(left, float)
    assert DELAY - 32 < left < DELAY  # a heartbeat is up to 30 s older than it looks
    assert [view.id for view in ann.ready()] == []
    clock.move(left + 0.1)
    assert [view.id for view in ann.ready()] == ["15"]
    assert ann.claim("15", worktree=False).changed


def test_le11_a_clean_up_does_not_shorten_the_delay(timed: Office, clock: FakeClock) -> None:
    holder, ann = timed.hire("holder"), timed.hire("ann")
    holder.claim("15", worktree=False)
    clock.move(TTL + 1)
    assert [view.id for view in ann.cleanup().expired] == [holder.wanted]
    assert timed.task("15")["state"] == "pending"
    refused(ann, "15")
    clock.move(DELAY)
    assert ann.claim("15", worktree=False).task.token == 2
