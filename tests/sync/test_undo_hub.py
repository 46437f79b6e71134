"""Undo across machines: what only one may have, the hub decides here too."""

from __future__ import annotations

import pytest

from gitcoord.errors import CoordError, Held, HubUnreachable
from tests.sync.support import Town, coord_refs

TASK = "refs/coord/tasks/15"


def test_a_release_goes_back_only_if_the_hub_still_has_it_free(town: Town) -> None:
    a, b = town.clone("a", hub=True), town.clone("b", hub=True)
    ann = town.hire(a, "ann")
    ann.claim("15", worktree=False)
    ann.release("15")
    ann.sync()
    assert ann.undo().guarantee == "confirmed"
    ann.release("15")
    ann.sync()
    bob = town.hire(b, "bob")
    bob.sync()
    assert bob.claim("15", worktree=False).task.token == 3
    with pytest.raises(CoordError) as refusal:
        ann.undo()  # which does not know of it yet
    assert refusal.value.code in ("held", "conflict")
    assert coord_refs(town.hub)[TASK] == coord_refs(b)[TASK]
    with pytest.raises(Held, match="bob"):
        ann.undo()


def test_without_the_hub_no_claim_comes_back(town: Town) -> None:
    a = town.clone("a", hub=True)
    ann = town.hire(a, "ann")
    ann.claim("15", worktree=False)
    ann.release("15")
    ann.sync()
    before = coord_refs(a)
    a.git("remote", "set-url", "origin", str(town.root / "nowhere"))
    with pytest.raises(HubUnreachable):
        ann.undo()
    assert coord_refs(a) == before


def test_a_claim_goes_back_here_and_the_others_hear_of_it(town: Town) -> None:
    a, b = town.clone("a", hub=True), town.clone("b", hub=True)
    ann = town.hire(a, "ann")
    ann.claim("15", worktree=False)
    ann.undo()
    ann.sync()
    assert town.hire(b, "bob").claim("15", worktree=False).task.token == 2
