"""Verdicts: silence makes stale, proof makes dead, and nothing here reads a clock."""

from __future__ import annotations

import msgspec
import pytest

from gitcoord.core import lease
from gitcoord.core.lease import Evidence, Policy, judge
from gitcoord.core.model import Boot, Ending, Hold, Process, Session
from gitcoord.errors import Usage

POLICY = Policy()
LIVE = Session(id="s-aaaaaaaaaa", name="a", host="h", started_at="t")
BOUND = msgspec.structs.replace(LIVE, process=Process(pid=7, start="1"))


def ended(how: str, silent: float | None = None) -> Session:
    ending = msgspec.convert({"how": how, "silent": silent}, Ending)
    state = "ended" if how == "ended" else "expired"
    return msgspec.structs.replace(LIVE, state=state, ending=ending)


@pytest.mark.parametrize(
    ("silent", "shown", "live"),
    [(0, "active", True), (599, "active", True), (600, "idle", True), (1799, "idle", True), (1800, "stale", False)],
)
def test_silence_by_the_clock(silent: float, shown: str, live: bool) -> None:
    for evidence in (Evidence(age=silent), Evidence(silence=silent)):
        verdict = judge(LIVE, evidence, POLICY)
        assert (verdict.shown, verdict.live, verdict.proven) == (shown, live, False)


def test_a_direct_age_beats_an_observation() -> None:
    assert judge(LIVE, Evidence(age=10, silence=9999), POLICY).live


def test_a_gone_process_is_death_at_once() -> None:
    verdict = judge(BOUND, Evidence(age=1, process="dead"), POLICY)
    assert (verdict.live, verdict.proven, verdict.wait) == (False, True, 0.0)
    assert judge(BOUND, Evidence(age=1, rebooted=True), POLICY).proven
    assert judge(LIVE, Evidence(age=1, rebooted=True), POLICY).live
    assert judge(BOUND, Evidence(age=1, process="unknown"), POLICY).live


def test_a_living_process_is_no_heartbeat() -> None:
    assert not judge(BOUND, Evidence(age=1800, process="alive"), POLICY).live


def test_le11_the_lock_delay_follows_the_ttl() -> None:
    assert judge(LIVE, Evidence(age=1800), POLICY).wait == 60
    assert judge(LIVE, Evidence(age=1830), POLICY).wait == 30
    assert judge(LIVE, Evidence(age=1860), POLICY).wait == 0
    assert judge(ended("observed", 1800), Evidence(since_ending=20), POLICY).wait == 40
    assert judge(ended("observed", 99999), Evidence(), POLICY).wait == 0
    assert judge(ended("dead", 5), Evidence(), POLICY).wait == 0
    assert judge(ended("ended"), Evidence(), POLICY).wait == 0


def test_the_ended_are_never_live_whatever_the_evidence() -> None:
    for how in ("ended", "dead", "observed", "forced"):
        assert not judge(ended(how, 0), Evidence(age=0, process="alive"), POLICY).live


def test_a_hold_counts_on_one_boot_only() -> None:
    hold = Hold(seconds=60, boot=Boot(id="b", at=100))
    assert lease.hold_left(hold, Boot(id="b", at=130), 0) == 30
    assert lease.hold_left(hold, Boot(id="b", at=161), 0) == 0
    assert lease.hold_left(hold, Boot(id="c", at=9999), 10) == 50
    assert lease.hold_left(None, None, 0) == 0


@pytest.mark.parametrize(
    "wrong", [{"ttl": 0.001}, {"ttl": 1e9}, {"heartbeat": 0.0}, {"lock_delay": -1.0}, {"idle": 0.0}]
)
def test_absurd_values_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(Usage, match=r"coord\."):
        lease.checked(Policy(**wrong))


def test_a_short_ttl_makes_heartbeats_come_sooner() -> None:
    assert Policy().interval == 300
    assert Policy(ttl=6).interval == 2
    assert Policy(ttl=6).bucket == 1
    assert Policy().bucket == 10
