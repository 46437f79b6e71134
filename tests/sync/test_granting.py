"""With a hub, what only one may get is decided there: one winner over all clones, and nothing without an answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import CoordError, Held, HubRefused, HubUnreachable, NothingReady, UnknownOutcome
from tests.faults.support import FakeClock, foreign
from tests.support import Scratch
from tests.sync.support import Town, coord_refs, pushes


def test_a_claim_is_one_push_and_names_its_holder_to_others(town: Town) -> None:
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann = town.hire(here, "ann")
    mode = town.trouble(here)
    grant = ann.claim("15", worktree=False)
    assert (grant.guarantee, pushes(mode)) == ("confirmed", 1)
    assert town.refs() == coord_refs(here)  # the session and its heartbeat went along
    with pytest.raises(Held) as refusal:
        town.hire(there, "ben").claim("15", worktree=False)
    assert refusal.value.fields["holder_name"] == "ann"


def test_what_was_freed_elsewhere_can_be_had_at_once(town: Town) -> None:
    """The own view says held; before that is believed the hub is asked."""
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    ann.claim("15", worktree=False)
    ben.sync()
    ann.release("15")
    ann.sync()
    assert ben.claim("15", worktree=False).task.token == 2


def test_sy01_remote_create_race(town: Town) -> None:
    workers = [town.hire(town.clone(f"clone{n}", hub=True), f"worker{n}") for n in range(5)]
    for round_ in range(4):
        task = f"task-{round_}"

        def claim(coord: Coordinator, task: str = task) -> str:
            try:
                return coord.claim(task, worktree=False).guarantee
            except Held as refusal:
                return str(refusal.fields["holder_name"])

        with ThreadPoolExecutor(len(workers)) as pool:
            answers = list(pool.map(claim, workers))
        assert answers.count("confirmed") == 1
        winner = f"worker{answers.index('confirmed')}"
        assert answers.count(winner) == len(workers) - 1


def test_a_queue_is_emptied_by_all_clones_without_doing_anything_twice(town: Town) -> None:
    workers = [town.hire(town.clone(f"clone{n}", hub=True), f"worker{n}") for n in range(3)]
    for number in range(6):
        workers[0].task_add(f"task {number}", id=f"t{number}")
    workers[0].sync()

    def work(coord: Coordinator) -> list[str]:
        got = []
        while True:
            try:
                got.append(coord.claim(next=True, worktree=False).task.id)
            except NothingReady:
                return got

    with ThreadPoolExecutor(len(workers)) as pool:
        lists = list(pool.map(work, workers))
    assert sorted(task for one in lists for task in one) == [f"t{number}" for number in range(6)]


def test_counters_and_conditions_count_over_all_clones(town: Town) -> None:
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    numbers = [coord.incr("project:x", "n").value for coord in (ann, ben, ben, ann)]
    assert numbers == [1, 2, 3, 4]
    assert ann.set("project:x", "leader", "ann", if_absent=True).value == "ann"
    with pytest.raises(CoordError, match="is there already"):
        ben.set("project:x", "leader", "ben", if_absent=True)


def test_locks_are_taken_at_the_hub_all_or_none(town: Town) -> None:
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    assert ann.lock(["deploy", "src/**"]).guarantee == "confirmed"
    with pytest.raises(Held) as refusal:
        ben.lock(["docs/**", "src/a.py"], path=True)
    assert refusal.value.fields["holder_name"] == "ann"
    ann.unlock(all=True)
    ann.sync()
    assert [lock.token for lock in ben.lock(["deploy"]).locks] == [3]


def test_offline_nothing_is_granted(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    town.hub.path.rename(town.root / "away.git")
    before = coord_refs(clone)
    for act in (
        lambda: ann.claim("15"),
        lambda: ann.lock(["deploy"]),
        lambda: ann.incr("project:x", "n"),
    ):
        with pytest.raises(HubUnreachable) as refusal:
            act()
        assert refusal.value.exit == 5
    assert coord_refs(clone) == before
    ann.task_add("still possible", id="16")  # what is not exclusive waits for the next sync


def test_a_hub_that_takes_nothing_grants_nothing(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    hook = town.hub.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = coord_refs(clone)
    with pytest.raises(HubRefused, match="hook declined"):
        ann.claim("15")
    assert coord_refs(clone) == before


def test_a_claim_needs_no_atomic_push(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    town.hub.git("config", "receive.advertiseAtomic", "false")
    assert ann.claim("15", worktree=False).guarantee == "confirmed"
    assert town.refs() == coord_refs(clone)


def test_sy02_indeterminate_push_applied_and_cut(town: Town) -> None:
    """The hub applied it and the line went dead: the hub is looked at, and the claim is ours."""
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann = town.hire(here, "ann")
    mode = town.trouble(here, "cut")
    assert ann.claim("15", worktree=False).guarantee == "confirmed"
    mode.write_text("")
    with pytest.raises(Held):
        town.hire(there, "ben").claim("15", worktree=False)
    assert ann.progress("15", percent=5).token == 1


def test_sy02_indeterminate_push_applied_cut_and_gone(town: Town) -> None:
    """Applied, cut, and no way to look: exit 4 until the hub is back, then neither lost nor granted twice."""
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    town.trouble(clone, "cut")
    away = town.root / "upload"
    away.write_text("#!/bin/sh\nexit 1\n")
    away.chmod(0o755)
    clone.git("config", "remote.origin.uploadpack", str(away))
    for _ in range(2):
        with pytest.raises(UnknownOutcome) as error:
            ann.claim("15", worktree=False)
        assert error.value.exit == 4
    clone.git("config", "--unset", "remote.origin.uploadpack")
    clone.git("config", "--unset", "remote.origin.receivepack")
    grant = ann.claim("15", worktree=False)
    assert (grant.changed, grant.task.token, grant.guarantee) == (False, 1, "confirmed")
    assert "went through after all" in str(ann.notices)


def test_sy02_indeterminate_push_never_applied(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub hung and did nothing: unknown for now; at the next command it is known that nothing happened."""
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann = town.hire(here, "ann")
    mode = town.trouble(here, "hang")
    monkeypatch.setattr("gitcoord.git.remote.push.__kwdefaults__", {"atomic": False, "timeout": 0.5})
    with pytest.raises(UnknownOutcome):
        ann.claim("15", worktree=False)
    mode.write_text("")
    ben = town.hire(there, "ben")
    ben.claim("15", worktree=False)
    monkeypatch.setattr("gitcoord.git.remote.push.__kwdefaults__", {"atomic": False, "timeout": 60.0})
    with pytest.raises(Held):
        ann.claim("15", worktree=False)
    assert "did not happen" in str(ann.notices)


def test_silence_is_counted_only_while_the_hub_was_listened_to(town: Town) -> None:
    """A clone that did not fetch for hours has not seen anybody be silent for hours."""
    clock = FakeClock()
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    elsewhere = foreign()
    ann = town.hire(there, "ann", clock=elsewhere)
    ann.claim("15", worktree=False)
    ben = town.hire(here, "ben", clock=clock)
    ben.sync()
    ben.status()
    clock.move(7200)
    elsewhere.move(7200)
    ann.heartbeat()
    ann.sync()
    with pytest.raises(Held):
        ben.claim("15", worktree=False)
    ben.status()
    clock.move(900)
    ben.sync()
    ben.status()
    with pytest.raises(Held):
        ben.claim("15", worktree=False)
    clock.move(1000)
    ben.sync()
    assert ben.status().attention  # ann has said nothing for a ttl, and ben was listening
    clock.move(100)
    grant = ben.claim("15", worktree=False)
    assert (grant.taken_from_name, grant.task.token) == ("ann", 2)
    ann.sync()
    with pytest.raises(CoordError):
        ann.progress("15", percent=1)


def test_a_provisional_grant_is_lost_to_one_that_was_confirmed(town: Town) -> None:
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    grant = ann.claim("15", worktree=False, provisional=True)
    assert grant.guarantee == "provisional"
    ann.progress("15", percent=50)
    ben.claim("15", worktree=False)
    ann.sync()
    assert [entry.code for entry in ann.hub_show().conflicts] == ["held", "not-holder"]
    assert "undone" in str(ann.notices)
    assert Scratch(here.path).git("log", "-1", "--format=%s", "refs/coord/tasks/15").startswith("claim 15 by ben")


def test_a_provisional_grant_becomes_confirmed_by_a_sync(town: Town) -> None:
    clone = town.clone("here", hub=True)
    ann = town.hire(clone, "ann")
    ann.claim("15", worktree=False, provisional=True)
    ann.progress("15", percent=50)
    ann.sync()
    assert ann.claim("15", worktree=False).guarantee == "confirmed"
    assert town.refs() == coord_refs(clone)


def test_an_offer_is_accepted_in_another_clone(town: Town) -> None:
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    ann.claim("15", worktree=False)
    ann.handoff("15", note="half done")
    ann.sync()
    accepted = ben.accept("15", worktree=False)
    assert (accepted.grant.guarantee, accepted.handoff.note, accepted.grant.task.token) == ("confirmed", "half done", 2)


def test_a_resumed_worker_gets_its_task_back_from_the_hub_or_not_at_all(town: Town) -> None:
    """What somebody else got meanwhile stays theirs, although this clone has not heard of it."""
    clock, elsewhere = FakeClock(), foreign()
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(there, "ann", clock=elsewhere), town.hire(here, "ben", clock=clock)
    for task in ("15", "16"):
        ann.claim(task, worktree=False)
    ben.sync()
    ben.status()
    clock.move(90_000)
    ben.sync()
    assert [view.name for view in ben.cleanup().expired] == ["ann"]
    ben.sync()
    ann.sync()
    clock.move(100)
    ben.heartbeat()
    ben.claim("15", worktree=False)  # which ann's clone does not know yet
    back = town.coord(there, clock=elsewhere).resume(ann.wanted or "")
    assert (back.retaken, back.lost) == (("16",), ("15",))


def test_cleaning_up_asks_the_hub_before_it_calls_anybody_dead(town: Town) -> None:
    clock, elsewhere = FakeClock(), foreign()
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann = town.hire(there, "ann", clock=elsewhere)
    ann.sync()
    ben = town.hire(here, "ben", clock=clock)
    ben.sync()
    ben.status()
    clock.move(90_000)
    ben.sync()  # by now ann was silent for a day, as far as one can see here
    elsewhere.move(90_000)
    ann.heartbeat()
    ann.sync()
    assert ben.cleanup().expired == ()
    assert ann.whoami().state == "live"
