"""The hook script itself: what it writes, when, and what it starts to do so. Run in every POSIX shell there is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gitcoord.core.codec import encode
from gitcoord.core.model import Beat
from gitcoord.git import beatfile, host
from tests.hooks.support import ANCIENT, SID, Worker, script
from tests.support import Scratch, git_version

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"], ["mksh"]]
PRESENT = [pytest.param(shell, id=shell[0]) for shell in SHELLS if shutil.which(shell[0])]
TOOLS = ("git", "date", "head", "mkdir", "python3", "cat", "mv", "sed", "grep", "touch")


class Tools:
    """A PATH on which every tool writes down that it was started before it does its work."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "log"
        for tool in TOOLS:
            real = shutil.which(tool)
            if real is not None:
                shim = directory / tool
                shim.write_text(f'#!/bin/sh\necho "{tool} $*" >>"{self.log}"\nexec "{real}" "$@"\n')
                shim.chmod(0o755)

    def started(self) -> list[str]:
        """What was started since the last question: tools, and of git the command."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.write_text("")
        return [_short(line.split()) for line in lines]


def _short(words: list[str]) -> str:
    commands = ("hash-object", "update-ref", "for-each-ref", "cat-file", "rev-parse")
    return " ".join([words[0], *(word for word in words if word in commands)])


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    (tmp_path / "tools").mkdir()
    return Tools(tmp_path / "tools")


@pytest.fixture(params=PRESENT)
def shell(request: pytest.FixtureRequest) -> list[str]:
    words: list[str] = request.param
    return [shutil.which(words[0]) or words[0], *words[1:]]


def run(shell: list[str], cwd: Path, tools: Tools | None = None, text: Path | None = None, **env: str) -> None:
    """Run the script as Git would, at the top of the worktree; it must succeed and say nothing, always."""
    path = {"PATH": str(tools.directory)} if tools else {}
    argv = [*shell, str(text or script())]
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, **path, **env}, capture_output=True, timeout=10)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_nothing_due_starts_nothing(shell: list[str], worker: Worker, tools: Tools) -> None:
    worker.beat_was(10)
    run(shell, worker.scratch.path, tools)
    assert tools.started() == []
    assert worker.heartbeat() == ANCIENT.strip()


def test_an_unbound_worktree_starts_nothing(shell: list[str], scratch: Scratch, tools: Tools) -> None:
    run(shell, scratch.path, tools)
    assert tools.started() == []


def test_a_due_beat_takes_three_short_commands_and_no_python(shell: list[str], worker: Worker, tools: Tools) -> None:
    run(shell, worker.scratch.path, tools)
    assert tools.started() == ["date", "git hash-object", "git update-ref"]
    assert worker.beats()
    run(shell, worker.scratch.path, tools)
    assert tools.started() == []


def test_the_blob_is_the_one_gitcoord_writes(shell: list[str], worker: Worker) -> None:
    """Byte for byte: all sessions of a host must share one object per bucket, whoever wrote it."""
    worker.make_due(bucket=3600)
    run(shell, worker.scratch.path)
    noted = beatfile.read(worker.repo.common, SID)
    assert noted is not None
    expected = encode(Beat(boot=noted.boot, up=noted.up // 3600 * 3600, utc=noted.utc // 3600 * 3600))
    assert worker.scratch.git("cat-file", "blob", worker.ref) + "\n" == expected.decode()
    assert noted.boot == host.boot_id()
    assert abs(noted.up - host.uptime()) < 30
    assert abs(noted.utc - time.time()) < 30
    assert (noted.interval, noted.bucket, noted.record) == (300, 3600, worker.record)


def test_where_a_shell_learns_no_boot_id_the_wall_clock_decides(
    shell: list[str], worker: Worker, tools: Tools, tmp_path: Path
) -> None:
    """As on macOS: the same script, with the Linux files out of reach."""
    other = tmp_path / "elsewhere"
    other.write_text(script().read_text().replace("</proc/", "</nonexistent/"))
    run(shell, worker.scratch.path, tools, other)
    noted = beatfile.read(worker.repo.common, SID)
    assert noted is not None
    assert (noted.boot, noted.up) == (None, 0)
    assert worker.heartbeat() + "\n" == encode(Beat(boot=None, up=None, utc=noted.utc // 30 * 30)).decode()
    tools.started()
    run(shell, worker.scratch.path, tools, other)
    assert tools.started() == ["date"]


@pytest.mark.parametrize(("interval", "ago", "beats"), [(50, 40, False), (50, 55, True), (3, 5, True)])
def test_the_interval_is_the_one_noted(worker: Worker, interval: int, ago: int, beats: bool) -> None:
    if host.uptime() < 60:
        pytest.skip("this machine has not run for a minute")
    worker.beat_was(ago, interval=interval)
    run(["sh"], worker.scratch.path)
    assert worker.beats() is beats


def test_a_clock_that_ran_backwards_makes_a_beat_due(worker: Worker) -> None:
    worker.beat_was(-1000)
    run(["sh"], worker.scratch.path)
    assert worker.beats()


def test_a_record_that_moved_on_is_read_once(shell: list[str], worker: Worker, tools: Tools) -> None:
    worker.write_record(labels={"phase": "two"})
    run(shell, worker.scratch.path, tools)
    assert sorted(tools.started()) == ["date", "git cat-file", "git hash-object", "git update-ref", "head"]
    assert worker.beats()
    noted = beatfile.read(worker.repo.common, SID)
    assert noted is not None
    assert noted.record == worker.record


@pytest.mark.parametrize("state", ["ended", "expired"])
def test_a_session_that_is_over_is_never_revived(shell: list[str], worker: Worker, tools: Tools, state: str) -> None:
    worker.write_record(state)  # type: ignore[arg-type]
    run(shell, worker.scratch.path, tools)
    assert worker.heartbeat() == ANCIENT.strip()
    tools.started()
    run(shell, worker.scratch.path, tools)
    assert tools.started() == []  # and it is not asked again at every commit


def test_labels_cannot_make_a_session_look_live(shell: list[str], worker: Worker) -> None:
    worker.write_record("expired", labels={"started_at": "x", "state": "live", "z": '","state":"live","'})
    run(shell, worker.scratch.path)
    assert worker.heartbeat() == ANCIENT.strip()


def test_labels_cannot_make_a_session_look_dead(shell: list[str], worker: Worker) -> None:
    worker.write_record("live", labels={"started_at": "x", "state": "ended", "z": '","state":"ended","'})
    run(shell, worker.scratch.path)
    assert worker.beats()


def test_an_expiry_that_the_note_has_not_seen_wins(worker: Worker) -> None:
    """The fast way too: the transaction verifies the record, whatever a file says."""
    known = worker.record
    worker.write_record("expired")
    worker.scratch.git("pack-refs", "--all")  # so that the script cannot read the record's ref from a file
    worker.record = known
    worker.calm()
    run(["sh"], worker.scratch.path)
    assert worker.heartbeat() == ANCIENT.strip()


def test_without_a_note_the_session_beats_and_notes_the_defaults(shell: list[str], worker: Worker) -> None:
    shutil.rmtree(worker.directory.parent.parent)
    run(shell, worker.scratch.path)
    assert worker.beats()
    noted = beatfile.read(worker.repo.common, SID)
    assert noted is not None
    assert (noted.interval, noted.bucket, noted.record) == (300, 30, worker.record)
    assert worker.directory.stat().st_mode & 0o777 == 0o700
    assert (worker.directory / "beat").stat().st_mode & 0o777 == 0o600


def test_a_heartbeat_that_is_missing_is_made(shell: list[str], worker: Worker) -> None:
    worker.scratch.git("update-ref", "-d", worker.ref)
    run(shell, worker.scratch.path)
    assert worker.beats()


def test_a_session_without_a_record_makes_no_heartbeat(shell: list[str], worker: Worker) -> None:
    worker.scratch.git("update-ref", "-d", f"refs/coord/sessions/{SID}")
    worker.scratch.git("update-ref", "-d", worker.ref)
    run(shell, worker.scratch.path)
    assert worker.heartbeat() == ""


def test_packed_refs_beat_too(shell: list[str], worker: Worker) -> None:
    worker.scratch.git("pack-refs", "--all")
    run(shell, worker.scratch.path)
    assert worker.beats()


@pytest.mark.parametrize("init", ["--object-format=sha256", "--ref-format=reftable"])
def test_the_formats_of_git_3_beat_too(shell: list[str], tmp_path: Path, init: str) -> None:
    if init.endswith("reftable") and git_version() < (2, 45):
        pytest.skip("this Git has no reftable")
    worker = Worker(Scratch.create(tmp_path / "new", init)).sign_on()
    run(shell, worker.scratch.path)
    assert worker.beats()
    worker.calm()
    worker.write_record()
    run(shell, worker.scratch.path)
    assert worker.beats()


GARBAGE = [
    "",
    "\n",
    "1\n",
    "garbage\n",
    "1 x 300 30 - 0 0\n",
    "1 ab 0300 08 - 09 0\n",
    "1 ab 300 0 - 0 0\n",
    "x" * 5000,
]


@pytest.mark.parametrize("garbage", [*GARBAGE, f"1 ab {'9' * 30} 30 - 0 0\n", "1 ab 300 30 - $(touch${IFS}/tmp/x) 0\n"])
def test_a_garbled_note_costs_time_and_nothing_else(shell: list[str], worker: Worker, garbage: str) -> None:
    (worker.directory / "beat").write_text(garbage)
    run(shell, worker.scratch.path)
    assert worker.beats()


@pytest.mark.parametrize("garbage", ["", "s-ABCDEFGH27\n", f"{SID}\nx\n", SID, "../../../x\n", "$(touch x)\n", "s-*\n"])
def test_a_garbled_binding_binds_nobody(shell: list[str], worker: Worker, tools: Tools, garbage: str) -> None:
    (Path(worker.repo.git_dir) / "coord-session").write_text(garbage)
    run(shell, worker.scratch.path, tools)
    assert tools.started() == []
    assert worker.heartbeat() == ANCIENT.strip()


@pytest.mark.parametrize("what", ["beat", "tried", "."])
def test_no_symbolic_link_is_written_through(shell: list[str], worker: Worker, tmp_path: Path, what: str) -> None:
    target = tmp_path / "target"
    if what == ".":
        shutil.move(worker.directory, target)
        worker.directory.symlink_to(target)
    else:
        target.write_text("precious\n")
        (worker.directory / what).unlink(missing_ok=True)
        (worker.directory / what).symlink_to(target)
    before = sorted(os.listdir(target)) if target.is_dir() else target.read_text()
    run(shell, worker.scratch.path)
    assert (sorted(os.listdir(target)) if target.is_dir() else target.read_text()) == before
    assert not worker.beats()


def test_what_git_exports_for_itself_does_not_lead_astray(shell: list[str], worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    env = {name: str(tmp_path / "elsewhere") for name in ("GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH")}
    run(shell, worker.scratch.path, None, None, **env, GIT_INDEX_FILE="no-such-index", GIT_PREFIX="sub/")
    assert worker.beats()
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("name", ["post-commit", "post-commit.gitcoord-chained", "post-commit.legacy"])
def test_our_own_copy_as_the_former_hook_is_not_run_for_ever(shell: list[str], worker: Worker, name: str) -> None:
    hooks = Path(worker.repo.common) / "hooks"
    for copy in ("post-commit", "post-commit.gitcoord-chained", "post-commit.legacy"):
        shutil.copy(script(), hooks / copy)
    run(shell, worker.scratch.path, text=hooks / name)
    assert worker.beats()


def test_a_locked_ref_is_left_to_its_owner(shell: list[str], worker: Worker, tools: Tools) -> None:
    lock = Path(worker.repo.common) / f"{worker.ref}.lock"
    lock.write_text("")
    begin = time.monotonic()
    run(shell, worker.scratch.path, tools)
    assert time.monotonic() - begin < 2
    assert worker.heartbeat() == ANCIENT.strip()
    lock.unlink()
    tools.started()
    run(shell, worker.scratch.path, tools)
    assert tools.started() == []  # tried again only after a while, however many commits a rebase makes


def test_a_worktree_path_may_hold_anything(shell: list[str], tmp_path: Path) -> None:
    worker = Worker(Scratch.create(tmp_path / "a b$(touch x)'ü\"")).sign_on()
    run(shell, worker.scratch.path)
    assert worker.beats()


def test_le02_a_beat_or_an_expiry_never_both(worker: Worker) -> None:
    """The hook races with whoever expires its session: the heartbeat moved, or the session is expired, or neither."""
    live, session = worker.record, f"refs/coord/sessions/{SID}"
    worker.write_record("expired")
    expired = worker.record
    outcomes = []
    for head_start in [*(step / 1000 for step in range(12)), -1]:
        worker.scratch.git("update-ref", session, live)
        worker.record = live
        worker.calm()
        (worker.directory / "tried").unlink(missing_ok=True)
        ancient = worker.scratch.git("rev-parse", worker.ref)
        swap = f"verify {worker.ref} {ancient}\nupdate {session} {expired} {live}\n"
        with subprocess.Popen(["sh", str(script())], cwd=worker.scratch.path) as hook:
            if head_start < 0:
                hook.wait()
            time.sleep(max(head_start, 0))
            worker.scratch.git("update-ref", "--no-deref", "--stdin", check=False, stdin=swap)
        outcomes.append((worker.beats(), worker.scratch.git("rev-parse", session) == expired))
    assert (True, True) not in outcomes
    assert outcomes[-1] == (True, False)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_outlives_the_script(worker: Worker) -> None:
    with subprocess.Popen(["sh", str(script())], cwd=worker.scratch.path, process_group=0) as process:
        group = process.pid
        process.wait()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert worker.beats()
