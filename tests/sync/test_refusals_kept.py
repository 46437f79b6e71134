"""A refused event is kept for its author together with the merge that refuses it, whatever becomes of the command."""

from __future__ import annotations

import pytest

from gitcoord.core.conflicts import Entry, noted
from gitcoord.errors import HubUnreachable
from tests.sync.support import Town


def test_a_refusal_is_kept_although_the_line_breaks_before_the_sync_is_through(town: Town) -> None:
    north, south = town.clone("north", hub=True), town.clone("south", hub=True)
    ada, bob = town.hire(north, "ada"), town.hire(south, "bob")
    ada.task_add("title", id="15")
    ada.sync()
    bob.sync()
    ada.task_cancel("15", reason="not needed")
    ada.sync()
    bob.task_cancel("15", reason="too late")
    bob.task_add("something to push")
    mode = town.trouble(south)
    mode.write_text("refuse")
    with pytest.raises(HubUnreachable):
        bob.sync()
    assert [entry.code for entry in bob.hub_show().conflicts] == ["wrong-state"]


def test_an_event_that_is_refused_twice_is_listed_once(town: Town) -> None:
    entry = Entry(ref="refs/coord/tasks/15", subject="claim 15", code="held", why="…", event="{}", at="", when=100)
    once = noted(None, [entry], 100)
    assert noted(once, [entry], 200) == once
