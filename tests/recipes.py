"""Runs the examples of a Markdown page as they stand there, in one shell, and compares what they print.

A block of ``console`` has commands after ``$`` and what they print below; ``…`` stands for anything in a line, and a
line of it alone for any number of lines. Runs of blanks count as one: tables are as wide as what is in them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

MARK = "\x1e"


@dataclass
class Step:
    """One command of a page, and what it is said to print."""

    command: str
    line: int
    expected: list[str] = field(default_factory=list)


def steps(text: str, language: str = "console") -> list[Step]:
    """The commands of all ``console`` blocks in ``text``, in order."""
    found: list[Step] = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line == f"```{language}"
        elif inside and line.startswith("$ "):
            found.append(Step(line.removeprefix("$ "), number))
        elif inside:
            assert found, f"line {number}: output without a command"
            found[-1].expected.append(line)
    return found


def run(page: list[Step], at: Path, tools: Path) -> list[list[str]]:
    """What each command prints, on either stream, run by one real shell in ``at``."""
    shim = tools / "git-coord"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitcoord "$@"\n')
    shim.chmod(0o755)
    script = "".join(f"printf '{MARK}'\n{step.command}\n" for step in page)
    env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=at,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return [said.splitlines() for said in done.stdout.split(MARK)[1:]]


def differences(page: list[Step], said: list[list[str]]) -> list[str]:
    """Where a command printed something else than the page says."""
    found = []
    for step, lines in zip(page, [*said, *([[]] * len(page))], strict=False):
        if not _matches(step.expected, lines):
            wanted, got = "\n    ".join(step.expected), "\n    ".join(lines)
            found.append(f"line {step.line}: $ {step.command}\n  should print\n    {wanted}\n  but printed\n    {got}")
    return found


def _matches(expected: list[str], lines: list[str]) -> bool:
    pattern = "".join(_line(line) for line in expected)
    return re.fullmatch(pattern, "".join(f"{_plain(line)}\n" for line in lines)) is not None


def _line(text: str) -> str:
    if text.strip() == "…":
        return r"(?:.*\n)*"
    return ".*".join(re.escape(_plain(part)) for part in _plain(text).split("…")) + r"\n"


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).rstrip(" ")
