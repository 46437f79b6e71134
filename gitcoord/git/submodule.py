"""Checks out in a new worktree the submodules that the main checkout has, without the network.

Each is cloned from the repository that Git keeps for it under ``<common>/modules`` (hard links, milliseconds) and then
told its real address. Whatever fails becomes a notice: the worktree is usable without.
"""

from __future__ import annotations

import os

from gitcoord.git.repo import Repo
from gitcoord.git.settings import with_settings
from gitcoord.lean import msgspec


class _Module(msgspec.Struct, frozen=True):
    """A submodule: its name, where it lies in the worktree, its address, and the main checkout's repository of it."""

    name: str
    path: str
    url: str
    local: str


def check_out(repo: Repo, top: str) -> list[str]:
    """Check submodules out in the worktree ``top``; what could not be done, in words."""
    if not os.path.isfile(os.path.join(top, ".gitmodules")):
        return []
    return _check_out(repo, repo.common, top)


def _check_out(repo: Repo, git_dir: str, top: str) -> list[str]:
    notices = []
    for module in _known(repo, git_dir, top):
        trouble = _clone(repo, module, top)
        place = os.path.join(top, module.path)
        if trouble:
            notices.append(f"submodule {module.path} is not checked out: {trouble}")
        elif os.path.isfile(os.path.join(place, ".gitmodules")):
            notices += _check_out(repo, module.local, place)
    return notices


def _known(repo: Repo, git_dir: str, top: str) -> list[_Module]:
    """The submodules that ``.gitmodules`` in ``top`` names and that ``git_dir`` has an address and a repository for."""
    paths = _settings(repo, "path", "--file", os.path.join(top, ".gitmodules"))
    urls = _settings(repo, "url", "--file", os.path.join(git_dir, "config"))
    found = []
    for name, path in paths.items():
        # .gitmodules is tracked content: only a name that was registered here by the user's own git leads anywhere.
        local = os.path.join(git_dir, "modules", name)
        if name in urls and ".." not in name.split("/") and os.path.isfile(os.path.join(local, "HEAD")):
            found.append(_Module(name, path, urls[name], local))
    return found


def _settings(repo: Repo, key: str, *source: str) -> dict[str, str]:
    done = repo.git("config", *source, "-z", "--get-regexp", rf"^submodule\..*\.{key}$", check=False)
    found: dict[str, str] = {}
    for item in done.out.split(b"\0"):
        setting, _, value = os.fsdecode(item).partition("\n")
        if setting.startswith("submodule.") and setting.endswith((".path", ".url")):
            found[setting.partition(".")[2].rpartition(".")[0]] = value
    return found


def _clone(repo: Repo, module: _Module, top: str) -> str:
    """Clone and check out one submodule; the complaint, empty when it worked."""
    # `submodule.<name>.url` in the configuration is what `update` clones from, and our word for it counts last.
    local = {f"submodule.{module.name}.url": module.local, "protocol.file.allow": "always"}
    done = repo.git(
        *("submodule", "--quiet", "update", "--", f":(top,literal){module.path}"),
        at=top,
        env=with_settings(repo.env, local),
        check=False,
    )
    if done.code != 0:
        return done.complaint or f"exit code {done.code}"
    place = os.path.join(top, module.path)
    if os.path.lexists(os.path.join(place, ".git")):
        repo.git("config", "remote.origin.url", module.url, at=place)
    return ""
