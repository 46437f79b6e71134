"""``python -m tests.faults.soak [--minutes N] [--sessions N] [--json]``: many sessions, two clones, a hub, for hours.

The work is real (repositories, pushes, gc), only time is simulated: a minute passes when everybody has done what they
do in one. Reports how many objects that made, what ``git gc --auto`` says about them, and how the memory of a
coordinator develops that stays open all the while. FAULTS SC02 and the soak of the release.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from gitcoord.coordinator import Coordinator
from tests.faults.support import FakeClock, foreign
from tests.support import Scratch
from tests.sync.support import Town

LIFE = 60
"""Simulated minutes of a session, from its start to its end."""
SYNC_EVERY = 5
DAY_SESSIONS = 100

DOES: dict[int, tuple[str, ...]] = {
    0: ("start",),
    2: ("claim",),
    3: ("note",),
    5: ("progress",),
    8: ("lock", "event"),
    12: ("unlock", "progress"),
    18: ("set", "note"),
    24: ("progress",),
    30: ("lock", "note"),
    33: ("unlock", "progress"),
    38: ("handoff", "accept"),
    44: ("progress", "set"),
    50: ("done", "claim"),
    53: ("note", "progress"),
    57: ("done",),
    58: ("end",),
}
"""What a session does in which minute of its life: two tasks, as an agent works on them with its hooks installed."""


@dataclass
class Seat:
    """A place at which one session comes after the other."""

    number: int
    clone: Scratch
    clock: FakeClock
    sid: str | None = None
    task: str = ""
    sessions: int = 0

    def minute(self, at: int) -> None:
        """What happens here in that minute; every command opens the repository anew, as commands do."""
        age = (at - self.number * LIFE // 30) % LIFE
        if self.sid is None and age != 0:
            return
        with Coordinator.open(str(self.clone.path), dict(os.environ), session=self.sid, clock=self.clock) as coord:
            for verb in DOES.get(age, ("beat",)):
                getattr(self, f"_{verb}")(coord)

    def _start(self, coord: Coordinator) -> None:
        self.sessions += 1
        self.sid = coord.wanted = coord.start(f"w{self.number}", bind=False).id

    def _claim(self, coord: Coordinator) -> None:
        self.task = f"t{self.number}-{self.sessions}-{self.clock.wall:.0f}"
        coord.claim(self.task, worktree=False)

    def _note(self, coord: Coordinator) -> None:
        coord.note(messages=1, tool_calls=20)

    def _progress(self, coord: Coordinator) -> None:
        coord.progress(self.task, percent=int(self.clock.wall) % 100, message="on the way")

    def _lock(self, coord: Coordinator) -> None:
        coord.lock([f"src/{self.number}/**"])

    def _unlock(self, coord: Coordinator) -> None:
        coord.unlock(all=True)

    def _set(self, coord: Coordinator) -> None:
        coord.set(f"issue:{self.task}", "phase", "review")

    def _event(self, coord: Coordinator) -> None:
        coord.event("test", "all green")

    def _handoff(self, coord: Coordinator) -> None:
        coord.handoff(self.task, note="look at the tests")

    def _accept(self, coord: Coordinator) -> None:
        coord.accept(self.task, worktree=False)

    def _done(self, coord: Coordinator) -> None:
        coord.done(self.task)

    def _end(self, coord: Coordinator) -> None:
        coord.end()
        self.sid = None

    def _beat(self, coord: Coordinator) -> None:
        coord.heartbeat(if_older=300)


@dataclass
class Soak:
    """The run, and what it found."""

    town: Town
    seats: list[Seat]
    clones: list[Scratch]
    clocks: list[FakeClock]
    memory: list[int] = field(default_factory=list)

    @classmethod
    def build(cls, root: Path, sessions: int) -> Soak:
        town = Town.build(root)
        clones = [town.clone(name, hub=True) for name in ("one", "two")]
        for clone in clones:
            clone.git("config", "coord.sync", "manual")  # this run syncs by its own clock
        clocks = [FakeClock(), foreign()]
        seats = [Seat(number, clones[number % 2], clocks[number % 2]) for number in range(sessions)]
        return cls(town, seats, clones, clocks)

    def run(self, minutes: int) -> None:
        with Coordinator.open(str(self.clones[0].path), dict(os.environ), clock=self.clocks[0]) as watcher:
            for at in range(minutes):
                for seat in self.seats:
                    seat.minute(at)
                if at % SYNC_EVERY == SYNC_EVERY - 1:
                    self.sync()
                watcher.status()
                watcher.sessions()
                self.memory.append(_resident())
                for clock in self.clocks:
                    clock.move(60)
        self.sync()

    def sync(self) -> None:
        for clone, clock in zip(self.clones, self.clocks, strict=True):
            with Coordinator.open(str(clone.path), dict(os.environ), clock=clock) as coord:
                coord.sync()

    def report(self, minutes: int, took: float) -> dict[str, Any]:
        loose = {clone.path.name: _loose(clone) for clone in self.clones}
        sessions = sum(seat.sessions for seat in self.seats)
        # Each clone has what its own sessions wrote and what came from the other: a day of all of them in either one.
        a_day = max(loose.values()) * DAY_SESSIONS // max(sessions, 1)
        quarter = len(self.memory) // 4
        return {
            "minutes": minutes,
            "seconds": round(took, 1),
            "sessions": sessions,
            "refs": {
                clone.path.name: len(clone.git("for-each-ref", "refs/coord").splitlines()) for clone in self.clones
            },
            "loose objects": loose,
            "loose objects a day": a_day,
            "gc --auto says": [_gc(place) for place in (*self.clones, self.town.hub)],
            "loose after gc": {clone.path.name: _loose(clone) for clone in self.clones},
            "fsck says": [place.git("fsck", "--no-dangling") for place in (*self.clones, self.town.hub)],
            "memory": {"after a quarter": self.memory[quarter], "at the end": self.memory[-1], "most": _most()},
        }


def _loose(place: Scratch) -> int:
    return int(place.git("count-objects").partition(" ")[0])


def _gc(place: Scratch) -> str:
    """What Git says by itself at its own threshold, twice; then everything is collected, to see what stays."""
    said = ""
    for _ in range(2):
        done = subprocess.run(
            ["git", "-c", "gc.auto=6700", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"],
            cwd=place.path,
            capture_output=True,
            text=True,
        )
        said += done.stdout + done.stderr + (f"exit code {done.returncode}" if done.returncode else "")
    place.git("gc", "-q")  # --auto goes by the number of objects in one of 256 directories
    return said


def _resident() -> int:
    """Memory of this process in kB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 10


def _most() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def soak(root: Path, *, minutes: int, sessions: int) -> dict[str, Any]:
    """Work for so many simulated minutes at so many seats; the report."""
    built = Soak.build(root, sessions)
    begun = time.monotonic()
    built.run(minutes)
    return built.report(minutes, time.monotonic() - begun)


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    words.add_argument("--minutes", type=int, default=60, help="simulated minutes (60)")
    words.add_argument("--sessions", type=int, default=30, help="sessions at any moment (30)")
    words.add_argument("--json", action="store_true", help="print one JSON document")
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ.update(HOME=place, GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@b")
        os.environ.update(GIT_COMMITTER_NAME="A", GIT_COMMITTER_EMAIL="a@b")
        (Path(place) / ".gitconfig").write_text(
            '[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[protocol "file"]\n\tallow = always\n'
        )
        found = soak(Path(place), minutes=options.minutes, sessions=options.sessions)
    if options.json:
        print(msgspec.json.encode(found).decode())
    else:
        print("\n".join(f"{name:22} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
