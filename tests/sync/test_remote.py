"""The conversation with a remote: leases decide, nothing of the user's is touched, and no answer is not a no."""

from __future__ import annotations

import pytest

from gitcoord.errors import HubUnreachable, Usage
from gitcoord.git import remote
from gitcoord.git.remote import LostContact, NotAtomic, Remote, Update
from gitcoord.git.remote_report import Verdict
from tests.support import Scratch
from tests.sync.support import ORIGIN, Town, coord_refs, opened

X, Y = "refs/coord/tasks/x", "refs/coord/tasks/y"


def commits(scratch: Scratch, count: int) -> list[str]:
    tree = scratch.git("rev-parse", "HEAD^{tree}")
    return [scratch.git("commit-tree", tree, "-m", f"state {number}") for number in range(count)]


def states(verdicts: dict[str, Verdict]) -> list[str]:
    return [verdict.state for verdict in verdicts.values()]


def test_a_push_moves_a_ref_from_exactly_what_was_expected(town: Town) -> None:
    clone = town.clone("a")
    one, two, three = commits(clone, 3)
    repo = opened(clone)
    assert states(remote.push(repo, ORIGIN, [Update(X, one, None)])) == ["moved"]
    assert states(remote.push(repo, ORIGIN, [Update(X, two, None)])) == ["stale"]
    assert states(remote.push(repo, ORIGIN, [Update(X, two, one)])) == ["moved"]  # no descendant: the lease decides
    assert states(remote.push(repo, ORIGIN, [Update(X, three, one)])) == ["stale"]
    assert town.refs() == {X: two}


def test_what_is_there_already_is_no_win(town: Town) -> None:
    clone = town.clone("a")
    one = commits(clone, 1)[0]
    repo = opened(clone)
    remote.push(repo, ORIGIN, [Update(X, one, None)])
    assert states(remote.push(repo, ORIGIN, [Update(X, one, None)])) == ["same"]


@pytest.mark.parametrize("order", [1, -1])
def test_sy03_atomic_two_refs_one_loses(town: Town, order: int) -> None:
    clone = town.clone("a")
    one, two = commits(clone, 2)
    repo = opened(clone)
    remote.push(repo, ORIGIN, [Update(X, one, None)])
    updates = [Update(X, two, None), Update(Y, two, None)][::order]
    assert sorted(states(remote.push(repo, ORIGIN, updates, atomic=True))) == ["beside", "stale"]
    assert town.refs() == {X: one}
    assert sorted(states(remote.push(repo, ORIGIN, updates))) == ["moved", "stale"]
    town.hub.git("config", "receive.advertiseAtomic", "false")
    with pytest.raises(NotAtomic):
        remote.push(repo, ORIGIN, updates, atomic=True)


def test_sy05_fetch_prune_config_safe(town: Town) -> None:
    """Settings that make the user's own fetches and pushes delete or add things do nothing to ours."""
    clone = town.clone("a")
    one, two = commits(clone, 2)
    for name, value in {
        "fetch.prune": "true",
        "fetch.pruneTags": "true",
        "remote.pushDefault": "elsewhere",
        "push.followTags": "true",
        "push.recurseSubmodules": "on-demand",
        "push.gpgSign": "true",
        "remote.origin.mirror": "true",
        "remote.origin.prune": "true",
        "url.file:///nowhere/.pushInsteadOf": "https://example.org/",
    }.items():
        clone.git("config", name, value)
    clone.git("tag", "-a", "mine", "-m", "a tag of my own")
    clone.git("update-ref", "refs/coord/tasks/local", one)
    repo = opened(clone)
    assert states(remote.push(repo, ORIGIN, [Update(X, two, None)])) == ["moved"]
    clone.git("config", "--add", "remote.origin.fetch", "+refs/coord/*:refs/coord/*")
    remote.fetch(repo, ORIGIN)
    assert coord_refs(clone) == {"refs/coord/tasks/local": one}
    assert coord_refs(clone, "refs/coord-remotes/") == {"refs/coord-remotes/origin/tasks/x": two}
    assert town.hub.git("tag") == ""


def test_sy07_user_state_untouched(town: Town) -> None:
    other = town.clone("other")
    clone = Scratch(town.root / "shallow")
    town.hub.git("clone", "-q", "--depth=1", town.url, str(clone.path))
    clone.git("fetch", "-q", "origin")
    hook = clone.path / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\nexit 1\n")
    hook.chmod(0o755)
    other.commit("more", {"more": "x"})
    other.git("tag", "v1")
    other.git("push", "-q", "origin", "main", "v1")
    one = commits(other, 1)[0]
    remote.push(opened(other), ORIGIN, [Update(X, one, None)])
    files = {name: (clone.path / ".git" / name).read_bytes() for name in ("FETCH_HEAD", "shallow", "config", "index")}
    before = clone.user_state()
    remote.fetch(opened(clone), ORIGIN)
    assert states(remote.push(opened(clone), ORIGIN, [Update(Y, commits(clone, 1)[0], None)])) == ["moved"]
    assert clone.user_state() == before
    assert {name: (clone.path / ".git" / name).read_bytes() for name in files} == files
    assert not (clone.path / "ran").exists()
    assert coord_refs(clone, "refs/coord-remotes/") == {"refs/coord-remotes/origin/tasks/x": one}


def test_sy10_partial_and_shallow_clone(town: Town) -> None:
    """A clone without blobs still gets those of our records, and a full clone never becomes a shallow one."""
    other = town.clone("other")
    tip = commits(other, 1)[0]
    remote.push(opened(other), ORIGIN, [Update(X, tip, None)])
    town.hub.git("config", "uploadpack.allowFilter", "true")
    clone = Scratch(town.root / "partial")
    town.hub.git("clone", "-q", "--filter=blob:none", "--no-checkout", town.url, str(clone.path))
    remote.fetch(opened(clone), ORIGIN)
    tracked = "refs/coord-remotes/origin/tasks/x"
    assert clone.git("cat-file", "-p", f"{tracked}:README.md", env={"GIT_NO_LAZY_FETCH": "1"}) == "hello"
    assert not (clone.path / ".git" / "shallow").exists()


def test_a_remote_that_is_not_there_is_told_from_one_that_fell_silent(town: Town) -> None:
    clone = town.clone("a")
    one = commits(clone, 1)[0]
    repo = opened(clone)
    with pytest.raises(HubUnreachable):
        remote.push(repo, Remote(str(town.root / "nowhere")), [Update(X, one, None)])
    with pytest.raises(HubUnreachable):
        remote.fetch(repo, Remote("https://127.0.0.1:9/x.git"))
    mode = town.trouble(clone, "hang")
    with pytest.raises(LostContact):
        remote.push(repo, ORIGIN, [Update(X, one, None)], timeout=0.3)
    mode.write_text("cut")  # applied, and the answer never came
    with pytest.raises(LostContact):
        remote.push(repo, ORIGIN, [Update(X, one, None)])
    assert town.refs() == {X: one}


@pytest.mark.parametrize("name", ["", "-x", "--upload-pack=touch x", "ext::sh -c x", "EXT::sh", "fd::7", "a b", "a\nb"])
def test_what_could_run_a_program_is_no_remote(name: str) -> None:
    with pytest.raises(Usage):
        remote.checked(name)


@pytest.mark.parametrize("prefix", ["refs/tags/", "refs/coord", "coord/", "refs/a..b/", "refs/*/"])
def test_coordination_refs_have_no_place_among_others(prefix: str) -> None:
    with pytest.raises(Usage):
        remote.checked("origin", prefix)
    assert remote.checked("origin", "refs/heads/coord-state/").there(X) == "refs/heads/coord-state/tasks/x"
