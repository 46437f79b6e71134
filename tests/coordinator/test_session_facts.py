"""What a session's view says about it besides its state."""

from __future__ import annotations

import pytest

from gitcoord.core import names
from tests.faults.support import FakeClock, Office


def test_a_view_tells_the_counters_the_servers_where_from_and_the_last_activity(
    timed: Office, clock: FakeClock
) -> None:
    me = timed.coord(SSH_CONNECTION="203.0.113.7 50022 10.0.0.1 22").start("backend", bind=False)
    assert (me.messages, me.tool_calls, me.mcp_servers) == (0, 0, ())
    assert me.ssh_client == "203.0.113.7"
    assert me.activity == me.started_at
    clock.move(3600)
    mine = timed.coord(me.id)
    mine.note(messages=2, tool_calls=5, mcp_servers=["search"])
    mine.heartbeat()
    now = mine.whoami()
    assert (now.messages, now.tool_calls, now.mcp_servers) == (2, 5, ("search",))
    assert now.activity is not None
    assert now.activity > me.started_at


def test_resuming_tells_from_where(office: Office) -> None:
    me = office.coord(SSH_CLIENT="203.0.113.7 50022 22").start("backend", bind=False)
    coord = office.coord(SSH_CLIENT="198.51.100.4 50022 22")
    assert coord.resume(me.id, bind=False).session.ssh_client == "198.51.100.4"
    assert office.coord().resume(me.id, bind=False).session.ssh_client is None


@pytest.mark.parametrize("state", ["live", "ended"])
def test_a_session_under_a_ref_that_no_session_can_have_is_corrupt_and_hides_nobody(office: Office, state: str) -> None:
    me = office.coord().start("backend", bind=False)
    git = office.scratch.git
    record = (
        git("show", f"{names.session_ref(me.id)}:record.json").replace(me.id, "bad").replace('"live"', f'"{state}"')
    )
    blob = git("hash-object", "-w", "--stdin", stdin=record + "\n")
    tree = git("mktree", stdin=f"100644 blob {blob}\trecord.json\n")
    git("update-ref", f"{names.SESSIONS}bad", git("commit-tree", tree, "-m", "x"))
    assert [view.id for view in office.coord().sessions(all=True)] == [me.id]
    assert [item.code for item in office.coord().status().attention] == ["corrupt"]
