"""When a session last beat, kept beside its heartbeat ref so that a hook can tell "not due" without starting a process.

Owns the file ``<common>/coord/sessions/<sid>/beat``, two lines, in seconds. The first is all that a hook needs between
two beats, and short because shells read byte by byte: ``1``, interval, uptime (or ``-``), wall clock of the beat. The
second: the session's record, bucket, boot id (or ``-``). The hook scripts read and write it too (hooks/post-commit), as
they do the heartbeat blob (``core.model.Beat``): formats change in both or not at all, and a test compares the blobs.
Losing it costs one slower beat. It proves nothing: whether a session is live is in its record and its heartbeat ref.
"""

from __future__ import annotations

import os

from gitcoord.core.names import is_session_id
from gitcoord.errors import GitFailed
from gitcoord.git import localfile
from gitcoord.lean import msgspec

_LIMIT = 300
_DIGITS = 15
_HEX = frozenset("0123456789abcdef")


class BeatFile(msgspec.Struct, frozen=True):
    """The last beat of a session: when, under which record of the session, and how often it should beat.

    ``up`` counts only together with a boot id; without one the hooks go by ``utc``.
    """

    record: str
    interval: int
    bucket: int
    boot: str | None
    up: int
    utc: int


def session_dir(common: str, sid: str) -> str:
    """Where the local files of a session are. ``sid`` must be a session id: anything else never reaches a path."""
    if not is_session_id(sid):
        raise ValueError(f"not a session id: {sid!r}")
    return os.path.join(common, "coord", "sessions", sid)


def read(common: str, sid: str) -> BeatFile | None:
    """The note of the last beat; None when there is none or it is garbage."""
    data = localfile.read_all(os.path.join(session_dir(common, sid), "beat"), _LIMIT) or b""
    match [line.split(" ") for line in data.decode("ascii", "replace").split("\n")]:
        case [["1", interval, up, utc], [record, bucket, boot], [""]] if record and _HEX.issuperset(record):
            numbers = [_number(word) for word in (interval, bucket, "0" if up == "-" else up, utc)]
        case _:
            return None
    if None in numbers or numbers[1] == 0:
        return None
    every, shared, since_boot, wall = (number or 0 for number in numbers)
    return BeatFile(record, every, shared, None if boot == "-" else boot, since_boot, wall)


def _number(word: str) -> int | None:
    """A number as the shell's arithmetic understands it: no sign, no leading zero, not too long."""
    if not word.isdecimal() or len(word) > _DIGITS or (len(word) > 1 and word[0] == "0"):
        return None
    return int(word)


def write(common: str, sid: str, beat: BeatFile) -> None:
    """Note a beat that was made. Raises GitFailed."""
    session_dir(common, sid)  # refuses what is no session id
    directory = localfile.private_dir(common, "coord", "sessions", sid)
    up = "-" if beat.boot is None else beat.up
    text = f"1 {beat.interval} {up} {beat.utc}\n{beat.record} {beat.bucket} {beat.boot or '-'}\n"
    path = os.path.join(directory, "beat")
    try:
        localfile.write_atomic(path, text.encode("ascii"))
    except OSError as error:
        raise GitFailed(f"{path} cannot be written: {error.strerror}") from None
