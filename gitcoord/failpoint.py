"""Named places where a test can make the program die, fail or wait: ``GITCOORD_FAILPOINT=name:kill|raise|sleep``.

``name@3:kill`` means the third time it comes there: a command may write several times.

Owns the one switch. Costs a comparison with None where it is off, so the points stay in released code and what is
tested is what ships. Must not read the environment: ``cli/`` arms it.
"""

from __future__ import annotations

import os
import time

NAP = 1.0
"""Seconds that ``sleep`` waits: longer than any swap, shorter than any limit."""

_armed: tuple[str, str] | None = None
_passes = 0


class Injected(OSError):
    """An armed failpoint raised this; it stands for an I/O failure at that place."""


def arm(spec: str | None) -> None:
    """Arm one point (``name:action``), or none. Raises ValueError when the action is not one of the three."""
    global _armed, _passes
    if not spec:
        _armed = None
        return
    name, _, action = spec.partition(":")
    if action not in ("kill", "raise", "sleep"):
        raise ValueError(f"a failpoint is name:kill, name:raise or name:sleep, not {spec!r}")
    name, _, count = name.partition("@")
    _passes = int(count or 1) - 1
    _armed = (name, action)


def hit(name: str) -> None:
    """Do at point ``name`` what was armed for it."""
    global _passes
    if _armed is None or _armed[0] != name:
        return
    if _passes:
        _passes -= 1
        return
    _act(name, _armed[1])


def _act(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), 9)
    elif action == "sleep":
        time.sleep(NAP)
    else:
        raise Injected(f"failpoint {name}")
