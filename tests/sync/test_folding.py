"""Archiving across machines: the hub decides, every clone follows, and nothing comes back from one that was away."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.core import names
from gitcoord.errors import CoordError, Exists, HubUnreachable, Usage, WrongState
from tests.faults.support import FakeClock
from tests.support import Scratch
from tests.sync.support import Town, coord_refs

HOUR = 3600.0
TASK = "refs/coord/tasks/15"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pair(town: Town) -> tuple[Scratch, Scratch]:
    """Two clones of one hub, coordinated through it."""
    return town.clone("a", hub=True), town.clone("b", hub=True)


def finish(town: Town, clone: Scratch, clock: FakeClock, *tasks: str) -> None:
    """Somebody in ``clone`` does ``tasks``, ends, and two hours pass."""
    ann = town.hire(clone, "ann", clock=clock)
    for task in tasks:
        ann.claim(task, worktree=False)
        ann.done(task)
    ann.end()
    ann.sync()
    clock.move(2 * HOUR)


def maintain(town: Town, clone: Scratch, clock: FakeClock) -> Coordinator:
    coord = town.coord(clone, clock=clock)
    coord.maintain(older_than=HOUR)
    return coord


def sync(town: Town, clone: Scratch, clock: FakeClock) -> Coordinator:
    coord = town.coord(clone, clock=clock)
    coord.sync()
    return coord


def test_what_is_folded_goes_at_the_hub_and_in_every_clone(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, b = pair
    finish(town, a, clock, "15", "16")
    before = sync(town, b, clock)
    shown, log = before.task_show("15"), before.log(task="15")
    coord = maintain(town, a, clock)
    assert coord.notices == []
    assert set(town.refs()) == {names.META, names.ARCHIVE}
    after = sync(town, b, clock)
    assert after.notices == []
    assert set(coord_refs(b)) == set(coord_refs(a)) == {names.META, names.ARCHIVE}
    assert after.task_show("15") == shown
    assert after.log(task="15") == log
    assert [view.id for view in after.task_list(all=True)] == ["15", "16"]
    b.git("gc", "-q", "--prune=now")
    assert town.coord(b).task_show("15") == shown


def test_a_clone_that_comes_late_gets_the_archive(town: Town, clock: FakeClock) -> None:
    a = town.clone("a", hub=True)
    finish(town, a, clock, "15")
    maintain(town, a, clock)
    late = town.clone("late", hub=True)
    assert town.coord(late).task_show("15").state == "done"
    with pytest.raises(WrongState):
        town.hire(late, "bob", clock=clock).claim("15", worktree=False)


def test_sy12_a_clone_that_was_away_brings_nothing_back(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, b = pair
    finish(town, a, clock, "15")
    sync(town, b, clock)
    assert TASK in coord_refs(b)
    maintain(town, a, clock)
    here = town.hire(b, "bob", clock=clock)
    here.task_add("Other", id="17")
    here.sync()
    assert TASK not in coord_refs(b)
    assert TASK not in town.refs()
    assert "refs/coord/tasks/17" in town.refs()
    sync(town, a, clock)
    assert TASK not in coord_refs(a)


def test_what_was_done_offline_to_an_archived_task_is_refused_and_kept(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, b = pair
    town.hire(a, "boss", clock=clock).task_add("Fix", id="15")
    sync(town, a, clock)
    sync(town, b, clock)
    bob = town.hire(b, "bob", clock=clock)
    bob.claim("15", worktree=False, provisional=True)
    finish(town, a, clock, "15")
    maintain(town, a, clock)
    late = sync(town, b, clock)
    assert any(notice.code == "conflict" for notice in late.notices)
    assert TASK not in coord_refs(b)
    assert (late.task_show("15").state, late.task_show("15").token) == ("done", 1)
    assert TASK not in town.refs()


def test_what_was_reopened_offline_lives_again(town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock) -> None:
    a, b = pair
    finish(town, a, clock, "15")
    sync(town, b, clock)
    town.hire(b, "bob", clock=clock).task_edit("15", reopen=True)
    maintain(town, a, clock)
    assert TASK not in town.refs()
    sync(town, b, clock)
    assert TASK in town.refs()
    assert sync(town, a, clock).task_show("15").state == "pending"
    assert town.hire(a, "cid", clock=clock).claim("15", worktree=False).task.token == 2


def test_reopened_out_of_the_archive_it_reaches_the_others(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, b = pair
    finish(town, a, clock, "15")
    maintain(town, a, clock)
    sync(town, b, clock)
    bob = town.hire(b, "bob", clock=clock)
    bob.task_edit("15", reopen=True)
    assert bob.claim("15", worktree=False).task.token == 2
    assert sync(town, a, clock).task_show("15").token == 2


@pytest.mark.parametrize("away", [0.0, 2 * HOUR], ids=["just heard of", "away for long"])
def test_a_name_that_is_new_here_but_archived_there_is_not_made_anew(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock, away: float
) -> None:
    a, b = pair
    sync(town, b, clock)
    finish(town, a, clock, "15")
    maintain(town, a, clock)
    bob = town.hire(b, "bob", clock=clock)
    if not away:
        sync(town, b, clock)
    with pytest.raises(WrongState):
        bob.claim("15", worktree=False)
    assert TASK not in town.refs()


def test_a_task_added_offline_under_an_archived_name_is_refused(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, b = pair
    finish(town, a, clock, "15")
    maintain(town, a, clock)
    bob = town.hire(b, "bob", clock=clock)
    bob.task_add("Mine", id="15")
    bob.sync()
    assert any(notice.code == "conflict" and "15" in notice.message for notice in bob.notices)
    assert town.coord(b).task_show("15").state == "done"
    assert TASK not in town.refs()
    with pytest.raises(Exists):
        bob.task_add("Mine", id="15")


def test_a_host_that_refuses_deletions_keeps_the_refs_and_nobody_minds(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, b = pair
    hook = town.hub.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase $3 in *[!0]*) exit 0;; esac\necho "deletions are not allowed" >&2\nexit 1\n')
    hook.chmod(0o755)
    finish(town, a, clock, "15")
    sync(town, b, clock)
    coord = maintain(town, a, clock)
    assert [notice.code for notice in coord.notices] == ["hub-keeps"]
    assert TASK in town.refs()
    assert TASK not in coord_refs(a)
    for clone in (a, b, a):
        assert sync(town, clone, clock).task_show("15").state == "done"
    assert TASK not in coord_refs(a)
    cid = town.hire(a, "cid", clock=clock)
    cid.task_edit("15", reopen=True)
    cid.sync()
    assert cid.claim("15", worktree=False).task.token == 2
    assert sync(town, b, clock).task_show("15").token == 2


def test_an_archived_failure_is_claimed_again_at_a_host_that_refuses_deletions(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, b = pair
    hook = town.hub.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncase $3 in *[!0]*) exit 0;; esac\nexit 1\n")
    hook.chmod(0o755)
    ann = town.hire(a, "ann", clock=clock)
    ann.claim("15", worktree=False)
    ann.done("15", status="failed")
    ann.end()
    clock.move(2 * HOUR)
    maintain(town, a, clock)
    assert TASK in town.refs()
    assert town.hire(a, "cid", clock=clock).claim("15", worktree=False).task.token == 2
    assert sync(town, b, clock).task_show("15").token == 2


def test_without_the_hub_nothing_is_folded_but_refs_are_packed(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, _b = pair
    finish(town, a, clock, "15")
    before = coord_refs(a)
    a.git("remote", "set-url", "origin", str(town.root / "nowhere"))
    with pytest.raises(HubUnreachable):
        maintain(town, a, clock)
    assert coord_refs(a) == before
    assert TASK in (a.path / ".git" / "packed-refs").read_text()


def test_with_a_hub_nothing_is_folded_that_is_younger_than_an_hour(town: Town, pair: tuple[Scratch, Scratch]) -> None:
    with pytest.raises(Usage, match="hub"):
        town.coord(pair[0]).maintain(older_than=60)


@pytest.mark.parametrize(
    "point", ["between_fold_and_delete:kill", "before_delete_at_hub:kill", "after_objects:kill", "before_ref:kill"]
)
def test_a_maintain_killed_at_any_step_is_finished_by_the_next(
    town: Town, pair: tuple[Scratch, Scratch], point: str
) -> None:
    """On the real clock: finished two hours ago by what its author's clock said."""
    a, b = pair
    clock = FakeClock()
    clock.wall = 1_600_000_000.0
    finish(town, a, clock, "15")
    sync(town, b, clock)
    killed = a.coord("maintain", "--older-than", "1h", env={"GITCOORD_FAILPOINT": point})
    assert killed.code == -9
    assert town.coord(b).task_show("15").state == "done"
    synced = b.coord("sync", "--json")
    assert synced.code == 0, synced
    assert town.coord(b).task_show("15").state == "done"
    done = a.coord("maintain", "--older-than", "1h", "--json")
    assert done.code == 0, done
    assert TASK not in town.refs()
    assert town.coord(a).task_show("15").state == "done"
    b.coord("sync")
    assert TASK not in coord_refs(b)
    assert town.coord(b).task_show("15").state == "done"


def test_a_process_killed_with_a_tracking_ref_locked_keeps_nobody_from_the_hub(
    town: Town, pair: tuple[Scratch, Scratch]
) -> None:
    """libgit2 holds the locks itself, so that they stay; git would refuse every fetch for ever."""
    a, _b = pair
    clock = FakeClock()
    clock.wall = 1_600_000_000.0
    finish(town, a, clock, "15")
    script = (
        "import os\nfrom gitcoord import failpoint\nfrom gitcoord.coordinator import Coordinator\n"
        "coord = Coordinator.open('.', dict(os.environ))\nfailpoint.arm('before_ref:kill')\n"
        "coord.maintain(older_than=3600)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=a.path).returncode == -9
    assert list((a.path / ".git/refs/coord-remotes").rglob("*.lock"))
    deadline = time.monotonic() + 20
    while a.coord("sync").code != 0:  # a lock counts as left behind after a quarter of a second
        assert time.monotonic() < deadline
    assert not list((a.path / ".git/refs/coord-remotes").rglob("*.lock"))
    assert a.coord("maintain", "--older-than", "1h").code == 0
    assert TASK not in town.refs()


def test_two_clones_maintain_at_once(town: Town, pair: tuple[Scratch, Scratch]) -> None:
    a, b = pair
    clock = FakeClock()
    clock.wall = 1_600_000_000.0
    finish(town, a, clock, "15", "16", "17")
    sync(town, b, clock)
    both = [clone.start_coord("maintain", "--older-than", "1h", "--json") for clone in (a, b)]
    for one in both:
        out, err = one.communicate(timeout=60)
        assert one.returncode == 0, out + err
    for clone in (a, b, a):
        assert clone.coord("sync").code == 0
        assert {view.id for view in town.coord(clone).task_list(all=True)} == {"15", "16", "17"}
        assert town.coord(clone).status().archived == 3
    assert not any(ref.startswith("refs/coord/tasks/") for ref in town.refs())


def test_what_two_clones_archived_before_they_had_a_hub_is_joined(town: Town, clock: FakeClock) -> None:
    """A clone copied with its state, both maintained on their own, and then coordinated through one hub."""
    a = town.clone("a")
    with town.coord(a, clock=clock) as coord:
        coord.init(hooks=False)
    ann = town.hire(a, "ann", clock=clock)
    for task in ("15", "16"):
        ann.claim(task, worktree=False)
        ann.done(task)
    town.coord(a, clock=clock).maintain(older_than=0)
    a.git("push", "-q", "origin", "refs/coord/*:refs/coord/*")
    b = town.clone("b")
    b.git("fetch", "-q", "origin", "refs/coord/*:refs/coord/*")
    for clone, task in ((a, "left"), (b, "right")):
        worker = town.hire(clone, task, clock=clock)
        worker.claim(task, worktree=False)
        worker.done(task)
        town.coord(clone, clock=clock).maintain(older_than=0)
    for clone in (a, b):
        town.coord(clone, clock=clock).hub_set("origin")
    for clone in (a, b, a):
        sync(town, clone, clock)
        assert {view.id for view in town.coord(clone).task_list(all=True)} >= {"15", "16"}
    assert {view.id for view in town.coord(a).task_list(all=True)} == {"15", "16", "left", "right"}
    assert {view.id for view in town.coord(b).task_list(all=True)} == {"15", "16", "left", "right"}


def test_hi08_a_hostile_archive_at_the_hub_is_left_there(
    town: Town, pair: tuple[Scratch, Scratch], clock: FakeClock
) -> None:
    a, b = pair
    finish(town, a, clock, "15")
    maintain(town, a, clock)
    sync(town, b, clock)
    blob = town.hub.git("hash-object", "-w", "--stdin", stdin="15 ../../../etc/passwd\n")
    record = town.hub.git("hash-object", "-w", "--stdin", stdin='{"v":1,"at":"t"}\n')
    inner = town.hub.git("mktree", stdin="".join(f"100644 blob {blob}\t{n:02x}\n" for n in range(256)))
    tree = town.hub.git("mktree", stdin=f"100644 blob {record}\trecord.json\n040000 tree {inner}\ttasks\n")
    tip = town.refs()[names.ARCHIVE]
    hostile = town.hub.git("-c", "user.name=x", "-c", "user.email=x", "commit-tree", tree, "-p", tip, "-m", "x")
    town.hub.git("update-ref", names.ARCHIVE, hostile)
    coord = sync(town, b, clock)
    assert any(notice.code == "corrupt" and names.ARCHIVE in notice.message for notice in coord.notices)
    assert coord_refs(b)[names.ARCHIVE] == tip
    assert coord.task_show("15").state == "done"
    bob = town.hire(b, "bob", clock=clock)
    bob.task_add("More", id="18")
    bob.sync()
    assert "refs/coord/tasks/18" in town.refs()
    with pytest.raises(CoordError):
        maintain(town, b, clock)
    assert town.refs()[names.ARCHIVE] == hostile


def test_a_host_that_takes_only_branches_archives_as_well(town: Town, clock: FakeClock) -> None:
    prefix = "refs/heads/coord-state/"
    clones = []
    for name in ("a", "b"):
        clone = town.clone(name)
        clone.git("config", "coord.refPrefix", prefix)
        with town.coord(clone) as coord:
            coord.init(hooks=False)
            coord.hub_set("origin")
        clones.append(clone)
    a, b = clones
    finish(town, a, clock, "15")
    sync(town, b, clock)
    assert maintain(town, a, clock).notices == []
    assert set(coord_refs(town.hub, prefix)) == {f"{prefix}meta/repo", f"{prefix}archive/finished"}
    assert sync(town, b, clock).task_show("15").state == "done"
    assert TASK not in coord_refs(b)
