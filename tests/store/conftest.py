"""Fixtures of the store tests: one bench per kind, closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.kit import Bench


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A store of the kind that the test is parametrised with (``indirect``)."""
    made = Bench.make(request.param, tmp_path / "repo")
    yield made
    made.close()
