"""How things are timed here: medians of several runs, taken in turn with the floor that they are held against.

Machines are shared and noisy, so every figure stands beside a floor of the same turns; the ratio is what counts.
Programs are started with ``posix_spawn``, which takes the same however large this process has grown, with nowhere to
print to. Never asserted in tests.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from tests.bench.table import Budget, Row

Action = Callable[[], object]

quick = False
"""Whether fewer runs and less data are enough: to see that everything works, not to compare."""

GIT_COORD = os.path.join(os.path.dirname(sys.executable), "git-coord")
"""The installed launcher beside the interpreter: what ``git coord`` starts where the user is."""

BARE = "python3 -I -S -c pass"
PASS = "python3 -c pass"

_ERRORS = tempfile.TemporaryFile("a+b")  # noqa: SIM115
"""What the program that runs now says on its standard error; without a name, so that it ends with us."""


class Failed(Exception):
    """A program that had to succeed did not."""


@dataclass(frozen=True)
class Taken:
    """Medians in milliseconds: from start to end, and the CPU time of this process and of those it waited for."""

    ms: float
    cpu: float


def few(full: int, little: int) -> int:
    """How many of something: ``little`` where all is to be quick."""
    return little if quick else full


# -- programs ----------------------------------------------------------------------------------------------------------


def command(argv: Sequence[str], cwd: Path, stdin: bytes = b"", codes: Sequence[int] = (0,)) -> Action:
    """An action that runs a whole program, which reads ``stdin``; an exit code not among ``codes`` raises Failed."""
    program = which(argv[0])
    if program is None:
        raise Failed(f"{argv[0]}: not installed")

    def run() -> None:
        code = _spawn(program, argv, cwd, stdin)
        if code not in codes:
            _ERRORS.seek(0)
            said = _ERRORS.read().decode(errors="replace").strip().splitlines() or ["without a word"]
            raise Failed(f"{' '.join(argv)[:80]}: exit {code}: {said[0]}")

    return run


def _spawn(program: str, argv: Sequence[str], cwd: Path, stdin: bytes) -> int:
    """Standard input comes through a pipe that is full already, as from an agent, or is empty."""
    os.chdir(cwd)
    _ERRORS.truncate(0)
    actions: list[tuple[object, ...]] = [
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, _ERRORS.fileno(), 2),
    ]
    if not stdin:
        pid = os.posix_spawn(
            program,
            list(argv),
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), *actions],
        )
    else:
        read, write = os.pipe()
        assert os.write(write, stdin) == len(stdin)  # more than a pipe holds would wait for ever
        os.close(write)
        pid = os.posix_spawn(program, list(argv), os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, read, 0), *actions])
        os.close(read)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def coord(cwd: Path, *args: str, stdin: bytes = b"") -> Action:
    """An action that is ``git coord ARGS``, started as a user's Git does."""
    return command([GIT_COORD, *args], cwd, stdin)


def bare(cwd: Path) -> Action:
    """The least that any program in Python takes."""
    return command([sys.executable, "-I", "-S", "-c", "pass"], cwd)


def crowd(code: str, argvs: Iterable[Sequence[str]], timeout: float = 300) -> list[str]:
    """One Python for each of ``argvs``, all let go at one moment when all have said "ready"; what each then printed."""
    workers: list[subprocess.Popen[str]] = []
    try:
        for argv in argvs:
            start = [sys.executable, "-c", code, *argv]
            workers.append(subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        for worker in workers:
            assert worker.stdout is not None
            if worker.stdout.readline() != "ready\n":
                raise Failed(f"one of {len(workers)} processes did not start")
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        said = [worker.communicate(timeout=timeout)[0] for worker in workers]
        if any(worker.returncode for worker in workers):
            raise Failed(f"{sum(bool(worker.returncode) for worker in workers)} of {len(workers)} processes failed")
        return said
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


# -- times -------------------------------------------------------------------------------------------------------------


def once_ms(action: Action) -> float:
    """Wall time of ``action``, done once, in milliseconds."""
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def median_ms(action: Action, runs: int = 15) -> float:
    """Median wall time of ``action``, once warm; for what happens in this process."""
    action()
    return statistics.median(once_ms(action) for _ in range(few(runs, min(runs, 5))))


def in_turn(actions: Mapping[str, Action], runs: int = 31, before: Mapping[str, Action] | None = None) -> Times:
    """Medians of several actions, run in turn so that drift of the machine hits all alike.

    ``before``: what is to be done, untimed, before the action of that name. The first turn fills caches.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in actions}
    for turn in range(few(runs, 3) + 1):
        for name, action in actions.items():
            if before and name in before:
                before[name]()
            used = cpu_ms()
            ms = once_ms(action)
            if turn:
                taken[name].append((ms, cpu_ms() - used))
    return Times(
        {
            name: Taken(statistics.median(ms for ms, _cpu in some), statistics.median(cpu for _ms, cpu in some))
            for name, some in taken.items()
        }
    )


def cpu_ms() -> float:
    """What this process and those it has waited for have used so far."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in both) * 1000


@dataclass(frozen=True)
class Times:
    """What actions that were run in turn have taken, by name."""

    taken: Mapping[str, Taken]

    def row(self, name: str, floor: str = "", budget: Budget | None = None, title: str = "", note: str = "") -> Row:
        """One of them as a row, held against another one as its floor."""
        one = self.taken[name]
        least = self.taken[floor] if floor else None
        return Row(
            title or name,
            one.ms,
            cpu=one.cpu,
            floor=floor,
            floor_value=least.ms if least else None,
            floor_cpu=least.cpu if least else None,
            budget=budget,
            note=note,
        )
