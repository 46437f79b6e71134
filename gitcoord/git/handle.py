"""libgit2's handles on a repository: one for each thread, and a new one now and then.

Imported late and by ``store.libgit`` alone: pygit2 takes 70 ms. A handle keeps the commits and trees that it reads (up
to 256 MB of them) and every pack mapped, which in a process that stays open is never given back: nobody reads the same
object twice here. So it is dropped after some use; the next one takes 0.06 ms. Must not know refs or objects.
"""

from __future__ import annotations

import threading

import pygit2
from pygit2.enums import RepositoryOpenFlag

from gitcoord.errors import GitFailed

USES = 1000
"""Uses of one handle; reading a record takes four."""

TROUBLE = (pygit2.GitError, KeyError, ValueError, OSError)
"""What pygit2 turns libgit2's error codes into; which one says nothing reliable about what happened."""

_HELPERS = ("branches", "references", "remotes", "submodules")


class Handles:
    """The handles on the repository whose Git directory is ``common``."""

    def __init__(self, common: str) -> None:
        self._common = common
        self._local = threading.local()

    def get(self) -> pygit2.Repository:
        """This thread's handle; what is asked of it one time may be asked of another one the next. Raises GitFailed."""
        left: int = getattr(self._local, "left", 0)
        if not left:
            self._local.handle = _open(self._common)
        self._local.left = (left or USES) - 1
        handle: pygit2.Repository = self._local.handle
        return handle

    def setting(self, name: str) -> str:
        """A setting in lower case, "" when unset. Raises GitFailed when libgit2 cannot read the configuration."""
        try:
            config = self.get().config
            return (config[name] or "").lower() if name in config else ""
        except TROUBLE as error:
            raise GitFailed(f"libgit2 cannot read the Git configuration: {error}") from None

    def drop(self) -> None:
        """Let go of all of them."""
        self._local = threading.local()


def _open(common: str) -> pygit2.Repository:
    try:
        handle = pygit2.Repository(common, RepositoryOpenFlag.NO_SEARCH)
    except TROUBLE as error:
        raise GitFailed(f"libgit2 cannot open {common}: {error}") from None
    for name in _HELPERS:  # each refers back to the handle, which would live until Python looks for cycles
        vars(handle).pop(name, None)
    return handle
