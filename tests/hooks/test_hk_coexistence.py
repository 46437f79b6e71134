"""HK04: our hooks beside those of others. Theirs run as before, ours run too, and nobody's files are touched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.git.hooks_table import CHAINED, EVENTS
from tests.hooks.managers import HOOKED, Husky, Lefthook, PreCommit
from tests.hooks.support import ALL_FIRE, NONE_FIRE, Worker, git_runs_config_hooks, snapshot, write_hook
from tests.support import Scratch


def ran(log: Path) -> list[str]:
    """What the hooks of others wrote down since the last question."""
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def hooked(worker: Worker) -> set[bool]:
    """Whether our hooks fire where the other tool has put one too: all of them, or none."""
    return {fires for event, fires in worker.firing().items() if event in HOOKED}


def hook_path(worker: Worker, event: str = "post-commit") -> Path:
    return Path(worker.repo.common) / "hooks" / event


def amend(worker: Worker) -> None:
    worker.calm()
    worker.scratch.git("commit", "-q", "--amend", "-m", "amended")


def _sh(path: Path, log: Path) -> None:
    write_hook(path, f'#!/bin/sh\nprintf "%s|" "${{0##*/}}" "$@" "$(cat)" >>"{log}"\necho >>"{log}"\nexit 3\n')


def _python(path: Path, log: Path) -> None:
    text = "import sys\nargs = [*sys.argv[1:], sys.stdin.read().rstrip()]\n"
    text += f'open({str(log)!r}, "a").write("post-rewrite|" + "|".join(args) + "|\\n")\nsys.exit(3)\n'
    write_hook(path, f"#!/usr/bin/env python3\n{text}")


def _symlink(path: Path, log: Path) -> None:
    _sh(path.parent.parent / "real hook", log)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to("../real hook")


def _no_shebang(path: Path, log: Path) -> None:
    write_hook(path, f'printf "%s|" post-rewrite "$@" "$(cat)" >>"{log}"\necho >>"{log}"\nexit 3\n')


@pytest.mark.parametrize("kind", [_sh, _python, _symlink, _no_shebang])
def test_hk04_coexistence_an_existing_hook_runs_as_before(
    worker: Worker, log: Path, kind: Callable[[Path, Path], None]
) -> None:
    """Same name, same arguments, same standard input; and its bytes are its own."""
    kind(hook_path(worker, "post-rewrite"), log)
    amend(worker)
    [before] = ran(log)
    worker.install()
    amend(worker)
    [after] = ran(log)
    assert worker.beats()
    assert before.split("|")[:2] == after.split("|")[:2] == ["post-rewrite", "amend"]
    assert after.split("|")[2].split()[1] == worker.scratch.git("rev-parse", "HEAD")


def test_hk04_coexistence_a_binary_hook_runs_as_before(worker: Worker) -> None:
    """``tee``: it writes its standard input into the file that its argument names."""
    path = hook_path(worker, "post-rewrite")
    path.parent.mkdir(exist_ok=True)
    shutil.copy(shutil.which("tee") or "/usr/bin/tee", path)
    worker.install()
    amend(worker)
    assert worker.beats()
    assert (worker.scratch.path / "amend").read_text().split()[1] == worker.scratch.git("rev-parse", "HEAD")


def test_hk04_coexistence_a_hook_that_is_not_executable_stays_asleep(worker: Worker, log: Path) -> None:
    write_hook(hook_path(worker), f'#!/bin/sh\necho awake >>"{log}"\n', 0o644)
    worker.install()
    amend(worker)
    assert worker.beats()
    assert ran(log) == []


def test_hk04_coexistence_the_exit_status_of_a_hook_still_counts(worker: Worker) -> None:
    """post-checkout's becomes that of the command."""
    write_hook(hook_path(worker, "post-checkout"), "#!/bin/sh\nexit 7\n")
    statuses = []
    for name in ("before", "after"):
        worker.scratch.git("branch", name)
        statuses.append(worker.scratch.git("-c", "alias.sw=!git switch -q $1; echo $? #", "sw", name))
        worker.install()
    assert statuses[0] == statuses[1] != "0"
    worker.calm()
    worker.scratch.git("switch", "-q", "main", check=False)
    assert worker.beats()


@pytest.mark.usefixtures("by_file")
def test_hk04_coexistence_the_existing_hook_goes_first(worker: Worker, log: Path) -> None:
    write_hook(hook_path(worker), f'#!/bin/sh\ngit cat-file blob {worker.ref} >>"{log}"\n')
    worker.install()
    worker.scratch.git("commit", "-q", "--allow-empty", "-m", "x")
    assert '"utc":0,' in ran(log)[0]
    assert worker.beats()


def test_hk04_coexistence_proving_runs_nobody_elses_hook(worker: Worker, log: Path) -> None:
    for event in EVENTS:
        write_hook(hook_path(worker, event.name), f'#!/bin/sh\necho {event.name} >>"{log}"\n')
        if git_runs_config_hooks():
            worker.scratch.git("config", f"hook.mine-{event.name}.command", f'echo config >>"{log}"; :')
            worker.scratch.git("config", f"hook.mine-{event.name}.event", event.name)
    assert worker.firing() == NONE_FIRE
    worker.install()
    assert worker.firing() == ALL_FIRE
    assert ran(log) == []
    assert not worker.beats()
    amend(worker)
    assert "post-commit" in ran(log)


@pytest.mark.usefixtures("by_config")
def test_hk04_coexistence_a_vain_proof_runs_nobody_elses_hook(worker: Worker, log: Path) -> None:
    """Our configuration is there, and the script that it leads to is not."""
    write_hook(hook_path(worker), f'#!/bin/sh\necho own >>"{log}"\n')
    worker.install()
    shutil.rmtree(Path(worker.repo.coord_dir) / "hooks")
    assert worker.firing() == NONE_FIRE
    assert ran(log) == []


@pytest.mark.usefixtures("by_config")
def test_hk04_coexistence_config_hooks_run_side_by_side(worker: Worker, log: Path) -> None:
    worker.scratch.git("config", "hook.lint.command", f'echo lint >>"{log}"; :')
    worker.scratch.git("config", "hook.lint.event", "post-commit")
    before = snapshot(Path(worker.repo.common) / "hooks")
    worker.install()
    amend(worker)
    assert worker.beats()
    assert ran(log) == ["lint"]
    assert snapshot(Path(worker.repo.common) / "hooks") == before


@pytest.mark.parametrize("first", ["pre-commit", "gitcoord"])
def test_hk04_coexistence_pre_commit(worker: Worker, log: Path, first: str) -> None:
    """Whoever comes first, and however often each is installed again: all three hooks run, none is lost."""
    own = write_hook(hook_path(worker), f'#!/bin/sh\necho own >>"{log}"\n').read_bytes()
    pre_commit = PreCommit(worker.scratch, log)
    steps = [pre_commit.install, worker.install, pre_commit.install, worker.install]
    for step in steps if first == "pre-commit" else steps[1:]:
        step()
        if step != pre_commit.install or first == "gitcoord":
            ran(log)
            amend(worker)
            assert worker.beats()
            assert [line.split()[0] for line in ran(log) if line in ("own", "pre-commit post-commit")][:1] == ["own"]
            assert worker.firing() == ALL_FIRE
    amend(worker)
    assert ran(log)[:2] == ["own", "pre-commit post-commit"]
    pre_commit.uninstall()
    amend(worker)
    assert worker.beats()
    assert ran(log) == ["own"]
    worker.uninstall()
    assert hook_path(worker).read_bytes() == own


@pytest.mark.parametrize("edition", ["same", "newer"])
def test_hk04_coexistence_lefthook_then_gitcoord(worker: Worker, log: Path, edition: str) -> None:
    """It can be installed again at any time, though the hook it found first is in its way for moving ours aside."""
    write_hook(hook_path(worker), f'#!/bin/sh\necho own >>"{log}"\n')
    lefthook = Lefthook(worker.scratch, log)
    lefthook.install()
    for _ in range(2):
        worker.install()
        amend(worker)
        assert worker.beats()
        assert ran(log) == ["lefthook post-commit", "lefthook post-rewrite"]
        assert worker.firing() == ALL_FIRE
        assert {row.outcome for row in worker.install()} == {"unchanged"}
        lefthook.install(edition=edition)
        assert hooked(worker) == {git_runs_config_hooks()}
        theirs = snapshot(Path(worker.repo.common) / "hooks")
    worker.install()
    worker.uninstall()
    after = snapshot(Path(worker.repo.common) / "hooks")
    names = {name for event in HOOKED for name in (event, f"{event}.old", f"{event}{CHAINED}") if name in after}
    assert {name: after[name] for name in names} == {n: theirs[n] for n in theirs if n.removesuffix(".old") in HOOKED}


def test_hk04_coexistence_lefthook_over_gitcoord(worker: Worker, log: Path) -> None:
    """It puts our hook aside and does not run it: that is said, and installing again repairs it."""
    own = write_hook(hook_path(worker), f'#!/bin/sh\necho own >>"{log}"\n').read_bytes()
    lefthook = Lefthook(worker.scratch, log)
    worker.install()
    lefthook.install()
    amend(worker)
    assert ran(log) == ["lefthook post-commit", "lefthook post-rewrite"]
    assert hooked(worker) == {git_runs_config_hooks()}
    assert worker.beats() is git_runs_config_hooks()
    worker.install()
    amend(worker)
    assert worker.beats()
    assert worker.firing() == ALL_FIRE
    assert ran(log) == ["lefthook post-commit", "lefthook post-rewrite"]
    assert Path(f"{hook_path(worker)}.old").read_bytes() == own
    worker.uninstall()
    assert b"LEFTHOOK" in hook_path(worker).read_bytes()
    assert Path(f"{hook_path(worker)}.old").read_bytes() == own


def test_hk04_coexistence_husky(worker: Worker, log: Path) -> None:
    """Its shims go by the name they are called by, and `npm install` writes them anew at any time."""
    husky = Husky(worker.scratch, log)
    husky.install()
    shims = snapshot(husky.directory)
    worker.install()
    for _ in range(2):
        amend(worker)
        assert worker.beats()
        assert ran(log) == ["husky post-commit", "husky post-rewrite amend"]
        assert worker.firing() == ALL_FIRE
        assert worker.scratch.git("status", "--porcelain") == ""
        husky.install()
        assert hooked(worker) == {git_runs_config_hooks()}
        worker.install()
    worker.uninstall()
    assert snapshot(husky.directory) == shims


def _outside(tree: Scratch) -> Path:
    return tree.path.parent / "everybody's hooks"


def _committed(tree: Scratch) -> Path:
    write_hook(tree.path / ".githooks" / "post-commit", "#!/bin/sh\ntrue\n")
    tree.git("add", ".githooks")
    tree.git("commit", "-q", "-m", "hooks")
    return tree.path / ".githooks"


@pytest.mark.parametrize("where", [_outside, _committed])
@pytest.mark.parametrize("scope", ["--global", "--local"])
def test_hk04_coexistence_a_hooks_path_that_is_not_ours_to_write(
    worker: Worker, log: Path, where: Callable[[Scratch], Path], scope: str
) -> None:
    """Not written, said so; and the line that we give for it works, proved without running the rest of that hook."""
    directory = where(worker.scratch)
    write_hook(directory / "post-commit", f'#!/bin/sh\necho theirs >>"{log}"\n')
    worker.scratch.git("commit", "-qam", "hook", check=False)
    worker.scratch.git("config", scope, "core.hooksPath", str(directory))
    before = snapshot(directory)
    rows = [row for row in worker.install() if row.outcome == "refused"]
    assert snapshot(directory) == before
    assert worker.scratch.git("status", "--porcelain") == ""
    ran(log)
    if git_runs_config_hooks():
        assert rows == []
        assert worker.firing() == ALL_FIRE
        return
    assert [row.what for row in rows] == [f"hook {event.name}" for event in EVENTS]
    assert str(directory) in rows[0].why
    assert worker.firing() == NONE_FIRE
    [line] = [row.hint.partition(": ")[2] for row in rows if row.what == "hook post-commit"]
    write_hook(directory / "post-commit", f'#!/bin/sh\n{line}\necho theirs >>"{log}"\n')
    assert worker.firing() == {**NONE_FIRE, "post-commit": True}
    assert ran(log) == []
    amend(worker)
    assert ran(log) == ["theirs"]
    assert worker.beats()
    worker.uninstall()
    amend(worker)
    assert ran(log) == ["theirs"]


@pytest.mark.usefixtures("by_file")
def test_hk04_coexistence_hooks_switched_off_stay_off(worker: Worker) -> None:
    worker.scratch.git("config", "core.hooksPath", "/dev/null")
    assert {row.outcome for row in worker.install()} == {"refused", "written"}
    assert worker.firing() == NONE_FIRE
    assert "switched off" in worker.status()[0].why


@pytest.mark.usefixtures("by_file")
def test_hk04_coexistence_a_hooks_directory_linked_into_the_worktree_is_committed_files(worker: Worker) -> None:
    directory = _committed(worker.scratch)
    shutil.rmtree(Path(worker.repo.common) / "hooks")
    (Path(worker.repo.common) / "hooks").symlink_to("../.githooks")
    before = snapshot(directory)
    assert "refused" in {row.outcome for row in worker.install()}
    assert snapshot(directory) == before
