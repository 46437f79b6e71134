"""``session.log``: a plain file beside a session's other local files, one line for each command of that session that
changed something or was refused.

    2026-11-20T13:03:11.402Z claim ok task=15 token=3 ms=41

When, which verb, how it ended (``ok`` or the code of the error), the task and the token that it was about, how long it
took. Never a value, a note or an argument besides: whoever asks for help sends this file. For the owner alone, and it
stays small: from 1 MB on it becomes ``session.log.1``. Must not fail a command, nor cost it more than 0.3 ms.
"""

from __future__ import annotations

import os

from gitcoord.core.times import rfc3339
from gitcoord.errors import CoordError
from gitcoord.git import localfile
from gitcoord.git.beatfile import session_dir
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.identity import Identity

NAME = "session.log"
MAX_BYTES = 1_000_000
"""From this size on the file is put aside, and the one put aside before is gone."""

_LONGEST = 200  # of a task's name
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def note(coord: Identity, verb: str, outcome: str, seconds: float, error: CoordError | None = None) -> None:
    """Write down a command that ``coord`` has just done, if it changed something or was refused. Never fails."""
    acting = coord.acting
    if acting is None or not (coord.changed or error is not None):
        return
    task: object = coord.about[0] if coord.about is not None else None
    token: object = coord.about[1] if coord.about is not None else None
    if error is not None:
        task, token = error.fields.get("task", task), error.fields.get("token", token)
    coord.changed = False
    line = _line(rfc3339(coord.clock.now()), verb, outcome, task, token, seconds)
    try:
        append(coord.repo.common, acting, line)
    except (OSError, ValueError, CoordError):
        pass  # read-only, full, or not ours: the command's own outcome counts


def _line(at: str, verb: str, outcome: str, task: object, token: object, seconds: float) -> str:
    words = [at, verb.replace(" ", "-"), outcome]
    if isinstance(task, str):
        plain = task.isascii() and task.isprintable() and " " not in task
        words.append(f"task={task[:_LONGEST] if plain else ascii(task[:_LONGEST])}")
    if isinstance(token, int):
        words.append(f"token={token}")
    words.append(f"ms={seconds * 1000:.0f}")
    return " ".join(words) + "\n"


def append(common: str, sid: str, line: str) -> None:
    """Add one line to a session's log. Raises OSError, GitFailed."""
    path = os.path.join(session_dir(common, sid), NAME)
    try:
        fd = os.open(path, _FLAGS, 0o600)
    except FileNotFoundError:
        localfile.private_dir(common, "coord", "sessions", sid)
        fd = os.open(path, _FLAGS, 0o600)
    try:
        found = os.fstat(fd)
        if found.st_size >= MAX_BYTES and os.stat(path).st_ino == found.st_ino:  # nobody else was quicker
            os.replace(path, f"{path}.1")
            os.close(fd)
            fd = os.open(path, _FLAGS, 0o600)
        os.write(fd, line.encode("ascii", "backslashreplace"))
    finally:
        os.close(fd)


def last(common: str, sid: str, count: int) -> list[str]:
    """The last lines of a session's log, oldest first."""
    found: list[str] = []
    for name in (f"{NAME}.1", NAME):
        data = localfile.read_all(os.path.join(session_dir(common, sid), name), 2 * MAX_BYTES)
        found += (data or b"").decode("ascii", "replace").splitlines()
    return found[-count:]
