"""What this repository has to offer a shell that completes: a line each, ``kind<TAB>value<TAB>description``.

Owns the cache ``<git-common-dir>/coord/complete`` (0600), which the scripts of gitcoord/shell read as long as no ref is
newer. It is written only when a shell asks for what it does not find there: no other command pays for it. Its time is
put two seconds before the refs were read, because shells compare whole seconds.

Names in refs may be hostile: one that is not printable, or would read as an option, is left out.
"""

from __future__ import annotations

import os

from gitcoord.cli.render.safe import safe
from gitcoord.errors import CoordError
from gitcoord.git import localfile
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitcoord.coordinator import Coordinator
    from gitcoord.core.views import TaskView

NAME = "complete"
_MOST = 500
_ABOUT = 60
_SLACK = 2_000_000_000


def refreshed(coord: Coordinator) -> list[str]:
    """The lines as of now; the cache holds them too, where it can be written."""
    dated = _stamp(coord.repo.common)
    lines = list(offers(coord))
    if dated is not None:
        _write(coord.repo.common, lines, dated)
    return lines


def offers(coord: Coordinator) -> Iterator[str]:
    """What there is, by kind; of each at most as many as a person would look through."""
    tasks = coord.task_list(all=True)
    ended = sorted((task for task in tasks if _kind(task) == "ended"), key=lambda task: task.updated_at, reverse=True)
    lively = [task for task in tasks if _kind(task) != "ended"]
    yield from _lines([(_kind(task), task.id, task.title) for task in lively[:_MOST]])
    yield from _lines([("place", task.id, task.title) for task in tasks if task.worktree is not None][:_MOST])
    yield from _lines([("ended", task.id, f"{task.state}: {task.title}") for task in ended[:_MOST]])
    sessions = coord.sessions()[:_MOST]
    yield from _lines([("session", each.name, each.agent or "") for each in sessions])
    yield from _lines([("session", each.id, each.name) for each in sessions])
    yield from _lines(
        [("lock", lock.path or lock.name or "", f"held by {lock.session_name}") for lock in coord.locks()[:_MOST]]
    )
    yield from _lines([("scope", row.scope, "") for row in coord.scopes()[:_MOST]])


def _kind(task: TaskView) -> str:
    if task.state in ("done", "failed", "cancelled"):
        return "ended"
    return {"claimed": "held", "review": "held", "offered": "offered"}.get(task.state, "open")


def _lines(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    for kind, value, about in dict.fromkeys(rows):
        if value and value.isprintable() and not value.startswith("-"):
            yield f"{kind}\t{value}\t{safe(about)[:_ABOUT]}"


def _stamp(common: str) -> int | None:
    """The file system's idea of now, in nanoseconds, less the slack; None where nothing can be written."""
    try:
        path = localfile.new_name(os.path.join(localfile.private_dir(common, "coord"), NAME))
        localfile.write_atomic(path, b"")
        try:
            return os.stat(path).st_mtime_ns - _SLACK
        finally:
            os.unlink(path)
    except (OSError, CoordError):
        return None


def _write(common: str, lines: list[str], dated: int) -> None:
    """Replace the cache. Its date is set before it is seen, so that nobody takes an older reading for a newer one."""
    path = os.path.join(common, "coord", NAME)
    temporary = localfile.new_name(path)
    try:
        localfile.write_atomic(temporary, "".join(f"{line}\n" for line in lines).encode())
        os.utime(temporary, ns=(dated, dated))
        os.replace(temporary, path)
    except OSError:
        pass  # a full disk or a read-only sandbox: the next one asks again
