"""The trace: every git call and swap with its time, nothing when it is not asked for, and never a credential in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitcoord.cli import debug
from gitcoord.core.masking import homeless, strictly
from gitcoord.git import run, trace
from gitcoord.store.base import Busy, Change, Lost
from gitcoord.store.memory import MemoryStore
from gitcoord.store.traced import TracedStore
from tests.cli.conftest import Coord
from tests.support import Scratch


@pytest.fixture(autouse=True)
def untraced() -> Iterator[None]:
    """What a test switched on in this process is off again."""
    yield
    run.tracer = None


def test_without_the_variable_nothing_is_said(signed_on: Coord) -> None:
    assert signed_on("set", "a", "b", "c").err == ""
    assert run.tracer is None
    assert signed_on("set", "a", "b", "d", env={"GIT_COORD_DEBUG": "0"}).err == ""
    assert run.tracer is None


def test_every_git_call_and_swap_is_told_with_its_time(signed_on: Coord) -> None:
    said = signed_on("claim", "15", "--no-worktree", env={"GIT_COORD_DEBUG": "1"})
    assert said.out.startswith("claimed 15")
    lines = [line for line in said.err.splitlines() if line.startswith("coord ")]
    assert all(" ms " in line for line in lines)
    assert any(" run   git " in line and "config" in line and "-> 0" in line for line in lines)
    assert any(" run   git " in line and "update-ref --no-deref --stdin" in line for line in lines)
    assert any(
        " swap  plumbing: refs/coord/" in line and "refs/coord/tasks/15" in line and "-> won" in line for line in lines
    )


def test_a_push_to_the_hub_and_the_swap_it_decides_are_told(
    signed_on: Coord, scratch: Scratch, make_scratch: Callable[..., Scratch]
) -> None:
    scratch.git("remote", "add", "origin", str(make_scratch("hub.git", "--bare").path))
    assert signed_on("hub", "set", "origin").code == 0
    lines = signed_on("claim", "15", "--no-worktree", env={"GIT_COORD_DEBUG": "1"}).err.splitlines()
    assert any(" run   git " in line and " push --porcelain " in line and "-> 0" in line for line in lines)
    assert any(" swap  hub: " in line and "refs/coord/tasks/15" in line and "-> won" in line for line in lines)


def test_a_trace_can_go_to_a_file_of_its_own(scratch: Scratch, tmp_path: Path) -> None:
    assert scratch.coord("init", "--no-hooks").code == 0
    file = tmp_path / "with space" / "trace ü"
    file.parent.mkdir()
    for _ in range(2):
        done = scratch.coord("set", "a", "b", "hush-hush", env={"GIT_COORD_DEBUG": str(file)})
        assert (done.code, "coord " in done.err) == (0, False)
    text = file.read_text()
    assert text.count("swap  plumbing") == 2
    assert "hush-hush" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_done(scratch: Scratch, tmp_path: Path) -> None:
    assert scratch.coord("init", "--no-hooks").code == 0
    link = tmp_path / "link"
    os.symlink(tmp_path / "elsewhere", link)
    for place in (tmp_path / "no" / "where", link):
        done = scratch.coord("set", "a", "b", "c", env={"GIT_COORD_DEBUG": str(place)})
        assert done.code == 129
        assert "cannot be written" in done.err
    assert scratch.coord("get", "a", "b").code == 1
    assert not (tmp_path / "elsewhere").exists()


def test_neither_a_password_nor_a_terminal_escape_comes_through(scratch: Scratch) -> None:
    assert scratch.coord("init", "--no-hooks").code == 0
    token = "ghp_" + "a1B2" * 9
    done = scratch.coord(
        *("hub", "probe", f"https://ann:hunter2@127.0.0.1:1/x.git?private_token={token}"), env={"GIT_COORD_DEBUG": "1"}
    )
    traced = "\n".join(line for line in done.err.splitlines() if line.startswith("coord "))
    assert "ls-remote" in traced
    assert "https://***@127.0.0.1:1/x.git" in traced
    assert "hunter2" not in traced
    assert token not in traced
    evil = scratch.coord("claim", "a\x1b[2Jb", "--base", "x\x1b]0;y", env={"GIT_COORD_DEBUG": "1"})
    assert "\x1b" not in evil.err


def test_of_other_programs_only_the_name_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fd = os.open(out, os.O_WRONLY | os.O_CREAT)
    run.tracer = trace.Tracer(fd, strictly)
    run.run(["sh", "-c", "echo my-own-secret"], env=os.environ)
    with pytest.raises(TimeoutError):
        run.run(["git", "cat-file", "--batch-check"], env=os.environ, input=b"", timeout=-1)
    os.close(fd)
    assert "sh (2 arguments) -> 0" in out.read_text()
    assert "git cat-file --batch-check -> TimeoutError" in out.read_text()
    assert "secret" not in out.read_text()


def test_lost_and_busy_swaps_are_told_and_raised(tmp_path: Path) -> None:
    class Crowded(MemoryStore):
        """Loses every swap, one way or the other."""

        def swap(self, changes: object) -> dict[str, str]:
            raise trouble

    out = tmp_path / "out"
    fd = os.open(out, os.O_WRONLY | os.O_CREAT)
    store = TracedStore(Crowded(), trace.Tracer(fd, str))
    for trouble in (Lost("refs/coord/x/y"), Busy("refs/coord/x/y"), ValueError("no")):
        with pytest.raises(type(trouble)):
            store.swap([Change("refs/coord/x/y", None, None)])
    os.close(fd)
    told = out.read_text().splitlines()
    assert [line.rpartition("-> ")[2] for line in told] == [
        "lost: refs/coord/x/y moved",
        "busy: refs/coord/x/y is locked",
        "ValueError",
    ]


def test_a_trace_that_nobody_can_read_disturbs_nothing(scratch: Scratch) -> None:
    assert scratch.coord("init", "--no-hooks").code == 0
    done = scratch.coord("set", "a", "b", "c", env={"GIT_COORD_DEBUG": "/dev/full"})
    assert (done.code, done.out) == (0, "set b in a, version 1\n")


SECRETS = [
    "https://user:hunter2@host/x",
    "https://hunter2@host/x",
    "ssh://git:secret@host/x",
    "https://host/x?access_token=hunter2&y=1",
    "Authorization: Bearer hunter2",
    "http.extraHeader=Authorization: Basic hunter2",
    '{"password": "hunter2"}',
    "GITHUB_TOKEN=hunter2",
    "aws_secret_access_key = hunter2",
    "api-key: hunter2",
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_is_named_like_a_secret_is_masked(text: str) -> None:
    assert "hunter2" not in strictly(text)
    assert "secret@" not in strictly(text)


@pytest.mark.parametrize(
    "text",
    ["git push origin main", "refs/coord/tasks/15", "https://host/x.git", "token 3 of task 15", "2026-11-20T13:03:11Z"],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert strictly(text) == text


def test_the_home_directory_is_shown_as_a_tilde() -> None:
    assert homeless("/home/ann/x and /home/anna", "/home/ann/") == "~/x and /home/anna"
    assert homeless("/x", "/") == "/x"
    assert homeless("/x", None) == "/x"


def test_arming_twice_takes_the_last_word() -> None:
    debug.arm({"GIT_COORD_DEBUG": "1"})
    assert run.tracer is not None
    debug.arm({"GIT_COORD_DEBUG": "off"})
    assert run.tracer is None
