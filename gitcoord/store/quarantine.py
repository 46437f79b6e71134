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
from gitcoord.git.run import Done
from gitcoord.store.base import BROKEN
from gitcoord.store.files import is_reftable, loose_value, packed_value

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
    done = _delete(repo, ref)
    if done.code != 0 and not is_reftable(repo.common) and loose_value(repo.common, ref) == BROKEN:
        _make_readable(repo, ref)
        done = _delete(repo, ref)
    if done.code != 0:
        raise GitFailed(f"{ref} cannot be moved aside: {done.complaint}")
    return path


def _delete(repo: Repo, ref: str) -> Done:
    return repo.git("update-ref", "--no-deref", "-d", ref, check=False)


def _content(repo: Repo, ref: str) -> bytes:
    """What the ref holds: its file as it is, and what git lists for it or has packed."""
    try:
        with open(os.path.join(repo.common, *ref.split("/")), "rb") as file:
            held = file.read(_MAX)
    except OSError:
        listed = repo.git("for-each-ref", "--format=%(refname) %(objectname) %(symref)", ref, check=False)
        return listed.out[:_MAX]
    older = None if is_reftable(repo.common) else packed_value(repo.common, ref)
    return held if older is None else held + f"\npacked before: {older}\n".encode()


def _make_readable(repo: Repo, ref: str) -> None:
    """Put an oid into a file that holds none (an empty one, after a power cut): Git neither reads nor deletes those.

    Not unlinked instead: an older value that was packed would come to light, and with it a claim and its token that
    were given back long ago. The oid is no object's, so the ref is as corrupt as before until Git has deleted it.
    """
    path = os.path.join(repo.common, *ref.split("/"))
    lock = f"{path}.lock"
    try:
        fd = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise GitFailed(f"{ref} is locked: {error.strerror}") from None
    try:
        os.write(fd, b"f" * (64 if repo.object_format == "sha256" else 40) + b"\n")
        os.rename(lock, path)
    except OSError as error:
        os.unlink(lock)
        raise GitFailed(f"{path} cannot be written: {error.strerror}") from None
    finally:
        os.close(fd)
