"""What ``git status`` says about one worktree, parsed; asked in a way that never writes the index.

Owns the one reading of ``--porcelain=v2 -z``. Settings that would hide changes (``status.showUntrackedFiles``,
``diff.ignoreSubmodules``) are overruled: whoever asks here decides whether work would be lost.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

GITLINK = "160000"
ABSENT = "000000"


class Entry(msgspec.Struct, frozen=True):
    """One changed path. ``staged`` and ``unstaged`` are Git's letters (``.`` for no change).

    ``kind`` is ``1`` for a tracked path, ``u`` for an unmerged one, ``?`` for an untracked one (a nested repository
    ends in ``/``). ``submodule`` is ``N...`` or ``S<c><m><u>``; ``mode`` is that of the file as it lies there.
    ``stages`` holds mode and oid of the base, our and their version of an unmerged path.
    """

    kind: str
    path: str
    staged: str = "."
    unstaged: str = "."
    submodule: str = "N..."
    mode: str = ABSENT
    stages: tuple[tuple[str, str], ...] = ()

    @property
    def missing(self) -> bool:
        """Whether a tracked path has no file."""
        return self.mode == ABSENT if self.kind == "u" else self.unstaged == "D"

    @property
    def intended(self) -> bool:
        """Whether only the intent to add it is recorded (``git add -N``), maybe after its removal was staged."""
        return self.kind == "1" and self.unstaged == "A"

    @property
    def nested(self) -> bool:
        """Whether it is a whole untracked repository, whose content is not ours to copy."""
        return self.kind == "?" and self.path.endswith("/")

    @property
    def moved(self) -> bool:
        """Whether it is a submodule at another commit than the index says."""
        return self.submodule.startswith("S") and self.submodule[1] == "C"

    @property
    def dirty_inside(self) -> bool:
        """Whether it is a submodule with uncommitted work of its own."""
        return self.submodule.startswith("S") and self.submodule[2:] != ".."


class Status(msgspec.Struct, frozen=True):
    """``head`` is None before the first commit, ``branch`` (short) None when detached."""

    head: str | None
    branch: str | None
    entries: tuple[Entry, ...]


def read(repo: Repo, top: str, *, untracked: str = "normal", env: Mapping[str, str] | None = None) -> Status:
    """The status of the worktree at ``top``; ``untracked`` is ``normal`` (whole directories) or ``all`` (files)."""
    done = repo.git(
        *("status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--no-renames"),
        *(f"--untracked-files={untracked}", "--ignored=no", "--ignore-submodules=none"),
        at=top,
        env={"GIT_OPTIONAL_LOCKS": "0", **(env or {})},
    )
    return _parse(done.out)


def _parse(out: bytes) -> Status:
    head = branch = None
    entries = []
    for raw in out.split(b"\0"):
        line = os.fsdecode(raw)
        if line.startswith("# branch.oid "):
            head = line.removeprefix("# branch.oid ")
        elif line.startswith("# branch.head "):
            branch = line.removeprefix("# branch.head ")
        elif line[:2] in ("1 ", "u ", "? "):
            try:
                entries.append(_entry(line))
            except (ValueError, IndexError):
                raise GitFailed(f"git status said what nobody understands: {line[:200]!r}") from None
    return Status(
        None if head == "(initial)" else head,
        None if branch == "(detached)" else branch,
        tuple(entries),
    )


def _entry(line: str) -> Entry:
    if line[0] == "?":
        return Entry("?", line[2:], unstaged="?")
    if line[0] == "1":
        _, xy, submodule, _, _, mode, _, _, path = line.split(" ", 8)
        return Entry("1", path, xy[0], xy[1], submodule, mode)
    _, xy, submodule, m1, m2, m3, mode, h1, h2, h3, path = line.split(" ", 10)
    return Entry("u", path, xy[0], xy[1], submodule, mode, ((m1, h1), (m2, h2), (m3, h3)))
