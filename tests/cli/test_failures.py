"""Failures that no command foresees: a bug, an interrupt, a full disk. One boundary, one JSON document."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from gitcoord.cli.render import sessions as look
from gitcoord.coordinator.opening import Opening
from gitcoord.coordinator.sessions import Sessions
from tests.cli.conftest import Coord
from tests.support import Scratch


def raising(error: BaseException) -> object:
    def method(*_args: object, **_options: object) -> None:
        raise error

    return method


def test_a_bug_exits_70_and_leaves_a_report_without_secrets(
    signed_on: Coord, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sessions, "whoami", raising(RuntimeError("at https://ada:geheim@example.org/x")))
    ran = signed_on("whoami", "--json", "--session", "s-private", env={"API_TOKEN": "hunter2"})
    assert ran.code == 70
    assert ran.error["code"] == "bug"
    report = Path(ran.error["report"])
    assert report.parent == scratch.common_dir() / "coord" / "reports"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text()
    assert "RuntimeError: at https://***@example.org/x" in text
    assert "command: whoami" in text
    assert "git: git version" in text
    for secret in ("geheim", "s-private", "hunter2"):
        assert secret not in text
        assert secret not in ran.out


def test_a_bug_for_a_person_is_three_lines_and_no_traceback(signed_on: Coord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sessions, "whoami", raising(RuntimeError("broken")))
    ran = signed_on("whoami")
    assert (ran.code, ran.out) == (70, "")
    assert ran.err.startswith("git coord: bug: unexpected RuntimeError: broken; the report is in /")
    assert len(ran.err.splitlines()) == 2


def test_a_bug_outside_of_a_repository_reports_to_the_temporary_directory(
    tmp_path: Path, coord: Coord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Opening, "open", raising(RuntimeError("broken")))
    assert Path(coord("whoami", "--json", at=tmp_path).error["report"]).parent == tmp_path


def test_a_bug_while_printing_is_still_one_json_document(signed_on: Coord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "details", raising(KeyError("x")))
    assert signed_on("whoami", "--json").code == 0  # the document for people is not even made
    assert signed_on("whoami").code == 70


def test_an_interrupt_exits_130_also_in_json(signed_on: Coord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sessions, "whoami", raising(KeyboardInterrupt()))
    ran = signed_on("whoami", "--json")
    assert (ran.code, ran.error["code"]) == (130, "interrupted")
    assert signed_on("whoami").err.startswith("git coord: interrupted: ")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_trouble_of_the_machine_is_no_bug(signed_on: Coord, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    trouble = OSError(number, os.strerror(number), "/some/file")
    monkeypatch.setattr(Sessions, "whoami", raising(trouble))
    ran = signed_on("whoami", "--json")
    assert (ran.code, ran.error["code"]) == (128, "git")
    assert ran.error["message"] == f"{os.strerror(number)}: /some/file"


def test_a_failpoint_is_armed_from_the_environment(scratch: Scratch) -> None:
    scratch.coord("init", "--no-hooks")
    ran = scratch.coord("start", "backend", env={"GITCOORD_FAILPOINT": "before_ref:kill"})
    assert ran.code == -9
    assert scratch.coord("sessions", "--json").result == []
