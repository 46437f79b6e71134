"""A moment in the past as people write it: ``2h ago``, ``5 minutes ago``, ``2026-11-20 13:03``, RFC 3339.

Pure; ``now`` is an argument.
"""

from __future__ import annotations

import re

from gitcoord.core.times import rfc3339

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(
    r"([0-9]{1,9}) ?(?:([smhdw])|(s)ec(?:ond)?s?|(m)in(?:ute)?s?|(h)ours?|(d)ays?|(w)eeks?)(?: ago)?\Z", re.IGNORECASE
)
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?"
    r" ?(Z|[+-][0-9]{2}:?[0-9]{2})?\Z"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse(text: str, now: float) -> str | None:
    """``text`` as we write times (UTC, to the millisecond); None when it is none. Without a zone it is UTC."""
    text = text.strip()
    if text == "now":
        return rfc3339(now)
    ago = _AGO.match(text)
    if ago is not None:
        unit = next(filter(None, ago.groups()[1:])).lower()
        seconds = now - int(ago[1]) * _UNITS[unit]
        return rfc3339(seconds) if seconds >= 0 else None
    date = _DATE.match(text)
    return None if date is None else _of_date(date)


def _of_date(date: re.Match[str]) -> str | None:
    year, month, day, hour, minute, second = (int(date[group] or 0) for group in range(1, 7))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = _DAYS[month - 1] + (leap and month == 2) if 1 <= month <= 12 else 0
    if year < 1970 or not 1 <= day <= longest or hour > 23 or minute > 59 or second > 60:
        return None
    before = (year - 1) * 365 + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400 - 719162
    days = before + sum(_DAYS[: month - 1]) + (leap and month > 2) + day - 1
    fraction = float(f"0.{date[7]}") if date[7] else 0.0
    seconds = days * 86400 + hour * 3600 + minute * 60 + second + fraction - _offset(date[8])
    return rfc3339(seconds) if seconds >= 0 else None


def _offset(zone: str | None) -> int:
    if zone in (None, "Z"):
        return 0
    assert zone is not None
    digits = zone.replace(":", "")
    seconds = int(digits[1:3]) * 3600 + int(digits[3:5]) * 60
    return -seconds if digits[0] == "-" else seconds
