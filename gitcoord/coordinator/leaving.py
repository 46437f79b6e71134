"""Leaving in a hurry: the end of a session whose program has no time left. Looks at no worktree and rescues nothing."""

from __future__ import annotations

from gitcoord.git import binding
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.coordinator.endings import Endings

_PATIENCE = 0.5
"""Seconds to try for: agents wait 1.5 s for their last hook, start-up included."""


def leave(coord: Endings, sid: str) -> bool:
    """End the session if it holds no claim, with whatever it has locked; whether that is done now.

    With a claim it goes on as it is: its process is about to be gone, which everybody can see, and an agent that is
    resumed finds its claim again. Raises Contended.
    """
    coord.begin()
    board = coord.board()
    found = board.sessions.get(sid)
    if found is None or found.record.state != "live":
        return True
    if any(item.record.claim is not None and item.record.claim.session == sid for item in board.tasks.values()):
        return False
    coord.transact(lambda: coord._end(sid, None), limit=_PATIENCE)
    binding.unbind(coord.repo.git_dir, sid)
    return True
