"""A bug becomes a file that can be sent in: versions and the traceback, and nothing that may be secret.

Arguments, the environment and local variables stay out of it; so do passwords in URLs, which messages may quote.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import tempfile
import time
import traceback

from gitcoord import __version__
from gitcoord.cli.context import Context
from gitcoord.cli.table import NOUNS, TABLE
from gitcoord.errors import Bug, CoordError, GitFailed
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MACHINE = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "ENOMEM", "ENOLCK")
)
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def as_machine_trouble(error: Exception) -> GitFailed | None:
    """The error to show for an operation that the system refused; None where that is not what happened."""
    if not isinstance(error, OSError) or error.errno not in _MACHINE:
        return None
    where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return GitFailed(f"{error.strerror}{where}", hint="check disk space and permissions, then run it again")


def as_bug(error: Exception, argv: Sequence[str], environ: Mapping[str, str], context: Context | None) -> Bug:
    """Write the report of an unexpected ``error`` and say where it is."""
    text = report(error, argv, environ)
    last = traceback.format_exception_only(error)[-1].strip()
    for directory in _places(context):
        try:
            path = _write(directory, text)
        except OSError:
            continue
        return Bug(
            f"unexpected {_PASSWORD.sub('***', last)}; the report is in {path}",
            hint="send the report file to the authors of gitcoord; 'git coord doctor' checks the repository",
            report=path,
        )
    return Bug(f"unexpected {_PASSWORD.sub('***', last)}; no report file could be written", report=None)


def report(error: Exception, argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """The text of the report."""
    verb = next((word for word in argv if word in NOUNS or word in TABLE), "?")
    trace = "".join(traceback.format_exception(error))
    return (
        f"gitcoord {__version__}\npython {platform.python_version()} on {platform.platform()}\n"
        f"git: {_git(environ)}\ncommand: {verb} ({len(argv)} words, left out)\n\n{_PASSWORD.sub('***', trace)}"
    )


def _git(environ: Mapping[str, str]) -> str:
    from gitcoord.git.run import run

    try:
        return run(["git", "version"], env=environ, timeout=5).text
    except (CoordError, TimeoutError, OSError) as error:
        return f"not to be had ({type(error).__name__})"


def _places(context: Context | None) -> list[str]:
    places = [tempfile.gettempdir()]
    if context is not None:
        from gitcoord.git.repo import discover

        try:
            common = discover(context.start, context.environ).common
        except Exception:
            return places  # the bug may be right there
        places.insert(0, os.path.join(common, "coord", "reports"))
    return places


def _write(directory: str, text: str) -> str:
    if not os.path.isdir(directory):
        os.makedirs(directory, mode=0o700)
    path = os.path.join(directory, f"gitcoord-bug-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}.txt")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return path
