"""What leaves the machine for others to read (a report, a trace) without anything that might be a credential.

Stricter than ``secrets``, which must not raise false alarms: here a word too many is masked rather than one too few.
"""

from __future__ import annotations

import re

from gitcoord.core.secrets import masked

_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_HEADER = re.compile(r"((?:authorization|extraheader)[\"']?\s{0,3}[=:]\s{0,3})[^\"'\n]+", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:^|[?&;,=\s\"'{])[\w.-]{0,60}"
    r"(?:token|secret|passw(?:or)?d|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|signature|sig|credentials?)"
    r"[\"']?\s{0,3}[=:]\s{0,3}[\"']?)(?!\d{1,12}(?!\S))[^\s&\"',;}]+",  # but a fencing token is a plain number
    re.IGNORECASE,
)


def strictly(text: str) -> str:
    """``text`` without users and passwords in URLs, values named like secrets and known kinds of tokens."""
    text = _HEADER.sub(r"\1***", _USER.sub("***", text))
    text = _NAMED.sub(r"\1***", text)
    return masked(text)[0]


def homeless(text: str, home: str | None) -> str:
    """``text`` with the home directory shown as ``~``: whose machine it was is nobody's business."""
    if not home or len(home.strip("/")) < 2:
        return text
    return re.sub(re.escape(home.rstrip("/")) + r"(?=[/:\s'\")\],]|$)", "~", text)
