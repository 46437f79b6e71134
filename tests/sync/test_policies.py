"""SY11: what hosts forbid, and how often. It is said plainly, tried again where that helps, and nothing is lost."""

from __future__ import annotations

import pytest

from gitcoord.errors import HubRefused
from tests.faults.support import FakeClock
from tests.support import Scratch
from tests.sync.support import Town, coord_refs

# At most so many pushes in the time for which the file is there.
_RATE = """#!/bin/sh
count=$(cat "{count}" 2>/dev/null || echo 0)
echo $((count + 1)) >"{count}"
[ "$count" -ge {free} ] || {{ echo "rate limit exceeded: at most 6 pushes a minute" >&2; exit 1; }}
"""
_SMALL = """#!/bin/sh
while read -r old new ref; do
	size=$(git cat-file -s "$new:record.json" 2>/dev/null || git cat-file -s "$new:big")
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


def test_sy11_what_is_too_big_is_said_in_the_hosts_own_words(town: Town) -> None:
    clock = PatientClock()
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann", clock=clock)
    clone.git("update-ref", "refs/coord/rescue/15", clone.commit("big", {"big": "x" * 1_100_000}))
    rule(town, "pre-receive", _SMALL)
    before = coord_refs(clone)
    with pytest.raises(HubRefused, match="over 1 MB"):
        ann.sync()
    assert clock.waited == []  # later it will be no smaller
    assert coord_refs(clone) == before
    rule(town, "pre-receive", "#!/bin/sh\n")
    ann.sync()
    assert coord_refs(clone) == town.refs()


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
