"""Fixtures of the hook tests. Which Git is tested is known only inside a test: the sealed environment decides."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.hooks.support import Tools, Worker, git_runs_config_hooks
from tests.support import Scratch

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"], ["mksh"]]
PRESENT = [pytest.param(shell, id=shell[0]) for shell in SHELLS if shutil.which(shell[0])]


@pytest.fixture(params=PRESENT)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Every POSIX shell there is here, in turn."""
    words: list[str] = request.param
    return [shutil.which(words[0]) or words[0], *words[1:]]


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    """A PATH that writes down what is started."""
    (tmp_path / "tools").mkdir()
    return Tools(tmp_path / "tools")


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
