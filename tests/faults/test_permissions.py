"""Who may read and write what: private files stay private, links are not followed, foreign repositories are refused.

FAULTS HI09. (The write lock's own directory: tests/store/test_locks.py.)
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import gitcoord
from gitcoord.cli import app
from tests.faults.support import Office
from tests.support import Ran, Scratch, coord_argv
from tests.sync.support import Town

WORK = (
    "claim 15",
    "progress 15 40",
    "lock deploy src/**",
    "set issue:15 phase review",
    "set private:x key value",
    "event deploy went-well",
    "handoff 15 --note n",
    "accept 15",
    "task add more",
    "status",
    "check src/a.py",
    "cleanup",
    "heartbeat",
    "log",
    "ready",
    "release 15 --reason r",
    "maintain",
    "export {beside}/exported",
    "doctor --fix",
)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


def work(scratch: Scratch, *lines: str, **env: str) -> None:
    """A day of one worker and a look at it by another, as commands."""
    sid = scratch.coord("start", "ann", "--pid", str(os.getpid()), "--json", env=env).result["id"]
    for line in lines or WORK:
        words = line.format(beside=scratch.path.parent).split()
        ran = scratch.coord(*words, env={**env, "GIT_COORD_SESSION": sid})
        assert ran.code in (0, 1), (line, ran)


def open_to_others(place: Path) -> list[str]:
    """What others could read or write, below a place that should be ours alone."""
    found = []
    for path in [place, *place.rglob("*")]:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & 0o077:
            found.append(f"{path} {mode & 0o777:o}")
    return found


@pytest.mark.parametrize("store", ["libgit", "plumbing"])
def test_hi09_permissions_with_umask_000(scratch: Scratch, store: str) -> None:
    """Also for the first thing that is made below it, whichever that is, and for what a sync leaves."""
    with umask(0):
        office = Office.found(scratch, store=store)
        work(scratch)
        ben = office.hire("ben")
        ben.sessions()  # notes down whom it has seen
    coord = scratch.common_dir() / "coord"
    assert (coord / "sessions").is_dir()
    assert open_to_others(coord) == []
    office.close()


def test_hi09_permissions_of_the_notes_on_a_hub_with_umask_000(tmp_path: Path) -> None:
    town = Town.build(tmp_path)
    with umask(0):
        clone = town.clone("a", hub=True)
        ann = town.hire(clone, "ann")
        ann.claim("15", worktree=False)
        ann.sync()
        town.hire(town.clone("b", hub=True), "ben").sessions()
    for name in ("a", "b"):
        assert open_to_others(town.root / name / ".git" / "coord") == []
    town.close()


def test_hi09_permissions_of_a_shared_repository(tmp_path: Path) -> None:
    """Objects and refs are as the group needs them, as git itself would make them; our own notes stay private."""
    scratch = Scratch.create(tmp_path / "shared", "--shared=group")
    with umask(0o077):
        office = Office.found(scratch)
        ann = office.hire("ann")
        assert ann.store.kind == "plumbing", "libgit2 makes directories as the umask says"
        ann.claim("15", worktree=False)
        ann.release("15")
        ann.task_add_many([{"title": f"Task {number}"} for number in range(60)])  # these become one pack
        scratch.git("update-ref", "refs/heads/other", scratch.git("commit-tree", "HEAD^{tree}", "-m", "by git"))
    common = scratch.common_dir()
    for place in (common / "objects", common / "refs"):
        for path in place.rglob("*"):
            need = 0o2770 if path.is_dir() else (0o440 if place.name == "objects" else 0o660)
            assert path.stat().st_mode & need == need, path
    assert open_to_others(common / "coord") == []
    office.close()


def test_hi09_permissions_of_a_foreign_repository(scratch: Scratch) -> None:
    """Git does not open one without being told to; neither do we, and say in its words what to do."""
    Office.found(scratch).close()
    foreign = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    before = sorted(scratch.common_dir().rglob("*"))
    for words in ("status", "start ann", "claim 15 --no-worktree", "init", "doctor", "heartbeat"):
        ran = scratch.coord(*words.split(), "--json", env=foreign)
        assert ran.code == 128, (words, ran)
        assert ran.error["code"] == "git"
        assert "dubious ownership" in ran.error["message"]
    hook = subprocess.run(
        [sys.executable, "-m", "gitcoord", "hook", "agent"],
        cwd=scratch.path,
        input=b'{"session_id": "c", "hook_event_name": "SessionStart"}',
        env={**os.environ, **foreign},
        capture_output=True,
    )
    assert (hook.returncode, hook.stdout, hook.stderr) == (0, b"", b"")
    assert sorted(scratch.common_dir().rglob("*")) == before
    scratch.git("config", "--global", "safe.directory", str(scratch.path))
    assert scratch.coord("claim", "15", "--no-worktree", "--session", "x", env=foreign).code == 1  # no such session
    work(scratch, "claim 15", "release 15 --reason r", **foreign)


# -- links ------------------------------------------------------------------------------------------------------------

FOLDERS = ("observed", "cache", "sessions", "hub", "writers", "tmp", "adding", "quarantine", "reports", "archive")


@pytest.mark.parametrize("folder", FOLDERS)
def test_hi09_permissions_no_link_in_the_place_of_a_directory_is_followed(
    scratch: Scratch, tmp_path: Path, capfd: pytest.CaptureFixture[str], folder: str
) -> None:
    """Refused, or done without: nothing is ever written to where it leads."""
    office = Office.found(scratch, store="plumbing")
    outside = tmp_path / "outside"
    outside.mkdir()
    place = scratch.common_dir() / "coord" / folder
    if place.is_dir():
        shutil.rmtree(place)
    place.symlink_to(outside)
    ben = office.coord()
    for line in ("start ann --no-bind", "task add x --id 15", *WORK[:8], "sessions", "cleanup", "doctor --fix"):
        code = app.run(["-C", str(scratch.path), *line.split(), "--session", "ann"], os.environ)
        assert code in (0, 1, 128, 129), (line, code, capfd.readouterr())
    ben.sessions()
    assert sorted(path.name for path in outside.iterdir()) == []
    assert place.is_symlink()
    office.close()


# -- another user -----------------------------------------------------------------------------------------------------

NOBODY = 65534
as_root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root, to be two users"
)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that another user can get to, which those of pytest are not."""
    if not all(place.stat().st_mode & 0o001 for place in Path(gitcoord.__file__).parents):
        pytest.skip("other users cannot get to this checkout")
    path = Path(tempfile.mkdtemp(prefix="gitcoord-public-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def as_nobody(scratch: Scratch, *words: str) -> Ran:
    who = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    env = {**os.environ, "HOME": str(scratch.path.parent / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*who, *coord_argv(*words, "--json")], cwd=scratch.path, env=env, capture_output=True, text=True
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@as_root
@pytest.mark.parametrize("mine", [True, False], ids=["readable", "writable by all"])
def test_hi09_permissions_of_somebody_elses_clone(public: Path, mine: bool) -> None:
    """Reading works as far as the files allow it; a write is refused with a reason, and half of none is done."""
    scratch = Scratch.create(public / "repo", *([] if mine else ["--shared=0666"]))
    home = public / "home"
    home.mkdir()
    home.chmod(0o777)
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {scratch.path}\n[user]\n\tname = N\n\temail = n@x\n")
    if not mine:
        subprocess.run(["chmod", "-R", "a+rwX", str(scratch.path)], check=True)
    office = Office.found(scratch)
    office.hire("ann").claim("15", worktree=False)
    before = office.refs()
    for words in ("status", "task list", "task show 15", "log", "locks"):
        ran = as_nobody(scratch, *words.split())
        assert ran.code == 0, (words, ran)
    assert [task["id"] for task in as_nobody(scratch, "task", "list").result] == ["15"]
    for words in ("start ben --no-bind", "task add x", "set a b c", "lock deploy", "cleanup", "doctor --fix"):
        ran = as_nobody(scratch, *words.split())
        assert ran.code in (0, 1, 128), (words, ran)
    if mine:
        assert office.refs() == before
    assert open_to_others(scratch.common_dir() / "coord") == []
    assert office.hire("cleo").claim("16", worktree=False).changed, "and its owner works on"
    office.close()
