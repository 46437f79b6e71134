"""The coordinator against the dumb implementation, in any order of verbs and any passing of time. FAULTS AT12, LE10."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gitcoord.coordinator import Coordinator
from gitcoord.core import names
from gitcoord.errors import Refused
from gitcoord.git.repo import Repo, discover
from gitcoord.store.memory import MemoryStore
from tests.faults.model import Model, Refusal
from tests.faults.support import YEAR, FakeClock
from tests.support import Scratch

JOBS = st.sampled_from(["a", "b", "c", "Ö/d"])
WHO = st.integers(0, 5)
"""Which of the sessions; from 3 on, where a task is at stake, the one that is concerned with it."""
PASSING = st.sampled_from([1, 45, 301, 600, 1500, 1741, 1801, 1861, 5000])
MOST = 9


class Everything(RuleBasedStateMachine):
    """Two coordinators on one store do what the model does; the model says what has to come of it."""

    repo: Repo

    @initialize()
    def open_up(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore()
        self.coords = [
            Coordinator(self.repo, os.environ, clock=self.clock, store=self.store),
            Coordinator(self.repo, os.environ, clock=self.clock, store=self.store),
        ]
        self.coords[0].init(hooks=False)
        self.model = Model(int(self.clock.running), int(self.clock.wall))
        self.sids: list[str] = []
        self.tokens: dict[str, int] = {}
        self.turn = 0
        for _ in range(3):
            self.sign_on()
        for name in ("a", "b"):
            self.add(name, 2, set())

    def coord(self, who: str | None = None) -> Coordinator:
        """One of the two, by turns: what one has cached must not matter to the other."""
        self.turn += 1
        coord = self.coords[self.turn % 2]
        coord.wanted = who
        coord.records.forget()
        return coord

    def sid(self, index: int, name: str = "") -> str:
        job = self.model.jobs.get(name)
        concerned = (job.holder or job.to or job.giver) if job is not None and index >= 3 else None
        return concerned or self.sids[index % len(self.sids)]

    def aim(self, name: str, index: int, *states: str) -> str:
        """Mostly a task for which a verb makes sense, sometimes any."""
        fitting = sorted(other for other, job in self.model.jobs.items() if job.state in states)
        return fitting[len(name) % len(fitting)] if fitting and index > 0 and name not in fitting else name

    def both(self, act: Callable[[], object], modelled: Callable[[Model], object]) -> None:
        """Do it really and in the model; they agree on the outcome, and a refusal has changed nothing."""
        expected = copy.deepcopy(self.model)
        code = None
        try:
            modelled(expected)
            self.model = expected
        except Refusal as refusal:
            code = refusal.args[0]
        before = self.store.list_refs(names.ROOT)
        try:
            act()
            answer = None
        except Refused as refusal:
            answer = refusal.code
        assert answer == code
        assert answer is None or self.store.list_refs(names.ROOT) == before

    # -- time and sessions ----------------------------------------------------------------------------------------

    @rule(seconds=PASSING)
    def time_passes(self, seconds: int) -> None:
        self.clock.move(seconds)
        self.model.now += seconds
        self.model.wall += seconds

    @rule(years=st.sampled_from([-3, 3]))
    def the_wall_clock_jumps(self, years: int) -> None:
        self.clock.jump(years * YEAR)
        self.model.wall += years * int(YEAR)

    @precondition(lambda self: len(self.sids) < MOST)
    @rule()
    def sign_on(self) -> None:
        sid = self.coord().start("worker", bind=False).id
        self.sids.append(sid)
        self.model.start(sid)

    @rule(who=WHO)
    def heartbeat(self, who: int) -> None:
        sid = self.sid(who)
        self.both(lambda: self.coord(sid).heartbeat(), lambda model: model.heartbeat(sid))

    @precondition(lambda self: sum(map(self.model.live, self.sids)) > 2)
    @rule(who=WHO, how=st.sampled_from(["plain", "force", "handoff"]))
    def end(self, who: int, how: str) -> None:
        sid = self.sid(who)
        force, note = how == "force", "note" if how == "handoff" else None
        self.both(lambda: self.coord(sid).end(force=force, handoff=note), lambda model: model.end(sid, how))

    @rule(who=WHO)
    def cleanup(self, who: int) -> None:
        sid = self.sid(who)
        self.both(lambda: self.coord(sid).cleanup(), lambda model: model.cleanup(sid))

    @precondition(lambda self: len(self.sids) < MOST)
    @rule(who=WHO)
    def resume(self, who: int) -> None:
        sid = self.sid(who)
        resumed = self.coord().resume(sid, bind=False).session
        heirs = {name for name, heir in self.model.workers.items() if heir.heir_of == sid and self.model.live(name)}
        ended = self.model.workers[sid].state != "live"
        assert (resumed.id == sid) is not ended
        assert not (ended and heirs) or resumed.id in heirs
        if resumed.id not in self.sids:
            self.sids.append(resumed.id)
        self.model.resume(sid, resumed.id)

    # -- tasks ----------------------------------------------------------------------------------------------------

    @rule(name=JOBS, priority=st.integers(0, 4), after=st.sets(JOBS, max_size=2))
    def add(self, name: str, priority: int, after: set[str]) -> None:
        earlier = tuple(sorted(other for other in after if other < name))
        self.both(
            lambda: self.coord().task_add("title", id=name, priority=priority, after=earlier),
            lambda model: model.add(name, priority, earlier),
        )

    @rule(who=WHO, name=JOBS)
    def cancel(self, who: int, name: str) -> None:
        sid = self.sid(who, name)
        self.both(lambda: self.coord(sid).task_cancel(name, reason="r"), lambda model: model.cancel(sid, name))

    @rule(who=WHO, name=JOBS)
    def reopen(self, who: int, name: str) -> None:
        name = self.aim(name, who, "review", "failed", "done", "cancelled")
        self.both(lambda: self.coord().task_edit(name, reopen=True), lambda model: model.reopen(name))

    @rule(who=WHO, name=JOBS)
    def claim(self, who: int, name: str) -> None:
        name = self.aim(name, who, "pending", "claimed", "failed")
        sid = self.sid(who, name)
        self.both(lambda: self.coord(sid).claim(name, worktree=False), lambda model: model.claim(sid, name))

    @rule(who=WHO)
    def claim_next(self, who: int) -> None:
        sid = self.sid(who)
        self.both(lambda: self.coord(sid).claim(next=True, worktree=False), lambda model: model.claim_next(sid))

    @rule(who=WHO, name=JOBS, force=st.booleans(), off=st.sampled_from([0, 0, 0, -1, 1]))
    def takeover(self, who: int, name: str, force: bool, off: int) -> None:
        name = self.aim(name, who, "claimed", "offered")
        sid = self.sid(who, name)
        token = self.model.jobs[name].token + off if name in self.model.jobs else 1
        self.both(
            lambda: self.coord(sid).takeover(name, reason="r", force=force, token=token, worktree=False),
            lambda model: model.takeover(sid, name, force, token),
        )

    @rule(who=WHO, name=JOBS)
    def progress(self, who: int, name: str) -> None:
        name = self.aim(name, who, "claimed")
        sid = self.sid(who, name)
        self.both(lambda: self.coord(sid).progress(name, percent=1), lambda model: model.progress(sid, name))

    @rule(who=WHO, name=JOBS)
    def release(self, who: int, name: str) -> None:
        name = self.aim(name, who, "claimed")
        sid = self.sid(who, name)
        self.both(lambda: self.coord(sid).release(name), lambda model: model.release(sid, name))

    @rule(who=WHO, name=JOBS, state=st.sampled_from(["done", "failed", "review"]))
    def done(self, who: int, name: str, state: str) -> None:
        name = self.aim(name, who, "claimed", "review")
        sid = self.sid(who, name)
        status: Literal["passed", "failed"] = "failed" if state == "failed" else "passed"
        self.both(
            lambda: self.coord(sid).done(name, status=status, review=state == "review"),
            lambda model: model.done(sid, name, state),
        )

    # -- handing over ---------------------------------------------------------------------------------------------

    @rule(who=WHO, name=JOBS, to=st.none() | WHO)
    def handoff(self, who: int, name: str, to: int | None) -> None:
        name = self.aim(name, who, "claimed")
        sid, receiver = self.sid(who, name), None if to is None else self.sid(to)
        self.both(
            lambda: self.coord(sid).handoff(name, note="n", to=receiver),
            lambda model: model.handoff(sid, name, receiver),
        )

    @rule(who=WHO, name=JOBS)
    def accept(self, who: int, name: str) -> None:
        name = self.aim(name, who, "offered")
        sid = self.sid(who, name)
        self.both(lambda: self.coord(sid).accept(name, worktree=False), lambda model: model.accept(sid, name))

    @rule(who=WHO, name=JOBS)
    def withdraw(self, who: int, name: str) -> None:
        name = self.aim(name, who, "offered")
        sid = self.sid(who, name)
        self.both(lambda: self.coord(sid).withdraw(name), lambda model: model.withdraw(sid, name))

    # -- what holds at every moment -------------------------------------------------------------------------------

    @invariant()
    def the_records_are_what_the_model_says(self) -> None:
        board = self.coord().board()
        tasks = board.plain_tasks()
        assert {
            name: (task.state, task.claim.session if task.claim else None, task.token) for name, task in tasks.items()
        } == {name: (job.state, job.holder, job.token) for name, job in self.model.jobs.items()}
        assert {sid: item.record.state for sid, item in board.sessions.items()} == {
            sid: worker.state for sid, worker in self.model.workers.items()
        }
        assert {sid for sid in board.sessions if board.live(sid)} == {sid for sid in self.sids if self.model.live(sid)}
        assert board.corrupt == []

    @invariant()
    def tokens_only_grow_and_a_holder_has_the_newest(self) -> None:
        for name, task in self.coord().board().plain_tasks().items():
            assert task.token >= self.tokens.get(name, 0)
            assert (task.claim is not None) == (task.state == "claimed")
            assert task.claim is None or task.claim.token == task.token
            self.tokens[name] = task.token

    def teardown(self) -> None:
        for coord in getattr(self, "coords", []):
            coord.close()


@pytest.mark.parametrize("examples", [150, pytest.param(4000, marks=pytest.mark.nightly)])
def test_at12_hypothesis_state_machine_local(scratch: Scratch, examples: int) -> None:
    machine = type("Machine", (Everything,), {"repo": discover(str(scratch.path), os.environ)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=examples < 1000,
            suppress_health_check=list(HealthCheck),
        ),
    )
