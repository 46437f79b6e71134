"""When this clone last heard of its hub, and told it everything: notes that ``notes`` writes, read without loading a
sync.

On our own running clock, and of this boot only: what was before is not known.
"""

from __future__ import annotations

import os

from gitcoord.core.model import Boot
from gitcoord.git.localfile import read_all
from gitcoord.lean import Literal

Note = Literal["seen", "sent"]
"""``seen``: the hub was fetched; ``sent``: after that, what it lacked was pushed."""


def age(common: str, now: Boot, note: Note = "seen") -> float | None:
    """Seconds since the fetch began that came through; None where that is not known."""
    words = (read_all(os.path.join(common, "coord", "hub", note), 200) or b"").decode("ascii", "replace").split()
    try:
        boot, at = words[0], float(words[1])
    except (IndexError, ValueError):
        return None
    return now.at - at if boot == now.id and at <= now.at else None
