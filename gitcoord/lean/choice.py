"""Whether this process is one that does one small thing and ends; settled once, before any record is declared."""

from __future__ import annotations

import sys

_state = {"wanted": False}


def want() -> None:
    """Ask for the stand-ins. No effect once the real ones are here: two kinds of records must never meet."""
    if "gitcoord.lean" in sys.modules and "gitcoord.core.model" in sys.modules:
        return
    _state["wanted"] = True


def chosen() -> bool:
    """Whether the stand-ins serve this process."""
    return _state["wanted"]
