"""When a session last beat, kept beside its heartbeat ref so that a hook can tell "not due" without starting a process.

Owns the file ``<common>/coord/sessions/<sid>/beat``: one line of seven words, ``1``, the session's record, interval,
bucket, boot id or ``-``, uptime and wall clock of the beat; in seconds. The hook scripts read and write it too
(hooks/post-commit), as they do the heartbeat blob (``core.model.Beat``): formats change in both or not at all, and a
test compares the blobs byte by byte.
Losing it costs one slower beat. It proves nothing: whether a session is live is in its record and its heartbeat ref.
"""

from __future__ import annotations

import os

import msgspec

from gitcoord.core.names import is_session_id
from gitcoord.git import localfile

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
    line = localfile.read_line(os.path.join(session_dir(common, sid), "beat"), _LIMIT)
    words = line.split(" ") if line is not None else []
    if len(words) != 7 or words[0] != "1" or not words[1] or not _HEX.issuperset(words[1]):
        return None
    boot = None if words[4] == "-" else words[4]
    numbers = [_number(word) for word in (words[2], words[3], words[5], words[6])]
    if None in numbers or numbers[1] == 0:
        return None
    interval, bucket, up, utc = (number or 0 for number in numbers)
    return BeatFile(words[1], interval, bucket, boot, up, utc)


def _number(word: str) -> int | None:
    """A number as the shell's arithmetic understands it: no sign, no leading zero, not too long."""
    if not word.isdecimal() or len(word) > _DIGITS or (len(word) > 1 and word[0] == "0"):
        return None
    return int(word)


def write(common: str, sid: str, beat: BeatFile) -> None:
    """Note a beat that was made. Raises GitFailed."""
    session_dir(common, sid)  # refuses what is no session id
    directory = localfile.private_dir(common, "coord", "sessions", sid)
    words = ("1", beat.record, beat.interval, beat.bucket, beat.boot or "-", beat.up, beat.utc)
    localfile.write_line(os.path.join(directory, "beat"), " ".join(str(word) for word in words))
