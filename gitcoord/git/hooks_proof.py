"""Proof that Git runs a hook of ours: it is really started, by Git, in a given worktree, and writes down that it was.

Owns the question and its answer in words. Our script ends the whole process group once it has written (``coord_prove``
in hooks/post-commit), so nothing that stands behind it in the chain runs; and nothing is started at all where no way
leads to us, because other people's hooks lint, deploy and send mail.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed
from gitcoord.git import hooks_config, hooks_place, localfile
from gitcoord.git.hooks_file import Slot
from gitcoord.git.hooks_table import EVENTS, TRAILERS, Event, HookStatus, advice
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE = 5.0
_INSTALL = "git coord hooks install"


def prove_all(repo: Repo) -> list[HookStatus]:
    """For each event whether it fires in this worktree, proved. Raises GitFailed."""
    place = hooks_place.place_of(repo, repo.top)
    configurable = hooks_config.supported(repo)
    configured = hooks_config.commands(repo) if configurable else {}
    answers = []
    for event in _installed(repo):
        slot = Slot(place.directory, event.name)
        others = _others(repo, event) if configurable else []
        answer = _prove_config(repo, event, others) if event.name in configured else None
        if (answer is None or not answer.fires) and _may_reach_us(slot):
            answer = _prove_file(repo, event, slot, others)
        answers.append(answer or _silent(event, place, slot))
    return answers


def _installed(repo: Repo) -> tuple[Event, ...]:
    """The hooks that should fire: the one for trailers only where it was asked for."""
    wanted = os.path.lexists(os.path.join(repo.coord_dir, "hooks", TRAILERS.name))
    return (*EVENTS, TRAILERS) if wanted else EVENTS


def _prove_config(repo: Repo, event: Event, others: list[str]) -> HookStatus:
    path = os.path.join(repo.common, "config")
    why = _start(repo, event, [*others, "-c", "core.hooksPath=/dev/null"])
    if why:
        return HookStatus(event.name, False, "none", path, why, _INSTALL)
    return HookStatus(event.name, True, "config", path, "Git started it by its configuration")


def _prove_file(repo: Repo, event: Event, slot: Slot, others: list[str]) -> HookStatus:
    why = _start(repo, event, others)
    if why:
        return HookStatus(event.name, False, "none", slot.path, why, _INSTALL)
    return HookStatus(event.name, True, "file", slot.path, "Git started it by its hook file")


def _start(repo: Repo, event: Event, options: Sequence[str]) -> str:
    """Let Git run the hook; why it did not reach us, empty when it did."""
    note = localfile.new_name(os.path.join(localfile.private_dir(repo.common, "coord"), "proof"))
    localfile.write_line(note, "probe")
    try:
        repo.git(
            *options,
            *("hook", "run", "--ignore-missing", event.name, "--", *event.arguments),
            at=repo.top or repo.common,
            env={"GIT_COORD_HOOK_PROBE": note},
            check=False,
            timeout=_PATIENCE,
        )
        answer = localfile.read_line(note, 100)
    except TimeoutError:
        return f"something that runs before it took more than {_PATIENCE:.0f} s"
    finally:
        os.unlink(note)
    return "" if answer == f"fired {event.name}" else "Git ran the hook, and it did not come to us"


def _others(repo: Repo, event: Event) -> list[str]:
    """Options that leave the configured hooks of others out of the proof: they would run before ours."""
    names = repo.git("hook", "list", event.name, at=repo.top or repo.common, check=False).text.split("\n")
    mine = hooks_config.name_of(event.name)
    # A name with "=" cannot be said on the command line, and then it just runs.
    switches = [f"hook.{name}.enabled=false" for name in names if name and name != mine and "=" not in name]
    return [word for switch in switches for word in ("-c", switch)]


def _may_reach_us(slot: Slot) -> bool:
    """Whether starting the hook file can lead to our script: it is ours, or runs ours, or says that it calls it."""
    if slot.reached() is not None:
        return True
    call = f"coord/hooks/{slot.event}".encode()
    # husky's files in .husky/_ run those of the same name in .husky
    return any(call in _head(path) for path in (slot.path, os.path.join(slot.directory, os.pardir, slot.event)))


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1 << 16)
    except OSError:
        return b""


def _silent(event: Event, place: hooks_place.Place, slot: Slot) -> HookStatus:
    """Why it cannot fire, without starting anything."""
    if place.problem:
        return HookStatus(event.name, False, "none", slot.path, place.problem, advice(slot.path, event.name))
    if os.path.lexists(slot.former) or slot.ours() is not None:
        why = f"another tool wrote over it: {slot.path} does not lead to gitcoord"
        return HookStatus(event.name, False, "none", slot.path, why, _INSTALL)
    return HookStatus(event.name, False, "none", None, "it is not installed", _INSTALL)


def unprovable(error: GitFailed) -> list[HookStatus]:
    """The answer where the question cannot be asked (a read-only Git directory): nothing is proved."""
    return [HookStatus(e.name, False, "none", None, f"it could not be tried: {error.message}") for e in EVENTS]
