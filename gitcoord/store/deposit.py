"""Objects before refs: writes them into a repository without anything pointing to them yet.

A push needs its objects here before the remote is asked, and the local refs move only after it said yes. Left over
objects are what ``git gc`` is for. Must not know refs or records.
"""

from __future__ import annotations

from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING
from gitcoord.store import durable as sync
from gitcoord.store.objects import Obj, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOOSE = 100


def deposit(repo: Repo, objects: Sequence[Obj], *, durable: bool) -> None:
    """Write ``objects``, each once; on disk when ``durable``. Raises GitFailed."""
    if not objects:
        return
    many = len(objects) > _LOOSE
    command = ("index-pack", "--stdin") if many else ("unpack-objects", "-q")
    repo.git(*sync.options(durable), *command, input=pack(objects, repo.object_format))
    if durable:
        sync.sync_objects(repo.common, [] if many else [obj.oid for obj in objects])
