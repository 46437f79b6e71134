"""Paths as people name them, turned into paths as Git names them: relative to the top of the worktree."""

from __future__ import annotations

import os

from gitcoord.errors import Usage


def below(top: str, start: str, path: str) -> str:
    """``path``, named from the directory ``start``, relative to ``top``; a directory ends in ``/``. Raises Usage.

    Only the directory part is resolved: a symbolic link is a path of its own to Git.
    """
    named = os.path.join(start, path)
    folder, name = os.path.split(named.rstrip("/") or "/")
    whole = os.path.join(os.path.realpath(folder), name) if name not in ("", ".", "..") else os.path.realpath(named)
    inside = os.path.relpath(whole, os.path.realpath(top))
    if inside == os.pardir or inside.startswith(os.pardir + os.sep):
        raise Usage(f"{path} is outside of the worktree {top}", hint="name paths inside of it")
    is_folder = path.endswith("/") or (os.path.isdir(whole) and not os.path.islink(whole))
    return f"{inside}/" if is_folder and inside != os.curdir else inside
