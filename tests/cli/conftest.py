"""Commands run in this process: as quick as they are, through the same entry as the program's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gitcoord.cli import app
from tests.support import Ran, Scratch

Coord = Callable[..., Ran]


@pytest.fixture
def coord(scratch: Scratch, capfd: pytest.CaptureFixture[str]) -> Coord:
    """Run ``git coord ARGS`` in the scratch repository, or in ``at``, which uses gitcoord already."""

    def run(*args: str, at: Path = scratch.path, env: Mapping[str, str] | None = None) -> Ran:
        capfd.readouterr()
        code = app.run(["-C", str(at), *args], {**os.environ, **(env or {})})
        said = capfd.readouterr()
        return Ran(code, said.out, said.err)

    assert run("init", "--no-hooks").code == 0
    return run


@pytest.fixture
def signed_on(coord: Coord) -> Coord:
    """The same, with a session ``backend`` bound to the main worktree."""
    assert coord("start", "backend").code == 0
    return coord
