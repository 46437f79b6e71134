"""A program that we stay with: its process is there before the program runs in it, and we are there until it ends.

Owns fork, exec and what passes between a terminal, this process and the program. Beside ``run`` the only place that
starts processes: here a fork is needed, because a session is bound to the process (``Held.pid``) before anybody can
know the environment that the program is going to get. Must not know sessions.

The program is of our own process group, so the terminal treats both as one job: Ctrl-C and Ctrl-Z reach it without us,
and a pipe beside us stays in the foreground. What is sent to this process alone is passed on.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import time

from gitcoord.errors import GitFailed
from gitcoord.git.host import uptime
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType, TracebackType

HEARD = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
"""What is passed on to the program, unless we were started with it ignored (``nohup``)."""

_KEYS = (signal.SIGINT, signal.SIGQUIT)
"""What the terminal sends at a key, to its whole foreground group."""

_LONGEST = 60.0
"""Seconds of one wait: a machine that was suspended goes on in the middle of it, and a beat may be long overdue."""

_SETTLES = 0.2
"""Seconds after which a stopped program counts as stopped alone: at Ctrl-Z we are stopped together with it."""


class Held:
    """A process of ours that waits to become a program. As long as it waits, it ends with us.

    To be made before anything else is started that is talked to through pipes: it would keep copies of their ends.
    """

    def __init__(self) -> None:
        go, self._go = os.pipe()
        self._said, said = os.pipe()
        every = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self.pid = os.fork()
            if self.pid == 0:
                os.close(self._go)
                _become(go, said, every)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, every)
            os.close(go)
            os.close(said)

    def become(self, path: str, argv: Sequence[str], *, env: Mapping[str, str], cwd: str, quiet: bool = False) -> None:
        """Run the program at ``path`` in it; ``quiet`` sends its standard output to where errors go.

        Raises OSError when it cannot be started, GitFailed for an argument that cannot be passed; both end the process.
        """
        words = [cwd, "quiet" if quiet else "", path, str(len(argv)), *argv, *(f"{k}={v}" for k, v in env.items())]
        if any("\0" in word for word in words):
            self.drop()
            raise GitFailed(f"an argument cannot be passed to {path}: there is a zero byte in it")
        try:
            _write(self._go, b"\0".join(os.fsencode(word) for word in words))
        except BrokenPipeError:
            pass  # it was killed; how, its exit code says
        os.close(self._go)
        self._go = -1
        code = b"".join(iter(lambda: os.read(self._said, 64), b""))
        os.close(self._said)
        if code:
            os.waitpid(self.pid, 0)
            raise OSError(int(code), os.strerror(int(code)), path)

    def drop(self) -> None:
        """End the process before anything ran in it. Safe to call twice, and after ``become``: then it does nothing."""
        if self._go < 0:
            return
        os.close(self._go)
        os.close(self._said)
        self._go = -1
        os.waitpid(self.pid, 0)


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _become(go: int, said: int, mask: set[int]) -> None:
    """In the new process: wait for the order, then carry it out. Never returns."""
    try:
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)) or number in (signal.SIGPIPE, getattr(signal, "SIGXFSZ", 0)):
                signal.signal(number, signal.SIG_DFL)  # Python's own doing: the program starts as if without us
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        order = b"".join(iter(lambda: os.read(go, 1 << 16), b""))
        if not order:
            os._exit(0)
        cwd, quiet, path, count, *words = order.split(b"\0")
        argv, settings = words[: int(count)], words[int(count) :]
        if quiet:
            os.dup2(2, 1)
        os.chdir(cwd)
        _execute(path, argv, dict(word.split(b"=", 1) for word in settings))
    except OSError as error:
        os.write(said, str(error.errno or errno.EINVAL).encode())
    finally:
        os._exit(127)


def _execute(path: bytes, argv: list[bytes], env: dict[bytes, bytes]) -> None:
    try:
        os.execve(path, argv, env)  # noqa: S606 - the user named it
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script without #!: as every shell would run it.
        os.execve(b"/bin/sh", [b"sh", path, *argv[1:]], env)  # noqa: S606


class Watch:
    """While inside, no signal ends this process; until ``passing`` one is an interrupt, and things are undone."""

    def __init__(self) -> None:
        self._heard, self._wake = os.pipe()
        self._before: dict[int, object] = {}
        self._fd = -1
        self._passing = False

    def __enter__(self) -> Watch:
        for fd in (self._heard, self._wake):
            os.set_blocking(fd, False)
        self._fd = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for name in (*HEARD, "SIGCHLD"):
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN or name == "SIGCHLD":
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._fd)
        os.close(self._heard)
        os.close(self._wake)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self._passing and number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            raise KeyboardInterrupt

    def passing(self) -> None:
        """From here on what we hear is for the program: kept for it until ``wait``, and no interrupt any more."""
        self._passing = True

    def wait(self, pid: int, *, every: float, beat: Callable[[], None], grace: float) -> int:
        """Stay with process ``pid`` until it ends: its exit code, negative the signal that killed it.

        ``beat`` is called every so many seconds while it runs, and not while it is stopped. ``grace``: seconds from a
        SIGTERM until it is killed.
        """
        never = float("inf")
        due, kill, settled = uptime() + every, never, never
        stopped = False
        while True:
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            now = time.monotonic()
            if found and not (os.WIFSTOPPED(status) or os.WIFCONTINUED(status)):
                return os.waitstatus_to_exitcode(status)
            if found:
                stopped = os.WIFSTOPPED(status)
                settled = now + _SETTLES if stopped else never
            elif now >= kill:
                _send(pid, signal.SIGKILL)
                kill = never
            elif now >= settled:
                settled = never
                _stop_too()
            elif uptime() >= due:
                due = uptime() + every
                if not stopped:
                    beat()
            else:
                for number in self._hear(min(_LONGEST, kill - now, settled - now, due - uptime())):
                    _pass_on(pid, number)
                    if number == signal.SIGTERM:
                        kill = min(kill, now + grace)

    def _hear(self, seconds: float) -> bytes:
        """What this process was told, waiting for it."""
        poll = select.poll()
        poll.register(self._heard, select.POLLIN)
        if not poll.poll(max(0.0, seconds) * 1000):
            return b""
        try:
            return os.read(self._heard, 1 << 10)
        except BlockingIOError:
            return b""


def _pass_on(pid: int, number: int) -> None:
    if signal.Signals(number).name not in HEARD:
        return
    if number in _KEYS and in_foreground():
        return  # the key went to the program as well
    _send(pid, number)
    if number in (signal.SIGTERM, signal.SIGHUP):
        _send(pid, signal.SIGCONT)  # a stopped one hears nothing


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it has just ended, which the next look tells
    except PermissionError:
        pass  # it has become somebody else (sudo), and hears its terminal only


def _stop_too() -> None:
    """The program has stopped itself: so do we, that the shell behind us hears of it. It wakes us both with ``fg``."""
    if in_foreground():
        os.killpg(0, signal.SIGTSTP)


def in_foreground() -> bool:
    """Whether we have a terminal, and what is typed there is for us."""
    try:
        tty = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(tty) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(tty)
