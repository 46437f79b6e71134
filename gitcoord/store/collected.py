"""What a ``git gc --prune=now`` takes away that has just been written.

It removes every loose object that no ref reached when it began to look, however young: also the objects of a swap that
were written before, or while it looked, and are pointed to by now. A pack stays: pruning leaves packs alone, and a
repack removes only those that were there before it looked at the refs, and none that has a ``.keep`` beside it. So
while a gc is at work the objects of a swap are written as a kept pack, and let go of when the refs have moved; a swap
into which one burst writes them a second time. Must not know refs.

``git prune`` and ``git repack`` started by hand leave no sign that they are at work; only what they took by then is
noticed.
"""

from __future__ import annotations

import os
import time

from gitcoord.lean import TYPE_CHECKING
from gitcoord.store import durable as sync
from gitcoord.store.objects import Obj, pack
from gitcoord.store.trouble import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitcoord.git.repo import Repo

_TRIES = 5
_FORGOTTEN = 12 * 3600  # Git's own limit for the note of another host's gc
_LINE = 300


def all_there(common: str, objects: Sequence[Obj]) -> bool:
    """Whether each is where it was written: in a file of its own. What was there before may be in a pack instead."""
    return all(os.path.lexists(os.path.join(common, "objects", obj.oid[:2], obj.oid[2:])) for obj in objects)


def is_collecting(common: str) -> bool:
    """Whether a ``git gc`` is at work, by the note that it leaves: its pid and the name of its host."""
    path = os.path.join(common, "gc.pid")
    try:
        with open(path, "rb") as file:
            pid, _, where = os.fsdecode(file.read(_LINE)).strip().partition(" ")
            age = time.time() - os.fstat(file.fileno()).st_mtime
    except OSError:
        return False
    if age > _FORGOTTEN or not pid.isdecimal():
        return age <= _FORGOTTEN  # it is being written
    return where != os.uname().nodename or _lives(int(pid))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


class Kept:
    """The objects of one swap; ``with`` it around the moving of the refs."""

    def __init__(self, repo: Repo, objects: Sequence[Obj], *, durable: bool) -> None:
        self._repo = repo
        self._objects = objects
        self._durable = durable
        self._kept = self._pack(keep=True) if objects and is_collecting(repo.common) else ""

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept:
            try:
                os.unlink(self._kept)  # the next repack may take the pack apart
            except OSError:
                pass  # somebody tidied up

    def secure(self, there: Callable[[str], bool]) -> None:
        """The refs have moved: write the objects again where they may have been taken. Raises GitFailed.

        ``there``: whether an object can be read, wherever it is; asked only where a file is missing.
        """
        if self._kept or not self._objects:
            return
        if is_collecting(self._repo.common) or not (
            all_there(self._repo.common, self._objects) or all(there(obj.oid) for obj in self._objects)
        ):
            self._pack(keep=False)

    def _pack(self, *, keep: bool) -> str:
        """Write a pack; the ``.keep`` file beside it."""
        # In another order than a bulk was written: a pack is named by its content, and that one may be about to go.
        data = pack(tuple(reversed(self._objects)), self._repo.object_format)
        command = (*sync.options(self._durable), "index-pack", "--stdin", *(["--keep=gitcoord"] if keep else []))
        for tries_left in range(_TRIES - 1, -1, -1):
            done = self._repo.git(*command, input=data, check=False)
            if done.code == 0:
                break
            if not tries_left:  # it compares with what is there already, which may vanish meanwhile
                raise failed(done.complaint, self._repo.common)
        if self._durable:
            sync.sync_objects(self._repo.common, [])
        name = done.text.rpartition("\t")[2]
        return os.path.join(self._repo.common, "objects", "pack", f"pack-{name}.keep")
