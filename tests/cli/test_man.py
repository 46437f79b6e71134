"""Manual pages: one for every command, well-formed, in the wheel, and found by man and by git where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from gitcoord.cli import manpage
from gitcoord.cli.full import every_command
from tests.support import Scratch

ROOT = Path(__file__).parent.parent.parent


def man(*argv: str, at: Path, prefix: Path) -> str:
    """What ``argv`` prints where ``prefix/bin`` is first on PATH, as after an installation."""
    env = {**os.environ, "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}", "MANWIDTH": "80", "PAGER": "cat"}
    done = subprocess.run(argv, cwd=at, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This source as a wheel, built by the backend that pyproject.toml names."""
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))
    return Path(next(builder.build(directory=str(tmp_path_factory.mktemp("wheel")))))


@pytest.fixture
def prefix(wheel: Path, tmp_path: Path) -> Path:
    """Where the wheel's man pages and programs would be after ``pip install``."""
    place = tmp_path / "prefix"
    (place / "bin").mkdir(parents=True)
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            _, data, inner = name.partition(".data/data/")
            if data:
                (place / inner).parent.mkdir(parents=True, exist_ok=True)
                (place / inner).write_bytes(packed.read(name))
    shim = place / "bin" / "git-coord"
    shim.write_text("#!/bin/sh\nexit 9\n")
    shim.chmod(0o755)
    return place


def test_every_command_has_a_page_and_every_option_stands_in_it() -> None:
    pages = manpage.pages()
    for command in every_command():
        page = f"{manpage.name(command.verb)}.1"
        if command.hidden:
            assert page not in pages
            continue
        for param in command.params:
            for name in param.mark.names:
                assert f"\\fB{name.replace('-', chr(92) + '-')}\\fR" in pages[page], (page, name)
        assert f"\\fB{manpage.name(command.verb).replace('-', chr(92) + '-')}\\fR(1)" in pages["git-coord.1"]
    assert len(pages) == sum(not command.hidden for command in every_command()) + 1


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (".TH x", "\\&.TH x"),
        ("'it is'", "\\(aqit is\\(aq"),
        ("a\\b --x", "a\\eb \\-\\-x"),
        ('say "x" `y` ~ ^', "say \\(dqx\\(dq \\(gay\\(ga \\(ti \\(ha"),
        ("é…", "\\[u00E9]\\[u2026]"),
    ],
)
def test_text_cannot_become_markup(text: str, written: str) -> None:
    assert manpage._text(text) == written


def test_groff_has_nothing_to_complain_about(tmp_path: Path) -> None:
    if shutil.which("groff") is None:
        pytest.skip("there is no groff here")
    for name, text in manpage.pages().items():
        (tmp_path / name).write_text(text)
    files = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(["groff", "-man", "-ww", "-Tascii", "-z", *files], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_wheel_brings_the_pages_and_the_shell_scripts(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        pages = {name.rpartition("/")[2]: packed.read(name).decode() for name in names if "/share/man/man1/" in name}
    assert pages == manpage.pages()
    assert {f"gitcoord/shell/{path.name}" for path in (ROOT / "gitcoord" / "shell").iterdir()} <= set(names)


def test_man_and_git_find_the_page_where_the_program_is(prefix: Path, scratch: Scratch) -> None:
    if shutil.which("man") is None or "man " not in man("man", "--version", at=scratch.path, prefix=prefix):
        pytest.skip("there is no man-db here")
    assert man("man", "-w", "git-coord", at=scratch.path, prefix=prefix) == f"{prefix}/share/man/man1/git-coord.1\n"
    for argv in (["git", "coord", "--help"], ["git", "help", "coord"], ["man", "git-coord"]):
        assert "git coord claim --next" in man(*argv, at=scratch.path, prefix=prefix), argv
    assert "--next" in man("git", "help", "git-coord-claim", at=scratch.path, prefix=prefix)
