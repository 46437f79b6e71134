"""Sessions: who I am, signing on, going on, signing off without losing work."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitcoord.errors import Ended, NoSession, NotFound, Unsafe, Usage
from gitcoord.git import binding
from tests.faults.support import DELAY, TTL, FakeClock, Office, end, process
from tests.support import Scratch

# -- who am I -------------------------------------------------------------------------------------------------------


def test_without_a_session_nothing_can_be_claimed_and_the_hint_says_how_to_get_one(office: Office) -> None:
    with pytest.raises(NoSession) as refusal:
        office.coord().claim("15")
    assert refusal.value.hint == "git coord start"
    assert office.coord().status().me is None


def test_the_order_is_option_environment_agent_worktree(office: Office) -> None:
    bound = office.coord().start("bound").id
    agent = office.coord().start("agent", external_id="ext-1", bind=False).id
    exported = office.coord().start("exported", bind=False).id
    named = office.coord().start("named", bind=False).id
    assert office.coord(named, GIT_COORD_SESSION=exported).whoami().id == named
    assert office.coord(GIT_COORD_SESSION=exported, CLAUDE_CODE_SESSION_ID="ext-1").whoami().id == exported
    assert office.coord(CLAUDE_CODE_SESSION_ID="ext-1").whoami().id == agent
    assert office.coord(CLAUDE_CODE_SESSION_ID="of nobody").whoami().id == bound
    assert office.coord().whoami().id == bound


def test_a_session_is_found_by_id_prefix_name_and_external_id(office: Office) -> None:
    started = office.coord().start("backend", external_id="conv-7", bind=False)
    for named in (started.id, started.id[:6], "backend", "conv-7"):
        assert office.coord(named).whoami().id == started.id
    for named in ("s-", "nobody", "s-aaaaaaaaaa", "", " "):
        with pytest.raises(NotFound) if named else pytest.raises(NoSession):
            office.coord(named).whoami()


def test_two_names_alike_get_a_number_and_an_ended_name_is_free_again(office: Office) -> None:
    first, second, third = (office.hire("backend") for _ in range(3))
    assert [coord.whoami().name for coord in (first, second, third)] == ["backend", "backend-2", "backend-3"]
    second.end()
    assert office.hire("backend").whoami().name == "backend-2"


def test_a_prefix_that_fits_several_is_refused_with_all_of_them(office: Office) -> None:
    a, b = office.hire("ann"), office.hire("ben")
    with pytest.raises(NotFound) as refusal:
        office.coord("s-a").find_session("s-")
    assert refusal.value.exit == 1
    office.plant(
        "refs/coord/sessions/s-aaaaaaaaa2",
        {"id": "s-aaaaaaaaa2", "name": "x", "host": "h", "started_at": "2026-11-20T13:00:00.000Z"},
    )
    office.plant(
        "refs/coord/sessions/s-aaaaaaaaa3",
        {"id": "s-aaaaaaaaa3", "name": "y", "host": "h", "started_at": "2026-11-20T13:00:00.000Z"},
    )
    with pytest.raises(NotFound, match=r"s-aaaaaaaaa2, s-aaaaaaaaa3"):
        office.coord().find_session("s-aaa")
    assert {a.wanted, b.wanted}.isdisjoint({"s-aaaaaaaaa2", "s-aaaaaaaaa3"})


def test_an_agent_that_was_started_twice_goes_on_as_the_newer_one(office: Office) -> None:
    office.coord().start("old", external_id="conv", bind=False)
    newer = office.coord().start("new", external_id="conv", bind=False).id
    assert office.coord(CODEX_THREAD_ID="conv").whoami().id == newer


# -- start ----------------------------------------------------------------------------------------------------------


def test_start_is_always_a_new_session_and_binds_only_a_free_worktree(office: Office) -> None:
    coord = office.coord()
    first = coord.start("first")
    second = coord.start("second")
    assert first.id != second.id
    assert binding.bound_session(str(office.scratch.path / ".git")) == first.id
    assert [notice.code for notice in coord.notices] == ["not-bound"]
    coord.end(first.id)
    third = coord.start("third")
    assert binding.bound_session(str(office.scratch.path / ".git")) == third.id


def test_a_worktree_bound_to_a_dead_session_is_free_to_bind(office: Office) -> None:
    with process() as agent:
        office.coord().start("dead", pid=agent.pid)
        end(agent)
    alive = office.coord().start("alive")
    assert office.coord().whoami().id == alive.id


@pytest.mark.parametrize("given", [{"pid": 0}, {"pid": -1}, {"pid": 2**22 + 1}, {"name": ""}, {"name": "x" * 201}])
def test_a_start_that_cannot_be_meant_is_a_usage_error(office: Office, given: dict[str, object]) -> None:
    before = office.refs()
    with pytest.raises(Usage):
        office.coord().start(**given)  # type: ignore[arg-type]
    assert office.refs() == before


def test_a_session_knows_where_it_came_from(office: Office) -> None:
    ssh = office.coord(SSH_CONNECTION="192.0.2.7 5000 192.0.2.1 22", USER="ada")
    sid = ssh.start(model="m", labels={"team": "web"}, bind=False).id
    record = office.record(f"refs/coord/sessions/{sid}")
    assert (record["ssh_client"], record["user"], record["name"]) == ("192.0.2.7", "ada", "ada")
    assert (record["model"], record["labels"]) == ("m", {"team": "web"})
    assert record["worktree"] == str(office.scratch.path)


# -- resume ---------------------------------------------------------------------------------------------------------


def test_resume_goes_on_with_the_same_session_however_long_it_was_silent(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann")
    ann.claim("15", worktree=False)
    clock.move(10 * TTL)
    resumed = timed.coord().resume("ann", bind=False)
    assert (resumed.session.id, resumed.session.shown, resumed.session.tasks) == (ann.wanted, "active", ("15",))
    assert (resumed.retaken, resumed.lost) == ((), ())
    with pytest.raises(Exception, match="held by ann"):
        timed.hire("ben").claim("15", worktree=False)


def test_resume_of_an_expired_session_takes_back_what_is_still_free(timed: Office, clock: FakeClock) -> None:
    """Claimed still, put back by a clean-up within the lock delay, taken by others, given away before: four fates."""
    old = timed.hire("old")
    for name in ("claimed", "freed", "taken", "released"):
        old.claim(name, worktree=False)
    old.release("released")
    clock.move(TTL + DELAY + 1)
    ann = timed.hire("ann")
    ann.claim("taken", worktree=False)
    assert ann._free("freed")
    resumed = timed.coord().resume(str(old.wanted), bind=False)
    assert resumed.session.id != old.wanted
    assert (resumed.session.resumed_from, resumed.session.name) == (old.wanted, "old")
    assert (resumed.retaken, resumed.lost) == (("claimed", "freed"), ("taken",))
    assert timed.task("claimed")["token"] == timed.task("freed")["token"] == 2
    assert timed.task("released")["claim"] is None
    assert set(resumed.session.tasks) == {"claimed", "freed"}


def test_a_successor_need_not_wait_for_its_own_lock_delay(timed: Office, clock: FakeClock) -> None:
    old, ann = timed.hire("old"), timed.hire("ann")
    old.claim("15", worktree=False)
    clock.move(TTL + 1)
    assert ann.cleanup().freed == ("15",)
    assert timed.coord().resume(str(old.wanted), bind=False).retaken == ("15",)


def test_a_successor_goes_on_in_the_same_worktree(office: Office) -> None:
    with process() as agent:
        old = office.hire("old", pid=agent.pid)
        path = str(old.claim("15").task.worktree)
        Path(path, "new.txt").write_text("uncommitted\n")
        end(agent)
        office.hire("ann").cleanup()
    resumed = office.coord().resume(str(old.wanted), bind=False)
    inside = office.coord(at=path)
    assert inside.whoami().id == resumed.session.id
    assert inside.progress(percent=5).token == 2
    assert Path(path, "new.txt").read_text() == "uncommitted\n"


def test_an_expired_session_cannot_act_until_it_is_resumed(timed: Office, clock: FakeClock) -> None:
    old, ann = timed.hire("old"), timed.hire("ann")
    clock.move(TTL + DELAY + 1)
    ann.cleanup()
    with pytest.raises(Ended) as refusal:
        old.claim("15", worktree=False)
    assert refusal.value.hint == f"git coord resume {old.wanted}"


# -- end ------------------------------------------------------------------------------------------------------------


def test_end_refuses_while_work_would_be_left_behind_and_lists_it(office: Office) -> None:
    ann = office.hire("ann")
    path = str(ann.claim("15").task.worktree)
    Path(path, "new.txt").write_text("x\n")
    before = office.refs()
    with pytest.raises(Unsafe) as refusal:
        ann.end()
    assert refusal.value.fields["tasks"] == ["15"]
    assert refusal.value.fields["worktrees"] == [{"path": path, "files": ["new.txt"]}]
    assert office.refs() == before
    ann.release("15")
    with pytest.raises(Unsafe):
        ann.end()
    Path(path, "new.txt").unlink()
    ended = ann.end()
    assert (ended.session.shown, ended.released, ended.rescued) == ("ended", (), ())
    assert binding.bound_session(path + "/../../.git/worktrees/15") is None


def test_a_forced_end_rescues_and_releases(office: Office) -> None:
    ann = office.hire("ann")
    path = str(ann.claim("15").task.worktree)
    Path(path, "new.txt").write_text("precious\n")
    ended = ann.end(force=True)
    assert (ended.released, ended.rescued) == (("15",), (path,))
    assert office.scratch.git("show", "refs/coord/rescue/15:new.txt") == "precious"
    assert Path(path, "new.txt").read_text() == "precious\n"
    grant = office.hire("ben").claim("15")
    assert (grant.task.token, grant.task.worktree, grant.taken_from) == (2, path, None)


def test_an_end_with_a_note_offers_everything(office: Office) -> None:
    ann = office.hire("ann")
    path = str(ann.claim("15").task.worktree)
    ann.claim("16", worktree=False)
    Path(path, "new.txt").write_text("precious\n")
    ended = ann.end(handoff="half done")
    assert (ended.offered, ended.released) == (("15", "16"), ())
    offers = office.coord().handoffs()
    assert {(task.id, task.handoff.note if task.handoff else "") for task in offers} == {
        ("15", "half done"),
        ("16", "half done"),
    }
    accepted = office.hire("ben").accept("15")
    assert accepted.restored
    assert Path(str(accepted.grant.task.worktree), "new.txt").read_text() == "precious\n"


def test_an_ended_session_is_over(office: Office) -> None:
    ann = office.hire("ann")
    ann.end()
    for act in (ann.end, ann.heartbeat, ann.whoami):
        with pytest.raises(Ended):
            act()


def test_ending_another_session_is_allowed_and_says_who_did_it(office: Office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    ben.end("ann")
    record = office.record(f"refs/coord/sessions/{ann.wanted}")
    assert (record["state"], record["ending"]["by"]) == ("ended", ben.wanted)


def test_what_lies_about_in_the_main_worktree_untracked_does_not_stop_an_end(office: Office, scratch: Scratch) -> None:
    coord = office.coord()
    coord.start("ann")
    (scratch.path / "notes.txt").write_text("always there\n")
    (scratch.path / "README.md").write_text("changed\n")
    with pytest.raises(Unsafe) as refusal:
        coord.end()
    assert refusal.value.fields["worktrees"] == [{"path": str(scratch.path), "files": ["README.md"]}]
    scratch.git("checkout", "-q", "README.md")
    assert coord.end().session.state == "ended"
