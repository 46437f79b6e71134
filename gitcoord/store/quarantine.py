"""Moving a corrupt ref out of the way without losing a byte of it.

Owns ``<common>/coord/quarantine/``. A ref that cannot be read stops everything that needs it (rightly: corrupt is never
free) and makes ``git gc`` and ``git log --all`` fail for the user; this is the only way out that keeps the evidence.
"""

from __future__ import annotations

import os

from gitcoord.core import names
from gitcoord.errors import GitFailed
from gitcoord.git import localfile
from gitcoord.git.repo import Repo
from gitcoord.store.files import is_reftable

_MAX = 1 << 16


def move_aside(repo: Repo, ref: str) -> str:
    """Take ``ref`` out of the namespace; the file that keeps what it held. Raises GitFailed.

    What the ref pointed to, if anything, goes into the file as text: the object itself stays in the repository.
    """
    if not ref.startswith(names.OURS) or ".." in ref:
        raise GitFailed(f"{ref} is not a coordination ref")
    place = localfile.private_dir(repo.common, "coord", "quarantine")
    path = os.path.join(place, ref.removeprefix("refs/").replace("/", "_") + "." + os.urandom(4).hex())
    content = _content(repo, ref)
    try:
        localfile.write_atomic(path, content)
    except OSError as error:
        raise GitFailed(f"{path} cannot be written: {error.strerror}") from None
    done = repo.git("update-ref", "--no-deref", "-d", ref, check=False)
    if done.code != 0:
        _unlink(repo, ref, done.complaint)
    return path


def _content(repo: Repo, ref: str) -> bytes:
    """What the ref holds: its file as it is, or what git lists for it."""
    try:
        with open(os.path.join(repo.common, *ref.split("/")), "rb") as file:
            return file.read(_MAX)
    except OSError:
        listed = repo.git("for-each-ref", "--format=%(refname) %(objectname) %(symref)", ref, check=False)
        return listed.out[:_MAX]


def _unlink(repo: Repo, ref: str, complaint: str) -> None:
    """An empty ref file: git neither reads nor deletes it. Under git's own lock for that ref we do."""
    if is_reftable(repo.common):
        raise GitFailed(f"{ref} cannot be moved aside: {complaint}")
    path = os.path.join(repo.common, *ref.split("/"))
    try:
        fd = os.open(f"{path}.lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise GitFailed(f"{ref} is locked: {error.strerror}") from None
    try:
        os.unlink(path)
    except OSError as error:
        raise GitFailed(f"{path} cannot be removed: {error.strerror}") from None
    finally:
        os.close(fd)
        os.unlink(f"{path}.lock")
