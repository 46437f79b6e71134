"""Superseded heartbeats, for weeks on end: gc has nothing to complain of, whoever wrote them, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import zlib
from pathlib import Path

import pytest

from gitcoord.coordinator import Coordinator, tidying
from gitcoord.core import names
from gitcoord.core.codec import encode
from gitcoord.core.model import Beat
from gitcoord.errors import GitFailed
from gitcoord.store.objects import make
from tests.faults.support import FakeClock, Office
from tests.support import Scratch, git_version
from tests.sync.support import Town

HOUR = 3600.0
BOOTS = ("11111111-2222-3333-4444-555555555555", "77777777-0000-0000-0000-000000000000")
"""This machine and another one, whose heartbeats come by fetch."""


def beats(scratch: Scratch, start: float, every: int, count: int, boot: str = BOOTS[0]) -> list[str]:
    """Heartbeats as superseded ones lie about: a file each, as old as it says. Their oids."""
    times = [int(start) // 10 * 10 + every * number for number in range(count)]
    objects, oids = scratch.common_dir() / "objects", []
    for at in times:
        data = encode(Beat(utc=at, boot=boot, up=at % 10**6))
        oids.append(make("blob", data, "sha1").oid)
        path = objects / oids[-1][:2] / oids[-1][2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(b"blob %d\0" % len(data) + data, 1))
        os.utime(path, (at, at))
    return oids


def count(scratch: Scratch) -> int:
    """Loose objects."""
    return int(scratch.git("count-objects").partition(" ")[0])


def collected(scratch: Scratch) -> str:
    """What Git says when it collects by itself at its own threshold, and how that ended."""
    argv = ["git", "-c", "gc.auto=6700", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"]
    done = subprocess.run(argv, cwd=scratch.path, capture_output=True, text=True)
    return done.stdout + done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


def test_two_weeks_of_heartbeats_and_gc_has_nothing_to_say(timed: Office, clock: FakeClock) -> None:
    """A session comes now and then, on this machine; from another one heartbeats come by fetch."""
    most = 0
    for _ in range(14 * 4):
        for boot in BOOTS:
            beats(timed.scratch, clock.wall, 240, 90, boot)
        clock.move(6 * HOUR)
        timed.hire().end()
        most = max(most, count(timed.scratch))
    assert collected(timed.scratch) == ""
    assert most < 5_000
    assert 2 < len(list((timed.scratch.common_dir() / "objects" / "pack").glob("*.pack"))) < 10
    timed.scratch.git("gc", "-q")
    assert count(timed.scratch) < 4_000
    assert int(timed.scratch.git("count-objects", "-v").partition("in-pack: ")[2].partition("\n")[0]) < 1_000
    assert timed.scratch.git("fsck", "--no-dangling") == ""


@pytest.mark.skipif(git_version() >= (2, 41), reason="Git packs what is unreachable")
def test_left_alone_gc_does_complain(timed: Office, clock: FakeClock) -> None:
    """Were it otherwise, none of this would be needed."""
    beats(timed.scratch, clock.wall - 100 * HOUR, 40, 8_000)
    assert "too many unreachable loose objects" in collected(timed.scratch)
    assert timed.coord().maintain().heartbeats == 8_000
    (timed.scratch.common_dir() / "gc.log").unlink(missing_ok=True)
    assert collected(timed.scratch) == ""


def test_maintain_puts_them_aside_and_says_how_many(timed: Office, clock: FakeClock) -> None:
    made = beats(timed.scratch, clock.wall - 10 * HOUR, 10, 2100)
    before = timed.coord().maintain(dry_run=True)
    assert before.heartbeats == 0
    done = timed.coord().maintain()
    assert done.heartbeats == 2100
    assert done.loose == before.loose - 2100
    assert timed.scratch.git("cat-file", "-t", made[0]) == "blob"
    assert timed.coord().maintain().heartbeats == 0


def test_the_last_heartbeat_of_a_session_and_young_ones_stay(timed: Office, clock: FakeClock) -> None:
    old = beats(timed.scratch, clock.wall - 10 * HOUR, 10, 2001)
    young = beats(timed.scratch, clock.wall - tidying.AGE + 10, 10, 3)
    here, there = names.HEARTBEATS + "s-aaaaaaaaaa", names.TRACKED + "origin/heartbeats/s-bbbbbbbbbb"
    timed.scratch.git("update-ref", here, old[0])
    timed.scratch.git("update-ref", there, old[1])
    coord = timed.coord()
    assert tidying.tidy(coord) == 0  # 1,999 are too few
    beats(timed.scratch, clock.wall - 20 * HOUR, 10, 1)
    assert tidying.tidy(coord) == 2000
    objects = timed.scratch.common_dir() / "objects"
    assert all((objects / oid[:2] / oid[2:]).exists() for oid in (old[0], old[1], *young))
    assert coord.records.get(here, Beat) is not None


def test_only_heartbeats_go(timed: Office, clock: FakeClock) -> None:
    """Not what resembles one: other people's JSON, one with another field, one that is written another way."""
    beats(timed.scratch, clock.wall - 10 * HOUR, 10, 2000)
    at = clock.wall - 10 * HOUR
    odd = [
        '{"boot":null,"up":null,"utc":1}\n',
        '{"boot":null,"up":null,"utc":1,"v":1}',
        '{"boot":null,"up":null,"utc":1,"v":1,"x":2}\n',
        '{"boot":null, "up":null,"utc":1,"v":1}\n',
        '{"boot":7,"up":null,"utc":1,"v":1}\n',
        '{"boot":"\\ud800","up":null,"utc":1,"v":1}\n',
        '{"boot":null,"up":null,"utc":1,"v":1}\n{}',
        '{"boot":' * 9,
    ]
    oids = [timed.scratch.git("hash-object", "-w", "--stdin", stdin=text) for text in odd]
    paths = [timed.scratch.common_dir() / "objects" / oid[:2] / oid[2:] for oid in oids]
    for path in paths:
        os.utime(path, (at, at))
    assert tidying.tidy(timed.coord()) == 2000
    assert all(path.exists() for path in paths)


def test_it_looks_at_most_once_an_hour(timed: Office, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def look(common: str) -> int:
        looks.append(common)
        return 0

    monkeypatch.setattr("gitcoord.store.aside.loose_about", look)
    coord = timed.coord()
    for _ in range(3):
        tidying.tidy_if_due(coord)
    assert len(looks) == 1
    clock.move(tidying.EVERY)
    tidying.tidy_if_due(coord)
    assert len(looks) == 2
    clock.jump(-10 * HOUR)  # somebody set the clock back: not another ten hours without
    tidying.tidy_if_due(coord)
    assert len(looks) == 3
    (timed.scratch.common_dir() / "coord" / "tidied").write_bytes(b"\xffnonsense")
    tidying.tidy_if_due(coord)
    assert len(looks) == 4


def test_nobody_notices_when_it_fails(timed: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise GitFailed("no space left on device")

    monkeypatch.setattr("gitcoord.store.aside.loose_about", lambda _: 10**6)
    monkeypatch.setattr("gitcoord.store.aside.put_aside", refuse)
    assert timed.hire("ann").whoami().name == "ann"
    made = timed.coord().maintain()
    assert made.heartbeats == 0
    notices = timed.opened[-1].notices
    assert [notice.message for notice in notices if notice.code == "not-tidied"] != []


def test_a_sync_tidies_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = Town.build(tmp_path).clone("one", hub=True)
    tidied: list[Coordinator] = []
    monkeypatch.setattr("gitcoord.coordinator.hub.tidy_if_due", tidied.append)
    with Coordinator.open(str(clone.path), dict(os.environ)) as coord:
        coord.sync()
    assert len(tidied) == 1
