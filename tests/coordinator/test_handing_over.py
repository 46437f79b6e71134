"""Handing over with all that the next one needs: what is said, to whom, once, and taken back."""

from __future__ import annotations

from tests.faults.support import Crowd, Office
from tests.support import Scratch

ROUNDS = 12


def test_of_eight_that_accept_exactly_one_gets_it(office: Office) -> None:
    ann = office.hire("ann")
    with Crowd(8, "accept", office.scratch.path) as crowd:
        for number in range(ROUNDS):
            task = f"t{number}"
            ann.claim(task, worktree=False)
            ann.handoff(task, note="who wants it?")
            answers = [answer["answer"] for answer in crowd.go(task)]
            won = [answer for answer in answers if isinstance(answer, int)]
            assert won == [2], answers
            assert set(answers) - {2} <= {"held", "wrong-state"}
            assert [event["type"] for event in office.events(f"refs/coord/tasks/{task}")] == [
                "claim",
                "offer",
                "accept",
            ]


def test_an_offer_carries_phase_next_steps_and_context_to_whom_it_is_for(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ann.claim("15", worktree=False)
    ann.handoff(
        "15",
        note="parser done",
        to="ben",
        phase="tests",
        next=["write the tests", "update the docs"],
        context={"files": "src/parser.py", "tests": "tests/test_parser.py", "branch": "coord/15"},
    )
    (offer,) = ben.handoffs()
    assert offer.handoff is not None
    assert (offer.handoff.to, offer.handoff.from_name, offer.handoff.phase) == (ben.wanted, "ann", "tests")
    said = office.scratch.coord("handoffs", "--session", str(ben.wanted)).out
    for word in ("parser done", "write the tests", "update the docs", "files=src/parser.py", "offered by ann"):
        assert word in said
    accepted = ben.accept("15", worktree=False)
    assert accepted.handoff.next == ("write the tests", "update the docs")
    assert accepted.handoff.context["tests"] == "tests/test_parser.py"
    assert accepted.grant.task.handoff is None


def test_an_offer_is_taken_back_by_either_name(scratch: Scratch) -> None:
    for args in (["init", "--no-hooks"], ["start", "ann"], ["claim", "15", "--no-worktree"]):
        assert scratch.coord(*args).code == 0
    for taking_back in (["handoff", "15", "--withdraw"], ["withdraw", "15"]):
        assert scratch.coord("handoff", "15", "-m", "n").code == 0
        assert scratch.coord(*taking_back).out.startswith("withdrew the offer of 15; it is yours again")
    assert scratch.coord("handoff", "15", "--json").error["code"] == "usage"
    assert scratch.coord("handoff", "15", "--withdraw", "-m", "n", "--json").error["code"] == "usage"
