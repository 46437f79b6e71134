"""Status and its neighbours: what needs a person first, who is how active and why, how far everybody is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitcoord.core.model import TaskState
from tests.faults.support import Office, process
from tests.support import Scratch

DEAD = "its process {} is gone"


@pytest.fixture
def office(scratch: Scratch) -> Iterator[Office]:
    opened = Office.found(scratch)
    yield opened
    opened.close()


def codes(office: Office, session: str | None = None) -> list[tuple[str, str | None]]:
    return [(item.code, item.task) for item in office.coord(session=session).status().attention]


def test_an_offer_to_somebody_who_is_gone_is_everybodys(office: Office) -> None:
    ann = office.hire("ann")
    with process() as agent:
        ben = office.hire("ben", pid=agent.pid)
        ann.claim("15", worktree=False)
        ann.handoff("15", note="half done", to="ben")
        assert codes(office) == []
        assert codes(office, ben.wanted) == [("offered", "15")]
    (item,) = office.coord().status().attention
    assert item.message == "15 is offered to ben, who is gone: half done"
    assert office.hire("cyd").accept("15", worktree=False).grant.task.token == 2


def test_what_waits_for_a_person_comes_with_the_command_that_helps(office: Office) -> None:
    ann = office.hire("ann")
    states: dict[str, TaskState] = {"f": "failed", "r": "review", "s": "pending"}
    ann.claim("f", worktree=False)
    ann.done("f", status="failed", summary="no luck")
    ann.claim("r", worktree=False)
    ann.done("r", review=True, pr="https://example.org/pr/3")
    ann.task_add("stuck", id="s", after=["f"])
    found = {item.task: (item.code, item.message, item.hint) for item in office.coord().status().attention}
    assert found == {
        "f": ("failed", "f failed: no luck", "git coord claim f"),
        "r": ("review", "r waits for review: https://example.org/pr/3", "git coord done r"),
        "s": ("stuck", "s waits for f, which is failed", "git coord task edit s --remove-after f"),
    }
    assert {name: office.task(name)["state"] for name in states} == states


def test_abandoned_work_is_named_with_why_and_offered_again_by_itself(office: Office) -> None:
    with process() as agent:
        office.hire("ann", pid=agent.pid).claim("15", worktree=False)
        pid = agent.pid
    status = office.coord().status()
    (item,) = status.attention
    assert item.code == "abandoned"
    assert DEAD.format(pid) in item.message
    assert status.ready == 1
    assert [task.id for task in office.coord().ready()] == ["15"]


def test_sessions_status_and_doctor_say_who_is_how_active_and_why(office: Office) -> None:
    office.scratch.git("config", "coord.heartbeat", "60s")
    ann, ben, cyd = office.hire("ann"), office.hire("ben"), office.hire("cyd")
    assert ben.wanted is not None
    assert cyd.wanted is not None
    office.silence(ben.wanted, 700)
    with process() as agent:
        dan = office.hire("dan", pid=agent.pid)
        pid = agent.pid
    found = {view.name: (view.shown, view.why) for view in ann.sessions(all=True)}
    assert found["ann"][0] == "active"
    assert found["ben"] == ("idle", "no heartbeat for 12 min")
    assert found["dan"] == ("stale", DEAD.format(pid))
    for args in (["sessions"], ["status"]):
        said = office.scratch.coord(*args).out
        assert "no heartbeat for 12 min" in said
        assert DEAD.format(pid) in said
    assert f"dan ({DEAD.format(pid)})" in office.scratch.coord("doctor").out
    assert dan.wanted is not None
    dan.transact(lambda: dan._end(dan.wanted or "", None))
    assert "idle: ben (no heartbeat for 12 min)" in office.scratch.coord("doctor").out


def test_how_far_a_task_is_stands_wherever_people_look(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    ann.progress("15", percent=60, phase="tests", message="unit tests pass")
    for args in (["status"], ["task", "show", "15"]):
        said = office.scratch.coord(*args).out
        for word in ("60%", "tests", "unit tests pass"):
            assert word in said, args
    shown = office.scratch.coord("task", "show", "15", "--json").result["progress"]
    assert (shown["percent"], shown["phase"], shown["message"], shown["by"]) == (
        60,
        "tests",
        "unit tests pass",
        ann.wanted,
    )
    assert shown["at"] in {event.at for event in ann.log(type="progress")}


def test_a_record_of_porcelain_for_everything_in_it(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    ann.lock(["deploy"])
    kinds = [line.split("\t")[0] for line in office.scratch.coord("status", "--porcelain").out.splitlines()]
    assert kinds == ["kind=claim", "kind=lock", "kind=session", "kind=count", "kind=ready"]
