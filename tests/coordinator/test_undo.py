"""Undo: the last operation of a session goes back by a new event, or is refused and nothing changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import Conflict, Held, NotFound, Refused, WrongState
from tests.faults.support import Office


def state(office: Office, task: str = "15") -> tuple[str, int]:
    record = office.task(task)
    return record["state"], record["token"]


@pytest.fixture
def ann(office: Office) -> Coordinator:
    return office.hire("ann")


def test_a_claim_goes_back_by_a_release_and_a_second_undo_claims_again(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    assert ann.undo().steps == ("release 15; its branch and worktree stay",)
    assert state(office) == ("pending", 1)
    again = ann.undo()
    assert again.steps == ("claim 15 again, with a new token",)
    assert state(office) == ("claimed", 2)
    assert [event["type"] for event in office.events("refs/coord/tasks/15")] == ["claim", "release", "claim"]


def test_the_worktree_of_a_claim_that_goes_back_stays_and_is_used_again(office: Office, ann: Coordinator) -> None:
    grant = ann.claim("15")
    assert grant.task.worktree is not None
    note = f"{grant.task.worktree}/note"
    with open(note, "w", encoding="utf-8") as file:
        file.write("unsaved work")
    ann.undo()
    ann.undo()
    with open(note, encoding="utf-8") as file:
        assert file.read() == "unsaved work"
    inside = office.coord(at=grant.task.worktree)
    assert inside.progress(percent=10).token == 2  # the worktree knows its new token


def test_a_release_cannot_go_back_once_somebody_holds_the_task(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    ann.release("15")
    office.hire("bob").claim("15", worktree=False)
    before = office.refs()
    with pytest.raises(Held, match="bob"):
        ann.undo()
    assert changed(before, office.refs()) == set()


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {ref for ref in before.keys() | after.keys() if before.get(ref) != after.get(ref)} - {
        ref for ref in after if ref.startswith("refs/coord/heartbeats/")
    }


def test_done_goes_back_to_working_on_it_with_a_new_token_and_done_again(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    ann.progress("15", percent=90)
    ann.done("15", summary="all of it")
    ann.undo()
    assert state(office) == ("claimed", 2)
    assert office.task("15")["progress"]["percent"] == 90
    assert office.task("15").get("result") is None
    ann.undo()
    assert state(office) == ("done", 2)
    assert office.task("15")["result"]["summary"] == "all of it"


def test_done_cannot_go_back_once_it_was_reopened(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    ann.done("15")
    office.hire("bob").task_edit("15", reopen=True)
    with pytest.raises(Conflict, match="bob"):
        ann.undo()


def test_progress_goes_back_to_what_was_said_before(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    ann.progress("15", percent=40, phase="tests")
    ann.progress("15", percent=80, message="nearly")
    ann.undo()
    progress = office.task("15")["progress"]
    assert (progress["percent"], progress["phase"], progress.get("message")) == (40, "tests", None)
    ann.undo()
    assert office.task("15")["progress"]["percent"] == 80


def test_the_first_report_goes_back_to_none(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    ann.progress("15", percent=40)
    ann.undo()
    assert office.task("15").get("progress") is None


def test_an_offer_goes_back_until_it_is_accepted(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    ann.handoff("15", note="please", next=["look"])
    ann.undo()
    assert state(office) == ("claimed", 2)
    ann.undo()
    assert (state(office)[0], office.task("15")["handoff"]["next"]) == ("offered", ["look"])
    office.hire("bob").accept("15", worktree=False)
    with pytest.raises(Held, match="bob"):
        ann.undo()


def test_an_added_task_is_cancelled_and_put_back(office: Office, ann: Coordinator) -> None:
    ann.task_add("Something", id="15")
    ann.undo()
    assert state(office)[0] == "cancelled"
    ann.undo()
    assert state(office)[0] == "pending"
    ann.undo()
    assert state(office)[0] == "cancelled"


def test_an_edit_goes_back_field_by_field(office: Office, ann: Coordinator) -> None:
    ann.task_add("Old", id="15", priority=2, labels=["a"])
    ann.task_edit("15", title="New", body="long", add_labels=["b"])
    office.hire("bob").task_edit("15", priority=0)
    ann.undo()
    record = office.task("15")
    assert (record["title"], record.get("body") or "", record["labels"], record["priority"]) == ("Old", "", ["a"], 0)


def test_an_edit_that_somebody_edited_again_stays(office: Office, ann: Coordinator) -> None:
    ann.task_add("Old", id="15")
    ann.task_edit("15", title="New")
    office.hire("bob").task_edit("15", title="Newest")
    with pytest.raises(Conflict, match="title"):
        ann.undo()
    assert office.task("15")["title"] == "Newest"


def test_a_lock_is_given_back_and_taken_again(office: Office, ann: Coordinator) -> None:
    ann.lock(["deploy", "src/**"], reason="release")
    ann.undo()
    assert ann.locks() == []
    ann.undo()
    assert {(view.name or view.path, view.reason) for view in ann.locks()} == {
        ("deploy", "release"),
        ("src/**", "release"),
    }


def test_an_unlock_cannot_go_back_while_somebody_has_it(office: Office, ann: Coordinator) -> None:
    ann.lock(["deploy"])
    ann.unlock(["deploy"])
    bob = office.hire("bob")
    bob.lock(["deploy"])
    with pytest.raises(Held):
        ann.undo()
    assert [view.session_name for view in bob.locks()] == ["bob"]


def test_a_claim_with_locks_goes_back_as_one(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False, lock=["src/**"])
    assert ann.undo().steps == ("release 15; its branch and worktree stay", "unlock src/**")
    assert state(office)[0] == "pending"
    assert ann.locks() == []


def test_shared_data_goes_back_while_nobody_wrote_it_again(office: Office, ann: Coordinator) -> None:
    ann.set("project:x", "k", 1)
    ann.set("project:x", "k", 2)
    ann.undo()
    assert ann.get("project:x", "k").value == 1
    ann.undo()
    assert ann.get("project:x", "k").value == 2
    ann.incr("project:x", "n", 5)
    ann.undo()
    assert "n" not in ann.get("project:x").entries
    ann.unset("project:x", "k")
    ann.undo()
    assert ann.get("project:x", "k").value == 2
    ann.set("project:x", "k", 3)
    office.hire("bob").set("project:x", "k", 4)
    with pytest.raises(Conflict):
        ann.undo()
    assert ann.get("project:x", "k").value == 4


Act = Callable[[Office, Coordinator], object]
BACK: dict[str, Act] = {
    "accept": lambda office, ann: (
        hand_over(office),
        ann.accept("15", worktree=False),
    ),
    "take-over": lambda office, ann: (
        office.hire("bob").claim("15", worktree=False),
        ann.takeover("15", reason="r", force=True, token=1, worktree=False),
    ),
}


def hand_over(office: Office) -> Coordinator:
    giver = office.hire("giver")
    giver.claim("15", worktree=False)
    giver.handoff("15", note="n")
    return giver


@pytest.mark.parametrize("what", BACK)
def test_what_somebody_else_lost_by_it_cannot_go_back(office: Office, ann: Coordinator, what: str) -> None:
    BACK[what](office, ann)
    before = office.refs()
    with pytest.raises(WrongState, match="cannot be taken back") as refusal:
        ann.undo()
    assert refusal.value.hint
    assert changed(before, office.refs()) == set()


def test_a_dry_run_says_the_same_and_changes_nothing(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    before = office.refs()
    would = ann.undo(dry_run=True)
    assert would.dry_run
    assert changed(before, office.refs()) == set()
    assert ann.undo().steps == would.steps


def test_who_did_nothing_has_nothing_to_take_back(office: Office, ann: Coordinator) -> None:
    office.hire("bob").claim("15", worktree=False)
    with pytest.raises(NotFound):
        ann.undo()


def test_the_newest_of_several_operations_goes_back(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    ann.set("project:x", "k", 1)
    ann.task_add("More", id="16")
    assert ann.undo().operation.task == "16"
    assert ann.get("project:x", "k").value == 1
    assert state(office)[0] == "claimed"


def test_undo_of_somebody_who_is_not_there_any_more_is_refused(office: Office, ann: Coordinator) -> None:
    ann.claim("15", worktree=False)
    ann.end(force=True)
    with pytest.raises(Refused):
        ann.undo()


def test_what_was_archived_meanwhile_is_still_the_last_operation(office: Office, ann: Coordinator) -> None:
    ann.set("project:x", "k", 1)
    ann.claim("15", worktree=False)
    ann.done("15")
    office.coord().maintain(older_than=0)
    assert "refs/coord/tasks/15" not in office.refs()
    assert ann.undo().operation.type == "done"
    assert state(office) == ("claimed", 2)
    assert ann.get("project:x", "k").value == 1
