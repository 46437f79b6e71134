"""Seals every test from the machine it runs on: own HOME, no system or global Git config, fixed identity, no agent ids.

Then real repositories. ``GITCOORD_TEST_GIT`` names a directory whose ``git`` is put first on PATH, so that the whole
suite runs against another Git (the matrix is: 2.39 and the newest).
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.support import Scratch, git_version

_KEPT = ("PATH", "LANG", "TMPDIR", "GITCOORD_TEST_GIT", "COVERAGE_PROCESS_START")


def pytest_configure(config: pytest.Config) -> None:
    """Let repositories be made in memory where there is room: many of their files and nearly all waiting is for disks.

    ``TMPDIR`` and ``--basetemp`` say otherwise.
    """
    if "TMPDIR" not in os.environ and _has_room("/dev/shm"):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")


def _has_room(place: str) -> bool:
    """Whether there is a gigabyte free, which may hold programs: a run needs a tenth of it."""
    try:
        found = os.statvfs(place)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= 1 << 30 and not found.f_flag & os.ST_NOEXEC


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over the thousands of tests and all that was imported for them."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: tests wait for disks and for each other's processes."""
    return (3 * (os.cpu_count() or 1) + 1) // 2


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Homes that nobody had before; one is removed when the next test gets its own."""
    below = tmp_path_factory.mktemp("homes")

    def made() -> Iterator[Path]:
        for number in count():
            home = below / str(number)
            home.mkdir(mode=0o700)
            yield home
            shutil.rmtree(home, ignore_errors=True)

    return made()


@pytest.fixture(autouse=True)
def sealed(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which only the test decides what Git and gitcoord see."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    for name in list(os.environ):
        if not name.startswith("PYTEST"):
            monkeypatch.delenv(name)
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    home = next(homes)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada Example\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        '[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n[protocol "file"]\n\tallow = always\n'
    )
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    if "GITCOORD_TEST_GIT" in os.environ:
        path = os.pathsep.join([os.environ["GITCOORD_TEST_GIT"], path])
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": path,
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(home)  # a command whose directory was not said hits no repository, least of all this one


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A repository with one commit on main."""
    return Scratch.create(tmp_path / "repo")


@pytest.fixture
def make_scratch(tmp_path: Path) -> Callable[..., Scratch]:
    """Make repositories by name and ``git init`` options, each with one commit on main."""

    def make(name: str = "repo", *init: str) -> Scratch:
        return Scratch.create(tmp_path / name, *init)

    return make


@pytest.fixture(scope="session")
def newest_git() -> tuple[int, ...]:
    """The version of the git under test, as a tuple to compare."""
    return git_version()
