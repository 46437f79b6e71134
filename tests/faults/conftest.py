"""Fixtures of the faults above the stores: a coordinated repository, on the machine's clock or on the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

import pytest

from gitcoord.cli import app
from tests.faults.support import ORDINARY, FakeClock, Office, Run
from tests.support import Ran, Scratch


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


@pytest.fixture
def run(office: Office, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process, as session ann; it answers in JSON and is no bug."""
    office.scratch.git("config", "coord.store", "libgit")
    env = {"GIT_COORD_SESSION": str(office.hire("ann").wanted)}

    def call(*words: str, more: Mapping[str, str] | None = None) -> Ran:
        capfd.readouterr()
        code = app.run(["--json", "-C", str(office.scratch.path), *words], {**os.environ, **env, **(more or {})})
        said = capfd.readouterr()
        ran = Ran(code, said.out, said.err)
        assert code in ORDINARY, (words, ran)
        assert ran.json["ok"] is (code == 0), (words, ran)
        return ran

    return call


@pytest.fixture
def watched(office: Office, monkeypatch: pytest.MonkeyPatch) -> Scratch:
    """The repository, with the current directory in it: a canary would land here, beside it, or in /tmp."""
    monkeypatch.chdir(office.scratch.path)
    return office.scratch
