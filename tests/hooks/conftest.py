"""Fixtures of the hook tests. Which Git is tested is known only inside a test: the sealed environment decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hooks.support import Worker, git_runs_config_hooks
from tests.support import Scratch


@pytest.fixture
def worker(scratch: Scratch) -> Worker:
    """A live session in the main worktree, with a beat due."""
    return Worker(scratch).sign_on()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the hooks of others write down that they ran."""
    return tmp_path / "log"


@pytest.fixture
def by_file() -> None:
    """For tests of hook files."""
    if git_runs_config_hooks():
        pytest.skip("since Git 2.54 no hook file is touched")


@pytest.fixture
def by_config() -> None:
    """For tests of hooks by configuration."""
    if not git_runs_config_hooks():
        pytest.skip("Git 2.54 brought hooks by configuration")
