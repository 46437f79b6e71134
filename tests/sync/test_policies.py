"""SY11: what hosts forbid, and how often. It is said plainly, tried again where that helps, and nothing is lost."""

from __future__ import annotations

import random

import pytest

from gitcoord.errors import HubRefused
from gitcoord.store.hub_push import IN_VAIN
from tests.faults.support import FakeClock
from tests.support import Scratch
from tests.sync.support import Town, coord_refs, pushes

# At most so many pushes in the time for which the file is there.
_RATE = """#!/bin/sh
count=$(cat "{count}" 2>/dev/null || echo 0)
echo $((count + 1)) >"{count}"
[ "$count" -ge {free} ] || {{ echo "rate limit exceeded: at most 6 pushes a minute" >&2; exit 1; }}
"""
_SMALL = """#!/bin/sh
while read -r old new ref; do
	size=$(git cat-file -s "$new:record.json" || git cat-file -s "$new:big" || git cat-file -s "$new") 2>/dev/null
	[ "$size" -le 1048576 ] || { echo "objects over 1 MB are not accepted" >&2; exit 1; }
done
"""
_FORWARD = """#!/bin/sh
case $2 in 0000*) exit 0 ;; esac
git merge-base --is-ancestor "$2" "$3" 2>/dev/null || { echo "only forward"; exit 1; }
"""


class PatientClock(FakeClock):
    """Waits in no time, and knows for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def sleep(self, seconds: float) -> None:  # type: ignore[override]
        self.waited.append(seconds)
        self.move(seconds)


def rule(town: Town, event: str, text: str) -> None:
    hook = town.hub.path / "hooks" / event
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(text)
    hook.chmod(0o755)


def limit(town: Town, refused: int) -> None:
    """From now on so many pushes are refused, and then all are taken."""
    (town.root / "count").unlink(missing_ok=True)
    rule(town, "pre-receive", _RATE.format(count=town.root / "count", free=refused))


def test_sy11_a_rate_limit_is_waited_for_with_jitter(town: Town) -> None:
    clock = PatientClock()
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann", clock=clock)
    ann.task_add("write it", id="15")
    limit(town, 2)
    assert ann.sync().sent == 3
    first, second = clock.waited
    assert 1 <= first <= 3
    assert 2 <= second <= 6
    assert coord_refs(clone) == town.refs()
    assert [notice.code for notice in ann.notices] == []


def test_sy11_a_rate_limit_that_lasts_is_said_plainly_and_nothing_is_lost(town: Town) -> None:
    clock = PatientClock()
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann", clock=clock)
    ann.task_add("write it", id="15")
    limit(town, 6)
    with pytest.raises(HubRefused, match="at most 6 pushes a minute") as caught:
        ann.sync()
    assert len(clock.waited) == 3
    assert "in a minute" in str(caught.value.hint)
    with pytest.raises(HubRefused, match="at most 6 pushes a minute") as caught:
        ann.claim("15", worktree=False)
    assert "in a minute" in str(caught.value.hint)
    assert ann.task_show("15").state == "pending"
    assert ann.sync().sent == 3
    assert coord_refs(clone) == town.refs()


BIG = "refs/coord/rescue/15"


def too_big(clone: Scratch) -> None:
    """A rescue snapshot that many hosts would not take."""
    clone.git("update-ref", BIG, clone.commit("big", {"big": "x" * 1_100_000}))


def test_sy11_what_is_too_big_is_said_in_the_hosts_own_words_and_holds_nothing_else_up(town: Town) -> None:
    clock = PatientClock()
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann", clock=clock)
    for number in range(30):
        ann.task_add(f"task {number}", id=f"t{number}")
    too_big(clone)
    rule(town, "pre-receive", _SMALL)
    mode = town.trouble(clone)
    view = ann.sync()
    assert (view.sent, view.refused) == (32, (BIG,))
    assert pushes(mode) <= 12
    assert [notice.message for notice in ann.notices if BIG in notice.message and "over 1 MB" in notice.message]
    assert clock.waited == []  # later it will be no smaller
    assert town.refs() == {ref: oid for ref, oid in coord_refs(clone).items() if ref != BIG}
    before = pushes(mode)
    ann.task_edit("t7", title="another")
    assert (ann.sync().sent, pushes(mode) - before) == (1, 2)  # it is known by now, and goes apart
    rule(town, "pre-receive", "#!/bin/sh\n")
    ann.sync()
    assert coord_refs(clone) == town.refs()


def test_sy11_a_pack_over_the_hosts_limit_holds_nothing_else_up(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    ann.task_add("write it", id="15")
    clone.git("update-ref", BIG, clone.commit("big", {"big": random.Random(1).randbytes(400_000).hex()}))
    town.hub.git("config", "receive.maxInputSize", "100k")
    view = ann.sync()
    assert (view.sent, view.refused) == (3, (BIG,))


def test_sy11_a_host_that_takes_nothing_is_not_pushed_to_for_ever(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    for number in range(30):
        ann.task_add(f"task {number}", id=f"t{number}")
    rule(town, "pre-receive", "#!/bin/sh\necho closed for today >&2\nexit 1\n")
    mode = town.trouble(clone)
    with pytest.raises(HubRefused, match="closed for today"):
        ann.sync()
    assert pushes(mode) == 3  # all of it, its first and its last


def test_sy11_a_host_that_cannot_write_is_not_taken_for_a_lost_race(town: Town) -> None:
    """It says "atomic transaction failed" of every ref, as it does where somebody else was first."""
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    stuck = town.hub.path / "refs" / "coord" / "tasks" / "15.lock"  # a killed push left it behind
    stuck.parent.mkdir(parents=True)
    stuck.touch()
    before = coord_refs(clone)
    mode = town.root / "count"
    rule(town, "pre-receive", f'#!/bin/sh\necho >>"{mode}"\n')
    with pytest.raises(HubRefused, match="nobody else has changed it"):
        ann.claim("15", worktree=False)
    assert mode.read_text().count("\n") == IN_VAIN
    assert coord_refs(clone) == before
    ann.task_add("it", id="15")
    assert ann.sync().refused == ("refs/coord/tasks/15",)
    assert "refs/coord/tasks/15: " in str(ann.notices)
    stuck.unlink()
    ann.sync()
    assert coord_refs(clone) == town.refs()


def test_sy11_a_probe_names_a_host_that_keeps_heartbeats_out(town: Town) -> None:
    clone = town.clone("a")
    coord = town.coord(clone)
    rule(town, "update", _FORWARD)
    for _ in range(2):  # what the first one leaves there does not mislead the second
        found = {check.name: check.status for check in coord.hub_probe("origin")}
        assert found["heartbeats"] == "problem"
        assert set(found.values()) <= {"ok", "problem"}
    (town.hub.path / "hooks" / "update").unlink()
    clone.git("config", "coord.refPrefix", "refs/heads/coord-state/")
    coord.reconfigure()
    assert {check.status for check in coord.hub_probe("origin")} == {"ok"}
    town.hub.git("config", "receive.denyNonFastForwards", "true")
    assert [check.name for check in coord.hub_probe("origin") if check.status != "ok"] == ["heartbeats"]


def test_sy11_what_may_only_move_forward_holds_nothing_else_up(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    ann.task_add("write it", id="15")
    ann.sync()
    rule(town, "update", _FORWARD)
    beat = f"refs/coord/heartbeats/{ann.wanted}"
    blob = Scratch(clone.path).git("hash-object", "-w", "--stdin", stdin='{"boot":null,"up":null,"utc":1,"v":1}\n')
    clone.git("update-ref", beat, blob)
    ann.task_edit("15", title="write it well")
    view = ann.sync()
    assert (view.sent, view.refused) == (1, (beat,))
    assert [notice.message for notice in ann.notices] == [f"the hub does not take {beat}: hook declined: only forward"]
