"""Observation notes: since when this clone has seen a ref at the same oid, on a clock that runs on in suspend.

One small file a session under ``<common>/coord/observed/``; rebuildable. Losing or garbling one by accident only ever
delays a take-over: a note that does not check out counts as never written. Sources: client-go's leader election,
which also trusts its own clock and the change it saw, never the time that another machine wrote.
"""

from __future__ import annotations

import os
import zlib

from gitcoord.core.model import Boot

_MAX = 300


def unchanged_for(directory: str, name: str, oid: str, now: Boot) -> float:
    """Seconds that ``name`` has been seen at ``oid``; starts a new note (and answers 0) when it is news."""
    path = os.path.join(directory, name)
    since = _read(path, oid, now)
    if since is None:
        _write(directory, path, f"{oid or '-'} {now.id} {now.at:.3f}")
        return 0.0
    return now.at - since


def _read(path: str, oid: str, now: Boot) -> float | None:
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        text = os.read(fd, _MAX).decode("ascii", "replace")
    except OSError:
        return None
    finally:
        os.close(fd)
    body, _, check = text.strip().rpartition(" ")
    words = body.split(" ")
    if check != _check(body) or len(words) != 3 or words[0] != (oid or "-") or words[1] != now.id:
        return None
    since = float(words[2])
    return since if since <= now.at else None


def _check(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _write(directory: str, path: str, body: str) -> None:
    """Best effort: an observer that cannot take notes sees everybody as just active."""
    part = f"{path}.{os.getpid()}"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "w", encoding="ascii") as file:
            file.write(f"{body} {_check(body)}\n")
        os.replace(part, path)
    except OSError:
        try:
            os.unlink(part)
        except OSError:
            pass
