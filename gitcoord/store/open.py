"""Which store opens a repository: libgit2 in process, or the git program.

Measured as a fresh process that reads two refs and swaps one durably (Python 3.11, pygit2 1.21, git 2.39, 2 cores; best
of 25): 63 ms through git, 107 through libgit2, of which Python with msgspec alone is 40. Importing pygit2 costs more
than four starts of git, so a one-shot command uses git. Once running, a read takes 0.03 ms against 3, a relaxed swap
0.5 against 4, a durable one 3 against 6: a process that stays uses libgit2.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed
from gitcoord.git import run
from gitcoord.git.repo import Repo
from gitcoord.lean import Literal
from gitcoord.store.base import RefStore
from gitcoord.store.files import is_reftable
from gitcoord.store.plumbing import PlumbingStore

_SET_GROUP = 0o2000

Prefer = Literal["auto", "libgit", "plumbing"]


def open_store(repo: Repo, prefer: Prefer = "auto", *, long_lived: bool, durable: bool) -> RefStore:
    """The store for ``repo``: the preferred one, else libgit2 in a ``long_lived`` process where it can, else git.

    Raises GitFailed when libgit2 was asked for by name and cannot open the repository.
    """
    return traced(_opened(repo, prefer, long_lived=long_lived, durable=durable))


def traced(store: RefStore) -> RefStore:
    """``store``, telling of what it does where that is asked for; otherwise itself."""
    if run.tracer is None:
        return store
    from gitcoord.store.traced import TracedStore

    return TracedStore(store, run.tracer)


def _opened(repo: Repo, prefer: Prefer, *, long_lived: bool, durable: bool) -> RefStore:
    if prefer == "plumbing" or (prefer == "auto" and not long_lived):
        return PlumbingStore(repo, durable=durable)
    reason = _known_reason(repo)
    try:
        if reason is None:
            return _libgit(repo, durable=durable)
    except GitFailed as error:
        reason = error.message
    if prefer == "libgit":
        raise GitFailed(reason, hint="leave coord.store unset: the git program opens every repository")
    return PlumbingStore(repo, durable=durable)


def why_not_libgit(repo: Repo) -> str | None:
    """Why libgit2 cannot open ``repo``, in words; None when it can."""
    reason = _known_reason(repo)
    if reason is None:
        try:
            _libgit(repo, durable=False).close()
        except GitFailed as error:
            reason = error.message
    return reason


def _known_reason(repo: Repo) -> str | None:
    """What needs no import to know. libgit2 must not even try on a reftable: its own files there look like no refs."""
    if is_reftable(repo.common):
        return "libgit2 does not read reftable repositories"
    if repo.object_format != "sha1":
        return f"libgit2 does not read {repo.object_format} repositories"
    if _is_shared(repo.common):
        return "libgit2 does not make files as a shared repository needs them"
    return None


def _is_shared(common: str) -> bool:
    """Whether ``core.sharedRepository`` is at work: Git then sets the group on every directory it makes.

    libgit2 (1.9) makes them as the umask says: with 077 nobody else of the group could read a record.
    """
    try:
        return bool(os.stat(os.path.join(common, "objects")).st_mode & _SET_GROUP)
    except OSError:
        return False


def _libgit(repo: Repo, *, durable: bool) -> RefStore:
    try:
        from gitcoord.store.libgit import LibgitStore
    except ImportError as error:
        raise GitFailed(f"pygit2 cannot be imported: {error}") from None
    return LibgitStore(repo, durable=durable)
