"""The same over smart HTTP: what git says there is other words, and must mean the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitcoord.coordinator import Coordinator
from gitcoord.errors import Held, HubRefused, HubUnreachable
from gitcoord.git import remote
from gitcoord.git.remote import NotAtomic, Update
from tests.sync.support import ORIGIN, Town, coord_refs, opened
from tests.sync.test_remote import X, Y, commits, states
from tests.sync.webhub import WebHub, serving


@pytest.fixture
def web(town: Town) -> Iterator[WebHub]:
    with serving(town.root) as hub:
        yield hub


def worker(town: Town, web: WebHub, name: str) -> Coordinator:
    clone = town.clone(name)
    clone.git("remote", "set-url", "origin", f"{web.url}/hub.git")
    coord = town.coord(clone)
    coord.init(hooks=False)
    coord.hub_set("origin")
    coord.wanted = coord.start(name, bind=False).id
    return coord


def test_one_winner_over_http(town: Town, web: WebHub) -> None:
    ann, ben = worker(town, web, "ann"), worker(town, web, "ben")
    before = web.pushes
    assert ann.claim("15", worktree=False).guarantee == "confirmed"
    assert web.pushes == before + 1
    with pytest.raises(Held) as refusal:
        ben.claim("15", worktree=False)
    assert refusal.value.fields["holder_name"] == "ann"


@pytest.mark.parametrize("order", [1, -1])
def test_sy03_atomic_two_refs_one_loses_over_http(town: Town, web: WebHub, order: int) -> None:
    clone = town.clone("a")
    clone.git("remote", "set-url", "origin", f"{web.url}/hub.git")
    one, two = commits(clone, 2)
    repo = opened(clone)
    remote.push(repo, ORIGIN, [Update(X, one, None)])
    updates = [Update(X, two, None), Update(Y, two, None)][::order]
    assert sorted(states(remote.push(repo, ORIGIN, updates, atomic=True))) == ["beside", "stale"]
    assert town.refs() == {X: one}
    town.hub.git("config", "receive.advertiseAtomic", "false")
    good = [Update(X, two, one), Update(Y, two, None)][::order]
    with pytest.raises(NotAtomic):
        remote.push(repo, ORIGIN, good, atomic=True)
    assert town.refs() == {X: one}


def test_sy02_indeterminate_push_over_http(town: Town, web: WebHub) -> None:
    """The answer never came: the hub is looked at, and has it."""
    ann, ben = worker(town, web, "ann"), worker(town, web, "ben")
    web.cut = True
    assert ann.claim("15", worktree=False).guarantee == "confirmed"
    web.cut = False
    assert ann.sync().conflicts == 0
    with pytest.raises(Held):
        ben.claim("15", worktree=False)


def test_a_server_that_is_gone_grants_nothing(town: Town) -> None:
    with serving(town.root) as web:
        ann = worker(town, web, "ann")
    with pytest.raises(HubUnreachable):
        ann.claim("15", worktree=False)
    with pytest.raises(HubUnreachable):
        ann.sync()


def test_sy11_a_server_that_limits_pushes_loses_nothing(town: Town, web: WebHub) -> None:
    ann = worker(town, web, "ann")
    hook = town.hub.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'too many pushes, come back later' >&2\nexit 1\n")
    hook.chmod(0o755)
    ann.task_add("write it", id="15")
    with pytest.raises(HubRefused, match="takes nothing"):
        ann.sync()
    hook.unlink()
    assert ann.sync().sent > 0
    assert town.refs() == coord_refs(town.clone("ben", hub=True))
