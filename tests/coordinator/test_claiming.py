"""Claims: one holder, no surprise for those who come back, nothing lost between two reads."""

from __future__ import annotations

import pytest

from gitcoord.errors import Blocked, Held, NothingReady, StaleToken, Usage
from tests.faults.support import FakeClock, Office, meanwhile


def test_a_claim_makes_a_task_a_branch_and_a_worktree_and_binds_the_session(office: Office) -> None:
    ann = office.hire("ann")
    grant = ann.claim("15")
    assert (grant.created, grant.changed, grant.task.token, grant.task.branch) == (True, True, 1, "coord/15")
    inside = office.coord(at=grant.task.worktree)
    assert inside.whoami().id == ann.wanted
    assert inside.progress(percent=10).id == "15"  # the worktree says which task is meant


def test_claiming_what_one_holds_changes_nothing(office: Office) -> None:
    ann = office.hire("ann")
    first = ann.claim("15")
    before = office.refs()
    again = ann.claim("15")
    assert (again.changed, again.task) == (False, first.task)
    assert office.refs() == before


def test_a_holder_that_was_silent_for_long_still_holds_what_nobody_took(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann")
    ann.claim("15", worktree=False)
    clock.move(1810)  # stale, and the lock delay still runs
    again = ann.claim("15", worktree=False)
    assert (again.changed, again.task.token, again.task.in_force) == (False, 1, True)
    with pytest.raises(Held):
        timed.hire("ben").claim("15", worktree=False)


def test_the_next_task_is_the_most_urgent_then_the_oldest(office: Office) -> None:
    ann = office.hire("ann")
    for name, priority in (("late", 2), ("urgent", 0), ("later", 2)):
        ann.task_add(name, id=name, priority=priority)
    got = [ann.claim(next=True, worktree=False).task.id for _ in range(3)]
    assert got == ["urgent", "late", "later"]
    with pytest.raises(NothingReady):
        ann.claim(next=True)


def test_the_next_task_skips_what_turned_out_to_be_blocked_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done when the queue was read may have been reopened before the claim is decided."""
    ann = office.hire("ann")
    ann.task_add("first", id="first", priority=0)
    ann.task_add("second", id="second", priority=0, after=["first"])
    ann.task_add("third", id="third")
    ann.claim("first", worktree=False)
    ann.done("first")
    board = ann.board()
    office.hire("ben").task_edit("first", reopen=True)
    office.hire("cat").claim("first", worktree=False)
    boards = iter([board])
    monkeypatch.setattr(ann, "board", lambda: next(boards, None) or type(ann).board(ann))
    assert ann.claim(next=True, worktree=False).task.id == "third"


def test_a_label_narrows_the_queue(office: Office) -> None:
    ann = office.hire("ann")
    ann.task_add("web", id="web", labels=["web", "big"])
    ann.task_add("db", id="db", labels=["db"])
    assert ann.claim(next=True, label=["db"], worktree=False).task.id == "db"
    with pytest.raises(NothingReady) as refusal:
        ann.claim(next=True, label=["db"])
    assert refusal.value.fields["claimed"] == 1


def test_a_blocked_task_is_refused_until_what_it_waits_for_is_done(office: Office) -> None:
    ann = office.hire("ann")
    ann.task_add("a", id="a")
    ann.task_add("b", id="b", after=["a"])
    with pytest.raises(Blocked) as refusal:
        ann.claim("b")
    assert refusal.value.fields["blocked_by"] == ["a"]
    ann.claim("a", worktree=False)
    ann.done("a")
    assert ann.claim("b", worktree=False).changed


def test_a_token_from_before_is_refused_wherever_it_shows(office: Office) -> None:
    """The worktree remembers the token that its claim was given, the environment of a launched program too."""
    ann = office.hire("ann")
    path = ann.claim("15").task.worktree
    inside = office.coord(ann.wanted, at=path)
    ann.release("15")
    ann.claim("15", worktree=False)  # token 2, which the worktree does not know
    for coord in (inside, office.coord(ann.wanted, GIT_COORD_TASK="15", GIT_COORD_TOKEN="1")):
        with pytest.raises(StaleToken):
            coord.progress("15", percent=50)
    assert office.coord(ann.wanted, GIT_COORD_TASK="15", GIT_COORD_TOKEN="2").progress("15", percent=50)


@pytest.mark.parametrize("given", [{}, {"id": "15", "next": True}, {"id": " 15"}, {"id": ""}, {"id": "a\nb"}])
def test_a_claim_that_cannot_be_meant_is_a_usage_error(office: Office, given: dict[str, object]) -> None:
    with pytest.raises(Usage):
        office.hire("ann").claim(**given)  # type: ignore[arg-type]


def test_a_holder_heard_of_after_the_queue_was_read_is_not_taken_for_dead(timed: Office, clock: FakeClock) -> None:
    """A lost race leaves the reader with an old queue; the heartbeat written since then must still count."""
    dan = timed.hire("dan")
    for name in ("15", "16"):
        dan.claim(name, worktree=False)
    clock.move(3600)
    ann = timed.hire("ann")
    with meanwhile(ann, lambda: dan.heartbeat()), pytest.raises(NothingReady):
        ann.claim(next=True, worktree=False)
    assert [timed.task(name)["claim"]["session"] for name in ("15", "16")] == [dan.wanted] * 2
    assert dan.whoami().state == "live"
