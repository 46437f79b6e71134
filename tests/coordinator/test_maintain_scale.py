"""Many finished tasks: the refs that are left stay in the hundreds, and nothing is missing."""

from __future__ import annotations

import pytest

from gitcoord.core import names
from tests.bench.bench_maintain import furnish
from tests.faults.support import Office


@pytest.mark.parametrize(
    ("finished", "batch"), [(120, 50), pytest.param(10_000, 1000, marks=pytest.mark.nightly)], ids=["some", "10k"]
)
def test_sc01_after_maintain_live_refs_are_in_the_hundreds(
    office: Office, finished: int, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitcoord.coordinator.maintaining.BATCH", batch)
    coord = office.coord()
    furnish(coord, finished, 100)
    made = coord.maintain(older_than=0)
    assert len(made.tasks) == made.removed == finished
    assert len(office.refs()) == made.live < 110
    assert len(office.scratch.git("rev-list", "--first-parent", names.ARCHIVE).split()) == 1 + finished // batch + (
        finished % batch > 0
    )
    fresh = office.coord()
    assert len(fresh.task_list(all=True)) == finished + 100
    assert fresh.task_show(f"old{finished - 1}").state == "cancelled"
    assert len(fresh.log(task="old0")) == 2
    office.scratch.git("fsck", "--strict", "--connectivity-only")


def test_sc02_maintaining_every_day_grows_by_what_was_finished_alone(office: Office) -> None:
    """Pages that did not change are not written again, and a day without news writes nothing."""
    coord = office.coord()
    furnish(coord, 60, 5)
    coord.maintain(older_than=0)
    office.scratch.git("gc", "-q")
    objects = count(office)
    coord.task_cancel("new0", reason="r")
    assert count(office) == objects + 3
    office.coord().maintain(older_than=0)
    # One page, its folder, the root, the record and the commit.
    assert count(office) <= objects + 3 + 5
    before = count(office)
    office.coord().maintain(older_than=0)
    assert count(office) == before


def count(office: Office) -> int:
    lines = dict(line.split(": ") for line in office.scratch.git("count-objects", "-v").splitlines())
    return int(lines["count"]) + int(lines["in-pack"])
