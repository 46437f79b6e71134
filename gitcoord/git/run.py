"""The only place that starts processes.

``run`` starts one program to its end; ``begin`` starts one that somebody will ``run`` soon. Built on
``os.posix_spawn``: importing ``subprocess`` costs 7 ms a command (measured, Python 3.11) and a git spawn 1 ms. Must not
know what the programs mean. Arguments are lists; nothing here ever meets a shell.
"""

from __future__ import annotations

import os
import select
import time

from gitcoord.errors import GitFailed
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from gitcoord.git.trace import Tracer

BACKGROUND = "GIT_COORD_BACKGROUND"
"""In the environment of a process that nobody asked for: no sign of life, and no reason to start the next one."""

tracer: Tracer | None = None  # told of every process, while that is asked for

_CHUNK = 1 << 16
_SIGINT, _SIGKILL = 2, 9
_RESET_SIGNALS = (13, 25)
"""SIGPIPE and SIGXFSZ, which Python ignores and programs should not. By number: the module brings enum, 1.2 ms."""


class Done(msgspec.Struct, frozen=True):
    """A finished process: ``code`` is negative (the signal) when it was killed."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Standard output as text without its last newline; undecodable bytes survive a round trip."""
        return os.fsdecode(self.out).removesuffix("\n")

    @property
    def complaint(self) -> str:
        """What the program said on standard error, on one line, for a message."""
        return " ".join(self.err.decode("utf-8", "replace").split())[:500]


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    input: bytes = b"",  # noqa: A002 - the word everybody knows from subprocess
    timeout: float | None = None,
    own_group: bool = False,
    asks: bool = False,
) -> Done:
    """Run ``argv`` to its end, feeding it ``input``.

    With ``timeout`` (seconds) or ``own_group`` it runs in its own process group, which is killed whole when time is up:
    killing ``git push`` alone leaves its transport children behind. ``asks``: it may have to ask the person at the
    terminal, if there is one. Raises GitFailed when the program cannot be started, TimeoutError when time is up.
    """

    with_what = (argv, env, input, timeout, own_group or timeout is not None, asks)
    return _run(*with_what) if tracer is None else tracer.process(argv, lambda: _run(*with_what))


_begun: dict[tuple[str, ...], tuple[Mapping[str, str], int, int, int]] = {}


def begin(argv: Sequence[str], *, env: Mapping[str, str]) -> None:
    """Start ``argv``, without input, while there is something else to do; ``run`` with the same words takes it over.

    For programs that only look. Nobody need come for it. Never fails: ``run`` will say why it cannot be started.
    """
    null = os.open(os.devnull, os.O_RDWR)
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    try:
        _begun[tuple(argv)] = env, spawn(argv, env, null, out_write, err_write), out_read, err_read
    except GitFailed:
        os.close(out_read)
        os.close(err_read)
    finally:
        for fd in (null, out_write, err_write):
            os.close(fd)


def _run(
    argv: Sequence[str], env: Mapping[str, str], data: bytes, timeout: float | None, group: bool, asks: bool
) -> Done:
    begun = _begun.pop(tuple(argv), None)
    if begun is not None and begun[0] == env and not data:
        _, pid, out_read, err_read = begun
        out, err = _talk(None, data, out_read, err_read, None)
        return Done(_wait(pid), out, err)
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    tty = _terminal().ours() if group and asks else None
    try:
        pid = spawn(argv, env, in_read, out_write, err_write, group=group)
    except BaseException:
        for fd in (in_write, out_read, err_read, *([] if tty is None else [tty])):
            os.close(fd)
        raise
    finally:
        for fd in (in_read, out_write, err_write):
            os.close(fd)
    if tty is not None:
        _terminal().lend(tty, pid)
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        out, err = _talk(in_write, data, out_read, err_read, deadline)
        code = _wait(pid)
    except BaseException:
        _kill(pid, group=group)
        os.waitpid(pid, 0)
        raise
    finally:
        if tty is not None:
            _terminal().take_back(tty)
    if tty is not None and code == -_SIGINT:
        raise KeyboardInterrupt  # the terminal was theirs, and so was the interrupt
    return Done(code, out, err)


def _terminal() -> ModuleType:
    """Loaded when first used: nearly nothing asks."""
    from gitcoord.git import terminal

    return terminal


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    stdin: int,
    stdout: int,
    stderr: int,
    *,
    group: bool = False,
    apart: bool = False,
) -> int:
    """Start a process on these descriptors, in a ``group`` of its own or ``apart``; its pid. Raises GitFailed."""
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_DUP2, stderr, 2),
    ]
    try:
        if apart:
            try:
                return os.posix_spawnp(
                    argv[0], list(argv), env, file_actions=actions, setsigdef=_RESET_SIGNALS, setsid=True
                )
            except NotImplementedError:
                pass  # a group of its own is the next best
        if group:
            return os.posix_spawnp(
                argv[0], list(argv), env, file_actions=actions, setsigdef=_RESET_SIGNALS, setpgroup=0
            )
        return os.posix_spawnp(argv[0], list(argv), env, file_actions=actions, setsigdef=_RESET_SIGNALS)
    except OSError as error:
        raise GitFailed(
            f"{argv[0]} could not be started: {error.strerror}", hint=f"check that {argv[0]} is installed and on PATH"
        ) from None
    except ValueError as error:
        raise GitFailed(f"an argument cannot be passed to {argv[0]}: {error}") from None


def _kill(pid: int, *, group: bool) -> None:
    try:
        if group:
            os.killpg(pid, _SIGKILL)
        else:
            os.kill(pid, _SIGKILL)
    except ProcessLookupError:
        pass  # it ended by itself between our decision and the signal


def _talk(write_fd: int | None, data: bytes, out_fd: int, err_fd: int, deadline: float | None) -> tuple[bytes, bytes]:
    """Feed ``data`` and collect both outputs until both are closed. Closes all three descriptors."""
    parts: dict[int, list[bytes]] = {out_fd: [], err_fd: []}
    poll = select.poll()
    open_fds = {out_fd, err_fd}
    poll.register(out_fd, select.POLLIN | select.POLLHUP)
    poll.register(err_fd, select.POLLIN | select.POLLHUP)
    view = memoryview(data)
    if write_fd is None:
        pass
    elif view:
        os.set_blocking(write_fd, False)
        poll.register(write_fd, select.POLLOUT)
        open_fds.add(write_fd)
    else:
        os.close(write_fd)
    try:
        while open_fds:
            left = None if deadline is None else (deadline - time.monotonic()) * 1000
            if left is not None and left <= 0:
                raise TimeoutError
            for fd, _event in poll.poll(left):
                if fd == write_fd and fd in open_fds:
                    view = _feed(fd, view)
                    finished = not view
                else:
                    chunk = os.read(fd, _CHUNK)
                    parts[fd].append(chunk)
                    finished = not chunk
                if finished:
                    poll.unregister(fd)
                    open_fds.discard(fd)
                    os.close(fd)
    finally:
        for fd in open_fds:
            os.close(fd)
    return b"".join(parts[out_fd]), b"".join(parts[err_fd])


def _feed(fd: int, view: memoryview) -> memoryview:
    try:
        return view[os.write(fd, view[:_CHUNK]) :]
    except BlockingIOError:
        return view
    except BrokenPipeError:
        return view[len(view) :]  # it does not want the rest; its exit code says whether that matters


def launch(argv: Sequence[str], *, env: Mapping[str, str]) -> int:
    """Start a program that goes on by itself, with no input and no output; its pid. Raises GitFailed.

    In a session of its own, away from our terminal: who asks there in the background is stopped, and holds its locks.
    """
    null = os.open(os.devnull, os.O_RDWR)
    try:
        return spawn(argv, env, null, null, null, group=True, apart=True)
    finally:
        os.close(null)
