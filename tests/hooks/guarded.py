"""What the guard tests share: a repository with our hooks, workers in worktrees of their own, and real commits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitcoord.coordinator import Coordinator
from gitcoord.git import hooks
from tests.faults.support import Office
from tests.support import Ran, Scratch


@dataclass
class Guarded:
    """An office with the hooks installed."""

    office: Office
    launcher: Path

    @classmethod
    def found(cls, scratch: Scratch) -> Guarded:
        return cls._around(Office.found(scratch))

    @classmethod
    def over(cls, scratch: Scratch) -> Guarded:
        """The same over a clone that takes part in the coordination already."""
        return cls._around(Office(scratch))

    @classmethod
    def _around(cls, office: Office) -> Guarded:
        scratch = office.scratch
        launcher = scratch.path.parent / "launcher"
        launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitcoord "$@"\n')
        launcher.chmod(0o755)
        made = cls(office, launcher)
        made.install()
        return made

    def install(self, *, trailers: bool = False) -> None:
        hooks.install(self.office.coord().repo, hooks.hook_source(), str(self.launcher), trailers=trailers)

    @property
    def main(self) -> Scratch:
        return self.office.scratch

    def worker(self, name: str, task: str) -> tuple[Coordinator, Scratch]:
        """A session with a claim, and the worktree made for it."""
        coord = self.office.hire(name)
        grant = coord.claim(task)
        assert grant.task.worktree is not None
        return coord, Scratch(Path(grant.task.worktree))


def stage(tree: Scratch, *paths: str) -> None:
    """Change files and put them into the index."""
    for path in paths:
        target = tree.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{os.urandom(4).hex()}\n")
        tree.git("add", "--", path)


def git(tree: Scratch, *args: str, env: Mapping[str, str] | None = None) -> Ran:
    """Run git and take its answer as it comes."""
    done = subprocess.run(
        ["git", *args],
        cwd=tree.path,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def commit(tree: Scratch, *args: str, env: Mapping[str, str] | None = None) -> Ran:
    return git(tree, "commit", "-q", "-m", "change", *args, env=env)


def blocked(tree: Scratch, *paths: str) -> str:
    """Commit ``paths`` in vain; what was said."""
    stage(tree, *paths)
    head = tree.git("rev-parse", "HEAD")
    ran = commit(tree)
    assert ran.code == 1, ran.err
    assert tree.git("rev-parse", "HEAD") == head
    return ran.err


def allowed(tree: Scratch, *paths: str) -> str:
    """Commit ``paths``; what was said besides."""
    stage(tree, *paths)
    ran = commit(tree)
    assert ran.code == 0, ran.err
    return ran.err


ASKED = ("for-each-ref", "cat-file", "config", "rev-parse", "interpret-trailers", "stripspace")


def asked(guarded: Guarded, tree: Scratch, *args: str) -> list[str]:
    """What our hooks ask during a git command: the questions to git, in order, and at the end whether gitcoord ran."""
    trace, ran_it = guarded.launcher.parent / "trace", guarded.launcher.parent / "gitcoord ran"
    for path in (trace, ran_it):
        path.unlink(missing_ok=True)
    text = guarded.launcher.read_text()
    guarded.launcher.write_text(text.replace("\n", f'\nunset GIT_TRACE; echo "$*" >"{ran_it}"\n', 1))
    ran = git(tree, *args, env={"GIT_TRACE": str(trace)})
    guarded.launcher.write_text(text)
    assert ran.code == 0, ran.err
    words = [line.partition("trace: built-in: git ")[2].split() for line in trace.read_text().splitlines()]
    return [line[0] for line in words if line and line[0] in ASKED] + ["gitcoord"] * ran_it.exists()
