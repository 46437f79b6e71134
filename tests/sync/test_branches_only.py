"""A hub that takes only branches: everything that is possible with refs of our own is possible there."""

from __future__ import annotations

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import Held
from tests.support import Scratch
from tests.sync.support import Town, pushes

PREFIX = "refs/heads/coord-state/"
_ONLY_BRANCHES = """#!/bin/sh
case $1 in refs/heads/*) exit 0 ;; esac
echo "only branches here"; exit 1
"""


@pytest.fixture
def pair(town: Town) -> tuple[Coordinator, Coordinator, Scratch]:
    """ann and ben, each in a clone; and ann's clone."""
    hook = town.hub.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_ONLY_BRANCHES)
    hook.chmod(0o755)
    clones = []
    for name in ("here", "there"):
        clone = town.clone(name)
        clone.git("config", "coord.refPrefix", PREFIX)
        with town.coord(clone) as coord:
            coord.init(hooks=False)
            coord.hub_set("origin")
        clones.append(clone)
    return town.hire(clones[0], "ann"), town.hire(clones[1], "ben"), clones[0]


def test_a_claim_is_confirmed_and_the_other_is_told_by_whom_it_is_held(
    town: Town, pair: tuple[Coordinator, Coordinator, Scratch]
) -> None:
    ann, ben, here = pair
    mode = town.trouble(here)
    assert ann.claim("15", worktree=False).guarantee == "confirmed"
    assert pushes(mode) == 1
    with pytest.raises(Held) as caught:
        ben.claim("15", worktree=False)
    assert caught.value.fields["holder_name"] == "ann"
    [seen] = [view for view in ben.sessions() if view.name == "ann"]
    assert seen.shown == "active"


def test_heartbeats_travel_and_an_old_one_is_no_news(
    town: Town, pair: tuple[Coordinator, Coordinator, Scratch]
) -> None:
    ann, ben, here = pair
    ann.claim("15", worktree=False)
    ann.sync()
    ben.sync()
    mode = town.trouble(here)
    ann.sync()
    assert pushes(mode) == 0
    ref = f"heartbeats/{ann.wanted}"
    blob = here.git("hash-object", "-w", "--stdin", stdin='{"boot":null,"up":null,"utc":7,"v":1}\n')
    here.git("update-ref", f"refs/coord/{ref}", blob)
    assert (ann.sync().sent, pushes(mode)) == (1, 1)
    assert (ann.sync().sent, pushes(mode)) == (0, 1)
    assert town.hub.git("cat-file", "-t", PREFIX + ref) == "commit"
    assert '"utc":7' in town.hub.git("show", f"{PREFIX}{ref}:record.json")
    assert ben.sync().received == 1
    assert ben.sync().received == 0


def test_an_answer_that_got_lost_is_found_out_there_too(
    town: Town, pair: tuple[Coordinator, Coordinator, Scratch]
) -> None:
    ann, _ben, here = pair
    town.trouble(here).write_text("cut")
    assert ann.claim("15", worktree=False).guarantee == "confirmed"
