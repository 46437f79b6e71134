"""What this machine says about itself and its processes: host id, boot id, clocks, whether a pid is still who it was.

Owns the questions to the operating system. Answers None or "unknown" wherever it cannot be sure: a wrong "dead" would
take the work away from somebody alive. Must not know sessions or leases.
"""

from __future__ import annotations

import os
import time

from gitcoord.core.digest import sha256_hex
from gitcoord.errors import GitFailed
from gitcoord.git import localfile
from gitcoord.git.run import run
from gitcoord.lean import Literal

Verdict = Literal["alive", "dead", "unknown"]

_BOOT = "/proc/sys/kernel/random/boot_id"
_MACHINE_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_UUID = frozenset("0123456789abcdef-")
_HOST_LENGTH = 32
_MAX_PID = 1 << 31
_GONE = frozenset("ZXx")
"""States of a process that has ended: a zombie only waits for its parent to notice."""
# CLOCK_BOOTTIME goes on during suspend; so does CLOCK_MONOTONIC where there is no such name (macOS).
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_id() -> str | None:
    """A name for the time since this machine was started; None where the system has none (anything but Linux)."""
    text = _said(_BOOT)
    return text if len(text) == 36 and _UUID.issuperset(text) else None


def _said(path: str) -> str:
    """What the system says in a file of its own, "" for nothing. ``open`` would import a decoder, 0.3 ms."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 100).decode("ascii", "replace").strip()
        finally:
            os.close(fd)
    except OSError:
        return ""


def uptime() -> float:
    """Seconds on a clock that nobody can set and that goes on during suspend; comparable within one boot."""
    return time.clock_gettime(_CLOCK)


def host_id(common: str) -> str:
    """16 hex digits that name this machine's view of this clone.

    A random id kept in the clone tells copies of one machine image apart; the machine's own id tells apart two machines
    that share the clone over a network disk. A second user of one clone is another host, as far as anybody can tell:
    the id is none of theirs to read. Raises GitFailed when the clone is not writable yet.
    """
    folder = localfile.private_dir(common, "coord")
    path = os.path.join(folder, "host")
    token = localfile.read_line(path, _HOST_LENGTH)
    if token is None and _is_anothers(folder):
        return sha256_hex(f"user {os.geteuid()} of {folder}\0{_machine()}")[:16]
    if token is None or len(token) != _HOST_LENGTH or not _UUID.issuperset(token):
        token = _new_token(path)
    return sha256_hex(f"{token}\0{_machine()}")[:16]


def _is_anothers(folder: str) -> bool:
    """Whether what is private in a repository that several users share is private to another one."""
    return os.stat(folder).st_uid != os.geteuid() and not os.access(folder, os.X_OK)


def _new_token(path: str) -> str:
    fresh = os.urandom(_HOST_LENGTH // 2).hex()
    if localfile.create_line(path, fresh):
        return fresh
    first = localfile.read_line(path, _HOST_LENGTH)
    if first is not None and len(first) == _HOST_LENGTH:
        return first  # another process was first: its id is the one
    localfile.write_line(path, fresh)  # garbage: a new id only delays conclusions about older sessions
    return fresh


def _machine() -> str:
    for path in _MACHINE_FILES:
        text = _said(path)
        if len(text) == _HOST_LENGTH:
            return text
    return os.uname().nodename


def pid_ns() -> str | None:
    """The pid namespace this process lives in: the same number means another process in another one."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def pid_start(pid: int) -> str | None:
    """When process ``pid`` was started, in the system's own words; None for a zombie or no process at all."""
    state, start = _look(pid) or ("", None)
    return None if state in _GONE else start


def _look(pid: int) -> tuple[str, str] | None:
    """State letter and start time of a process; None when it is not there or not for us to see."""
    return _look_in_proc(pid) if os.path.isdir("/proc/self") else _look_with_ps(pid)


def _look_in_proc(pid: int) -> tuple[str, str] | None:
    try:
        with open(f"/proc/{pid:d}/stat", "rb") as file:
            stat = file.read(4096)
    except OSError:
        return None
    # The program's name (field 2) may hold spaces and brackets: count from the last one.
    fields = stat[stat.rfind(b")") + 1 :].decode("ascii", "replace").split()
    return (fields[0], fields[19]) if len(fields) > 19 else None


def _look_with_ps(pid: int) -> tuple[str, str] | None:
    try:
        done = run(["/bin/ps", "-o", "state=,lstart=", "-p", f"{pid:d}"], env={"LC_ALL": "C", "TZ": "UTC0"}, timeout=2)
    except (GitFailed, TimeoutError):
        return None
    words = done.text.split()
    return (words[0][0], " ".join(words[1:])) if len(words) > 1 else None


def process_verdict(pid: int, start: str | None, ns: str | None, boot: str | None) -> Verdict:
    """Whether the process that was recorded with these facts still runs.

    "dead" needs proof: the same boot and the same pid namespace as ours, and then no such pid, a zombie, or another
    start time under that pid.
    """
    if not 0 < pid < _MAX_PID or boot is None or boot != boot_id() or ns is None or ns != pid_ns():
        return "unknown"
    if not _exists(pid):
        return "dead"
    found = _look(pid)
    if found is None:
        # Gone meanwhile, or there and hidden from us (EPERM, hidepid): whatever has this pid is alive.
        return "alive" if _exists(pid) else "dead"
    state, now = found
    if state in _GONE:
        return "dead"
    if start is None:
        return "unknown"  # somebody has this pid; whether it is the one that was recorded cannot be told
    return "alive" if now == start else "dead"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # EPERM: it is there, and somebody else's
    return True
