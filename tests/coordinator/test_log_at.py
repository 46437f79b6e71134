"""Looking at any past state: what was claimed, locked, signed on and shared at a moment."""

from __future__ import annotations

import pytest

from gitcoord.core.times import rfc3339
from gitcoord.errors import NotFound, Usage
from tests.faults.support import FakeClock, Office

HOUR = 3600.0


@pytest.fixture
def told(timed: Office, clock: FakeClock) -> tuple[Office, list[str]]:
    """Four hours of somebody's work, and the moments in between."""
    moments = []
    ann = timed.hire("ann")

    def later() -> None:
        clock.move(60)
        moments.append(rfc3339(clock.now()))
        clock.move(HOUR - 60)
        ann.heartbeat()

    ann.task_add("Fix", id="15", priority=1)
    ann.task_add("Then", id="16", after=["15"])
    later()
    ann.claim("15", worktree=False)
    ann.lock(["deploy"], reason="release")
    ann.set("project:x", "k", 1)
    later()
    ann.progress("15", percent=80)
    ann.unlock(["deploy"])
    ann.set("project:x", "k", 2)
    later()
    ann.done("15", summary="fixed")
    ann.end()
    later_end = clock
    later_end.move(60)
    moments.append(rfc3339(clock.now()))
    return timed, moments


def test_each_moment_shows_what_was_the_case(told: tuple[Office, list[str]]) -> None:
    office, (added, claimed, progressed, done) = told
    coord = office.coord()
    first = coord.state_at(added)
    assert first.as_of_time == added
    assert [(view.id, view.state, view.blocked_by) for view in first.tasks] == [
        ("15", "pending", ()),
        ("16", "pending", ("15",)),
    ]
    assert (first.locks, first.data) == ((), ())
    assert [(view.name, view.state) for view in first.sessions] == [("ann", "live")]
    second = coord.state_at(claimed)
    claim = second.tasks[0].claim
    assert claim is not None
    assert (claim.session_name, claim.token, second.tasks[0].in_force) == ("ann", 1, True)
    assert [(lock.name, lock.session_name, lock.reason) for lock in second.locks] == [("deploy", "ann", "release")]
    assert second.sessions[0].locks == ("deploy",)
    assert second.data[0].entries == {"k": 1}
    third = coord.state_at(progressed)
    progress = third.tasks[0].progress
    assert progress is not None
    assert (progress.percent, third.locks, third.data[0].entries) == (80, (), {"k": 2})
    last = coord.state_at(done)
    assert [(view.id, view.blocked_by) for view in last.tasks] == [("16", ())]
    assert last.sessions == ()
    whole = coord.state_at(done, all=True)
    assert [view.state for view in whole.tasks] == ["done", "pending"]
    assert [(view.name, view.shown) for view in whole.sessions] == [("ann", "ended")]


def test_before_the_beginning_there_was_nothing(told: tuple[Office, list[str]]) -> None:
    state = told[0].coord().state_at("2001-01-01")
    assert (state.tasks, state.locks, state.sessions, state.data) == ((), (), (), ())


def test_so_long_ago_counts_from_now(told: tuple[Office, list[str]]) -> None:
    office, moments = told
    assert office.coord().state_at("2h ago").locks != ()
    assert office.coord().state_at("now", all=True) == office.coord().state_at(moments[-1], all=True)


def test_one_task_at_a_moment(told: tuple[Office, list[str]]) -> None:
    office, moments = told
    state = office.coord().state_at(moments[1], task="15")
    assert [view.state for view in state.tasks] == ["claimed"]
    assert state.sessions == ()
    with pytest.raises(NotFound):
        office.coord().state_at("2001-01-01", task="15")


def test_a_commit_is_a_moment_too(told: tuple[Office, list[str]]) -> None:
    office = told[0]
    done, _progress, claim, _add = office.scratch.git("rev-list", "refs/coord/tasks/15").split()
    assert office.coord().state_at(claim).tasks[0].state == "claimed"
    assert office.coord().state_at(done[:12], task="15").tasks[0].state == "done"
    with pytest.raises(NotFound):
        office.coord().state_at(office.scratch.git("rev-parse", "HEAD"))


@pytest.mark.parametrize("moment", ["", "yesterday", "--all", "HEAD", "refs/coord/tasks/15", "1" * 40, "@{-1}"])
def test_what_is_no_moment_is_refused(told: tuple[Office, list[str]], moment: str) -> None:
    with pytest.raises((Usage, NotFound)):
        told[0].coord().state_at(moment)


def test_the_archive_is_looked_into_as_well(told: tuple[Office, list[str]]) -> None:
    office, moments = told
    before = [office.coord().state_at(moment, all=True) for moment in moments]
    office.coord().maintain(older_than=0)
    assert "refs/coord/tasks/15" not in office.refs()
    assert [office.coord().state_at(moment, all=True) for moment in moments] == before


def test_a_chain_longer_than_the_first_look_is_followed_down(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    for percent in range(30):
        ann.progress("15", percent=percent)
    commits = office.scratch.git("rev-list", "--reverse", "refs/coord/tasks/15").split()
    first = office.events("refs/coord/tasks/15")[2]["at"]
    early, late = ann.state_at(first).tasks[0].progress, ann.state_at(commits[20]).tasks[0].progress
    assert early is not None
    assert late is not None
    assert (early.percent or 0) <= 2
    assert (late.percent or 0) >= 19


def test_a_record_that_cannot_be_read_is_told_of_and_hides_no_other(office: Office) -> None:
    ann = office.hire("ann")
    ann.task_add("Fine", id="fine")
    office.plant("refs/coord/tasks/bad", b"{")
    coord = office.coord()
    assert [view.id for view in coord.state_at("now").tasks] == ["fine"]
    assert any("tasks/bad" in notice.message for notice in coord.notices)


def test_nothing_is_written(told: tuple[Office, list[str]]) -> None:
    office, moments = told
    before = office.refs()
    office.coord().state_at(moments[1])
    assert office.refs() == before
