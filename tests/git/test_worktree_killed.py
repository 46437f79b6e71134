"""A `git worktree add` that was killed, at any moment, does not stand in the way of the next one.

FAULTS CR13. Each kill is real: strace ends git at its n-th wait for a child, hooks and filters end their parents.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitcoord.errors import Contended, GitFailed, Unsafe
from gitcoord.git import worktree
from gitcoord.git.repo import Repo, discover
from tests.support import Scratch

# Only a git: where the hook's parent is the top-most git, the grandparent would be this test.
GRANDPARENT = "p=$(ps -o ppid= -p $PPID); case $(ps -o comm= -p $p) in git*) kill -9 $p;; esac"


@pytest.fixture
def many(scratch: Scratch) -> Scratch:
    """A repository with enough files that a checkout can be interrupted in the middle."""
    scratch.commit("files", {f"d{n % 7}/f{n}.txt": f"line {n}\n" * 50 for n in range(60)})
    scratch.commit("victim", {"d3/victim.txt": "a long enough text\n" * 400, ".gitignore": "*.tmp\n"})
    return scratch


def open_repo(scratch: Scratch) -> Repo:
    return discover(str(scratch.path), os.environ)


def add(scratch: Scratch, branch: str = "coord/15") -> worktree.Added:
    repo = open_repo(scratch)
    return worktree.add(repo, worktree.plan_path(repo, None, "15"), branch)


def is_whole(scratch: Scratch, added: worktree.Added) -> None:
    """The worktree is complete and clean, unlocked, the only one, and nothing of the attempt is left."""
    here = Scratch(Path(added.path))
    assert here.git("status", "--porcelain", "--ignored") == ""
    assert here.git("symbolic-ref", "--short", "HEAD") == added.branch
    assert here.git("ls-files") == scratch.git("ls-files")
    _, linked = worktree.list_worktrees(open_repo(scratch))
    assert (linked.path, linked.locked, linked.prunable) == (added.path, None, None)
    assert scratch.git("fsck", "--no-progress") == ""
    assert not list((scratch.path / ".git/coord/adding").iterdir())


def age(scratch: Scratch) -> None:
    """Make what was left by a stranger's command look as if it had been lying there for a while."""
    for root, _, names in os.walk(scratch.path / ".git" / "worktrees"):
        for name in names:
            os.utime(os.path.join(root, name), (1, 1))


@contextmanager
def configured(scratch: Scratch, name: str, value: str) -> Iterator[None]:
    scratch.git("config", name, value)
    try:
        yield
    finally:
        scratch.git("config", "--unset", name)


@contextmanager
def hooked(scratch: Scratch, name: str, body: str) -> Iterator[None]:
    hook = scratch.path / ".git" / "hooks" / name
    hook.write_text(f"#!/bin/sh\n{body}\n")
    hook.chmod(0o755)
    try:
        yield
    finally:
        hook.unlink()


@contextmanager
def smudged(scratch: Scratch, command: str) -> Iterator[None]:
    """Run ``command`` while the checkout writes d3/victim.txt."""
    info = scratch.path / ".git" / "info" / "attributes"
    info.write_text("d3/victim.txt filter=trap\n")
    with configured(scratch, "filter.trap.smudge", command):
        yield
    info.unlink()


# -- killed by a stranger -----------------------------------------------------------------------------------------


@pytest.mark.strace
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("wait", [1, 2, 3])
def test_cr13_worktree_add_killed(many: Scratch, wait: int) -> None:
    place = many.path / ".worktrees" / "15"
    inject = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject=wait4:signal=SIGKILL:when={wait}"]
    probe = subprocess.run([*inject[:-1], "trace=wait4", "true"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip(f"strace may not trace here: {probe.stderr.decode()}")
    killed = subprocess.run(
        [*inject, "git", "worktree", "add", "-b", "coord/15", str(place)], cwd=many.path, capture_output=True
    )
    if wait == 3 and killed.returncode == 0:
        pytest.skip("this git starts two children, not three")
    assert killed.returncode in (-signal.SIGKILL, 137)
    assert many.git("branch", "--list", "coord/15") != ""
    age(many)
    is_whole(many, add(many))


def test_while_a_strangers_add_may_be_running_nothing_is_touched(many: Scratch) -> None:
    many.git("worktree", "add", "-q", "--lock", "--reason", "initializing", "-b", "coord/15", ".worktrees/15")
    (running,) = (item for item in worktree.list_worktrees(open_repo(many)) if item.unfinished)
    with pytest.raises(Contended, match="another program"):
        add(many)
    assert running in worktree.list_worktrees(open_repo(many))
    age(many)
    is_whole(many, add(many))


# -- our own git killed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    ["branch made", "worktree head", "checkout begins", "checkout runs", "post-checkout"],
)
def test_cr13_our_git_killed_is_made_up_for_at_once(many: Scratch, moment: str) -> None:
    if moment == "branch made":
        trap = hooked(many, "reference-transaction", f'test "$1" = committed || exit 0; {GRANDPARENT}')
    elif moment == "worktree head":
        trap = hooked(many, "reference-transaction", 'test -d "$GIT_DIR/../15" && kill -9 $PPID; exit 0')
    elif moment == "checkout begins":
        trap = smudged(many, f"{GRANDPARENT}; cat")
    elif moment == "checkout runs":
        trap = smudged(many, f"head -c 1000; {GRANDPARENT}; kill -9 $PPID")
    else:
        trap = hooked(many, "post-checkout", "kill -9 $PPID")
    with trap:
        try:
            added = add(many)
        except GitFailed:
            added = None
    again = add(many)
    assert again.reused or added is None
    is_whole(many, again)


# -- our own process killed ---------------------------------------------------------------------------------------

OURS = """
import os
from gitcoord.git import repo, worktree
r = repo.discover(".", os.environ)
worktree.add(r, worktree.plan_path(r, None, "15"), "coord/15")
"""


def test_cr13_our_process_killed_while_git_works_on(many: Scratch, tmp_path: Path) -> None:
    gate, reached = tmp_path / "gate", tmp_path / "reached"
    os.mkfifo(gate)
    with smudged(many, f"touch '{reached}'; cat '{gate}' >/dev/null; cat"):
        ours = subprocess.Popen([sys.executable, "-c", OURS], cwd=many.path)
        wait_for(reached)
        ours.kill()
        ours.wait()
        # Git is still in the middle of its checkout, and holds the lock that says so.
        adding = many.path / ".git" / "coord" / "adding"
        assert len(list(adding.iterdir())) == 1
        opener = subprocess.Popen(["sh", "-c", f"sleep 0.2; echo go > '{gate}'"])
        began = time.monotonic()
        with smudged_again(many):
            added = add(many)
        assert time.monotonic() - began >= 0.15, "it did not wait for the git that was still running"
        opener.wait()
    is_whole(many, added)


@contextmanager
def smudged_again(scratch: Scratch) -> Iterator[None]:
    """A second checkout, should there be one, must not meet the gate: only the first git has read the setting."""
    scratch.git("config", "filter.trap.smudge", "cat")
    yield


def test_cr13_our_process_killed_before_the_extras_makes_up_for_them(many: Scratch) -> None:
    many.commit("rules", {".gitignore": ".env\n", ".worktreeinclude": ".env\n"})
    (many.path / ".env").write_text("KEY=1")
    with hooked(many, "post-checkout", "kill -9 $(ps -o ppid= -p $PPID); exit 0"):
        ours = subprocess.run([sys.executable, "-c", OURS], cwd=many.path)
    assert ours.returncode == -signal.SIGKILL
    repo = open_repo(many)
    assert worktree.was_interrupted(repo, worktree.plan_path(repo, None, "15"))
    added = add(many)
    assert added.copied == (".env",)
    assert not worktree.was_interrupted(repo, added.path)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.005)


# -- what must not be cleared -------------------------------------------------------------------------------------


@pytest.fixture
def left(many: Scratch) -> Scratch:
    """A whole worktree that still carries the lock of an unfinished one: what a kill at the last moment leaves."""
    added = add(many)
    many.git("worktree", "lock", "--reason", "initializing", added.path)
    age(many)
    return Scratch(Path(added.path))


@pytest.mark.parametrize(
    "cut", ["whole", "truncated", "empty", "files gone", "index gone", "git file gone", "all gone"]
)
def test_what_git_can_write_again_is_cleared(many: Scratch, left: Scratch, cut: str) -> None:
    victim = left.path / "d3" / "victim.txt"
    if cut == "truncated":
        victim.write_bytes(victim.read_bytes()[:4096])
    if cut == "empty":
        victim.write_bytes(b"")
    if cut == "files gone":
        shutil.rmtree(left.path / "d3")
        (left.path / "d2" / "f2.txt").unlink()
        (left.path / "d3").mkdir()
    if cut == "index gone":
        (many.path / ".git/worktrees/15/index").unlink()
        (many.path / ".git/worktrees/15/index.lock").write_bytes(b"DIRC")
    if cut == "git file gone":
        (left.path / ".git").unlink()
    if cut == "all gone":
        shutil.rmtree(left.path)
    age(many)
    added = add(many)
    assert not added.reused
    is_whole(many, added)


@pytest.mark.parametrize(
    "work", ["untracked", "ignored", "edited", "replaced", "longer", "staged", "nested", "in a link"]
)
def test_one_unknown_thing_and_all_of_it_stays(many: Scratch, left: Scratch, tmp_path: Path, work: str) -> None:
    victim = left.path / "d3" / "victim.txt"
    if work == "untracked":
        (left.path / "notes").write_text("mine")
    if work == "ignored":
        (left.path / "notes.tmp").write_text("mine")
    if work == "edited":
        victim.write_text("a long enough text\nand mine\n")
    if work == "replaced":
        victim.unlink()
        victim.symlink_to("f3.txt")
    if work == "longer":
        victim.write_text(victim.read_text() + "mine\n")
    if work == "staged":
        victim.write_text("mine\n")
        left.git("add", "d3/victim.txt")
        victim.write_text("a long enough text\n" * 400)
    if work == "nested":
        Scratch.create(left.path / "nested")
    if work == "in a link":
        shutil.copytree(left.path / "d3", tmp_path / "d3")
        shutil.rmtree(left.path / "d3")
        (left.path / "d3").symlink_to(tmp_path / "d3")
    before = {str(path): path.lstat().st_size for path in left.path.rglob("*")}
    age(many)
    with pytest.raises(Unsafe) as caught:
        add(many)
    assert caught.value.fields["path"] == str(left.path)
    assert {str(path): path.lstat().st_size for path in left.path.rglob("*")} == before
    if work == "in a link":
        assert (tmp_path / "d3" / "victim.txt").exists()


def test_removing_what_a_kill_left_follows_the_same_rule(many: Scratch, left: Scratch) -> None:
    (left.path / "notes").write_text("mine")
    with pytest.raises(Unsafe):
        worktree.remove(open_repo(many), str(left.path))
    (left.path / "notes").unlink()
    worktree.remove(open_repo(many), str(left.path))
    assert not left.path.exists()
    assert len(worktree.list_worktrees(open_repo(many))) == 1
