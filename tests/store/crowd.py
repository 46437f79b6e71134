"""Real processes that work on one repository: many started at one moment, or one under strace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, sleep
from typing import IO, Any

import msgspec

READY = b"ready\n"


class Worker:
    """A process of ``tests.store.worker``, with its store open and waiting for the word to go."""

    def __init__(
        self,
        scenario: str,
        kind: str,
        path: Path,
        *args: object,
        under: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        argv = [*under, sys.executable, "-m", "tests.store.worker", scenario, kind, str(path), *map(str, args)]
        # Files, not pipes: nobody reads while the race is on, and a full pipe would stop it.
        self._out, self._err = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - closed by end()
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=self._out,
            stderr=self._err,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )

    def wait_ready(self) -> None:
        until(lambda: self.process.poll() is not None or self._said(self._out).startswith(READY))
        assert self.process.poll() is None, self._said(self._err).decode()

    @staticmethod
    def _said(file: IO[bytes]) -> bytes:
        return os.pread(file.fileno(), 1 << 30, 0)

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """What it says at its end, which must be a good one."""
        self.death()
        assert self.process.returncode == 0, self._said(self._err).decode()
        return msgspec.json.decode(self._said(self._out).removeprefix(READY))

    def death(self) -> int:
        """Wait for its end, good or bad; its exit code."""
        self.process.wait(timeout=600)
        return self.process.returncode

    def kill_all(self) -> None:
        """SIGKILL to it and to every git it has started, as a sandbox that is shut down does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """Whatever happened: leave nothing running."""
        self.process.kill()
        self.process.communicate()
        self._out.close()
        self._err.close()


def crowd(
    size: int, scenario: str, kind: str, path: Path, *args: object, meanwhile: Callable[[], object] | None = None
) -> list[Any]:
    """Run ``size`` workers of ``scenario`` at once on the repository at ``path``; their answers.

    ``meanwhile`` is called again and again until the last one has finished.
    """
    workers = [Worker(scenario, kind, path, *args) for _ in range(size)]
    try:
        for worker in workers:
            worker.wait_ready()
        for worker in workers:
            worker.go()
        if meanwhile is not None:
            while any(worker.process.poll() is None for worker in workers):
                meanwhile()
        return [worker.answer() for worker in workers]
    finally:
        for worker in workers:
            worker.end()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for another process to get somewhere."""
    give_up = monotonic() + seconds
    while not condition():
        assert monotonic() < give_up, "it never happened"
        sleep(0.002)
