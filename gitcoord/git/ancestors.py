"""Which processes stand above this one, nearest first: how a hook finds the program that called it.

Only looks. Whom of them somebody takes for what is not known here.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed
from gitcoord.git.run import run

_MOST = 32
_COMMAND = 4096


class Ancestor:
    """A process: ``argv`` is its command line, or its name alone where the system hides the rest; never empty."""

    __slots__ = ("argv", "pid")

    def __init__(self, pid: int, argv: tuple[str, ...]) -> None:
        self.pid = pid
        self.argv = argv


def ancestors() -> list[Ancestor]:
    """The parent, its parent and so on, up to the one below init; what cannot be seen ends the list."""
    table = None if os.path.isdir("/proc/self") else _table()
    found: list[Ancestor] = []
    pid = os.getppid()
    while pid > 1 and len(found) < _MOST:
        seen = _in_proc(pid) if table is None else table.get(pid)
        if seen is None:
            break
        parent, argv = seen
        found.append(Ancestor(pid, argv))
        pid = parent
    return found


def _in_proc(pid: int) -> tuple[int, tuple[str, ...]] | None:
    try:
        with open(f"/proc/{pid:d}/stat", "rb") as file:
            stat = file.read(4096)
        with open(f"/proc/{pid:d}/cmdline", "rb") as file:
            command = file.read(_COMMAND)
    except OSError:
        return None
    # The program's name (field 2) may hold spaces and brackets: count from the last one.
    name = os.fsdecode(stat[stat.find(b"(") + 1 : stat.rfind(b")")])
    fields = stat[stat.rfind(b")") + 1 :].split()
    if len(fields) < 2 or not fields[1].isdigit():
        return None
    argv = tuple(os.fsdecode(word) for word in command.rstrip(b"\0").split(b"\0")) if command else (name,)
    return int(fields[1]), argv


def _table() -> dict[int, tuple[int, tuple[str, ...]]]:
    """Every process, from ``ps``: where there is no /proc (macOS)."""
    argv = ["/bin/ps", "-A", "-ww", "-o", "pid=,ppid=,args="]
    try:
        done = run(argv, env={"LC_ALL": "C"}, timeout=2)
    except (GitFailed, TimeoutError):
        return {}
    found = {}
    for line in done.text.splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0].isdigit() and words[1].isdigit():
            found[int(words[0])] = (int(words[1]), tuple(words[2][:_COMMAND].split()))
    return found
