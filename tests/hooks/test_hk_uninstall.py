"""HK05: installing twice is installing once, and uninstalling puts back every byte that was there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitcoord.git import hooks, hooks_file
from gitcoord.git.hooks_table import BEGIN, CHAINED, END, EVENTS
from tests.hooks.support import ALL_FIRE, NONE_FIRE, Worker, git_runs_config_hooks, script, snapshot, write_hook
from tests.support import Scratch


@pytest.fixture
def directory(worker: Worker) -> Path:
    """The hook directory, with one hook of every kind in it."""
    found = Path(worker.repo.common) / "hooks"
    write_hook(found / "post-commit", "#!/bin/sh\ntrue\n", 0o750)
    write_hook(found / "post-checkout", b"\x7fELF not really\0\n", 0o644)
    (found / "post-merge").symlink_to("post-commit")
    write_hook(found / "unrelated", "#!/bin/sh\ntrue\n")
    return found


def state(worker: Worker) -> dict[str, tuple[str, int, bytes]]:
    """Every file of the repository that an installation might touch."""
    common = Path(worker.repo.common)
    return {**snapshot(common / "hooks"), "config": ("file", 0, (common / "config").read_bytes())}


def test_hk05_uninstall_restores_bytes(worker: Worker, directory: Path) -> None:
    before = state(worker)
    assert {row.outcome for row in worker.install()} == {"written"}
    once = state(worker)
    assert once != before
    assert {row.outcome for row in worker.install()} == {"unchanged"}
    assert state(worker) == once
    assert worker.firing() == ALL_FIRE
    assert {row.outcome for row in worker.uninstall()} == {"removed"}
    assert state(worker) == before
    assert not (Path(worker.repo.common) / "coord" / "hooks").exists()
    assert worker.firing() == NONE_FIRE
    assert worker.uninstall() == []
    assert state(worker) == before


def test_hk05_a_dry_run_says_what_would_be_written_and_writes_nothing(worker: Worker, directory: Path) -> None:
    before = snapshot(Path(worker.repo.common))
    plan = hooks.install(worker.repo, hooks.hook_source(), "/nowhere/git-coord", dry_run=True)
    assert snapshot(Path(worker.repo.common)) == before
    assert plan == worker.install()


def test_hk05_config_written_by_hand_is_kept(worker: Worker) -> None:
    config = Path(worker.repo.common) / "config"
    config.write_text(config.read_text() + '# mine\n[hook "lint"]\n\tcommand = true ; and why\n\tevent = pre-commit\n')
    before = config.read_bytes()
    worker.install()
    worker.uninstall()
    assert config.read_bytes() == before


def test_hk05_scripts_are_copies_that_an_upgrade_replaces(worker: Worker, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    for event in EVENTS:
        write_hook(newer / event.name, script().read_bytes().replace(END, b": newer\n" + END))
    worker.install()
    before = snapshot(newer)
    rows = hooks.install(worker.repo, str(newer), "/nowhere/git-coord")
    assert "written" in {row.outcome for row in rows}
    installed = Path(worker.repo.common) / ("coord/hooks" if git_runs_config_hooks() else "hooks") / "post-commit"
    assert b": newer\n" in installed.read_bytes()
    assert not os.path.samefile(installed, newer / "post-commit")
    assert snapshot(newer) == before
    assert worker.firing() == ALL_FIRE


@pytest.mark.usefixtures("by_file")
def test_hk05_lines_that_another_tool_added_are_kept_and_run(worker: Worker, tmp_path: Path) -> None:
    path = Path(worker.repo.common) / "hooks" / "post-commit"
    worker.install()
    added = f'echo added >>"{tmp_path / "log"}"\n'
    write_hook(path, path.read_text() + added)
    assert {row.outcome for row in worker.install()} == {"unchanged"}
    worker.scratch.git("commit", "-q", "--allow-empty", "-m", "x")
    assert worker.beats()
    assert (tmp_path / "log").read_text() == "added\n"
    worker.uninstall()
    assert path.read_text() == "#!/bin/sh\n" + added
    assert path.stat().st_mode & stat.S_IXUSR


@pytest.mark.usefixtures("by_file")
def test_hk05_what_cannot_be_taken_apart_is_left_and_said(worker: Worker, directory: Path) -> None:
    """Lines added to ours, and a former hook besides: neither may be lost."""
    path = directory / "post-commit"
    worker.install()
    write_hook(path, path.read_text() + "echo added\n")
    edited = path.read_bytes()
    [row] = [row for row in worker.uninstall() if row.outcome == "refused"]
    assert row.path == str(path)
    assert str(path) + CHAINED in row.hint
    assert path.read_bytes() == edited
    assert (directory / f"post-commit{CHAINED}").read_text() == "#!/bin/sh\ntrue\n"
    worker.scratch.git("commit", "-q", "--allow-empty", "-m", "still works")


@pytest.mark.usefixtures("by_file")
def test_hk05_a_hook_that_replaced_ours_is_kept_and_the_former_one_too(worker: Worker, directory: Path) -> None:
    worker.install()
    write_hook(directory / "post-commit", "#!/bin/sh\necho replaced\n")
    [row] = [row for row in worker.uninstall() if row.outcome == "refused"]
    assert row.path == f"{directory / 'post-commit'}{CHAINED}"
    assert (directory / "post-commit").read_text() == "#!/bin/sh\necho replaced\n"
    assert (directory / f"post-commit{CHAINED}").read_text() == "#!/bin/sh\ntrue\n"


@pytest.mark.usefixtures("by_file")
def test_hk05_a_hook_that_was_deleted_over_a_former_one(worker: Worker, directory: Path) -> None:
    before = state(worker)
    worker.install()
    (directory / "post-commit").unlink()
    worker.uninstall()
    assert state(worker) == before


@pytest.mark.usefixtures("by_file")
def test_hk05_broken_marks_are_nobodys_to_mend(worker: Worker) -> None:
    path = Path(worker.repo.common) / "hooks" / "post-commit"
    worker.install()
    write_hook(path, path.read_bytes().replace(END, b""))
    broken = path.read_bytes()
    assert BEGIN in broken
    assert "refused" in {row.outcome for row in worker.install()}
    assert "refused" in {row.outcome for row in worker.uninstall()}
    assert path.read_bytes() == broken


@pytest.mark.usefixtures("by_file")
def test_hk05_hooks_of_every_worktree_are_taken_out(worker: Worker, tmp_path: Path) -> None:
    """Also where core.hooksPath came only after us, and where each worktree has a hook directory of its own."""
    worker.install()
    linked = Scratch(tmp_path / "linked")
    worker.scratch.git("worktree", "add", "-q", str(linked.path))
    trees = (worker.scratch, linked)
    before = [snapshot(tree.path / "my-hooks") for tree in trees]
    worker.scratch.git("config", "core.hooksPath", "my-hooks")
    for tree in trees:
        (tree.path / "my-hooks").mkdir()
    assert "written" in {row.outcome for row in worker.install()}
    assert worker.firing() == Worker(linked).firing() == ALL_FIRE
    worker.uninstall()
    assert [snapshot(tree.path / "my-hooks") for tree in trees] == before
    assert not any((Path(worker.repo.common) / "hooks" / event.name).exists() for event in EVENTS)


@pytest.mark.usefixtures("by_config")
def test_hk05_files_from_the_time_of_an_older_git_stay_and_go_with_the_rest(worker: Worker, directory: Path) -> None:
    """One clone, two Gits: what the older one needs is left, two calls are one beat, both go at the end."""
    before = state(worker)
    for event in EVENTS:
        hooks_file.install(hooks_file.Slot(str(directory), event.name), script().read_bytes(), dry_run=False)
    worker.install()
    assert (directory / "post-commit").read_bytes() == script().read_bytes()
    assert {row.how for row in worker.status()} == {"config"}
    worker.scratch.git("commit", "-q", "--allow-empty", "-m", "x")
    assert worker.beats()
    worker.uninstall()
    assert state(worker) == before


@pytest.mark.parametrize("step", [Worker.install, Worker.uninstall])
def test_hk05_at_once_is_one_after_the_other(worker: Worker, directory: Path, step: Callable[[Worker], object]) -> None:
    before = state(worker)
    worker.install()
    once = state(worker)
    if step is Worker.install:
        worker.uninstall()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(step, [worker] * 4))
    assert state(worker) == (once if step is Worker.install else before)
    worker.scratch.git("commit", "-q", "--allow-empty", "-m", "no hook calls itself for ever")


def test_hk05_a_bare_repository(tmp_path: Path) -> None:
    bare = Worker(Scratch.create(tmp_path / "bare.git", "--bare"))
    before = state(bare)
    bare.install()
    assert bare.firing() == ALL_FIRE
    bare.uninstall()
    assert state(bare) == before
