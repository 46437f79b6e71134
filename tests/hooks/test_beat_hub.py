"""The beat that the hook makes where there is a hub: somebody who only commits is heard of there all the same."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hooks.guarded import Guarded
from tests.hooks.support import Worker
from tests.support import Scratch, without_gitcoord_on_path
from tests.sync.support import Town

PATIENCE = 20.0


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town.build(tmp_path)
    yield made
    made.close()


class Desk:
    """ann, who has signed on in her clone and from now on only commits."""

    def __init__(self, town: Town, **settings: str) -> None:
        self.town = town
        self.clone = town.clone("a", hub=True)
        for name, value in settings.items():
            self.clone.git("config", f"coord.{name}", value)
        self.launcher = Guarded.over(self.clone).launcher
        sid = self.clone.coord("start", "ann", "--json").result["id"]
        self.worker = Worker(self.clone, sid, self.clone.git("rev-parse", f"refs/coord/sessions/{sid}"))
        self.stamp = self.clone.path / ".git" / "coord" / "hub" / "started"

    def commit(self, **env: str) -> float:
        """Commit with a beat due and the output captured; how long that took, in seconds."""
        self.worker.make_due()
        begin = time.monotonic()
        done = subprocess.run(
            ["git", "commit", "-q", "--allow-empty", "-m", "x"],
            cwd=self.clone.path,
            env={**os.environ, **env},
            capture_output=True,
            timeout=60,
        )
        took = time.monotonic() - begin
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        return took

    def heard_of(self) -> bool:
        return f"refs/coord/sessions/{self.worker.sid}" in self.town.refs()


def wait_for(what: Callable[[], bool]) -> None:
    """It is a process of its own: only waiting shows what it does."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def slow(launcher: Path) -> Path:
    """A gitcoord that takes a minute, and says by a file that it was started, and how."""
    said = launcher.parent / "started with"
    launcher.write_text(
        f'#!/bin/sh\n[ "$3 $4 $5" != ". sync " ] || {{ ps -o sid= -p $$ >"{said}.new"; '
        f'echo "$GIT_COORD_BACKGROUND $(ls /proc/$$/fd | tr "\\n" " ") $(readlink /proc/$$/fd/0)" >>"{said}.new"; '
        f'mv "{said}.new" "{said}"; exec sleep 60; }}\n'
    )
    return said


def test_a_commit_makes_the_hub_hear_of_its_worker(town: Town) -> None:
    desk = Desk(town)
    assert not desk.heard_of()
    desk.commit()
    wait_for(desk.heard_of)


def test_hk03_no_hang_on_pipes_where_a_sync_is_started(town: Town) -> None:
    """Whoever captured the output of the commit has it at once, however long the sync takes."""
    desk = Desk(town)
    said = slow(desk.launcher)
    seconds = []
    for _ in range(3):
        desk.stamp.unlink(missing_ok=True)
        seconds.append(desk.commit())
        wait_for(said.exists)
        session, how = said.read_text().splitlines()
        end_sleepers(int(session))
        assert int(session) != os.getsid(0)
        assert how.startswith("1 ")
        assert how.endswith("/dev/null")
        said.unlink()
    assert min(seconds) < 0.3


def end_sleepers(session: int) -> None:
    """End what this test started: the processes of that session, which is none of ours."""
    assert session != os.getsid(0)
    found = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False)
    for pid in found.stdout.split():
        os.kill(int(pid), 9)


def test_one_sync_in_the_time_that_was_agreed(town: Town) -> None:
    desk = Desk(town)
    desk.commit()
    wait_for(desk.heard_of)
    first = desk.stamp.read_bytes()
    desk.commit()
    assert desk.stamp.read_bytes() == first
    boot, up = first.decode().split()
    desk.stamp.write_text(f"{boot} {int(up) - 301}\n")
    before = desk.stamp.read_bytes()
    desk.commit()
    assert desk.stamp.read_bytes() != before


def test_python_and_the_hook_go_by_the_same_stamp(town: Town) -> None:
    desk = Desk(town, syncInterval="1h")
    (desk.stamp.parent / "sent").unlink()
    assert desk.clone.coord("whoami").code == 0
    first = desk.stamp.read_bytes()
    desk.commit()
    assert desk.stamp.read_bytes() == first


@pytest.mark.parametrize("how", ["manual", "no hub", "link", "no launcher"])
def test_nothing_goes_out_where_it_should_not(town: Town, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(town, **({"sync": "manual"} if how == "manual" else {}))
    if how == "no hub":
        assert desk.clone.coord("hub", "unset").code == 0
    elif how == "link":
        desk.stamp.symlink_to(town.root / "elsewhere")
    elif how == "no launcher":
        desk.launcher.unlink()
        without_gitcoord_on_path(monkeypatch)
    desk.commit()
    assert not desk.stamp.exists()


def test_a_setting_by_hand_counts_from_the_next_sync_at_the_latest(town: Town) -> None:
    desk = Desk(town)
    terms = Path(desk.stamp.parent / "terms")
    assert terms.read_text() == "1 300 .\n"
    desk.clone.git("config", "coord.sync", "manual")
    assert desk.clone.coord("sync", env={"GIT_COORD_BACKGROUND": "1"}).code == 129
    assert terms.read_text() == "1 - .\n"
    assert not desk.heard_of()
    assert desk.clone.coord("sync").code == 0
    assert desk.heard_of()


def test_a_commit_in_a_linked_worktree_counts_too(town: Town) -> None:
    desk = Desk(town)
    place = Scratch(Path(desk.clone.coord("claim", "15", "--json").result["worktree"]))
    sid = place.coord("whoami", "--json").result["id"]
    desk.worker.make_due()
    desk.stamp.unlink(missing_ok=True)
    worker = Worker(place, sid, desk.clone.git("rev-parse", f"refs/coord/sessions/{sid}"))
    worker.make_due()
    place.git("commit", "-q", "--allow-empty", "-m", "x")
    assert desk.stamp.exists()
