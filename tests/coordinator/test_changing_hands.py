"""Work that changes hands: handed over, taken over from the dead, taken by force from the living."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitcoord.errors import Ended, Held, NotFound, NotHolder, StaleToken, Unsafe, Usage, WrongState
from gitcoord.git import binding
from tests.faults.support import DELAY, TTL, FakeClock, Office, end, meanwhile, process
from tests.support import Scratch


def dirty(path: str) -> Scratch:
    """A commit, then something staged, something not, something untracked."""
    work = Scratch(Path(path))
    work.commit("begun", {"done.txt": "committed\n"})
    (work.path / "staged.txt").write_text("staged\n")
    work.git("add", "staged.txt")
    (work.path / "README.md").write_text("changed\n")
    (work.path / "new.txt").write_text("untracked\n")
    return work


DIRT = " M README.md\nA  staged.txt\n?? new.txt"


# -- handing over ---------------------------------------------------------------------------------------------------


def test_a_handoff_carries_uncommitted_work_and_a_new_token(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    work = dirty(str(ann.claim("15").task.worktree))
    offered = ann.handoff("15", note="tests missing", phase="tests", next=["write them"], context={"k": "v"})
    assert (offered.state, offered.claim, offered.token) == ("offered", None, 1)
    assert offered.handoff is not None
    assert (offered.handoff.from_name, offered.handoff.next, offered.handoff.context) == (
        "ann",
        ("write them",),
        {"k": "v"},
    )
    with pytest.raises(NotHolder):
        ann.progress("15", percent=50)
    accepted = ben.accept("15")
    assert (accepted.restored, accepted.grant.task.token) == (True, 2)
    assert accepted.handoff.note == "tests missing"
    assert accepted.grant.task.worktree == str(work.path)
    assert work.git("status", "--porcelain") == DIRT
    assert office.coord(at=work.path).whoami().id == ben.wanted
    assert binding.bound_session(str(office.scratch.path / ".git")) is None


def test_work_offered_by_a_session_elsewhere_is_restored_into_a_new_worktree(office: Office) -> None:
    """As after a transfer between clones: the giver's worktree is not here, its commits and its snapshot are."""
    ann, ben = office.hire("ann"), office.hire("ben")
    path = str(ann.claim("15").task.worktree)
    dirty(path)
    ann.handoff("15", note="n")
    office.scratch.git("worktree", "remove", "--force", path)
    accepted = ben.accept("15")
    work = Scratch(Path(str(accepted.grant.task.worktree)))
    assert (accepted.restored, work.git("status", "--porcelain")) == (True, DIRT)
    assert (work.path / "done.txt").read_text() == "committed\n"
    assert work.git("branch", "--show-current") == "coord/15"


def test_accepting_without_restoring_leaves_the_snapshot(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    path = str(ann.claim("15").task.worktree)
    dirty(path)
    ann.handoff("15", note="n")
    office.scratch.git("worktree", "remove", "--force", path)
    accepted = ben.accept("15", restore=False)
    assert not accepted.restored
    assert Scratch(Path(str(accepted.grant.task.worktree))).git("status", "--porcelain") == ""
    assert office.scratch.git("show", "refs/coord/rescue/15:new.txt") == "untracked"


def test_an_offer_to_somebody_is_for_that_one_alone(office: Office) -> None:
    ann, ben, cat = office.hire("ann"), office.hire("ben"), office.hire("cat")
    ann.claim("15", worktree=False)
    ann.handoff("15", note="n", to="ben")
    with pytest.raises(Held):
        cat.accept("15", worktree=False)
    assert [task.id for task in ben.handoffs()] == ["15"]
    assert [item.message for item in ben.status().attention if item.code == "offered"] == ["15 is offered to you: n"]
    assert not [item for item in cat.status().attention if item.code == "offered"]
    assert ben.accept("15", worktree=False).grant.task.token == 2


def test_an_offer_to_one_who_died_is_open_to_all(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.claim("15", worktree=False)
    ann.handoff("15", note="n", to="ben")
    clock.move(TTL + 1)
    cat = timed.hire("cat")
    with meanwhile(cat, ben.heartbeat), pytest.raises(Held):
        cat.accept("15", worktree=False)
    clock.move(TTL + 1)  # and nobody held it: there is no lock delay to wait out
    cat.heartbeat()
    assert cat.accept("15", worktree=False).grant.task.token == 2


def test_an_offer_outlives_its_giver_and_is_not_delayed_by_that(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann")
    ann.claim("15", worktree=False)
    ann.handoff("15", note="n")
    clock.move(TTL + 1)
    assert timed.hire("ben").accept("15", worktree=False).grant.task.token == 2


def test_an_offer_can_be_withdrawn_by_its_giver_only(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    path = str(ann.claim("15").task.worktree)
    ann.handoff("15", note="n")
    with pytest.raises(NotHolder):
        ben.withdraw("15")
    assert ann.withdraw("15").token == 2
    assert office.coord(at=path).progress(percent=10).token == 2
    with pytest.raises(WrongState):
        ben.accept("15")


@pytest.mark.parametrize(("to", "expected"), [("nobody", NotFound), ("gone", Ended)])
def test_an_offer_to_one_who_cannot_take_it_is_refused(office: Office, to: str, expected: type[Exception]) -> None:
    ann, gone = office.hire("ann"), office.hire("gone")
    gone.end()
    ann.claim("15", worktree=False)
    with pytest.raises(expected):
        ann.handoff("15", note="n", to=to if to == "nobody" else gone.wanted)
    with pytest.raises(Usage):
        ann.handoff("15", note=" ")
    assert office.task("15")["state"] == "claimed"


def test_a_session_that_expired_meanwhile_cannot_offer(timed: Office, clock: FakeClock) -> None:
    """It was told dead, its tasks are about to be given to others: what it offers now nobody may get."""
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.claim("15", worktree=False)
    clock.move(TTL + DELAY + 1)
    ben.heartbeat()
    limit = ben.policy.cleanup
    with meanwhile(ann, lambda: ben._expire(str(ann.wanted), None, limit)), pytest.raises(Ended):
        ann.handoff("15", note="n")
    assert timed.task("15")["state"] == "claimed"


# -- taking over from the dead --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["claim", "takeover"])
def test_from_the_dead_one_gets_the_worktree_with_the_work_in_it(office: Office, verb: str) -> None:
    with process() as agent:
        dead = office.hire("dead", pid=agent.pid)
        work = dirty(str(dead.claim("15").task.worktree))
        end(agent)
        ann = office.hire("ann")
        grant = ann.claim("15") if verb == "claim" else ann.takeover("15", reason="it died")
    assert (grant.task.token, grant.taken_from_name, grant.task.worktree) == (2, "dead", str(work.path))
    assert work.git("status", "--porcelain") == DIRT
    assert office.coord(at=work.path).whoami().id == ann.wanted
    rescued = office.scratch.git("show", "--no-patch", "--format=%B", "refs/coord/rescue/15")
    assert rescued.startswith("rescue 15: before ann takes over its worktree")
    assert office.record(f"refs/coord/sessions/{dead.wanted}")["state"] == "expired"


def test_a_task_nobody_holds_is_claimed_and_not_taken_over(office: Office) -> None:
    ann = office.hire("ann")
    ann.task_add("t", id="15")
    with pytest.raises(WrongState) as refusal:
        ann.takeover("15", reason="r")
    assert refusal.value.hint == "git coord claim 15"
    with pytest.raises(NotFound):
        ann.takeover("16", reason="r")


# -- by force -------------------------------------------------------------------------------------------------------


def test_by_force_one_gets_a_copy_and_the_living_keeps_its_own(office: Office) -> None:
    old, ann = office.hire("old"), office.hire("ann")
    work = dirty(str(old.claim("15").task.worktree))
    grant = ann.takeover("15", reason="it hangs", force=True, token=1)
    copy = Scratch(Path(str(grant.task.worktree)))
    assert copy.path != work.path
    assert (grant.task.token, grant.task.branch) == (2, "coord/15-t2")
    for place in (work, copy):
        assert place.git("status", "--porcelain") == DIRT
        assert (place.path / "done.txt").read_text() == "committed\n"
    assert office.coord(at=work.path).whoami().id == old.wanted
    assert office.coord(at=copy.path).whoami().id == ann.wanted
    assert [item.code for item in office.coord(at=work.path).status().attention] == ["lost"]
    with pytest.raises(StaleToken):
        office.coord(at=work.path).done()


def test_after_a_forced_take_over_verbs_act_on_the_takers_worktree(office: Office) -> None:
    """Both worktrees were made for the task; the one for the newest claim is meant."""
    old, ann = office.hire("old"), office.hire("ann")
    theirs = str(old.claim("15").task.worktree)
    mine = str(ann.takeover("15", reason="r", force=True, token=1).task.worktree)
    again = ann.claim("15")
    assert (again.changed, again.task.worktree) == (False, mine)
    finished = ann.done("15", remove_worktree=True)
    assert (finished.worktree, finished.worktree_removed) == (mine, True)
    assert (Path(theirs).is_dir(), Path(mine).exists()) == (True, False)
    with pytest.raises(Unsafe):
        ann.worktree_remove(theirs)  # the former holder lives in it


def test_by_force_without_a_worktree_a_later_claim_makes_one_and_leaves_the_former_holders(office: Office) -> None:
    old, ann = office.hire("old"), office.hire("ann")
    theirs = str(old.claim("15").task.worktree)
    ann.takeover("15", reason="r", force=True, token=1, worktree=False)
    mine = str(ann.claim("15").task.worktree)
    assert mine != theirs
    assert office.coord(at=theirs).whoami().id == old.wanted
    assert office.coord(at=mine).whoami().id == ann.wanted


def test_a_forced_take_over_whose_former_worktree_is_gone_still_works(office: Office) -> None:
    old, ann = office.hire("old"), office.hire("ann")
    path = str(old.claim("15").task.worktree)
    office.scratch.git("worktree", "remove", path)
    grant = ann.takeover("15", reason="r", force=True, token=1)
    assert Path(str(grant.task.worktree)).is_dir()


def test_taking_over_what_one_holds_changes_nothing(office: Office) -> None:
    ann = office.hire("ann")
    ann.claim("15", worktree=False)
    before = office.refs()
    assert not ann.takeover("15", reason="r", worktree=False).changed
    assert office.refs() == before


# -- cancelling -----------------------------------------------------------------------------------------------------


def test_what_somebody_works_on_cannot_be_cancelled_even_in_the_last_moment(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ann.claim("15", worktree=False)
    with pytest.raises(Held):
        ben.task_cancel("15", reason="r")
    clock.move(TTL + 1)
    ben.heartbeat()
    with meanwhile(ben, ann.heartbeat), pytest.raises(Held):
        ben.task_cancel("15", reason="r")
    clock.move(TTL + 1)
    assert ben.task_cancel("15", reason="r").state == "cancelled"
