"""Real shells that complete a line: one runner for bash, zsh and fish, each with the script that gitcoord prints.

``git-coord`` on their PATH is a shim that notes every start, so that a test can say that Python was not needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gitcoord.cli import shellscript
from tests.support import Scratch

BREAKS = " \t\n\"'><=;|&(:"
"""COMP_WORDBREAKS as readline sets it."""

_BASH = f"""
source "$1"; shift
COMP_WORDBREAKS={shellscript._quoted(BREAKS)}
words=("$@") cword=$(($# - 1)) cur="${{!#}}" __git_cmd_idx=1 COMPREPLY=()
_git_coord
[ ${{#COMPREPLY[@]}} = 0 ] || printf '%s\\0' "${{COMPREPLY[@]}}"
"""

_ZSH = """
_wanted() { while [[ $1 != compadd ]]; do shift; done; "$@" }
compadd() { local -a given; given=("$@"); print -rNC1 -- "${(@P)given[-1]}" }
_describe() { print -rNC1 -- "${(@)${(@P)argv[-1]}%%:*}" }
_message() { : }
_files() { : }
compset() { : }
source "$1"; shift
words=("${@:2}") CURRENT=$(($# - 1)) PREFIX="${@[-1]}"
_git-coord
"""

_FISH = """
set -l script $argv[1]
source $script
complete -C $argv[2] | string replace -r '\\t.*' '' | string join0
"""


class Shells:
    """The shells under test, in a repository; ``started`` is what the shim noted."""

    def __init__(self, repo: Scratch, folder: Path) -> None:
        self.repo = repo
        self.folder = folder
        self.notes = folder / "started"
        folder.mkdir()
        shim = folder / "git-coord"
        shim.write_text(f'#!/bin/sh\necho "$*" >>"{self.notes}"\nexec "{sys.executable}" -m gitcoord "$@"\n')
        shim.chmod(0o755)

    def script(self, shell: str, text: str | None = None) -> str:
        """The path of the script for ``shell``, or of ``text`` in its place."""
        path = self.folder / f"script.{shell}"
        path.write_text(shellscript.whole(shell) if text is None else text)
        return str(path)

    @property
    def started(self) -> list[str]:
        """The command lines with which Python was started since the last look."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return lines

    def tab(self, shell: str, *line: str, at: Path | None = None) -> list[str]:
        """What ``shell`` offers for the last word of ``line``, as its function hands it over."""
        if shell == "fish":
            line = (" ".join(("git-coord", *line[2:])),)
        code = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[shell]
        out = self.run(shell, code, self.script(shell), *line, at=at)
        found = [word for word in out.split("\0") if word]
        return [word for word in found if shell != "zsh" or word.startswith(line[-1].rpartition("=")[2])]

    def values(self, shell: str, *line: str) -> list[str]:
        """The same, as the words that the shell would pass on to a command."""
        found = self.tab(shell, *line)
        return [self.run("bash", f"printf %s {word}") for word in found] if shell == "bash" else found

    def run(self, shell: str, code: str, *args: str, at: Path | None = None, **environ: str) -> str:
        """Run ``code`` in ``shell`` without the user's files; what it prints, which must not be an error."""
        done = self.start(shell, code, *args, at=at, **environ)
        assert done.stderr == "", done.stderr
        return done.stdout

    def start(
        self, shell: str, code: str, *args: str, at: Path | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """The same, whatever it says."""
        if shutil.which(shell) is None:
            pytest.skip(f"there is no {shell} here")
        options = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
        zero = ["shell"] if shell != "fish" else []
        return subprocess.run(
            [shell, *options, "-c", code, *zero, *args],
            cwd=at or self.repo.path,
            env={**os.environ, "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}", **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
