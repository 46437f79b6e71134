"""Where a task's worktree goes and what its branch is called.

Templates come from local configuration only; what comes out of records (task ids, titles) enters as a checked key or a
slug, so nobody who can push a record can steer a path.
"""

from __future__ import annotations

import os

from gitcoord.core import names
from gitcoord.errors import Usage
from gitcoord.git.repo import Repo
from gitcoord.git.worktree_list import main_top

BRANCH = "coord/{task}-{slug}"
"""The branch of a task; without a slug the ``-`` before it goes too."""

_LONGEST = 250
# Patterns as text: importing re takes 2 ms, which commands that only look at worktrees need not wait for.
_KEY = r"[a-z0-9](?:[a-z0-9_+-]|\.(?!\.))*\Z"
_PLAIN_BRANCH = r"(?:[A-Za-z0-9_][A-Za-z0-9_+-]*(?:\.[A-Za-z0-9_+-]+)*/)*[A-Za-z0-9_][A-Za-z0-9_+-]*\Z"


def plan_path(repo: Repo, template: str | None, task_key: str) -> str:
    """The absolute path for the worktree of the task with this key (``names.key``).

    ``template`` may hold ``{task}`` (added as last component where it is missing) and ``{repo}``, start with ``~/``,
    and be absolute or relative: to the main worktree's root, or to the directory around a bare repository.
    """
    import re

    if not re.match(_KEY, task_key):
        raise ValueError(f"not a safe key: {task_key!r}")
    top = main_top(repo)
    where = top if top is not None else os.path.dirname(repo.common)
    name = _repo_name(repo.common, where)
    chosen = template or _default(repo.common, top)
    if "{task}" not in chosen:
        chosen = os.path.join(chosen, "{task}")
    if chosen.startswith("~/"):
        chosen = os.path.join(repo.env.get("HOME", "~"), chosen[2:])
    return os.path.normpath(os.path.join(where, chosen.replace("{repo}", name).replace("{task}", task_key)))


def _default(common: str, top: str | None) -> str:
    # Inside a bare repository a directory would sit among Git's own; /srv/x.git gets /srv/x.worktrees beside it.
    # The layouts project/.bare and project/.git (bare) have the project's directory to themselves.
    if top is None and not os.path.basename(common).startswith("."):
        return "{repo}.worktrees/{task}"
    return ".worktrees/{task}"


def _repo_name(common: str, where: str) -> str:
    name = os.path.basename(common)
    return os.path.basename(where) if name.startswith(".") else name.removesuffix(".git")


def branch_name(task_id: str, title: str, template: str | None = None) -> str:
    """The branch for a task: ``coord/15-fix-the-login``.

    ``template`` may hold ``{task}`` (added as last component where it is missing) and ``{slug}``.
    """
    key = names.key(task_id)
    words = names.slug(title)
    own = names.slug(task_id)
    if words == own:
        words = ""
    elif own and words.startswith(f"{own}-"):
        words = words.removeprefix(f"{own}-")
    name = template or BRANCH
    if "{task}" not in name:
        name = f"{name.rstrip('/')}/{{task}}"
    if not words:
        import re

        name = re.sub(r"[-_./]?\{slug\}", "", name)
    return name.replace("{slug}", words).replace("{task}", key)


def check_branch(repo: Repo, branch: str) -> None:
    """Raises Usage unless ``branch`` is a literal branch name that Git accepts: no option, no ``@{-1}``."""
    import re

    if branch == "HEAD" or branch.startswith(("-", "refs/")) or _is_too_long(branch):
        accepted = False
    elif re.match(_PLAIN_BRANCH, branch) and ".lock" not in branch:
        accepted = True  # the names we make ourselves do not cost a process
    else:
        accepted = repo.git("check-ref-format", f"refs/heads/{branch}", check=False).code == 0
    if not accepted:
        raise Usage(f"'{branch}' cannot be the name of a branch", hint="name another with --branch")


def _is_too_long(branch: str) -> bool:
    """Whether a part would not fit a file system's names, with the ``.lock`` that Git appends."""
    return any(len(os.fsencode(part)) > _LONGEST for part in branch.split("/"))
