"""Waiting: it ends soon after the condition holds, costs next to nothing meanwhile, and keeps the waiter alive."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from threading import Thread, Timer

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.coordinator.waiting import until
from gitcoord.core import names
from gitcoord.errors import TimedOut, Usage
from tests.faults.support import Office, process
from tests.support import Ran, Scratch

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


def test_a_change_by_somebody_else_is_seen_by_itself(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    Timer(0.4, lambda: ann.done("15")).start()
    # Nothing but the change can wake it: no late look, and it would run out of time. How soon is measured in the bench.
    assert until(ben, lambda: state_of(ben, "15", "done"), [names.TASKS], timeout=20, late=lambda: NEVER)


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
        until(ann, lambda: state_of(ann, "x", "done"), [names.TASKS], timeout=2, late=lambda: NEVER)
    assert spent() - before < 0.02


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


# -- the verbs ---------------------------------------------------------------------------------------------------------


def soon(step: Callable[[], object], seconds: float = 0.3) -> None:
    Timer(seconds, step).start()


def test_a_task_is_waited_for_until_it_is_over_or_in_the_state_that_is_wanted(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    soon(lambda: ann.claim("15", worktree=False))
    came = ben.wait_task("15", states=["claimed"], timeout=20)
    assert (came.what, [task.state for task in came.tasks]) == ("task", ["claimed"])
    soon(lambda: ann.done("15", status="failed"))
    assert ben.wait_task("15", timeout=20).tasks[0].state == "failed"


def test_what_did_not_come_says_how_it_is_instead(office: Office) -> None:
    ann = office.hire("ann")
    with pytest.raises(TimedOut, match="there is no task 15"):
        ann.wait_task("15", timeout=0)
    ann.claim("15", worktree=False)
    with pytest.raises(TimedOut, match="task 15 is claimed, not done or review") as refusal:
        ann.wait_task("15", states=["done", "review"], timeout=0)
    assert (refusal.value.fields["task"], refusal.value.fields["state"]) == ("15", "claimed")
    with pytest.raises(TimedOut, match="no task is ready"):
        ann.wait_ready(timeout=0)
    with pytest.raises(TimedOut, match="nothing changed"):
        ann.wait_change(timeout=0)
    with pytest.raises(Usage, match="no task state"):
        ann.wait_task("15", states=["finished"])


def test_a_lock_is_waited_for_but_not_taken(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["src/**"])
    with pytest.raises(TimedOut, match=r"src/\*\* is held by ann"):
        ben.wait_lock(["src/a.py"], path=True, timeout=0)
    assert ann.wait_lock(["src/**"], timeout=0).free == ("src/**",)  # mine does not stop me
    soon(lambda: ann.unlock(all=True))
    assert ben.wait_lock(["src/a.py"], path=True, timeout=20).free == ("src/a.py",)
    assert ben.locks() == []


def test_a_lock_that_runs_out_is_noticed(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.lock(["deploy"], ttl=1.0)
    begun = time.monotonic()
    ben.wait_lock(["deploy"], timeout=20)
    assert time.monotonic() - begun < 5


def test_something_ready_is_waited_for(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("14", worktree=False)
    ann.task_add("Next", id="15", after=["14"], labels=["web"])
    with pytest.raises(TimedOut):
        ben.wait_ready(label=["web"], timeout=0)
    soon(lambda: ann.done("14"))
    assert [task.id for task in ben.wait_ready(label=["web"], timeout=20).tasks] == ["15"]


def test_work_whose_worker_dies_becomes_ready_by_itself(office: Office) -> None:
    with process() as agent:
        office.hire("ann", pid=agent.pid).claim("15", worktree=False)
        ben = office.hire("ben")
        with pytest.raises(TimedOut):
            ben.wait_ready(timeout=0)
        soon(agent.kill)
        begun = time.monotonic()
        found = Thread(target=agent.wait)  # else it stays a zombie, which is dead too, but less plainly so
        found.start()
        assert [task.id for task in ben.wait_ready(timeout=20).tasks] == ["15"]
        assert time.monotonic() - begun < 5
        found.join()


def test_any_change_but_a_heartbeat_is_a_change(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    soon(lambda: ann.heartbeat(if_older=0))
    with pytest.raises(TimedOut):
        ben.wait_change(timeout=0.8)
    for step, ref in (
        (lambda: ann.event("note", "x"), f"refs/coord/events/{ann.wanted}"),
        (lambda: ann.set("project:x", "k", 1), "refs/coord/data/"),
        (lambda: ann.lock(["deploy"]), "refs/coord/locks/table"),
        (lambda: ann.task_add("t", id="15"), "refs/coord/tasks/15"),
    ):
        soon(step, 0.1)
        assert [found.startswith(ref) for found in ben.wait_change(timeout=20).changed] == [True]


# -- from the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def repo(scratch: Scratch) -> Scratch:
    scratch.git("config", "coord.durability", "relaxed")
    for args in (["init", "--no-hooks"], ["start", "ann"], ["claim", "15", "--no-worktree"]):
        assert scratch.coord(*args).code == 0
    return scratch


def test_wait_ends_with_an_exit_code_that_scripts_can_use(repo: Scratch) -> None:
    late = repo.coord("wait", "task", "15", "--timeout", "0s", "--json")
    assert (late.code, late.error["code"], late.error["state"]) == (1, "timeout", "claimed")
    assert repo.coord("wait", "task", "15", "--state", "claimed", "--state", "done").out == "15 is claimed\n"
    assert repo.coord("wait", "lock", "deploy").out == "free: deploy\n"
    assert repo.coord("wait", "ready", "--timeout", "0s").err.startswith("git coord: timeout: no task is ready")
    assert repo.coord("wait", "task", "15", "--state", "sleeping").code == 129
    running = repo.start_coord("wait", "change", "--timeout", "20s", "--json")
    time.sleep(0.5)
    repo.coord("done", "15")
    out, _err = running.communicate(timeout=20)
    assert running.returncode == 0
    assert Ran(0, out, "").result["changed"] == ["refs/coord/tasks/15"]


def test_a_waiting_command_hardly_uses_the_machine(repo: Scratch) -> None:
    """What two more seconds of waiting cost: starting Python is no part of it."""

    def spent(timeout: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert repo.coord("wait", "task", "15", "--timeout", timeout).code == 1
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    short = min(spent("0s") for _ in range(3))
    costs = []
    for _ in range(3):  # what else happens on the machine counts too: the best of three
        costs.append(spent("2s") - short)
        if costs[-1] < 0.02 + 0.015:  # 1 % of a core, and the second look when time is up
            return
    raise AssertionError(costs)
