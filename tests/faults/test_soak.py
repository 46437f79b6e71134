"""Many sessions for a long time: objects, refs and memory stay within bounds, and gc has nothing to say. FAULTS SC02.

``python -m tests.faults.soak`` prints the numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.soak import soak

A_DAY = 20_000
"""Loose objects that a day of a hundred sessions may make in a clone; Git's own gc packs them at 6,700."""
UNREACHABLE = 6_700
"""Where Git's gc begins to complain of loose objects that it may not prune yet: heartbeats that others came after."""
MEMORY = 16_000
"""kB by which a coordinator that stays open may grow from the first quarter of the run to its end."""


def is_well(found: dict[str, Any]) -> None:
    assert found["loose objects a day"] <= A_DAY, found
    assert found["gc --auto says"] == ["", "", ""], found
    assert found["fsck says"] == ["", "", ""], found
    assert max(found["loose after gc"].values()) <= UNREACHABLE, found
    assert found["memory"]["at the end"] - found["memory"]["after a quarter"] <= MEMORY, found


def test_a_few_sessions_for_an_hour(tmp_path: Path) -> None:
    found = soak(tmp_path, minutes=62, sessions=2)
    assert found["sessions"] >= 2
    is_well(found)


@pytest.mark.nightly
def test_sc02_100_sessions_day_simulated(tmp_path: Path) -> None:
    """Thirty seats, and a hundred sessions that come and go."""
    found = soak(tmp_path, minutes=200, sessions=30)
    print(found)
    assert found["sessions"] >= 90
    is_well(found)


@pytest.mark.nightly
def test_thirty_sessions_for_an_hour(tmp_path: Path) -> None:
    found = soak(tmp_path, minutes=62, sessions=30)
    print(found)
    is_well(found)
