"""Git hooks: put in, taken out, proved to fire. The way in for everybody outside ``git/hooks_*``.

Owns the choice of the way (configuration where Git knows it, files before) and the copies of the scripts in
``<common>/coord/hooks``. Never sets ``core.hooksPath``, never writes a committed file or anything outside the
repository. The other way is left alone when it is there already: one clone may be used by two Gits, an old one in a
terminal and a new one in an editor, and two calls are one beat.
"""

from __future__ import annotations

import fcntl
import os

from gitcoord.errors import GitFailed
from gitcoord.git import hooks_config, hooks_file, hooks_place, hooks_proof, localfile
from gitcoord.git.hooks_table import ALL, EVENTS, TRAILERS, HookChange, HookStatus, advice
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, contextmanager

if TYPE_CHECKING:
    from collections.abc import Iterator

LAUNCHER = "launcher"
"""Beside the scripts: how a hook that needs all of gitcoord starts it."""


def hook_source() -> str:
    """The directory of the hook scripts: in the installed package, or at the top of a source checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    candidates = [os.path.join(here, *up, "hooks") for up in ((os.pardir,), (os.pardir, os.pardir))]
    for path in map(os.path.normpath, candidates):
        if os.path.isfile(os.path.join(path, EVENTS[0].name)):
            return path
    raise GitFailed(f"the hook scripts are missing from {candidates[0]}", hint="install gitcoord again")


def install(
    repo: Repo, source_dir: str, launcher: str, *, trailers: bool = False, dry_run: bool = False
) -> list[HookChange]:
    """Put every hook where Git runs it; what was done, was done already, or cannot be done and why.

    ``launcher`` is the program that starts gitcoord; ``trailers``: also the hook for trailers, which goes otherwise.
    Twice gives the same bytes. Raises GitFailed.
    """
    scripts = {event.name: _script(source_dir, event.name) for event in (ALL if trailers else EVENTS)}
    copies = {event: os.path.join(repo.coord_dir, "hooks", event) for event in scripts}
    with _alone(repo, dry_run=dry_run):
        rows = [_copy(repo, scripts, launcher, dry_run=dry_run)]
        if not trailers and not dry_run:
            rows += _take_out(repo, TRAILERS.name)
        if hooks_config.supported(repo):
            return rows + hooks_config.install(repo, copies, dry_run=dry_run)
        for place in hooks_place.all_places(repo):
            rows += _in_place(place, scripts, dry_run=dry_run)
    return rows


def _in_place(place: hooks_place.Place, scripts: dict[str, bytes], *, dry_run: bool) -> list[HookChange]:
    slots = [hooks_file.Slot(place.directory, event) for event in scripts]
    if not place.problem:
        return [hooks_file.install(slot, scripts[slot.event], dry_run=dry_run) for slot in slots]
    return [
        HookChange(f"hook {slot.event}", slot.path, "refused", place.problem, advice(slot.path, slot.event))
        for slot in slots
    ]


def uninstall(repo: Repo) -> list[HookChange]:
    """Take every hook of ours out, of all worktrees and by whichever way it came. Raises GitFailed."""
    with _alone(repo, dry_run=False):
        return hooks_config.remove(repo) + _out_of_files(repo, [event.name for event in ALL]) + _remove_copies(repo)


def _out_of_files(repo: Repo, events: list[str]) -> list[HookChange]:
    # Before husky and friends came, our files were put where Git looks by itself.
    own = hooks_place.judged(repo, os.path.join(repo.common, "hooks"))
    places = {place.directory: place for place in (own, *hooks_place.all_places(repo))}
    rows = []
    for place in places.values():
        slots = [] if place.problem else [hooks_file.Slot(place.directory, event) for event in events]
        rows += [row for slot in slots if (row := hooks_file.uninstall(slot)) is not None]
    return rows


def _take_out(repo: Repo, event: str) -> list[HookChange]:
    """Take one hook out where it was put in."""
    copy = os.path.join(repo.coord_dir, "hooks", event)
    if not os.path.lexists(copy):
        return []
    rows = hooks_config.remove(repo, event) + _out_of_files(repo, [event])
    os.unlink(copy)
    return rows


def status(repo: Repo) -> list[HookStatus]:
    """For each hook whether it fires in this worktree, proved by having Git start it."""
    try:
        return hooks_proof.prove_all(repo)
    except GitFailed as error:
        return hooks_proof.unprovable(error)


def _script(source_dir: str, event: str) -> bytes:
    try:
        with open(os.path.join(source_dir, event), "rb") as file:
            return file.read()
    except OSError as error:
        raise GitFailed(f"the hook script {event} cannot be read: {error.strerror}") from None


def _copy(repo: Repo, scripts: dict[str, bytes], launcher: str, *, dry_run: bool) -> HookChange:
    """Copies, never links: package managers install by hard link, and an upgrade may take the original away."""
    directory = os.path.join(repo.coord_dir, "hooks")
    files = {**scripts, LAUNCHER: os.fsencode(launcher) + b"\n"}
    missing = [name for name, data in files.items() if localfile.read_all(os.path.join(directory, name)) != data]
    if missing and not dry_run:
        localfile.private_dir(repo.common, "coord", "hooks")
        try:
            for name in missing:
                mode = 0o600 if name == LAUNCHER else 0o700
                localfile.write_atomic(os.path.join(directory, name), files[name], mode)
        except OSError as error:
            raise GitFailed(f"{directory} cannot be written: {error.strerror}") from None
    return HookChange("hook scripts", directory, "written" if missing else "unchanged")


def _remove_copies(repo: Repo) -> list[HookChange]:
    directory = os.path.join(repo.coord_dir, "hooks")
    if not os.path.isdir(directory):
        return []
    try:
        for name in (*(event.name for event in ALL), LAUNCHER):
            path = os.path.join(directory, name)
            if os.path.lexists(path):
                os.unlink(path)
        os.rmdir(directory)
    except OSError as error:
        why = f"it cannot be removed ({error.strerror}), but nothing leads to it any more"
        return [HookChange("hook scripts", directory, "refused", why)]
    return [HookChange("hook scripts", directory, "removed")]


@contextmanager
def _alone(repo: Repo, *, dry_run: bool) -> Iterator[None]:
    """One installation at a time: two that chain each other's file would call each other for ever."""
    if dry_run:
        yield
        return
    fd = os.open(localfile.private_dir(repo.common, "coord"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
