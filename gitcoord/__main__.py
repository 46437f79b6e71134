"""The ``git-coord`` program: makes the process fit to run in, then hands over to ``gitcoord.cli.app``."""

from __future__ import annotations

import atexit
import gc
import os
import sys

TYPE_CHECKING = False  # type checkers know the name; importing typing costs 5 ms (measured)
if TYPE_CHECKING:
    from typing import NoReturn

_GARBAGE = 500_000
"""Allocations between two looks for garbage: one command makes little, and looking costs 1 ms of 30, and 17 of 130
where there are 10,000 tasks (measured). A command that goes on for long looks more often (``Context.lasting``)."""


def main() -> NoReturn:
    """Run the command line of this process and end it."""
    gc.set_threshold(_GARBAGE, 20, 20)
    _open_standard_streams()
    if sys.implementation.name == "cpython":
        from gitcoord import finder

        finder.install()
    if sys.argv[1:3] == ["hook", "agent"]:
        _serve_hook(sys.argv[3:])
    from gitcoord.startup import choose, is_lean, look_ahead

    choose(sys.argv[1:], os.environ)
    if is_lean():
        look_ahead(sys.argv[1:], os.environ)
    else:
        _import_msgspec_quickly()
    from gitcoord.cli.app import run

    _leave(run(sys.argv[1:], os.environ))


def _serve_hook(words: list[str]) -> None:
    """An agent waits for this at every tool call: answered, if it can be, before anything else is imported."""
    from gitcoord.agents import hook

    code = hook.main(words, os.environ, _prepare)
    if code is not None:
        _leave(code)


def _prepare(little: bool) -> None:
    """Before a hook reads records: the stand-ins where it will be few, msgspec where it may be many."""
    from gitcoord.startup import be_lean, is_lean

    if little:
        be_lean()
    if not is_lean():
        _import_msgspec_quickly()


def _leave(code: int) -> NoReturn:
    """End the process without taking every module apart first: 6 ms of 36 (measured)."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # the reader has gone; the exit code still says what happened
    os._exit(code)


def _open_standard_streams() -> None:
    """Put /dev/null where a standard descriptor is closed, or the next file opened would become stdout."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for the process


def _import_msgspec_quickly() -> None:
    """Import msgspec without ``typing_extensions``, which it takes from there when it can.

    That import brings in inspect, ast and dis: 37 ms for msgspec against 28 without (measured, Python 3.11, msgspec
    0.22); all that it wants is in ``typing`` since Python 3.11.
    """
    if "msgspec" in sys.modules or "typing_extensions" in sys.modules:
        return
    hidden: dict[str, object] = sys.modules  # type: ignore[assignment]
    hidden["typing_extensions"] = None  # makes the import fail, as if it were not installed
    try:
        import msgspec  # noqa: F401
    finally:
        del hidden["typing_extensions"]


if __name__ == "__main__":
    main()
