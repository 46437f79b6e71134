"""Fencing tokens only ever grow, through everything that may happen to a task. FAULTS LE10."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitcoord.coordinator import Coordinator
from gitcoord.errors import Held
from tests.faults.support import Office
from tests.support import Scratch

TASK = "refs/coord/tasks/15"
STEPS = ("claim", "release", "steal", "die", "offer", "done", "finish", "fold", "harm", "gc", "pack", "lose meta")


@pytest.mark.parametrize("examples", [8, pytest.param(300, marks=pytest.mark.nightly)])
def test_le10_token_monotone_over_everything(tmp_path_factory: pytest.TempPathFactory, examples: int) -> None:
    """Grants, releases, thefts and deaths, interrupted by damage and its repair, and by git's own maintenance."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples < 100,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.sampled_from(STEPS), min_size=6, max_size=14))
    def anything(steps: list[str]) -> None:
        office = Office.found(Scratch.create(tmp_path_factory.mktemp("le10") / "repo"))
        given_out: list[int] = []
        for step in ["claim", *steps, "claim"]:
            token = happen(office, step)
            if token is not None:
                assert token > max(given_out, default=0), (steps, given_out)
                given_out.append(token)
        office.close()

    anything()


def happen(office: Office, step: str) -> int | None:
    """One step on task 15; the token if that granted one."""
    scratch, coord = office.scratch, office.hire("worker")
    try:
        claim = office.task("15")["claim"]
    except AssertionError:
        claim = None
    holder = office.coord(claim["session"]) if claim else None
    if step == "claim" and holder is None:
        return grant(coord)
    if holder is not None and step == "release":
        holder.release("15")
    elif holder is not None and step == "offer":
        holder.handoff("15", note="n")
    elif holder is not None and step == "done":
        holder.done("15")
        coord.task_edit("15", reopen=True)
    elif holder is not None and step == "finish":
        holder.done("15")
    elif step == "fold":
        coord.maintain(older_than=0)
    elif holder is not None and step == "die":
        office.silence(str(holder.wanted), 1e6)
    elif step == "steal" and claim:
        return coord.takeover("15", reason="r", force=True, token=claim["token"], worktree=False).task.token
    elif step == "gc":
        scratch.git("gc", "-q", "--prune=now")
    elif step == "pack":
        scratch.git("pack-refs", "--all")
    elif step in ("harm", "lose meta"):
        ref = TASK if step == "harm" else "refs/coord/meta/repo"
        (scratch.path / ".git" / ref).parent.mkdir(parents=True, exist_ok=True)
        (scratch.path / ".git" / ref).write_bytes(b"")
        coord.doctor(fix=True)
    return None


def grant(coord: Coordinator) -> int | None:
    """Claim it, or accept it where it is on offer; None where a lock delay is in the way."""
    try:
        if any(task.id == "15" for task in coord.handoffs()):
            return coord.accept("15", worktree=False).grant.task.token
        if any(task.id == "15" for task in coord.task_list(state="done")):
            coord.task_edit("15", reopen=True)
        return coord.claim("15", worktree=False).task.token
    except Held:
        return None
