"""Noticing that refs may have changed, in every kind of repository, without reading them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gitcoord.store.pulse import Pulse
from tests.store.changes import create, open_real, update
from tests.store.kit import REAL, Bench
from tests.support import Scratch

TASKS = "refs/coord/tasks/"
LOCKS = "refs/coord/locks/table"


def settled(pulse: Pulse) -> Pulse:
    """``pulse`` once it has nothing new to say about what was done so far."""
    deadline = time.monotonic() + 10
    while pulse.changed():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return pulse


def age(path: Path) -> None:
    """Make a file look as if it had changed long ago."""
    os.utime(path, ns=(time.time_ns() - 10**12, time.time_ns() - 10**12))


@pytest.mark.parametrize("bench", REAL, indirect=True)
def test_every_swap_is_noticed_and_quiet_stays_quiet(bench: Bench) -> None:
    pulse = Pulse(str(bench.scratch.common_dir()), [TASKS, LOCKS])
    assert pulse.changed()  # nobody has looked yet
    at = bench.swap(create("refs/coord/tasks/t1"))["refs/coord/tasks/t1"]
    assert settled(pulse).changed() is False
    for number in range(3):
        at = bench.swap(update("refs/coord/tasks/t1", at, str(number)))["refs/coord/tasks/t1"]
        assert pulse.changed()
        settled(pulse)
    bench.swap(create(LOCKS))
    assert pulse.changed()


def test_other_refs_are_none_of_its_business(scratch: Scratch) -> None:
    store = open_real("plumbing", scratch.path)
    store.swap([create("refs/coord/tasks/t1")])
    pulse = settled(Pulse(str(scratch.common_dir()), [TASKS]))
    store.swap([create("refs/coord/heartbeats/s-aaaaaaaaaa")])
    scratch.commit("work", {"a": "b"})
    assert not pulse.changed()
    store.close()


def test_packing_and_what_happens_to_packed_refs_is_noticed(scratch: Scratch) -> None:
    store = open_real("plumbing", scratch.path)
    at = store.swap([create("refs/coord/tasks/t1")])["refs/coord/tasks/t1"]
    pulse = settled(Pulse(str(scratch.common_dir()), [TASKS]))
    scratch.git("pack-refs", "--all", "--prune")
    assert pulse.changed()
    settled(pulse)
    store.swap([update("refs/coord/tasks/t1", at)])
    assert pulse.changed()
    store.close()


def test_two_changes_within_one_tick_of_the_clock_are_both_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "refs" / "coord" / "tasks"
    folder.mkdir(parents=True)
    pulse = Pulse(str(tmp_path), [TASKS])
    assert pulse.changed()
    assert pulse.changed()  # as fresh as it is, something else may have changed at the very same time
    age(folder)
    assert pulse.changed()
    assert not pulse.changed()


def test_a_disk_that_keeps_whole_seconds_gets_two_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "refs" / "coord" / "tasks"
    folder.mkdir(parents=True)
    now = int(time.time()) * 10**9
    os.utime(folder, ns=(now, now))
    pulse = Pulse(str(tmp_path), [TASKS])
    assert pulse.changed()
    time.sleep(0.15)
    assert pulse.changed()


def test_a_clock_far_off_on_the_disks_side_does_not_keep_it_busy(tmp_path: Path) -> None:
    folder = tmp_path / "refs" / "coord" / "tasks"
    folder.mkdir(parents=True)
    ahead = time.time_ns() + 3600 * 10**9 + 1
    os.utime(folder, ns=(ahead, ahead))
    pulse = Pulse(str(tmp_path), [TASKS])
    assert pulse.changed()
    assert not pulse.changed()


def test_looking_costs_next_to_nothing(tmp_path: Path) -> None:
    pulse = settled(Pulse(str(tmp_path), [TASKS, LOCKS, "refs/coord/sessions/", "refs/coord/data/"]))
    begun = time.process_time()
    for _ in range(1000):
        pulse.changed()
    assert time.process_time() - begun < 0.5  # ten looks a second are 0.5 % of a core at the very worst
