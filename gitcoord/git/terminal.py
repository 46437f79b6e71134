"""The terminal, lent to a program of ours while it may have to ask a person: ssh for a passphrase or about a new host.

Such a program has a process group of its own (``run``), and whoever reads from a terminal in the background is stopped.
Lent only where all three standard streams are the terminal: in a pipe somebody else of our group may be using it.
"""

from __future__ import annotations

import os


def ours() -> int | None:
    """The terminal, open, if a person is there and this process group has it; else None."""
    try:
        if not all(os.isatty(number) for number in (0, 1, 2)):
            return None
        tty = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.tcgetpgrp(tty) == os.getpgrp():
            return tty
    except OSError:
        pass
    os.close(tty)
    return None


def lend(tty: int, group: int) -> None:
    """Let that process group have it; it may have asked too early, and been stopped."""
    try:
        os.tcsetpgrp(tty, group)
        import signal  # brings enum, 1.2 ms; only who waits for a person needs it

        os.killpg(group, signal.SIGCONT)
    except OSError:
        pass  # it has ended already


def take_back(tty: int) -> None:
    """Have it again, and close it."""
    # We are in the background now, where asking for the terminal is a reason to be stopped as well.
    import signal

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
    try:
        os.tcsetpgrp(tty, os.getpgrp())
    except OSError:
        pass  # it was closed meanwhile
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(tty)
