"""The jump function and the prompt segment, run by the real shells; the segment where no program can be started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gitcoord.cli import shellscript
from gitcoord.coordinator import Coordinator
from tests.cli.shells import Shells
from tests.support import Scratch

EVERY = pytest.mark.parametrize("shell", shellscript.SHELLS)


@pytest.fixture
def shells(tmp_path: Path) -> Shells:
    return Shells(Scratch.create(tmp_path / "a répo"), tmp_path / "tools")


def backend(shells: Shells) -> Coordinator:
    """The shells' repository, coordinated, with a session."""
    shells.repo.git("config", "coord.durability", "relaxed")
    coord = Coordinator.open(str(shells.repo.path), os.environ)
    coord.init(hooks=False)
    coord.start("backend")
    return coord


def prompt(shells: Shells, shell: str, at: Path, *, form: str = "", before: str = "") -> str:
    """What the segment prints in ``at``, by a shell that finds no program at all."""
    called = f"__git_coord_prompt {form}" if shell == "fish" else f"__git_coord_ps1 {form}"
    source = "source $argv[1]" if shell == "fish" else '. "$1"'
    folder = shells.folder / "nothing"
    folder.mkdir(exist_ok=True)
    script = shells.script(shell, shellscript.functions(shell))
    full = shutil.which(shell)
    if full is None:
        pytest.skip(f"there is no {shell} here")
    empty = f"set PATH {folder}" if shell == "fish" else f"PATH={folder}"
    return shells.run(shell, f"{source}; {empty}; {before} {called}", script, at=at)


@EVERY
def test_the_prompt_shows_the_task_or_else_the_session_or_nothing(shells: Shells, shell: str, tmp_path: Path) -> None:
    repo = shells.repo
    assert prompt(shells, shell, repo.path) == ""
    with backend(shells) as coord:
        session = coord.whoami()
        place = coord.claim("15").task.worktree
    assert place is not None
    inside = Path(place) / "deep" / "down"
    inside.mkdir(parents=True)
    assert prompt(shells, shell, repo.path) == f" ({session.id})"
    assert prompt(shells, shell, inside) == " (15)"
    assert prompt(shells, shell, inside, form="'[%s] '") == "[15] "
    assert prompt(shells, shell, tmp_path) == ""


@EVERY
def test_the_prompt_keeps_the_status_before_it(shells: Shells, shell: str) -> None:
    after = "; echo $status" if shell == "fish" else "; echo $?"
    assert prompt(shells, shell, shells.repo.path, before="false;", form=after) == "1\n"


@EVERY
@pytest.mark.parametrize(
    ("task", "shown"),
    [
        ("$(touch canary)", "touch-canary"),
        ("%F{red}x", "f-red-x"),
        ("a\\[b", "a-b"),
        ("\x1b[31mred", "31mred"),
        ("Fix #15 now", "Fix #15 now"),
        ("été", "t"),
    ],
)
def test_a_hostile_task_shows_as_harmless_characters(shells: Shells, shell: str, task: str, shown: str) -> None:
    from gitcoord.git import claimfile

    git_dir = shells.repo.common_dir()
    claimfile.write(str(git_dir), claimfile.ClaimFile(task, "s-aaaaaaaaaa", 1))
    assert prompt(shells, shell, shells.repo.path) == f" ({shown})"
    assert not list(shells.repo.path.rglob("canary"))


@EVERY
@pytest.mark.parametrize(
    "text", ["", "1", "1 a b", "2 s-aaaaaaaaaa 1 refs/coord/tasks/15\n15\n", "1 a b $(x)\n$(x)\n", "\0\n\n"]
)
def test_a_broken_claim_file_shows_nothing(shells: Shells, shell: str, text: str) -> None:
    git_dir = shells.repo.common_dir()
    (git_dir / "coord-claim").write_text(text)
    (git_dir / "coord-session").write_text("$(touch canary)\n")
    assert prompt(shells, shell, shells.repo.path) == ""


@EVERY
def test_the_jump_function_goes_to_a_tasks_worktree_and_back_and_claims_nothing(shells: Shells, shell: str) -> None:
    repo = shells.repo
    with backend(shells) as coord:
        place = coord.claim("my $(id)").task.worktree
        coord.task_add("free", id="16")
    source = "source $argv[1]" if shell == "fish" else '. "$1"'
    script = shells.script(shell)
    there = shells.run(shell, f"{source}; gcd 'my $(id)'; pwd; gcd; pwd", script)
    assert there.splitlines() == [place, str(repo.path)]
    for nowhere in ("16", "--no-such"):
        stayed = shells.start(shell, f"{source}; gcd {nowhere}; pwd", script)
        assert (stayed.stdout, "there is no worktree" in stayed.stderr) == (f"{repo.path}\n", True)
    assert repo.coord("task", "show", "16", "--json").result["state"] == "pending"


def test_the_path_of_a_worktree_is_told_and_a_missing_one_is_refused(shells: Shells) -> None:
    repo = shells.repo
    with backend(shells) as coord:
        place = coord.claim("15").task.worktree
    assert place is not None
    assert repo.coord("worktree", "path", "15").out == f"{place}\n"
    assert repo.coord("worktree", "path", "15", "--json").result == {"task": "15", "path": place}
    assert Scratch(Path(place)).coord("worktree", "path").out == f"{repo.path}\n"
    shutil.rmtree(place)
    assert repo.coord("worktree", "path", "15", "--json").error["code"] == "not-found"
    assert repo.coord("worktree", "path", "99", "--json").error["code"] == "not-found"


def test_a_bare_repository_has_no_main_worktree(tmp_path: Path) -> None:
    bare = Scratch.create(tmp_path / "bare.git", "--bare")
    assert bare.coord("worktree", "path", "--json").error["code"] == "not-found"
