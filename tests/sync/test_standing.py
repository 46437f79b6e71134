"""What a worker is told of its standing at the hub, before others draw conclusions from it."""

from __future__ import annotations

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.core import lease
from gitcoord.core.lease import Evidence, Policy
from tests.core.test_lease import LIVE
from tests.faults.support import FakeClock
from tests.sync.support import Town


def codes(coord: Coordinator) -> list[str]:
    return [item.code for item in coord.status().attention]


def test_le12_self_fence_deadline(town: Town) -> None:
    """Who was not heard of at the hub for two thirds of the TTL knows it, long before anybody else may take over."""
    clock = FakeClock()
    ann = town.hire(town.clone("a", hub=True), "ann", clock=clock)
    ann.claim("15", worktree=False)
    assert codes(ann) == []
    clock.move(1150)
    ann.heartbeat()  # it beats, and nobody else hears it
    assert codes(ann) == []
    clock.move(100)
    assert codes(ann) == ["unconfirmed"]
    ann.heartbeat()
    ann.sync()
    assert codes(ann) == []


@pytest.mark.parametrize(("ratio", "safe"), [(0.5, True), (1.0, True), (1.45, True), (1.6, False)])
def test_le06_clock_rate_bound(ratio: float, safe: bool) -> None:
    """An observer whose clock runs up to half as fast again never takes over from one that does not know it yet."""
    policy = Policy()
    tick = 1.0
    own = observed = 0.0
    while own <= lease.FENCE * policy.ttl:
        if not lease.judge(LIVE, Evidence(silence=observed), policy).live:
            break
        own, observed = own + tick, observed + tick * ratio
    assert (own > lease.FENCE * policy.ttl) is safe


def test_a_provisional_claim_is_marked_until_the_hub_agrees(town: Town) -> None:
    ann = town.hire(town.clone("a", hub=True), "ann")
    ann.sync()
    ann.claim("15", worktree=False, provisional=True)
    assert codes(ann) == ["provisional"]
    ann.sync()
    assert codes(ann) == []


def test_what_was_undone_stays_in_sight(town: Town) -> None:
    here, there = town.clone("here", hub=True), town.clone("there", hub=True)
    ann, ben = town.hire(here, "ann"), town.hire(there, "ben")
    ann.claim("15", worktree=False, provisional=True)
    ben.claim("15", worktree=False)
    ann.sync()
    assert codes(ann) == ["conflict"]
