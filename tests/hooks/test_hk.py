"""HK01, HK02, HK03, HK06: the hooks act on the right repository, never block or hang, and say when they cannot fire."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.hooks.support import ALL_FIRE, NONE_FIRE, Worker, git_runs_config_hooks, script, write_hook
from tests.support import Scratch

HERE, MAIN = "s-herehereh2", "s-mainmainm2"

Operation = Callable[[Scratch], object]


def _write(tree: Scratch, text: str = "changed\n") -> None:
    (tree.path / "README.md").write_text(text)


def _commit_a(tree: Scratch) -> None:
    _write(tree)
    tree.git("commit", "-qam", "all")


def _partial(tree: Scratch) -> None:
    _write(tree)
    (tree.path / "staged").write_text("not part of it\n")
    tree.git("add", "staged")
    tree.git("commit", "-qm", "part", "--", "README.md")
    assert tree.git("diff", "--cached", "--name-only") == "staged"


def _rebase(tree: Scratch) -> None:
    tree.commit("mine", {"mine": "1\n"})
    tree.git("rebase", "-q", "other")


OPERATIONS: Mapping[str, Operation] = {
    "commit": lambda tree: tree.commit("next", {"next": "1\n"}),
    "commit -a": _commit_a,
    "partial commit": _partial,
    "amend": lambda tree: tree.git("commit", "-q", "--amend", "-m", "amended"),
    "rebase": _rebase,
    "cherry-pick": lambda tree: tree.git("cherry-pick", "other"),
    "revert": lambda tree: tree.git("revert", "--no-edit", "other"),
    "merge": lambda tree: tree.git("merge", "-q", "--no-ff", "--no-edit", "other"),
    "fast-forward": lambda tree: tree.git("merge", "-q", "--ff-only", "other"),
    "switch": lambda tree: tree.git("switch", "-q", "-c", "topic"),
    "checkout of a file": lambda tree: tree.git("checkout", "-q", "--", "README.md"),
}


@pytest.fixture
def trees(make_scratch: Callable[..., Scratch], tmp_path: Path) -> tuple[Worker, Worker]:
    """A main worktree and a linked one (its path is not plain), each with a session; a branch ``other`` to merge."""
    main = make_scratch("main")
    main.git("branch", "base")
    main.git("switch", "-q", "-c", "other")
    main.commit("other", {"other": "1\n"})
    main.git("switch", "-q", "main")
    linked = Scratch(tmp_path / "línked tree")
    main.git("worktree", "add", "-q", "-b", "work", str(linked.path), "base")
    sessions = Worker(linked, HERE).sign_on(), Worker(main, MAIN).sign_on()
    sessions[1].install()
    return sessions


@pytest.mark.parametrize("name", OPERATIONS)
def test_hk01_hook_env_in_linked_worktree(trees: tuple[Worker, Worker], name: str) -> None:
    here, main = trees
    index = Path(main.repo.git_dir) / "index"
    before = index.read_bytes(), main.scratch.user_state()["status"]
    if name == "revert":
        here.scratch.git("merge", "-q", "other")
        here.calm()
    OPERATIONS[name](here.scratch)
    assert here.beats()
    assert not main.beats()
    assert (index.read_bytes(), main.scratch.user_state()["status"]) == before


def test_hk01_each_worktree_beats_for_its_own_session(trees: tuple[Worker, Worker]) -> None:
    here, main = trees
    main.scratch.commit("next", {"next": "1\n"})
    assert main.beats()
    assert not here.beats()


def test_hk01_a_new_worktree_is_nobodys_yet(trees: tuple[Worker, Worker], tmp_path: Path) -> None:
    here, main = trees
    here.scratch.git("worktree", "add", "-q", str(tmp_path / "new"))
    assert not here.beats()
    assert not main.beats()


def test_hk01_a_clone_is_another_repository(trees: tuple[Worker, Worker], tmp_path: Path) -> None:
    here, main = trees
    write_hook(tmp_path / "template" / "hooks" / "post-checkout", script().read_bytes())
    here.scratch.git("clone", "-q", f"--template={tmp_path / 'template'}", ".", "inner")
    assert (here.scratch.path / "inner" / ".git" / "hooks" / "post-checkout").exists()
    inner = Scratch(here.scratch.path / "inner")
    write_hook(inner.path / ".git" / "hooks" / "post-commit", script().read_bytes())
    inner.commit("inside", {"inside": "1\n"})
    assert not here.beats()
    assert not main.beats()


def test_hk01_the_repository_that_git_dir_names_is_meant(trees: tuple[Worker, Worker], tmp_path: Path) -> None:
    """From the directory of one worktree, with the other one's Git directory, index and all exported."""
    here, main = trees
    env = {"GIT_DIR": here.repo.git_dir, "GIT_WORK_TREE": str(here.scratch.path)}
    env["GIT_INDEX_FILE"] = str(Path(here.repo.git_dir) / "index")
    before = (Path(main.repo.git_dir) / "index").read_bytes()
    main.scratch.git("commit", "-q", "--allow-empty", "-m", "far away", env=env)
    assert here.scratch.git("log", "-1", "--format=%s") == "far away"
    assert here.beats()
    assert not main.beats()
    assert (Path(main.repo.git_dir) / "index").read_bytes() == before


def test_hk01_relative_git_dir_and_separate_git_dir(tmp_path: Path) -> None:
    tree = Scratch.create(tmp_path / "tree", f"--separate-git-dir={tmp_path / 'kept apart'}")
    worker = Worker(tree).sign_on()
    worker.install()
    tree.commit("next", {"next": "1\n"})
    assert worker.beats()
    worker.calm()
    tree.git("commit", "-q", "--allow-empty", "-m", "again", env={"GIT_DIR": "../kept apart", "GIT_WORK_TREE": "."})
    assert worker.beats()


def _hidden_tools(path: Path) -> Mapping[str, str]:
    """A PATH with Git and nothing else: no Python, no virtual environment, no date, no head."""
    path.mkdir()
    (path / "git").symlink_to(shutil.which("git") or "git")
    return {"PATH": str(path)}


def _run(worker: Worker, *args: str, env: Mapping[str, str] | None = None) -> tuple[int, str, float]:
    begin = time.monotonic()
    argv, kept = ["git", *args], {**os.environ, **(env or {})}
    done = subprocess.run(argv, cwd=worker.scratch.path, env=kept, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr, time.monotonic() - begin


def _spoil_everything(worker: Worker) -> None:
    common = Path(worker.repo.common)
    (common / worker.ref).write_text("")
    (common / "refs/coord/sessions" / worker.sid).write_text("garbage\n")
    (worker.directory / "beat").write_bytes(os.urandom(200))
    (worker.directory / "tried").mkdir()


def _no_files(worker: Worker) -> None:
    shutil.rmtree(Path(worker.repo.common) / "coord")


def _file_for_directory(worker: Worker) -> None:
    _no_files(worker)
    (Path(worker.repo.common) / "coord").write_text("in the way\n")


_SLOW = "while read -r old new ref; do case $ref in refs/coord/*) sleep 30 ;; esac; done"


def _slow_reference_hook(worker: Worker) -> None:
    write_hook(Path(worker.repo.common) / "hooks" / "reference-transaction", f"#!/bin/sh\n{_SLOW}\n")


def _slow_configured_reference_hook(worker: Worker) -> None:
    worker.scratch.git("config", "hook.slow.command", f"{_SLOW}; :")
    worker.scratch.git("config", "hook.slow.event", "reference-transaction")


def _promised_by_a_remote_that_hangs(worker: Worker) -> None:
    """The session's record is an object that a partial clone would fetch now."""
    worker.scratch.git("remote", "add", "far", "ssh://far.example/repo")
    worker.scratch.git("config", "remote.far.promisor", "true")
    worker.scratch.git("config", "remote.far.partialCloneFilter", "blob:none")
    worker.scratch.git("config", "extensions.partialClone", "far")
    write_hook(worker.scratch.path.parent / "ssh", "#!/bin/sh\nsleep 30\n")
    record = Path(worker.repo.common) / "objects" / worker.record[:2] / worker.record[2:]
    record.unlink()
    worker.make_due()
    (worker.directory / "beat").unlink()


TROUBLES = [
    *(_spoil_everything, _no_files, _file_for_directory, _promised_by_a_remote_that_hangs),
    *(_slow_reference_hook, _slow_configured_reference_hook),
]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_hk02_failures_never_block(scratch: Scratch, trouble: Callable[[Worker], None]) -> None:
    worker = Worker(scratch).sign_on()
    worker.install()
    trouble(worker)
    env = {"GIT_SSH_COMMAND": str(scratch.path.parent / "ssh")}
    for args in (
        ["commit", "-q", "--allow-empty", "-m", "x"],
        ["switch", "-q", "-c", "b"],
        ["checkout", "-q", "--", "."],
    ):
        code, err, seconds = _run(worker, *args, env=env)
        assert (code, err) == (0, "")
        assert seconds < 2


def test_hk02_without_python_or_any_other_program(scratch: Scratch, tmp_path: Path) -> None:
    worker = Worker(scratch).sign_on()
    worker.install()
    env = _hidden_tools(tmp_path / "bin")
    assert _run(worker, "commit", "-q", "--allow-empty", "-m", "x", env=env)[:2] == (0, "")
    assert _run(worker, "switch", "-q", "-c", "b", env=env)[:2] == (0, "")


def test_hk02_an_uninstalled_gitcoord_does_not_break_checkouts(scratch: Scratch, tmp_path: Path) -> None:
    """Its local files deleted, or the repository moved, and whatever leads to the scripts still in place."""
    worker = Worker(scratch).sign_on()
    worker.install()
    scratch.path.rename(tmp_path / "moved")
    moved = Worker(Scratch(tmp_path / "moved"))
    assert _run(moved, "switch", "-q", "-c", "b")[:2] == (0, "")
    shutil.rmtree(tmp_path / "moved" / ".git" / "coord")
    assert _run(moved, "switch", "-q", "-c", "c")[:2] == (0, "")
    assert _run(moved, "worktree", "add", "-q", str(tmp_path / "new"))[0] == 0
    assert moved.install()
    assert moved.firing() == ALL_FIRE


# $0: the directory to put on a small file system of its own, $1: the worktree, $2: scratch space, $3: the heartbeat ref
_SMALL_DISK = """
set -e
cp -r "$0" "$2"
mount -t tmpfs -o size=256k,mode=700 none "$0"
cp -r "$2/${0##*/}/." "$0"
%s
cd "$1"
git commit -q --allow-empty -m x
git switch -q -c b
cat ".git/$3"
"""
_FULL = 'dd if=/dev/zero of="$0/filler" bs=1k count=1000 2>"$2/said" || :'
_READ_ONLY = 'mount -o remount,ro "$0"'


@pytest.mark.parametrize("how", [_FULL, _READ_ONLY], ids=["full", "read-only"])
@pytest.mark.parametrize("what", ["coord", "refs/coord"])
def test_hk02_a_full_or_read_only_disk(scratch: Scratch, tmp_path: Path, what: str, how: str) -> None:
    """A disk of its own for what the hook writes: the user's commit has all it needs, and must succeed."""
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this system does not let us mount anything")
    worker = Worker(scratch).sign_on()
    worker.install()
    (tmp_path / "space").mkdir()
    before = scratch.git("rev-parse", worker.ref)
    argv = ["unshare", "-Urm", "sh", "-c", _SMALL_DISK % how, str(scratch.path / ".git" / what), str(scratch.path)]
    begin = time.monotonic()
    done = subprocess.run([*argv, str(tmp_path / "space"), worker.ref], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - begin < 2
    assert (done.stdout.strip() == before) is (what == "refs/coord")


def test_hk03_no_hang_on_pipes(scratch: Scratch) -> None:
    worker = Worker(scratch).sign_on()
    worker.install()
    seconds = []
    for _ in range(3):
        worker.calm()
        code, err, took = _run(worker, "commit", "-q", "--allow-empty", "-m", "x")
        assert (code, err, worker.beats()) == (0, "", True)
        seconds.append(took)
    assert min(seconds) < 0.3


def test_hk06_hookspath_missing_in_new_worktree(trees: tuple[Worker, Worker]) -> None:
    """A relative core.hooksPath to an ignored directory: there in the main worktree, not in a new one."""
    here, main = trees
    main.uninstall()
    (main.scratch.path / ".husky" / "_").mkdir(parents=True)
    (main.scratch.path / ".husky" / "_" / ".gitignore").write_text("*\n")
    main.scratch.git("config", "core.hooksPath", ".husky/_")
    main.install()
    assert main.firing() == ALL_FIRE
    if git_runs_config_hooks():
        assert here.firing() == ALL_FIRE  # configuration works where no directory is
        return
    assert here.firing() == NONE_FIRE
    [row] = [row for row in here.status() if row.event == "post-commit"]
    assert "does not exist: Git runs no hook file in this worktree" in row.why
    here.scratch.commit("next", {"next": "1\n"})
    assert not here.beats()  # it says the truth
