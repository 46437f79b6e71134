"""Task rules: every state meets every event; what the table does not name is refused and changes nothing."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from gitcoord.core import task as rules
from gitcoord.core import task_events as events
from gitcoord.core.model import Claim, Handoff, Hold, Progress, Result, Task, TaskState
from gitcoord.errors import Blocked, Exists, Held, NotFound, NotHolder, Refused, StaleToken, WrongState

ME, OTHER = "s-aaaaaaaaaa", "s-bbbbbbbbbb"
FREE = rules.Facts()
LIVE = rules.Facts(in_force=True)

EVENTS: dict[str, events.TaskEvent] = {
    "add": events.Add(at="t", session=ME, id="15", title="Fix"),
    "edit": events.Edit(at="t", session=ME, title="New"),
    "cancel": events.Cancel(at="t", session=ME, reason="r"),
    "reopen": events.Reopen(at="t", session=ME),
    "claim": events.ClaimTask(at="t", session=ME, id="15"),
    "place": events.Place(at="t", session=ME, host="h", path="/p", branch="b"),
    "unplace": events.Unplace(at="t", session=ME, host="h"),
    "release": events.Release(at="t", session=ME),
    "free": events.Free(at="t", reason="gone"),
    "progress": events.Report(at="t", session=ME, percent=50),
    "renew": events.Renew(at="t", session=ME),
    "done": events.Finish(at="t", session=ME),
    "offer": events.Offer(at="t", session=ME, note="n"),
    "accept": events.Accept(at="t", session=ME),
    "take-back": events.TakeBack(at="t", session=ME),
    "take-over": events.TakeOver(at="t", session=ME, reason="r"),
}


def task_in(state: TaskState, holder: str = ME) -> Task:
    claim = Claim(session=holder, token=3, since="t") if state == "claimed" else None
    offer = Handoff(from_=OTHER, note="n", at="t") if state == "offered" else None
    over = state in ("done", "failed", "review")
    result = Result(status="passed", at="t", by=holder) if over else None
    return Task(
        id="15",
        title="Fix",
        state=state,
        claim=claim,
        handoff=offer,
        result=result,
        token=3,
        created_at="t",
        updated_at="t",
    )


def test_the_events_here_are_all_the_events_there_are() -> None:
    assert {name for _state, name in rules.TABLE} == set(EVENTS)


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("state", [None, *get_args(TaskState)])
def test_what_the_table_does_not_name_is_refused(state: TaskState | None, name: str) -> None:
    task = task_in(state) if state else None
    before = msgspec.json.encode(task)
    if (state, name) in rules.TABLE:
        after = rules.step(task, EVENTS[name], FREE)
        wanted = rules.TABLE[state, name]
        assert after.state == (wanted or "done")
    else:
        with pytest.raises(Refused) as refusal:
            rules.step(task, EVENTS[name], FREE)
        assert refusal.value.hint
        assert "{" not in refusal.value.hint
    assert msgspec.json.encode(task) == before


def test_a_token_grows_with_every_grant_and_never_otherwise() -> None:
    task = task_in("pending")
    for name in ("claim", "progress", "place", "offer", "accept", "release", "claim", "done", "reopen", "claim"):
        grows = name in ("claim", "accept")
        after = rules.step(task, EVENTS[name], FREE)
        assert after.token == task.token + grows, name
        if grows:
            assert after.claim == Claim(session=ME, token=after.token, since="t")
        task = after


def test_claiming_what_one_holds_changes_nothing() -> None:
    task = task_in("claimed")
    assert rules.step(task, EVENTS["claim"], LIVE) is task


def test_whoever_finished_a_task_may_go_on_with_it_under_a_new_token() -> None:
    after = rules.step(task_in("done"), EVENTS["take-back"], FREE)
    assert (after.state, after.claim, after.result) == ("claimed", Claim(session=ME, token=4, since="t"), None)
    with pytest.raises(NotHolder):
        rules.step(task_in("done", OTHER), EVENTS["take-back"], FREE)


def test_a_report_can_say_exactly_how_far_it_is() -> None:
    task = rules.step(task_in("claimed"), events.Report(at="t", session=ME, percent=90, phase="tests"), FREE)
    back = rules.step(task, events.Report(at="u", session=ME, percent=10, exact=True), FREE)
    assert back.progress == Progress(percent=10, at="u", by=ME)
    assert rules.step(task, events.Report(at="u", session=ME, exact=True), FREE).progress is None


def test_a_live_holder_keeps_its_task() -> None:
    task = task_in("claimed", OTHER)
    for name in ("claim", "take-over", "cancel", "free"):
        with pytest.raises(Held) as refusal:
            rules.step(task, EVENTS[name], LIVE)
        assert refusal.value.fields["holder"] == OTHER
        assert refusal.value.fields["token"] == 3


@pytest.mark.parametrize("name", ["release", "progress", "done", "offer", "place"])
def test_only_the_holder_may(name: str) -> None:
    with pytest.raises(NotHolder):
        rules.step(task_in("claimed", OTHER), EVENTS[name], LIVE)


@pytest.mark.parametrize("name", ["release", "progress", "done", "offer", "place"])
def test_a_spent_token_is_told_from_a_stranger(name: str) -> None:
    event = msgspec.structs.replace(EVENTS[name], token=2)
    with pytest.raises(StaleToken):
        rules.step(task_in("claimed", OTHER), event, LIVE)
    with pytest.raises(StaleToken):
        rules.step(task_in("claimed", ME), event, LIVE)
    with pytest.raises(StaleToken):
        rules.step(task_in("pending"), event, FREE)


def test_a_dead_holder_is_followed_and_remembered() -> None:
    after = rules.step(task_in("claimed", OTHER), EVENTS["claim"], FREE)
    assert after.claim == Claim(session=ME, token=4, since="t")
    assert after.former == Claim(session=OTHER, token=3, since="t")
    assert after.attempts == 1


def test_le11_claim_inside_the_lock_delay_is_refused_with_the_time_left() -> None:
    with pytest.raises(Held) as refusal:
        rules.step(task_in("claimed", OTHER), EVENTS["claim"], rules.Facts(wait=12.0))
    assert refusal.value.fields["retry_after"] == 12.0
    for name, state in (("take-over", "claimed"), ("accept", "offered"), ("claim", "pending")):
        with pytest.raises(Held):
            rules.step(task_in(state, OTHER), EVENTS[name], rules.Facts(wait=1.0))  # type: ignore[arg-type]


def test_le09_force_steal_needs_current_id() -> None:
    task = task_in("claimed", OTHER)
    event = events.TakeOver(at="t", session=ME, reason="r", force=True, token=2, hold=Hold(seconds=60))
    with pytest.raises(StaleToken):
        rules.step(task, event, LIVE)
    after = rules.step(task, msgspec.structs.replace(event, token=3), LIVE)
    assert after.claim == Claim(session=ME, token=4, since="t")
    assert after.hold == Hold(seconds=60)
    assert after.former is not None
    assert after.former.session == OTHER


def test_a_blocked_task_is_not_claimed() -> None:
    with pytest.raises(Blocked) as refusal:
        rules.step(task_in("pending"), EVENTS["claim"], rules.Facts(blocked_by=("14",)))
    assert refusal.value.fields["blocked_by"] == ["14"]


def test_an_offer_is_for_its_addressee_while_that_lives() -> None:
    offered = task_in("offered")
    offer = Handoff(from_=OTHER, to="s-cccccccccc", note="n", at="t")
    addressed = msgspec.structs.replace(offered, handoff=offer)
    with pytest.raises(Held):
        rules.step(addressed, EVENTS["accept"], LIVE)
    assert rules.step(addressed, EVENTS["accept"], FREE).claim is not None
    back = events.Accept(at="t", session=OTHER)
    assert rules.step(addressed, back, LIVE).claim == Claim(session=OTHER, token=4, since="t")


def test_an_unknown_task_is_made_by_its_claim_and_by_nothing_else() -> None:
    made = rules.step(None, EVENTS["claim"], rules.Facts(floor=7))
    assert (made.title, made.token, made.state) == ("15", 8, "claimed")
    with pytest.raises(NotFound):
        rules.step(None, EVENTS["release"], FREE)
    with pytest.raises(Exists):
        rules.step(made, EVENTS["add"], FREE)


def test_results_and_retries() -> None:
    failed = rules.step(task_in("claimed"), events.Finish(at="u", session=ME, status="failed", summary="no"), FREE)
    assert (failed.state, failed.claim) == ("failed", None)
    again = rules.step(failed, EVENTS["claim"], FREE)
    assert (again.state, again.attempts, again.result) == ("claimed", 1, None)
    review = rules.step(again, events.Finish(at="v", session=ME, review=True, pr="http://x", commit="c"), FREE)
    assert review.state == "review"
    done = rules.step(review, events.Finish(at="w", session=OTHER), FREE)
    assert done.state == "done"
    assert done.result is not None
    assert (done.result.pr, done.result.commit) == ("http://x", "c")
    with pytest.raises(WrongState):
        rules.step(done, EVENTS["claim"], FREE)


def test_progress_keeps_what_it_does_not_mention() -> None:
    one = rules.step(task_in("claimed"), events.Report(at="t", session=ME, percent=20, phase="build"), FREE)
    two = rules.step(one, events.Report(at="u", session=ME, percent=40, message="half"), FREE)
    assert two.progress is not None
    assert (two.progress.phase, two.progress.percent, two.progress.message) == ("build", 40, "half")


def test_events_replay_to_the_same_record() -> None:
    script = ["claim", "progress", "place", "offer", "accept", "done"]
    results = []
    for _ in range(2):
        task: Task | None = None
        for name in script:
            decoded = msgspec.json.decode(msgspec.json.encode(EVENTS[name]), type=type(EVENTS[name]))
            task = rules.step(task, decoded, FREE)
        results.append(msgspec.json.encode(task))
    assert results[0] == results[1]
