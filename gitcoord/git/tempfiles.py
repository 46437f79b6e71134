"""Names for scratch files of Git commands (temporary indexes), under ``<common>/coord/tmp``.

Owns that directory. A kill leaves files behind; whoever comes next sweeps those that are a day old.
"""

from __future__ import annotations

import os
import time

from gitcoord.git.localfile import private_dir
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, contextmanager

if TYPE_CHECKING:
    from collections.abc import Iterator

_OLD = 86_400.0


@contextmanager
def scratch_index(repo: Repo) -> Iterator[str]:
    """A path for ``GIT_INDEX_FILE``, not there yet; what Git made of it is gone afterwards."""
    directory = private_dir(repo.common, "coord", "tmp")
    _sweep(directory)
    path = _fresh(directory)
    try:
        yield path
    finally:
        for leftover in (path, f"{path}.lock", f"{path}.taken"):
            try:
                os.unlink(leftover)
            except FileNotFoundError:
                pass


def _fresh(directory: str) -> str:
    """A name that is ours: the ``.taken`` file beside it was made by us and nobody else."""
    count = 0
    while True:
        path = os.path.join(directory, f"index-{os.getpid()}-{count}")
        try:
            os.close(os.open(f"{path}.taken", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            count += 1
        else:
            return path


def _sweep(directory: str) -> None:
    limit = time.time() - _OLD
    for entry in os.scandir(directory):
        try:
            # not st_mtime: a copied index keeps the original's, which may be weeks old
            if entry.stat(follow_symlinks=False).st_ctime < limit:
                os.unlink(entry.path)
        except OSError:
            pass  # somebody else swept it
