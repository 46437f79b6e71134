"""What the files ref backend looks like on disk: where a ref's file and its lock are, and which refs there are.

Reads only. Needed because both libgit2 and ``git for-each-ref`` leave out refs that are there but unreadable (libgit2
an empty file, git a symbolic ref that points nowhere), and a claim that looks absent would look free. Must not know
records. A reftable repository has none of these files.
"""

from __future__ import annotations

import errno
import os

from gitcoord.lean import TYPE_CHECKING
from gitcoord.store.base import BROKEN
from gitcoord.store.packed import packed_refs

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEX = frozenset(b"0123456789abcdef")


def is_reftable(common: str) -> bool:
    """Whether the repository at ``common`` keeps its refs in a reftable instead of files."""
    return os.path.isdir(os.path.join(common, "reftable"))


def lock_path(common: str, ref: str) -> str:
    """The file whose existence says that somebody is changing ``ref``."""
    return os.path.join(common, *ref.split("/")) + ".lock"


def loose_value(common: str, ref: str) -> str | None:
    """The oid in the ref's own file, BROKEN when the file holds no oid, None when there is no such file."""
    try:
        fd = os.open(os.path.join(common, *ref.split("/")), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return BROKEN  # a symbolic link: Git's old way of saying symbolic ref
        raise
    try:
        data = os.read(fd, 256)
    except IsADirectoryError:
        return None  # a directory of refs is not a ref
    finally:
        os.close(fd)
    return _oid(data)


def values(common: str, refs: Sequence[str]) -> dict[str, str | None]:
    """The oid of each ref, BROKEN where there is none to be had, None where there is no such ref.

    Its own file first, then packed-refs: ``git pack-refs`` writes the packed value before it removes the file. No
    process: ``git for-each-ref`` takes 2 ms, and leaves out symbolic refs that point nowhere.
    """
    found = {ref: loose_value(common, ref) for ref in refs}
    absent = [ref for ref, value in found.items() if value is None]
    if absent:
        packed = packed_refs(common)
        found.update((ref, packed.value(ref)) for ref in absent)
    return found


def packed_value(common: str, ref: str) -> str | None:
    """The oid of ``ref`` in packed-refs, where a newer one in its own file hides it; None where there is none."""
    return packed_refs(common).value(ref)


def _oid(data: bytes) -> str:
    """The oid at the start of a ref file. Git takes one that is all zeros for broken too."""
    for size in (40, 64):
        after = data[size : size + 1]
        if len(data) >= size and _HEX.issuperset(data[:size]) and (not after or after.isspace()):
            oid = data[:size].decode("ascii")
            return oid if oid.strip("0") else BROKEN
    return BROKEN


def list_all(common: str, prefix: str) -> dict[str, str]:
    """Every ref below ``prefix`` with its oid, BROKEN where there is none to be had.

    Loose files first, then packed-refs: ``git pack-refs`` writes the packed value before it removes the file, so a ref
    that is there all along is seen in at least one of the two. Medians for 10,000 loose refs, on a busy machine: 80 ms;
    libgit2 150, ``git for-each-ref`` 180.
    """
    answer: dict[str, str] = {}
    folders = [prefix.rstrip("/")]
    while folders:
        folder = folders.pop()
        try:
            at = os.open(os.path.join(common, *folder.split("/")), os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            continue  # git removes directories that have become empty
        try:
            folders += _list_folder(at, folder, answer)
        finally:
            os.close(at)
    return packed_refs(common).below(prefix) | answer


def _list_folder(at: int, folder: str, answer: dict[str, str]) -> list[str]:
    """Add the refs that have a file in the open directory ``at`` to ``answer``; the folders in it."""
    folders = []
    with os.scandir(at) as entries:
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{folder}/{name}")
            elif not name.startswith(".") and not name.endswith(".lock"):
                value = _value_at(at, name)
                if value is not None:
                    answer[f"{folder}/{name}"] = value
    return folders


def _value_at(at: int, name: str) -> str | None:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    except (FileNotFoundError, NotADirectoryError):
        return None  # packed or removed meanwhile
    except OSError as error:
        if error.errno == errno.ELOOP:
            return BROKEN  # a symbolic link: Git's old way of saying symbolic ref
        raise
    try:
        return _oid(os.read(fd, 256))
    except IsADirectoryError:
        return None
    finally:
        os.close(fd)
