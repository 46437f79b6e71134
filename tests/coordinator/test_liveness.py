"""Liveness from where callers stand: what frees a claim by itself, what is shown of it, what counts as a heartbeat."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gitcoord.errors import CoordError
from tests.faults.support import TTL, FakeClock, Office, end, process, refused
from tests.support import Scratch


def test_a_killed_process_frees_what_its_session_held_at_once(office: Office) -> None:
    ann = office.hire("ann")
    with process() as agent:
        dead = office.hire("agent", pid=agent.pid)
        dead.claim("15", worktree=False)
        refused(ann, "15")
        end(agent)
        grant = ann.claim("15", worktree=False)
    assert (grant.taken_from, grant.taken_from_name) == (dead.wanted, "agent")
    assert [notice.code for notice in grant.notices] == ["taken-over"]
    ending = office.record(f"refs/coord/sessions/{dead.wanted}")["ending"]
    assert (ending["how"], ending["by"]) == ("dead", ann.wanted)


@pytest.mark.parametrize("delay", ["0s", "60s"])
def test_silence_for_a_ttl_frees_it_too(scratch: Scratch, delay: str) -> None:
    """With the machine's own clock, once: everything else about time is tested with a clock of ours."""
    office = Office.found(scratch, ttl="2s", idle="1s", lockDelay=delay)
    silent, ann = office.hire("silent"), office.hire("ann")
    silent.claim("15", worktree=False)
    refused(ann, "15")
    office.silence(str(silent.wanted), 3)
    if delay == "0s":
        assert ann.claim("15", worktree=False).taken_from == silent.wanted
    else:
        left = refused(ann, "15").fields["retry_after"]
        assert 50 < left < 60  # type: ignore[operator]
    office.close()


def test_what_a_verdict_was_founded_on_is_told(timed: Office, clock: FakeClock) -> None:
    timed.hire("idler")
    clock.move(700)
    ann = timed.hire("ann")
    shown = {view.name: (view.shown, view.why) for view in ann.sessions()}
    assert shown["idler"] == ("idle", "no heartbeat for 12 min")
    assert shown["ann"][0] == "active"
    clock.move(TTL)
    assert {view.name: view.shown for view in ann.sessions()}["idler"] == "stale"


def test_every_command_counts_as_a_heartbeat(timed: Office, clock: FakeClock) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ben.claim("held", worktree=False)
    ref = f"refs/coord/heartbeats/{ann.wanted}"
    verbs: list[Callable[[], object]] = [
        lambda: ann.task_add("t"),
        lambda: ann.status(),
        lambda: ann.log(),
        lambda: ann.claim("15", worktree=False),
        lambda: ann.claim("15", worktree=False),
        lambda: ann.handoff("15", note="n"),
        lambda: refused(ann, "held"),
    ]
    for number, verb in enumerate(verbs):
        clock.move(301)
        ben.heartbeat()
        before = timed.refs()[ref]
        verb()
        ann.keep_alive()  # as the command line does at the end of every command
        assert timed.refs()[ref] != before, number


def test_a_command_that_was_refused_changes_nothing_but_the_heartbeat(timed: Office) -> None:
    ann, ben = timed.hire("ann"), timed.hire("ben")
    ben.claim("15", worktree=False)
    before = timed.refs()
    acts: list[Callable[[], object]] = [
        lambda: ann.claim("15", worktree=False),
        lambda: ann.done("15"),
        lambda: ann.accept("15"),
        lambda: ann.withdraw("15"),
        lambda: ann.task_add("again", id="15"),
        lambda: ann.task_cancel("15", reason="r"),
        lambda: ann.takeover("15", reason="r"),
        lambda: ann.task_edit("15", reopen=True),
        lambda: ann.end("nobody"),
    ]
    for act in acts:
        with pytest.raises(CoordError) as refusal:
            act()
        assert refusal.value.exit == 1
    assert timed.refs() == before
