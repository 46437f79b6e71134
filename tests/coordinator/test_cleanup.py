"""Clean-up: sweeps away the dead, and nobody who was heard of meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.coordinator import Coordinator
from tests.faults.support import DELAY, TTL, FakeClock, Office, end, meanwhile, process


def test_a_clean_up_expires_the_dead_frees_their_tasks_and_lists_their_worktrees(office: Office) -> None:
    ann = office.hire("ann")
    with process() as agent:
        dead = office.hire("dead", pid=agent.pid)
        path = dead.claim("15").task.worktree
        ann.claim("16", worktree=False)
        end(agent)
        promised = ann.cleanup(dry_run=True)
        before = office.refs()
        done = ann.cleanup()
    assert office.refs() != before
    for answer in (promised, done):
        assert [view.name for view in answer.expired] == ["dead"]
        assert (answer.freed, answer.orphaned) == (("15",), (path,))
    assert office.task("15")["state"] == "pending"
    assert office.task("16")["claim"]["session"] == ann.wanted
    assert Path(str(path)).is_dir()  # work may be in it
    again = ann.cleanup()
    assert (again.expired, again.freed) == ((), ())


def test_a_dry_run_writes_nothing(office: Office) -> None:
    with process() as agent:
        office.hire("dead", pid=agent.pid).claim("15", worktree=False)
        end(agent)
        before = office.refs()
        assert office.hire("ann").cleanup(dry_run=True).freed == ("15",)
    assert {ref: oid for ref, oid in office.refs().items() if ref in before} == before


def test_who_beats_while_a_clean_up_runs_is_left_alone(timed: Office, clock: FakeClock) -> None:
    """The list of the silent is old by the time the last of them is expired."""
    late = timed.hire("late")
    late.claim("15", worktree=False)
    clock.move(TTL + DELAY + 1)
    ann = timed.hire("ann")
    with meanwhile(ann, late.heartbeat):
        done = ann.cleanup()
    assert (done.expired, done.freed) == ((), ())
    assert late.whoami().state == "live"
    assert timed.task("15")["claim"]["session"] == late.wanted


def test_a_session_idle_for_longer_than_asked_goes_and_its_lease_runs_out_first(
    timed: Office, clock: FakeClock
) -> None:
    idle, ann = timed.hire("idle"), timed.hire("ann")
    idle.claim("15", worktree=False)
    clock.move(1200)
    ann.heartbeat()
    assert not ann.cleanup().expired
    assert [view.name for view in ann.cleanup(older_than=900).expired] == ["idle"]
    assert not ann.ready()
    clock.move(TTL - 1200)
    assert not ann.ready()
    clock.move(DELAY)
    assert [task.id for task in ann.ready()] == ["15"]


@pytest.mark.parametrize(
    "give",
    [lambda holder: holder.release("15"), lambda holder: holder.done("15"), lambda h: h.handoff("15", note="n")],
    ids=["release", "done", "handoff"],
)
def test_what_was_given_back_before_its_holder_died_stays_as_it_is(
    office: Office, give: Callable[[Coordinator], object]
) -> None:
    with process() as agent:
        dead = office.hire("dead", pid=agent.pid)
        dead.claim("15", worktree=False)
        give(dead)
        end(agent)
        state = office.task("15")
        assert office.hire("ann").cleanup().freed == ()
    assert office.task("15") == state
