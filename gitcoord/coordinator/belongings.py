"""What in a session's local directory is somebody's, and what is only gitcoord's own note of something.

Programs that were launched keep their state in directories there; notes are single files beside them, and can be lost
at any time. Loaded where such a directory is about to go.
"""

from __future__ import annotations

import os
import shutil

from gitcoord.git import localtree
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FILES = frozenset({"history.jsonl", "settings.json"})
_SESSIONS, _ARCHIVE = "sessions", "archive"


def somebodys(items: Iterable[localtree.Item]) -> bool:
    """Whether there is anything among what a session's directory holds that gitcoord did not note for itself."""
    return any(item.kind == "file" and (os.sep in item.name or item.name in _FILES) for item in items)


def clear(coord_dir: str) -> list[str]:
    """Delete all local notes of this clone; the directories that stay, because somebody's files are in them."""
    stay = []
    for folder in (_SESSIONS, _ARCHIVE):
        top = os.path.join(coord_dir, folder)
        for name in sorted(os.listdir(top)) if os.path.isdir(top) and not os.path.islink(top) else ():
            path = os.path.join(top, name)
            if folder == _ARCHIVE or (not os.path.islink(path) and somebodys(localtree.items(path))):
                stay.append(path)
            else:
                _delete(path)
    holding = {os.path.dirname(path) for path in stay}
    for name in os.listdir(coord_dir):
        if os.path.join(coord_dir, name) not in holding:
            _delete(os.path.join(coord_dir, name))
    if not stay:
        os.rmdir(coord_dir)
    return stay


def _delete(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
