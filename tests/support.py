"""What tests share: scratch repositories and running real processes in them. No mocks of Git."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest


def git_version() -> tuple[int, ...]:
    """Version of the git on PATH: (2, 39, 5)."""
    text = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    assert found is not None
    return tuple(int(part) for part in found.groups())


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return msgspec.json.decode(self.out)

    @property
    def result(self) -> Any:
        """The ``result`` of a successful ``--json`` answer."""
        answer = self.json
        assert answer["ok"] is True, answer
        return answer["result"]

    @property
    def error(self) -> Any:
        """The ``error`` of a failed ``--json`` answer."""
        answer = self.json
        assert answer["ok"] is False, answer
        return answer["error"]


_TEMPLATES: dict[tuple[object, ...], Path] = {}
"""What ``git init`` and a commit make, by the options of ``init``: copied, because that takes a third of the time."""


_OURS = ("refs/coord/", "refs/coord-local/", "refs/coord-remotes/", "refs/heads/coord/")


def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="gitcoord-template-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@dataclass(frozen=True)
class Scratch:
    """A real repository (or worktree) to run commands in."""

    path: Path

    @classmethod
    def create(cls, path: Path, *init: str) -> Scratch:
        """A new repository, with one commit unless it is bare: a copy of the first one that was made so."""
        if any(option.startswith("--separate-git-dir") for option in init):
            return cls._new(path, *init)
        mask = os.umask(0)
        os.umask(mask)
        key = (mask, *init)  # modes of files go by it
        if key not in _TEMPLATES:
            _TEMPLATES[key] = cls._new(Path(_folder()) / "repo", *init).path
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(_TEMPLATES[key], path, symlinks=True)
        repo = cls(path)
        if "--bare" not in init:
            repo.git("update-index", "-q", "--refresh")
        return repo

    @classmethod
    def _new(cls, path: Path, *init: str) -> Scratch:
        path.mkdir(parents=True)
        repo = cls(path)
        repo.git("init", "-q", *init)
        for sample in path.glob("**/hooks/*.sample"):
            sample.unlink()
        if "--bare" not in init:
            repo.commit("first", {"README.md": "hello\n"})
        return repo

    def git(self, *args: str, check: bool = True, env: Mapping[str, str] | None = None, stdin: str = "") -> str:
        """Run git here and return what it prints, without the last newline."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(args)} exited {done.returncode}: {done.stderr}")
        return done.stdout.removesuffix("\n")

    def commit(self, message: str, files: Mapping[str, str]) -> str:
        """Write ``files``, commit them, return the new commit's oid."""
        for name, text in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self.git("add", "--", *files)
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def coord(self, *args: str, env: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 60) -> Ran:
        """Run ``git coord ARGS`` as its own process in this directory."""
        done = subprocess.run(
            coord_argv(*args),
            cwd=self.path,
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start_coord(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start ``git coord ARGS`` without waiting for it."""
        return subprocess.Popen(
            coord_argv(*args),
            cwd=self.path,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def common_dir(self) -> Path:
        return Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir"))

    def user_state(self) -> dict[str, str]:
        """Everything of the user's that gitcoord must leave alone, to compare before and after."""
        refs = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        *head, common = self.git(
            "rev-parse", "HEAD", "--symbolic-full-name", "HEAD", "--path-format=absolute", "--git-common-dir"
        ).split("\n", 2)
        index = Path(common) / "index"
        return {
            "refs": "\n".join(line for line in refs if not line.startswith(_OURS)),
            "head": " ".join(head),
            "status": self.git("--no-optional-locks", "status", "--porcelain"),
            "index": index.read_bytes().hex() if index.exists() else "",
            "stash": self.git("stash", "list") if any(line.startswith("refs/stash ") for line in refs) else "",
            "config": "\n".join(
                line
                for line in self.git("config", "--local", "--list").splitlines()
                if not line.startswith(("coord.", "hook."))
            ),
        }


_LAUNCHER = str(Path(__file__).parent.parent / "gitcoord" / "bin" / "git-coord")
"""As it is installed; ``-m gitcoord`` would import runpy, 3 ms of each of thousands of commands."""


def coord_argv(*args: str) -> list[str]:
    """The command line that starts this checkout's ``git coord`` with the interpreter under test."""
    return [sys.executable, _LAUNCHER, *args]


def without_gitcoord_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks find an installed gitcoord on PATH, which is right; here the test is about none being there."""
    places = os.environ["PATH"].split(os.pathsep)
    kept = [place for place in places if not os.path.exists(os.path.join(place, "git-coord"))]
    monkeypatch.setenv("PATH", os.pathsep.join(kept))
