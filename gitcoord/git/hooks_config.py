"""Hooks by configuration: since Git 2.54 ``hook.<name>.event`` and ``hook.<name>.command`` run beside all hook files.

Owns the ``hook.gitcoord-*`` sections of the repository's own config. They touch no file of anybody, and work in
worktrees where a relative ``core.hooksPath`` finds nothing. Older Gits ignore them.
"""

from __future__ import annotations

import os
import shlex

from gitcoord.git.hooks_table import ALL, HookChange
from gitcoord.git.repo import Repo

SINCE = (2, 54)


def supported(repo: Repo) -> bool:
    """Whether the Git that runs here knows hooks by configuration."""
    words = repo.git("version").text.split()
    numbers = words[2].split(".")[:2] if len(words) > 2 else []
    return len(numbers) == 2 and all(n.isdecimal() for n in numbers) and tuple(int(n) for n in numbers) >= SINCE


def name_of(event: str) -> str:
    return f"gitcoord-{event}"


def command_for(path: str) -> str:
    """The command that runs the script at ``path`` while it is there.

    Git runs it by a shell with the hook's arguments appended; that shell reads the script itself, because starting
    another one takes longer than all the script does. A script that is gone (the repository was moved, the local files
    were deleted) must not become the exit status of somebody's checkout.
    """
    return f'coord_from={shlex.quote(path)}; [ ! -f "$coord_from" ] || [ ! -r "$coord_from" ] || . "$coord_from"'


def commands(repo: Repo) -> dict[str, str]:
    """The command that the repository's config has for each of our events."""
    found = {}
    for key, value in _entries(repo):
        for event in ALL:
            if key == f"hook.{name_of(event.name)}.command":
                found[event.name] = value
    return found


def _entries(repo: Repo) -> list[tuple[str, str]]:
    done = repo.git("config", "--local", "-z", "--get-regexp", r"^hook\.gitcoord-", check=False)
    pairs = (os.fsdecode(item).partition("\n") for item in done.out.split(b"\0") if item)
    return [(key, value) for key, _, value in pairs]


def install(repo: Repo, scripts: dict[str, str], *, dry_run: bool) -> list[HookChange]:
    """Write one section for each event; ``scripts`` has the path of its script. Raises GitFailed."""
    entries = _entries(repo)
    path = os.path.join(repo.common, "config")
    rows = []
    for event, script in scripts.items():
        section = f"hook.{name_of(event)}"
        # The command first: an event without a command stops every Git command that runs hooks.
        wanted = [(f"{section}.command", command_for(script)), (f"{section}.event", event)]
        have = [(key, value) for key, value in entries if key in (wanted[0][0], wanted[1][0])]
        change = sorted(have) != wanted
        if change and not dry_run:
            for key, value in wanted:
                repo.git("config", "--local", "--replace-all", key, value)
        rows.append(HookChange(section, path, "written" if change else "unchanged"))
    return rows


def remove(repo: Repo, event: str | None = None) -> list[HookChange]:
    """Take our sections out again, or the one of ``event``. Raises GitFailed."""
    path = os.path.join(repo.common, "config")
    sections = dict.fromkeys(key.rpartition(".")[0] for key, _ in _entries(repo))
    if event is not None:
        sections = {section: None for section in sections if section == f"hook.{name_of(event)}"}
    for section in sections:
        repo.git("config", "--local", "--remove-section", section)
    return [HookChange(section, path, "removed") for section in sections]
