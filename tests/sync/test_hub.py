"""Choosing a hub: what it allows, whose state it holds, and what becomes of a hub that loses it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcoord.errors import HubRefused, HubUnreachable, Usage
from tests.support import Scratch
from tests.sync.support import Town, coord_refs


def test_a_probe_says_what_the_remote_allows_and_leaves_nothing(town: Town) -> None:
    clone = town.clone("a")
    checks = town.coord(clone).hub_probe("origin")
    assert {check.name: check.status for check in checks} == dict.fromkeys(
        ("refs", "visible", "leases", "heartbeats", "atomic push", "deletion"), "ok"
    )
    assert town.refs() == {}
    assert coord_refs(clone) == coord_refs(clone, "refs/coord-remotes/") == {}


def test_sy11_host_policies(town: Town) -> None:
    """Heads only, hidden refs, no deletion, no atomic push: each is found out and named."""
    clone = town.clone("a")
    coord = town.coord(clone)

    def found() -> dict[str, str]:
        return {check.name: check.status for check in coord.hub_probe("origin")}

    town.hub.git("config", "transfer.hideRefs", "refs/coord")
    assert found() == {"refs": "problem"}
    clone.git("config", "coord.refPrefix", "refs/heads/coord-state/")
    coord.reconfigure()
    assert found()["refs"] == "ok"
    clone.git("config", "--unset", "coord.refPrefix")
    coord.reconfigure()
    town.hub.git("config", "--unset", "transfer.hideRefs")
    town.hub.git("config", "uploadpack.hideRefs", "refs/coord")
    assert found()["visible"] == "problem"
    town.hub.git("config", "--unset", "uploadpack.hideRefs")
    town.hub.git("config", "receive.advertiseAtomic", "false")
    assert found()["atomic push"] == "warning"
    hook = town.hub.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncase $3 in 0000*) echo no deletion; exit 1 ;; esac\n")
    hook.chmod(0o755)
    assert "stays" in coord.hub_probe("origin")[-1].message
    coord.init(hooks=False)
    coord.hub_set("origin")  # what a probe left there is ignored
    assert set(coord_refs(clone)) == {"refs/coord/meta/repo"}


def test_the_first_clone_publishes_and_the_second_takes_part(town: Town) -> None:
    first = town.clone("first", hub=True)
    ann = town.hire(first, "ann")
    ann.task_add("write it", id="15")
    ann.sync()
    second = town.clone("second", hub=True)
    assert town.coord(second).task_show("15").title == "write it"
    assert coord_refs(second) == coord_refs(first) == town.refs()


def test_another_place_at_the_remote_serves_as_well(town: Town) -> None:
    first = town.clone("first")
    first.git("config", "coord.refPrefix", "refs/heads/coord-state/")
    coord = town.coord(first)
    coord.init(hooks=False)
    assert coord.hub_set("origin").waiting == 0
    assert set(coord_refs(town.hub, "refs/heads/")) == {"refs/heads/main", "refs/heads/coord-state/meta/repo"}


def test_setting_up_with_a_hub_is_one_command(town: Town) -> None:
    clone = town.clone("a")
    done = clone.coord("init", "--no-hooks", "--hub", "origin", "--json")
    assert [item["what"] for item in done.result] == ["coordination state", "setting coord.hub = origin"]
    shown = clone.coord("hub", "show", "--json")
    assert (shown.result["hub"], shown.result["waiting"]) == ("origin", 0)
    assert shown.json["as_of"] >= 0
    assert "received" in clone.coord("sync").out
    assert clone.coord("hub", "unset").code == 0
    assert clone.coord("sync", "--json").error["code"] == "usage"
    assert clone.coord("hub", "set", "origin").code == 0
    taken = clone.coord("uninstall", "--purge-state", "--json").result
    assert "setting coord.hub" in [item["what"] for item in taken]
    assert coord_refs(clone) == coord_refs(clone, "refs/coord-remotes/") == {}


def test_state_of_another_repository_is_not_mixed_with_ours(town: Town) -> None:
    town.clone("first", hub=True)
    other = town.clone("other")
    coord = town.coord(other)
    coord.init(hooks=False)
    coord.task_add("mine", id="mine")
    before = coord_refs(other)
    with pytest.raises(HubRefused, match="another repository"):
        coord.hub_set("origin")
    assert coord_refs(other) == before
    assert "mine" not in str(town.refs())


def test_a_hub_that_cannot_be_reached_changes_nothing(town: Town) -> None:
    clone = town.clone("a")
    coord = town.coord(clone)
    coord.init(hooks=False)
    before = clone.user_state(), coord_refs(clone), (clone.path / ".git" / "config").read_bytes()
    with pytest.raises(HubUnreachable):
        coord.hub_set(str(town.root / "nowhere"))
    with pytest.raises(Usage):
        coord.hub_set("ext::sh -c true")
    assert (clone.user_state(), coord_refs(clone), (clone.path / ".git" / "config").read_bytes()) == before


def test_a_backup_that_was_played_back_is_noticed(town: Town) -> None:
    """Tokens that were granted since could be granted again: so it goes on in a new epoch, or not at all."""
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    ann.task_add("write it", id="15")
    ann.sync()
    backup = town.refs()
    ann.claim("15", worktree=False)
    for ref in town.refs():
        if ref in backup:
            town.hub.git("update-ref", ref, backup[ref])
        else:
            town.hub.git("update-ref", "-d", ref)
    for _ in range(2):
        with pytest.raises(HubRefused, match="lost state"):
            ann.sync()
    with pytest.raises(HubRefused):
        ann.lock(["deploy"])
    ann.hub_set("origin", republish=True)
    assert town.refs() == coord_refs(clone)
    assert ann.sync().sent == 0
    other = town.hire(town.clone("b", hub=True), "ben")
    assert other.lock(["deploy"]).token > 1 << 20


def test_sy06_mirror_wipe_detected(town: Town) -> None:
    """A plain clone mirrored away the state: it is missed, nothing reads as free, and comes back under a new epoch."""
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    ann.task_add("write it", id="15")
    ann.sync()
    before = coord_refs(clone)
    plain = Scratch(town.root / "plain")
    town.hub.git("clone", "-q", town.url, str(plain.path))
    plain.git("push", "-q", "--mirror", "origin")
    assert town.refs() == {}
    for _ in range(2):
        with pytest.raises(HubRefused, match="no longer shows"):
            ann.sync()
    with pytest.raises(HubRefused):
        ann.hub_set("origin")
    assert coord_refs(clone) == before
    assert town.refs() == {}
    ann.hub_set("origin", republish=True)
    assert set(town.refs()) == set(before)
    assert ann.claim("15", worktree=False).task.token > 1 << 20  # no token is ever given twice
    second = town.clone("b", hub=True)
    assert town.coord(second).task_show("15").title == "write it"


def test_a_relative_address_counts_from_the_main_worktree_wherever_one_stands(town: Town) -> None:
    clone = town.clone("a")
    clone.git("remote", "set-url", "origin", os.path.relpath(town.hub.path, clone.path))
    (clone.path / "deep" / "down").mkdir(parents=True)
    assert clone.coord("init", "--hub", "origin", "--no-hooks").code == 0
    assert clone.coord("start", "ann").code == 0
    claimed = clone.coord("claim", "15", "--json")
    assert claimed.json["guarantee"] == "confirmed"
    for place in (clone.path / "deep" / "down", Path(claimed.result["worktree"])):
        assert Scratch(place).coord("sync").code == 0
        assert Scratch(place).coord("claim", place.name, "--no-worktree", "--session", "ann", "--json").code == 0
