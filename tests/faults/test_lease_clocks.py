"""What clocks may do to leases: jump, sleep, start anew, be missing; and damaged notes. FAULTS LE04, LE05, LE07."""

from __future__ import annotations

import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import Usage
from tests.faults.support import DELAY, TTL, YEAR, FakeClock, Office, foreign, refused
from tests.support import Scratch, coord_argv

# -- LE04, LE05: wall clocks that jump, machines that sleep or start anew ---------------------------------------------


@pytest.mark.parametrize("years", [-10, 10])
@pytest.mark.parametrize("whose", ["observer", "holder"])
def test_le04_wall_clock_jumps_change_nobodys_rights(timed: Office, clock: FakeClock, years: int, whose: str) -> None:
    its_clock = FakeClock()
    holder = timed.hire("holder", clock=its_clock)
    holder.claim("15", worktree=False)
    (clock if whose == "observer" else its_clock).jump(years * YEAR)
    ann = timed.hire("ann")
    refused(ann, "15")
    its_clock.move(400)
    clock.move(400)
    assert holder.heartbeat(if_older=300).written
    assert not ann.cleanup().expired
    clock.move(TTL + DELAY + 1)  # only now it has really been silent
    assert ann.claim("15", worktree=False).taken_from == holder.wanted


def test_le04_the_token_grows_though_the_clock_runs_backwards(timed: Office, clock: FakeClock) -> None:
    ann = timed.hire("ann")
    for token in (1, 2, 3):
        assert ann.claim("15", worktree=False).task.token == token
        ann.release("15")
        clock.jump(-YEAR)
    assert [event.type for event in ann.log(task="15")] == ["claim", "release"] * 3


def test_le05_boottime_suspend_counts(office: Office) -> None:
    """Linux lets a time namespace be a day ahead: what a machine sees that slept for a day."""
    holder = office.hire("holder")
    holder.claim("15", worktree=False)
    argv = coord_argv("claim", "15", "--no-worktree", "--json", "--session", str(office.hire("ann").wanted))
    ahead = ["unshare", "-UrT", "--boottime", "86400"]
    if subprocess.run([*ahead, "true"], capture_output=True).returncode != 0:
        pytest.skip("no time namespaces here")
    awake = subprocess.run(argv, cwd=office.scratch.path, capture_output=True, text=True)
    assert awake.returncode == 1, awake
    slept = subprocess.run([*ahead, *argv], cwd=office.scratch.path, capture_output=True, text=True)
    assert slept.returncode == 0, slept
    assert str(holder.wanted) in slept.stdout


def test_le05_suspend_counts_on_the_running_clock(timed: Office, clock: FakeClock) -> None:
    timed.hire("holder").claim("15", worktree=False)
    clock.move(86400)
    assert timed.hire("ann").claim("15", worktree=False).taken_from_name == "holder"


def test_le05_another_boot_starts_every_observation_anew(timed: Office, clock: FakeClock) -> None:
    timed.hire("holder").claim("15", worktree=False)
    clock.move(TTL - 10)
    clock.reboot()
    ann = timed.hire("ann")
    refused(ann, "15")
    clock.move(TTL - 10)
    ann.heartbeat()
    refused(ann, "15")
    clock.move(DELAY + 20)
    assert ann.claim("15", worktree=False).changed


def test_le05_a_reboot_proves_the_death_of_a_session_bound_to_a_process(timed: Office, clock: FakeClock) -> None:
    timed.hire("holder", pid=os.getpid()).claim("15", worktree=False)
    clock.reboot()
    assert timed.hire("ann").claim("15", worktree=False).taken_from_name == "holder"


@pytest.mark.parametrize("boot", [None, "another"])
def test_le05_a_lock_delay_ends_also_where_boots_cannot_be_compared(scratch: Scratch, boot: str | None) -> None:
    """After a reboot, and on systems that have no boot id at all, the delay is counted from when we first saw it."""
    clock = FakeClock(boot)
    timed = Office.found(scratch, clock=clock)
    timed.hire("old").claim("15", worktree=False)
    taker = timed.hire("taker")
    taker.takeover("15", reason="r", force=True, token=1, worktree=False)
    taker.release("15")
    if boot:
        clock.reboot()
    ann = timed.hire("ann")
    refused(ann, "15")
    clock.move(DELAY / 2)
    refused(ann, "15")
    clock.move(DELAY / 2 + 1)
    assert ann.claim("15", worktree=False).task.token == 3
    timed.close()


def test_le05_an_expiry_written_without_a_boot_id_delays_no_longer_than_any_other(scratch: Scratch) -> None:
    clock = FakeClock(None)
    timed = Office.found(scratch, clock=clock)
    timed.hire("holder").claim("15", worktree=False)
    ann = timed.hire("ann")
    refused(ann, "15")
    clock.move(TTL + 1)
    ann.cleanup()
    refused(ann, "15")
    clock.move(DELAY)
    assert ann.claim("15", worktree=False).changed
    timed.close()


# -- LE07: notes of what was observed are only ever a reason to wait --------------------------------------------------


def garble(note: Path) -> None:
    note.write_bytes(b"\xff\xfe" * 40)


def backdate(note: Path) -> None:
    """An older time in place of the one that was noted: without the checksum it does not count."""
    oid, boot, since, check = note.read_text().split(" ")
    note.write_text(f"{oid} {boot} {float(since) - 1e6:.3f} {check}")


def link(note: Path) -> None:
    note.rename(note.with_name("elsewhere"))
    note.symlink_to("elsewhere")


def postdate(note: Path) -> None:
    """A time from the future, properly checksummed."""
    oid, boot, since, _check = note.read_text().split(" ")
    body = f"{oid} {boot} {float(since) + 1e6:.3f}"
    note.write_text(f"{body} {zlib.crc32(body.encode()):08x}\n")


def lock(note: Path) -> None:
    note.unlink()
    note.mkdir()


@pytest.mark.parametrize("harm", [Path.unlink, garble, backdate, postdate, link, lock])
def test_le07_observation_store_loss_corrupt_only_delays(
    timed: Office, clock: FakeClock, harm: Callable[[Path], object]
) -> None:
    abroad = timed.hire("abroad", clock=foreign())
    abroad.claim("15", worktree=False)
    ann = timed.hire("ann")
    refused(ann, "15")
    clock.move(TTL + DELAY + 1)
    note = Path(ann.repo.coord_dir) / "observed" / str(abroad.wanted)
    harm(note)
    refused(ann, "15")
    if note.is_dir():
        note.rmdir()
        refused(ann, "15")
    clock.move(TTL + DELAY + 1)
    assert ann.claim("15", worktree=False).taken_from == abroad.wanted


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "value"), [("ttl", "1ms"), ("ttl", "5y"), ("lockDelay", "-1s"), ("heartbeat", "0s")])
def test_absurd_durations_are_refused(scratch: Scratch, key: str, value: str) -> None:
    scratch.git("config", f"coord.{key}", value)
    with pytest.raises(Usage):
        Coordinator.open(str(scratch.path), os.environ)
