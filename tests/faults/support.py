"""What the tests above the stores share: an office full of workers, a clock that only the test moves, and crowds.

Everything runs on real repositories; only the clock is replaced, and only where a test says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.coordinator.clock import Clock
from gitcoord.core.codec import encode
from gitcoord.core.model import Beat
from gitcoord.errors import Held
from gitcoord.git import host
from gitcoord.store.base import Change, Lost
from tests.support import Ran, Scratch

TTL, DELAY = 1800.0, 60.0
"""The default TTL and lock delay, in seconds."""
YEAR = 365 * 86400.0

Run = Callable[..., Ran]
"""A command line run in this process."""
ORDINARY = {0, 1, 7, 129}
"""Exit codes that hostile input may lead to."""


class FakeClock:
    """Wall clock, running clock and boot id that only the test moves; back-off really waits."""

    def __init__(self, boot: str | None = "11111111-2222-3333-4444-555555555555") -> None:
        self.wall = 1_800_000_000.0
        self.running = 500_000.0
        self.boot_name = boot

    def now(self) -> float:
        return self.wall

    def up(self) -> float:
        return self.running

    def boot(self) -> str | None:
        return self.boot_name

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def move(self, seconds: float) -> None:
        """Time passes, on both clocks."""
        self.wall += seconds
        self.running += seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.wall += seconds

    def reboot(self) -> None:
        """The machine starts anew: another boot id, the running clock at the beginning."""
        self.boot_name = "99999999-8888-7777-6666-555555555555"
        self.running = 20.0


def foreign(boot: str | None = "77777777-0000-0000-0000-000000000000") -> FakeClock:
    """The clock of another machine: its boot id says that nothing on it can be compared with ours."""
    clock = FakeClock(boot)
    clock.running = 3.0
    return clock


@dataclass
class Office:
    """A coordinated repository and the coordinators opened on it, one for each worker."""

    scratch: Scratch
    clock: Clock | None = None
    opened: list[Coordinator] = field(default_factory=list)

    @classmethod
    def found(cls, scratch: Scratch, *, clock: Clock | None = None, **settings: str) -> Office:
        """Initialise ``scratch``, without hooks; ``settings`` become ``coord.*``, with relaxed durability."""
        for name, value in {"durability": "relaxed", **settings}.items():
            scratch.git("config", f"coord.{name}", value)
        office = cls(scratch, clock)
        office.coord().init(hooks=False)
        return office

    def coord(
        self, session: str | None = None, *, at: str | Path | None = None, clock: Clock | None = None, **env: str
    ) -> Coordinator:
        """A coordinator of its own, as another process would have it; the session of its worktree unless named."""
        opened = Coordinator.open(
            str(at or self.scratch.path), {**os.environ, **env}, session=session, clock=clock or self.clock
        )
        self.opened.append(opened)
        return opened

    def hire(self, name: str = "worker", *, pid: int | None = None, clock: Clock | None = None) -> Coordinator:
        """A new worker: a started session, bound nowhere, and its coordinator."""
        coord = self.coord(clock=clock)
        coord.wanted = coord.start(name, pid=pid, bind=False).id
        return coord

    def close(self) -> None:
        for coord in self.opened:
            coord.close()

    # -- looking at it with plain Git ------------------------------------------------------------------------------

    def refs(self) -> dict[str, str]:
        """Every coordination ref with its oid."""
        lines = self.scratch.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/coord/").splitlines()
        return dict(line.split(" ") for line in lines)

    def record(self, ref: str) -> dict[str, Any]:
        """A record as plain values."""
        return msgspec.json.decode(self.scratch.git("show", f"{ref}:record.json"), type=dict[str, Any])

    def task(self, task_id: str) -> dict[str, Any]:
        return self.record(f"refs/coord/tasks/{task_id}")

    def events(self, ref: str) -> list[dict[str, Any]]:
        """The events in a record's chain, oldest first."""
        text = self.scratch.git("log", "--reverse", "--format=%(trailers:key=Coord-Event,valueonly)", ref)
        return [msgspec.json.decode(line) for line in text.splitlines() if line]

    def subjects(self, ref: str) -> list[str]:
        """What happened to a record, one line for each commit, oldest first."""
        return self.scratch.git("log", "--reverse", "--format=%s", ref).splitlines()

    # -- putting things there that no gitcoord would ---------------------------------------------------------------

    def plant(self, ref: str, record: dict[str, Any] | bytes) -> str:
        """Write any record commit behind any ref, as whoever can push may; its oid."""
        data = record if isinstance(record, bytes) else msgspec.json.encode(record)
        path = self.scratch.path / ".." / "planted.json"
        path.write_bytes(data)
        blob = self.scratch.git("hash-object", "-w", "--", str(path))
        tree = self.scratch.git("mktree", stdin=f"100644 blob {blob}\trecord.json\n")
        commit = self.scratch.git("commit-tree", tree, "-m", f"planted {os.urandom(4).hex()}")
        self.scratch.git("update-ref", ref, commit)
        return commit

    def silence(self, sid: str, seconds: float) -> None:
        """Let a session's last heartbeat be ``seconds`` old on this machine's real clock."""
        beat = Beat(utc=int(time.time() - seconds), boot=host.boot_id(), up=int(host.uptime() - seconds))
        blob = self.scratch.git("hash-object", "-w", "--stdin", stdin=encode(beat).decode())
        self.scratch.git("update-ref", f"refs/coord/heartbeats/{sid}", blob)
        (self.scratch.path / ".git/coord/sessions" / sid / "beat").unlink(missing_ok=True)  # what the hook goes by


def refused(coord: Coordinator, task: str) -> Held:
    """Claim in vain; the refusal."""
    with pytest.raises(Held) as refusal:
        coord.claim(task, worktree=False)
    return refusal.value


@contextmanager
def meanwhile(coord: Coordinator, happens: Callable[[], object]) -> Iterator[None]:
    """Let something happen between the first decision of a verb and its swap, which that must lose."""
    swap = coord.store.swap
    waiting = [happens]

    def late(changes: Sequence[Change]) -> Mapping[str, str]:
        if waiting:
            waiting.pop()()
            with pytest.raises(Lost):
                swap(changes)
            raise Lost("somebody was first")
        return swap(changes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coord.store, "swap", late)
        yield
    assert not waiting


@contextmanager
def process(*argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until the test kills it: somebody's agent."""
    running = subprocess.Popen(argv or ("sleep", "1000"), start_new_session=True)
    try:
        yield running
    finally:
        end(running)


def end(running: subprocess.Popen[Any], *, group: bool = False) -> None:
    """kill -9, and wait until it is gone."""
    try:
        if group:
            os.killpg(running.pid, signal.SIGKILL)
        else:
            running.kill()
    except ProcessLookupError:
        pass  # it ended by itself
    running.communicate()


class Crowd:
    """Many real processes of ``tests.faults.worker`` on one repository, started at one moment, round after round."""

    def __init__(self, size: int, scenario: str, path: Path, *args: object) -> None:
        self.argv = [sys.executable, "-m", "tests.faults.worker", scenario, str(path), *map(str, args)]
        self.workers = [self._spawn() for _ in range(size)]

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self) -> Crowd:
        for worker in self.workers:
            self._wait_ready(worker)
        return self

    @staticmethod
    def _wait_ready(worker: subprocess.Popen[bytes]) -> None:
        assert worker.stdout is not None
        if worker.stdout.readline() != b"ready\n":
            raise AssertionError(worker.communicate()[1].decode())

    def replace(self, index: int, *words: object) -> None:
        """kill -9 one of them in the middle of its work; a new one comes, and begins as soon as it can."""
        end(self.workers[index])
        self.workers[index] = self._spawn()
        self.tell(self.workers[index], *words)

    def go(self, *words: object) -> list[Any]:
        """One round: everybody gets the same words at the same moment; what each of them answers."""
        self.send(*words)
        return [self.answer(worker) for worker in self.workers]

    def send(self, *words: object) -> None:
        for worker in self.workers:
            self.tell(worker, *words)

    @staticmethod
    def tell(worker: subprocess.Popen[bytes], *words: object) -> None:
        assert worker.stdin is not None
        worker.stdin.write(msgspec.json.encode([str(word) for word in words]) + b"\n")
        worker.stdin.flush()

    @staticmethod
    def answer(worker: subprocess.Popen[bytes]) -> Any:
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if line == b"ready\n":  # it was told before it was ready
            line = worker.stdout.readline()
        if not line:
            raise AssertionError(worker.communicate()[1].decode())
        return msgspec.json.decode(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            end(worker)


def canaries(scratch: Scratch) -> list[Path]:
    places = (scratch.path, scratch.path.parent, scratch.path.parent.parent, Path("/tmp"), Path("/"))
    found = [place / "canary" for place in places if (place / "canary").exists()]
    return found + [path for path in scratch.path.rglob("canary*") if ".git/refs/coord" not in str(path)]
