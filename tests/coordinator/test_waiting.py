"""Waiting: it ends soon after the condition holds, costs next to nothing meanwhile, and keeps the waiter alive."""

from __future__ import annotations

import resource
import time
from threading import Timer

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.coordinator.waiting import until
from gitcoord.core import names
from gitcoord.errors import TimedOut
from tests.faults.support import Office

NEVER = TimedOut("it never came")


def state_of(coord: Coordinator, task: str, wanted: str) -> str | None:
    coord.begin()
    found = coord.task(task)
    return found.record.state if found is not None and found.record.state == wanted else None


def test_what_holds_already_is_not_waited_for(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    begun = time.monotonic()
    assert until(ann, lambda: state_of(ann, "15", "claimed"), [names.TASKS], timeout=0, late=lambda: NEVER) == "claimed"
    assert time.monotonic() - begun < 1


def test_a_change_by_somebody_else_is_seen_within_half_a_second(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    done: list[float] = []

    def finish() -> None:
        ann.done("15")
        done.append(time.monotonic())

    Timer(0.4, finish).start()
    until(ben, lambda: state_of(ben, "15", "done"), [names.TASKS], timeout=20, late=lambda: NEVER)
    assert time.monotonic() - done[0] < 0.5


def test_time_alone_is_noticed_too(office: Office) -> None:
    ann = office.hire("ann")
    ann.task_add("x", id="x")  # else the fresh repository would be looked at all the time
    moment = time.monotonic() + 1.0

    def look() -> bool | None:
        ann.begin()
        return True if time.monotonic() >= moment else None

    assert until(ann, look, [names.LOCKS], timeout=20, late=lambda: NEVER)
    assert time.monotonic() - moment < 3


def test_when_time_is_up_the_refusal_is_the_callers(office: Office) -> None:
    ann = office.hire("ann")
    begun = time.monotonic()
    looks = []

    def look() -> None:
        ann.begin()
        looks.append(time.monotonic())

    with pytest.raises(TimedOut, match="it never came") as refusal:
        until(ann, look, [names.TASKS], timeout=0.3, late=lambda: NEVER)
    assert refusal.value.exit == 1
    assert looks[-1] - begun >= 0.3  # one last look when time is up


def test_an_idle_wait_takes_less_than_a_hundredth_of_a_core(office: Office) -> None:
    ann = office.coord()  # long-lived, as a program that waits in process
    ann.task_add("x", id="x")
    time.sleep(0.2)

    def spent() -> float:
        mine, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime

    before = spent()
    with pytest.raises(TimedOut):
        until(ann, lambda: state_of(ann, "x", "done"), [names.TASKS], timeout=2.5, late=lambda: NEVER)
    assert spent() - before < 0.025


def test_waiting_keeps_the_waiters_session_alive(office: Office) -> None:
    for name, value in (("ttl", "2s"), ("heartbeat", "1s")):
        office.scratch.git("config", f"coord.{name}", value)
    ann = office.hire("ann")
    assert ann.wanted is not None
    ref = names.heartbeat_ref(ann.wanted)
    before = office.refs()[ref]
    with pytest.raises(TimedOut):
        until(ann, lambda: state_of(ann, "x", "done"), [names.TASKS], timeout=2.2, late=lambda: NEVER)
    assert office.refs()[ref] != before
    assert ann.whoami().shown in ("active", "idle")
