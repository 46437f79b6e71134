"""Fixtures of the faults above the stores: a coordinated repository, on the machine's clock or on the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.support import FakeClock, Office
from tests.support import Scratch


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def office(scratch: Scratch) -> Iterator[Office]:
    """A coordinated repository on the machine's own clock."""
    opened = Office.found(scratch)
    yield opened
    opened.close()


@pytest.fixture
def timed(scratch: Scratch, clock: FakeClock) -> Iterator[Office]:
    """A coordinated repository whose time only the test moves."""
    opened = Office.found(scratch, clock=clock)
    yield opened
    opened.close()
