"""Which session works in a worktree: one line in ``coord-session`` of the worktree's own Git directory.

Owns that file. The hook scripts read it too (``coord_bound`` in hooks/post-commit): the format changes in both or not
at all. Whether the session is live is not known here.
"""

from __future__ import annotations

import os

from gitcoord.core.names import is_session_id
from gitcoord.errors import GitFailed
from gitcoord.git import localfile

FILE = "coord-session"
_LENGTH = 12


def bound_session(git_dir: str) -> str | None:
    """The id of the session bound to the worktree with this Git directory; anything but an id counts as none."""
    line = localfile.read_line(os.path.join(git_dir, FILE), _LENGTH)
    return line if line is not None and is_session_id(line) else None


def bind(git_dir: str, sid: str) -> None:
    """Bind the worktree to session ``sid``, instead of any other. Raises GitFailed."""
    if not is_session_id(sid):
        raise ValueError(f"not a session id: {sid!r}")
    localfile.write_line(os.path.join(git_dir, FILE), sid)


def unbind(git_dir: str, sid: str) -> bool:
    """Take the binding away if it is to ``sid``; whether it was. Raises GitFailed."""
    if bound_session(git_dir) != sid:
        return False
    path = os.path.join(git_dir, FILE)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise GitFailed(f"{path} cannot be removed: {error.strerror}") from None
    return True
