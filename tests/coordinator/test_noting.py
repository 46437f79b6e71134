"""Facts noted in a session's record while it runs."""

from __future__ import annotations

import pytest

from gitcoord.core import names
from gitcoord.core.model import Counters, Session
from gitcoord.errors import Ended
from tests.faults.support import Office


def test_counters_add_up_and_other_facts_replace_each_other(office: Office) -> None:
    me = office.coord().start("backend", bind=False).id
    office.coord(me).note(messages=1, tool_calls=3, model="opus", labels={"team": "web"})
    office.coord(me).note(tool_calls=2, mcp_servers=["search"], labels={"area": "login"})
    coord = office.coord()
    coord.begin()
    noted = coord.records.get(names.session_ref(me), Session)
    assert noted is not None
    assert noted.record.counters == Counters(messages=1, tool_calls=5)
    assert noted.record.model == "opus"
    assert noted.record.mcp_servers == ("search",)
    assert noted.record.labels == {"team": "web", "area": "login"}


def test_nothing_new_writes_nothing(office: Office) -> None:
    me = office.coord().start("backend", bind=False).id
    office.coord(me).note(model="opus")
    tip = office.scratch.git("rev-parse", names.session_ref(me))
    office.coord(me).note(model="opus")
    assert office.scratch.git("rev-parse", names.session_ref(me)) == tip


def test_an_ended_session_takes_no_notes(office: Office) -> None:
    me = office.coord().start("backend", bind=False).id
    office.coord(me).end()
    with pytest.raises(Ended):
        office.coord().note(me, tool_calls=1)
