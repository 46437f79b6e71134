"""The program as a process: exit codes, streams, one JSON document whatever happens, and nothing imported in vain."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from gitcoord import __version__
from gitcoord.cli.table import TABLE
from tests.support import Scratch, coord_argv

PROGRAMS = ("hook guard", "hook agent", "complete")
"""Commands that programs call; help lists them nowhere."""

LISTED = [verb for verb in TABLE if verb not in PROGRAMS]
"""Every command that people are told about: those for the Git hooks are not."""


@pytest.fixture
def outside(tmp_path: Path) -> Scratch:
    """A directory that is in no repository."""
    return Scratch(tmp_path)


def test_alone_it_says_what_there_is_and_where_to_begin(outside: Scratch) -> None:
    ran = outside.coord()
    assert ran.code == 0
    assert ran.err == ""
    assert all(verb in ran.out for verb in LISTED)
    assert "hook guard" not in ran.out
    assert "git coord init" in ran.out


def test_alone_with_json_it_describes_every_command(outside: Scratch) -> None:
    assert [command["command"] for command in outside.coord("--json").result] == LISTED


@pytest.mark.parametrize("args", [("help", "claim"), ("claim", "--help"), ("claim", "15", "-h")])
def test_help_shows_usage_an_example_and_the_exit_codes(outside: Scratch, args: tuple[str, ...]) -> None:
    ran = outside.coord(*args)
    assert (ran.code, ran.err) == (0, "")
    assert "Usage: git coord claim" in ran.out
    assert "git coord claim --next" in ran.out
    assert "1    held, blocked" in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("args", [("help", "task"), ("task", "--help"), ("task", "-h")])
def test_help_of_a_noun_lists_its_verbs(outside: Scratch, args: tuple[str, ...]) -> None:
    ran = outside.coord(*args)
    assert ran.code == 0
    assert all(verb in ran.out for verb in ("add", "show", "list", "edit", "cancel"))


def test_help_with_json_is_one_document(outside: Scratch) -> None:
    (described,) = outside.coord("task", "add", "--help", "--json").result
    assert described["command"] == "task add"
    assert described["exit_codes"]["1"]["exists"] == "It exists already"


@pytest.mark.parametrize("args", [("--help", "--json"), ("--json", "-h"), ("help", "--all", "--json")])
def test_help_of_everything_with_json_is_one_document_too(outside: Scratch, args: tuple[str, ...]) -> None:
    assert len(outside.coord(*args).result) == len(LISTED)


def test_every_command_has_a_help(outside: Scratch) -> None:
    ran = outside.coord("--help")
    assert ran.code == 0
    assert all(verb.split(" ")[0] in ran.out for verb in TABLE)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("clam",), "did you mean 'git coord claim'?"),
        (("task", "ad"), "did you mean 'git coord task add'?"),
        (("task",), "git coord help task"),
        (("xyzzy",), "git coord help"),
        (("claim", "--nix"), "git coord help claim"),
        (("heartbeat", "--if-older", "5"), "write 90s, 30m, 24h or 7d"),
        (("log", "-n"), "git coord help log"),
        (("progress",), "git coord progress 15 60"),
        (("claim",), "git coord claim --next"),
        (("help", "clam"), "git coord claim"),
        (("--json", "--porcelain", "whoami"), "exclude each other"),
    ],
)
def test_a_usage_error_exits_129_and_says_what_to_do(outside: Scratch, args: tuple[str, ...], said: str) -> None:
    ran = outside.coord(*args)
    assert ran.code == 129
    if "--json" not in args:
        assert ran.out == ""
        assert ran.err.startswith("git coord: usage: ")
        assert said in ran.err
        ran = outside.coord(*args, "--json")
        assert ran.code == 129
    assert ran.err == ""
    assert ran.error["code"] == "usage"


def test_outside_of_a_repository_it_exits_128(outside: Scratch) -> None:
    ran = outside.coord("whoami")
    assert (ran.code, ran.out) == (128, "")
    assert "hint: change into a repository" in ran.err
    assert outside.coord("whoami", "--json").error["code"] == "no-repository"


def test_a_directory_that_is_not_there_is_no_repository(outside: Scratch) -> None:
    assert outside.coord("-C", "nowhere", "whoami", "--json").error["code"] == "no-repository"


def test_a_current_directory_that_was_removed_is_no_repository(outside: Scratch) -> None:
    gone = outside.path / "gone"
    gone.mkdir()
    script = f"cd '{gone}' && rmdir '{gone}' && exec '{sys.executable}' -m gitcoord whoami --json"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert done.returncode == 128
    assert msgspec.json.decode(done.stdout)["error"]["code"] == "no-repository"


def test_the_version_says_what_is_at_work(outside: Scratch) -> None:
    assert f"version  {__version__}\n" in outside.coord("--version").out.replace("version    ", "version  ")
    found = outside.coord("--version", "--json").result
    assert found["version"] == __version__
    assert found["git"][0].isdigit()
    assert found["store"] is None


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_change_nothing_but_what_can_be_said(scratch: Scratch, closed: str) -> None:
    script = f"exec '{sys.executable}' -m gitcoord --json whoami {closed}"
    done = subprocess.run(["sh", "-c", script], cwd=scratch.path, capture_output=True, text=True)
    assert done.returncode == 128
    assert done.stderr == ""
    if ">&-" not in closed.replace("2>&-", ""):
        assert msgspec.json.decode(done.stdout)["error"]["code"] == "not-initialised"


def test_a_reader_that_went_away_is_no_complaint(outside: Scratch) -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        coord_argv("help", "--json"), cwd=outside.path, stdout=write, stderr=subprocess.PIPE
    ) as child:
        os.close(write)
        assert child.stderr is not None
        assert child.stderr.read() == b""
    assert child.returncode == 0


@pytest.mark.parametrize("args", [("help",), ("help", "--json")])
def test_a_full_disk_behind_stdout_is_an_error_and_not_silence(outside: Scratch, args: tuple[str, ...]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(coord_argv(*args), cwd=outside.path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 128
    assert done.stderr.startswith("git coord: git: No space left on device")
