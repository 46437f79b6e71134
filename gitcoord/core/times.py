"""Times and durations as text: RFC 3339 UTC for machines, ``90s 30m 24h 7d`` for people. The clock is the caller's."""

from __future__ import annotations

import time

from gitcoord.errors import Usage

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def rfc3339(now: float) -> str:
    """Seconds since the epoch as ``2026-11-20T13:03:11.402Z``."""
    whole, millis = divmod(round(now * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{millis:03d}Z"


def duration(text: str) -> float:
    """Seconds in ``90s``, ``30m``, ``1.5h``, ``7d`` or a bare number of seconds. Raises Usage."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e10:  # also refuses nan
        raise Usage(f"'{text}' is not a duration", hint="write it as 90s, 30m, 24h or 7d")
    return seconds
