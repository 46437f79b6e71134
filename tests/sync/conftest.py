"""Fixtures of the tests across machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.support import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A bare hub with one commit on main, and no clone yet."""
    built = Town.build(tmp_path)
    yield built
    built.close()
