"""``GIT_COORD_DEBUG``: where the trace goes, and that it is harmless. Loaded only when the variable is set.

``1`` (or ``true``): stderr. A path: that file, appended to, for nobody else to read. ``0`` and ``false``: no trace.
"""

from __future__ import annotations

import os

from gitcoord.cli.render.safe import safe
from gitcoord.core.masking import homeless, strictly
from gitcoord.errors import Usage
from gitcoord.git import run, trace
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "GIT_COORD_DEBUG"
_STDERR = 2
_NO = ("0", "false", "no", "off")
_YES = ("1", "2", "true", "yes", "on")


def arm(environ: Mapping[str, str]) -> None:
    """Begin to trace, as the variable says. Raises Usage where its file cannot be written."""
    wanted = environ[VARIABLE]
    if wanted.lower() in _NO:
        run.tracer = None
        return
    home = environ.get("HOME")
    fd = _STDERR if wanted.lower() in _YES else _opened(wanted)
    run.tracer = trace.Tracer(fd, lambda text: safe(homeless(strictly(text), home)))


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Usage(
            f"{VARIABLE} names a file that cannot be written: {path}: {error.strerror}",
            hint=f"set {VARIABLE}=1 to see the trace on stderr",
        ) from None
