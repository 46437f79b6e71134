"""``setup shell``: files where the shells look, a line in the user's file only when asked for, and all of it undone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcoord.agents import shell_setup
from gitcoord.cli import shellscript
from tests.cli.conftest import Coord
from tests.cli.shells import Shells
from tests.support import Scratch

EVERY = pytest.mark.parametrize("shell", shellscript.SHELLS)


@pytest.fixture
def home() -> Path:
    return Path(os.environ["HOME"])


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below ``folder`` with its content and permissions."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }


@EVERY
def test_twice_is_once_and_remove_restores(coord: Coord, home: Path, shell: str) -> None:
    before = tree(home)
    where = ("setup", "shell", "--shell", shell, "--rc", "--man")
    first = coord(*where, "--json").result
    assert {change["action"] for change in first} == {"create"}
    installed = tree(home)
    assert {change["action"] for change in coord(*where, "--json").result} == {"unchanged"}
    assert coord("setup", "shell", "--shell", shell, "--check").code == 0
    assert tree(home) == installed
    assert coord("setup", "shell", "--shell", shell, "--remove").code == 0
    assert tree(home) == before
    assert not (home / ".local").exists()
    assert coord("setup", "shell", "--shell", shell, "--remove", "--json").result == []


@pytest.mark.parametrize("text", ["", "x=1\n", "x=1", "\n\n", "x=1\r\ny=2\r\n", "# end\n\n\n", "caf\xe9"])
@pytest.mark.parametrize("after", ["", "z=3\n"])
def test_the_users_own_file_comes_back_to_the_byte(coord: Coord, home: Path, text: str, after: str) -> None:
    rc = home / ".bashrc"
    rc.write_bytes(text.encode("latin-1"))
    rc.chmod(0o640)
    for _ in range(2):
        assert coord("setup", "shell", "--shell", "bash", "--rc").code == 0
    assert rc.read_bytes().startswith(text.encode("latin-1"))
    assert rc.read_bytes().count(b">>> git coord") == 1
    with rc.open("a") as file:
        file.write(after)
    assert coord("setup", "shell", "--shell", "bash", "--remove").code == 0
    joined = "\n" if after and text and not text.endswith("\n") else ""
    left = rc.read_bytes() if rc.exists() else b""
    assert left == f"{text}{joined}{after}".encode("latin-1")
    assert not left or rc.stat().st_mode & 0o777 == 0o640


def test_without_rc_the_users_file_is_left_alone_and_the_line_is_told(coord: Coord, home: Path) -> None:
    (home / ".zshrc").write_text("x=1\n")
    said = coord("setup", "shell", "--shell", "zsh").out
    assert (home / ".zshrc").read_text() == "x=1\n"
    assert f". {home}/.local/share/zsh/site-functions/_git-coord; fi" in said
    assert f"{home}/.zshrc" in said


def test_a_link_to_the_users_file_stays_a_link(coord: Coord, home: Path) -> None:
    (home / "dotfiles").mkdir()
    (home / "dotfiles" / "bashrc").write_text("x=1\n")
    (home / ".bashrc").symlink_to("dotfiles/bashrc")
    assert coord("setup", "shell", "--shell", "bash", "--rc").code == 0
    assert (home / ".bashrc").is_symlink()
    assert ">>> git coord" in (home / "dotfiles" / "bashrc").read_text()


def test_what_is_missing_or_out_of_date_is_found_and_mended(coord: Coord, home: Path) -> None:
    check = ("setup", "shell", "--shell", "bash", "--check")
    missing = coord(*check, "--json")
    assert (missing.code, missing.error["code"]) == (1, "not-found")
    assert coord("setup", "shell", "--shell", "bash", "--rc", "--jump", "cw").code == 0
    script = home / ".local/share/bash-completion/completions/git-coord"
    assert "\ncw ()" in script.read_text()
    script.write_text(script.read_text() + "# older\n")
    assert coord(*check).code == 1
    assert coord("setup", "shell", "--shell", "bash").code == 0
    assert "\ncw ()" in script.read_text()
    assert coord(*check).code == 0


def test_a_file_of_somebody_else_is_neither_replaced_nor_removed(coord: Coord, home: Path) -> None:
    script = home / ".local/share/bash-completion/completions/git-coord"
    script.parent.mkdir(parents=True)
    script.write_text("# mine\n")
    refused = coord("setup", "shell", "--shell", "bash", "--rc", "--json")
    assert (refused.code, refused.error["code"]) == (1, "conflict")
    assert coord("setup", "shell", "--shell", "bash", "--remove").code == 0
    assert script.read_text() == "# mine\n"
    assert not (home / ".bashrc").exists()


def test_print_writes_nothing(coord: Coord, home: Path) -> None:
    before = tree(home)
    printed = coord("setup", "shell", "--shell", "fish", "--print")
    assert "__git_coord_prompt" in printed.out
    assert tree(home) == before


def test_places_follow_the_environment(coord: Coord, tmp_path: Path) -> None:
    data, config = tmp_path / "data", tmp_path / "config"
    env = {
        "XDG_DATA_HOME": str(data),
        "XDG_CONFIG_HOME": str(config),
        "ZDOTDIR": str(tmp_path / "z"),
        "SHELL": "/bin/zsh",
    }
    assert coord("setup", "shell", "--rc", env=env).code == 0
    assert (data / "zsh/site-functions/_git-coord").exists()
    assert (tmp_path / "z/.zshrc").exists()
    assert coord("setup", "shell", env={**env, "SHELL": "/usr/bin/fish"}).code == 0
    assert {path.name for path in config.rglob("*.fish")} == {"git-coord.fish"}
    own = {**env, "SHELL": "/bin/bash", "BASH_COMPLETION_USER_DIR": str(tmp_path / "own")}
    assert coord("setup", "shell", env=own).code == 0
    assert (tmp_path / "own/completions/git-coord").exists()
    assert shell_setup.places("bash", {**env, "HOME": "/", "XDG_DATA_HOME": "relative"}).script.startswith("/.local")


@pytest.mark.parametrize(
    "line", [("--jump", "a b"), ("--jump", "$(touch canary)"), ("--check", "--remove"), ("--check", "--print")]
)
def test_what_makes_no_sense_is_refused(coord: Coord, home: Path, line: tuple[str, ...]) -> None:
    before = tree(home)
    assert coord("setup", "shell", "--shell", "bash", *line).code == 129
    assert tree(home) == before


def test_an_unknown_shell_and_a_missing_home_are_refused(coord: Coord) -> None:
    assert coord("setup", "shell", env={"SHELL": "/bin/tcsh"}).code == 129
    assert coord("setup", "shell", "--shell", "bash", env={"HOME": "/no/such/place"}).code == 129


@EVERY
def test_a_shell_started_with_it_has_the_function(scratch: Scratch, home: Path, tmp_path: Path, shell: str) -> None:
    assert scratch.coord("init", "--no-hooks").code == 0
    assert scratch.coord("setup", "shell", "--shell", shell, "--rc", "--jump", "cw").code == 0
    shells = Shells(scratch, tmp_path / "tools")
    (scratch.path / "deep").mkdir()
    code = {
        "bash": '. "$HOME/.bashrc"; ',
        "zsh": '. "$HOME/.zshrc"; ',
        "fish": 'source "$XDG_CONFIG_HOME"/fish/conf.d/*; ',
    }
    assert shells.run(shell, f"{code[shell]}cd deep; cw; pwd") == f"{scratch.path}\n"
