"""Which repository this is and what is set there, asked in one question while a command is still being imported.

``repo.discover`` asks Git two questions, and every start of Git holds this process up. Here the files say where the
repository should be (``.git`` in this directory or the nearest one above), and Git is asked for the settings, with the
file that each comes from. Git looks no higher than that place (a ceiling above it), by its own rules of what a
repository is and whom it may belong to; only if it then read that very repository's ``config``, and nothing in it is
unusual, this is the answer. Else there is none, and ``discover`` asks as always.
"""

from __future__ import annotations

import os

from gitcoord.git import run as process
from gitcoord.git.run import Done
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.startup import place_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ASKED = (
    "config",
    "-z",
    "--show-origin",
    "--get-regexp",
    r"^(coord\.|user\.|author\.|extensions\.|core\.(bare|worktree|repositoryformatversion)$)",
)
_OURS = ("coord.", "user.", "author.")
_FORMAT = "core.repositoryformatversion"
_UNUSUAL = ("core.worktree", "extensions.worktreeconfig")
"""With these the place or the settings are not what the files suggest."""
_ITS_OWN = ("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM")


class Seen(msgspec.Struct, frozen=True):
    """What Git confirmed: the worktree's root, its Git directory and the one that all worktrees share, all absolute."""

    top: str
    git_dir: str
    common: str
    object_format: str


_asked: dict[str, tuple[tuple[str, str, str], Sequence[str], Mapping[str, str]]] = {}
_settings: dict[str, bytes] = {}


def begin(start: str, environ: Mapping[str, str], env: Mapping[str, str]) -> None:
    """Ask about the repository around ``start`` now, unless that is done. ``env``: clean (``repo.clean_env``)."""
    if start in _asked:
        return
    try:
        place = place_of(start)
    except OSError:
        return
    top, git_dir, common = place
    inside = f"{start}/".startswith(f"{common}/")  # of the Git directory: a place without a worktree
    plain = all(os.path.realpath(path) == path for path in (start, git_dir))  # absolute, and no links on the way
    if inside or not plain or any(name in environ for name in _ITS_OWN):
        return
    if "GIT_DIR" in environ and (start != top or os.path.realpath(os.path.join(start, environ["GIT_DIR"])) != git_dir):
        return  # but hooks are told of the very one that they stand in
    argv = ["git", "-C", start, *_ASKED]  # not at the top: there may be a bare repository in between
    settled = {**env, "GIT_CEILING_DIRECTORIES": os.path.dirname(top)}
    process.begin(argv, env=settled)
    _asked[start] = place, argv, settled


def answer(start: str) -> Seen | None:
    """What ``begin`` asked about ``start``; None where Git has to be asked the long way."""
    asked = _asked.pop(start, None)
    if asked is None:
        return None
    place, argv, env = asked
    done = process.run(argv, env=env)
    return _read(done, *place) if done.code == 0 else None


def settings_of(common: str) -> bytes | None:
    """The settings that came with an answer, as ``git config -z`` prints them; once, as they may change."""
    return _settings.pop(common, None)


def _read(done: Done, top: str, git_dir: str, common: str) -> Seen | None:
    words = done.out.split(b"\0")
    config = os.path.join(common, "config")
    kept: list[bytes] = []
    values: dict[str, str] = {}
    confirmed = False
    for at in range(0, len(words) - 1, 2):
        name, _, value = os.fsdecode(words[at + 1]).partition("\n")
        if name.startswith(_OURS):
            kept.append(words[at + 1] + b"\0")
        values[name] = value
        origin = os.fsdecode(words[at]).removeprefix("file:")
        if name == _FORMAT:
            confirmed = os.path.join(top, origin) == config
    if not confirmed or values.get("core.bare") != "false" or any(name in values for name in _UNUSUAL):
        return None
    _settings[common] = b"".join(kept)
    return Seen(top, git_dir, common, values.get("extensions.objectformat", "sha1"))
