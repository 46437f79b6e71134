"""The hook script itself: what it writes, when, and what it starts to do so. Run in every POSIX shell there is here."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from gitcoord.core.codec import encode
from gitcoord.core.model import Beat
from gitcoord.git import beatfile, host
from tests.hooks.support import ANCIENT, SID, Tools, Worker, run_script, script
from tests.support import Scratch, git_version


def test_nothing_due_starts_nothing(shell: list[str], worker: Worker, tools: Tools) -> None:
    worker.beat_was(10)
    run_script(shell, worker.scratch.path, tools)
    assert tools.started() == []
    assert worker.heartbeat() == ANCIENT.strip()


def test_an_unbound_worktree_starts_nothing(shell: list[str], scratch: Scratch, tools: Tools) -> None:
    run_script(shell, scratch.path, tools)
    assert tools.started() == []


def test_a_due_beat_takes_three_short_commands_and_no_python(shell: list[str], worker: Worker, tools: Tools) -> None:
    run_script(shell, worker.scratch.path, tools)
    assert tools.started() == ["date", "git hash-object", "git update-ref"]
    assert worker.beats()
    run_script(shell, worker.scratch.path, tools)
    assert tools.started() == []


def test_the_blob_is_the_one_gitcoord_writes(shell: list[str], worker: Worker) -> None:
    """Byte for byte: all sessions of a host must share one object per bucket, whoever wrote it."""
    worker.make_due(bucket=3600)
    run_script(shell, worker.scratch.path)
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
    run_script(shell, worker.scratch.path, tools, other)
    noted = beatfile.read(worker.repo.common, SID)
    assert noted is not None
    assert (noted.boot, noted.up) == (None, 0)
    assert worker.heartbeat() + "\n" == encode(Beat(boot=None, up=None, utc=noted.utc // 30 * 30)).decode()
    tools.started()
    run_script(shell, worker.scratch.path, tools, other)
    assert tools.started() == ["date"]


@pytest.mark.parametrize(("interval", "ago", "beats"), [(50, 40, False), (50, 55, True), (3, 5, True)])
def test_the_interval_is_the_one_noted(worker: Worker, interval: int, ago: int, beats: bool) -> None:
    if host.uptime() < 60:
        pytest.skip("this machine has not run for a minute")
    worker.beat_was(ago, interval=interval)
    run_script(["sh"], worker.scratch.path)
    assert worker.beats() is beats


def test_a_clock_that_ran_backwards_makes_a_beat_due(worker: Worker) -> None:
    worker.beat_was(-1000)
    run_script(["sh"], worker.scratch.path)
    assert worker.beats()


def test_a_record_that_moved_on_is_read_once(shell: list[str], worker: Worker, tools: Tools) -> None:
    worker.write_record(labels={"phase": "two"})
    run_script(shell, worker.scratch.path, tools)
    assert sorted(tools.started()) == ["date", "git cat-file", "git hash-object", "git update-ref", "head"]
    assert worker.beats()
    noted = beatfile.read(worker.repo.common, SID)
    assert noted is not None
    assert noted.record == worker.record


@pytest.mark.parametrize("state", ["ended", "expired"])
def test_a_session_that_is_over_is_never_revived(shell: list[str], worker: Worker, tools: Tools, state: str) -> None:
    worker.write_record(state)  # type: ignore[arg-type]
    run_script(shell, worker.scratch.path, tools)
    assert worker.heartbeat() == ANCIENT.strip()
    tools.started()
    run_script(shell, worker.scratch.path, tools)
    assert tools.started() == []  # and it is not asked again at every commit


@pytest.mark.parametrize(("ago", "beats"), [(50, False), (70, True)])
def test_after_a_minute_it_is_tried_again(shell: list[str], worker: Worker, ago: int, beats: bool) -> None:
    (worker.directory / "tried").write_text(f"- {int(time.time()) - ago}\n")
    run_script(shell, worker.scratch.path)
    assert worker.beats() is beats


def test_labels_cannot_make_a_session_look_live(shell: list[str], worker: Worker) -> None:
    worker.write_record("expired", labels={"started_at": "x", "state": "live", "z": '","state":"live","'})
    run_script(shell, worker.scratch.path)
    assert worker.heartbeat() == ANCIENT.strip()


def test_labels_cannot_make_a_session_look_dead(shell: list[str], worker: Worker) -> None:
    worker.write_record("live", labels={"started_at": "x", "state": "ended", "z": '","state":"ended","'})
    run_script(shell, worker.scratch.path)
    assert worker.beats()


def test_an_expiry_that_the_note_has_not_seen_wins(worker: Worker) -> None:
    """The fast way too: the transaction verifies the record, whatever a file says."""
    known = worker.record
    worker.write_record("expired")
    worker.scratch.git("pack-refs", "--all")  # so that the script cannot read the record's ref from a file
    worker.record = known
    worker.calm()
    run_script(["sh"], worker.scratch.path)
    assert worker.heartbeat() == ANCIENT.strip()


def test_without_a_note_the_session_beats_and_notes_the_defaults(shell: list[str], worker: Worker) -> None:
    shutil.rmtree(worker.directory.parent.parent)
    run_script(shell, worker.scratch.path)
    assert worker.beats()
    noted = beatfile.read(worker.repo.common, SID)
    assert noted is not None
    assert (noted.interval, noted.bucket, noted.record) == (300, 30, worker.record)
    assert worker.directory.stat().st_mode & 0o777 == 0o700
    assert (worker.directory / "beat").stat().st_mode & 0o777 == 0o600


def test_a_heartbeat_that_is_missing_is_made(shell: list[str], worker: Worker) -> None:
    worker.scratch.git("update-ref", "-d", worker.ref)
    run_script(shell, worker.scratch.path)
    assert worker.beats()


def test_a_session_without_a_record_makes_no_heartbeat(shell: list[str], worker: Worker) -> None:
    worker.scratch.git("update-ref", "-d", f"refs/coord/sessions/{SID}")
    worker.scratch.git("update-ref", "-d", worker.ref)
    run_script(shell, worker.scratch.path)
    assert worker.heartbeat() == ""


def test_packed_refs_beat_too(shell: list[str], worker: Worker) -> None:
    worker.scratch.git("pack-refs", "--all")
    run_script(shell, worker.scratch.path)
    assert worker.beats()


@pytest.mark.parametrize("init", ["--object-format=sha256", "--ref-format=reftable"])
def test_the_formats_of_git_3_beat_too(shell: list[str], tmp_path: Path, init: str) -> None:
    if init.endswith("reftable") and git_version() < (2, 45):
        pytest.skip("this Git has no reftable")
    worker = Worker(Scratch.create(tmp_path / "new", init)).sign_on()
    run_script(shell, worker.scratch.path)
    assert worker.beats()
    worker.calm()
    worker.write_record()
    run_script(shell, worker.scratch.path)
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
