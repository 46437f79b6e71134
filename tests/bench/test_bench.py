"""The bench itself: its JSON has the shape that is promised, and what breaks takes nothing with it. No times."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.bench.__main__ import PARTS, collect
from tests.bench.measure import Failed, command
from tests.bench.table import Budget, Row, at_most, over_floor, share, table, times

TOP = Path(__file__).parent.parent.parent
FIELDS = {
    *("part", "name", "value", "unit", "cpu", "floor", "floor_value", "floor_cpu", "ratio", "cpu_ratio"),
    *("budget", "met", "note", "error"),
}


def test_the_smallest_part_writes_what_the_schema_says(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.bench", "--quick", "floors", "--json", str(tmp_path / "out.json")]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True)
    assert (done.returncode, done.stderr.split()[:2]) == (0, ["[1/1]", "floors"]), done.stderr
    found = msgspec.json.decode((tmp_path / "out.json").read_bytes())
    assert set(found) == {"schema", "at", "quick", "machine", "rows"}
    assert (found["schema"], found["quick"]) == ("gitcoord-bench/1", True)
    assert set(found["machine"]) == {"cpus", "system", "python", "git", "gitcoord", "editable"}
    assert [row["part"] for row in found["rows"]] == ["floors"] * 4
    for row in found["rows"]:
        assert set(row) == FIELDS
        assert (row["value"] > 0, row["unit"], row["error"]) == (True, "ms", False)
        assert row["name"] in done.stdout


def test_every_part_is_there_and_is_described_by_name() -> None:
    assert set(PARTS) == {path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")}
    done = subprocess.run([sys.executable, "-m", "tests.bench", "floor"], cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no part floor; there are floors, commands" in done.stderr


def test_a_part_that_breaks_keeps_its_rows_and_leaves_the_others_theirs(tmp_path: Path) -> None:
    def broken(place: Path) -> Iterator[Row]:
        yield Row("before", 1.0)
        command(["sh", "-c", "echo no disk >&2; exit 3"], place)()

    def sound(place: Path) -> Iterator[Row]:
        yield Row(place.name, 2.0)

    found = collect({"broken": broken, "sound": sound}, tmp_path)
    assert [row.name for row in found["broken"]] == ["before", "broken failed"]
    assert [row.error for row in found["broken"]] == [False, True]
    assert found["broken"][1].note == "Failed: sh -c echo no disk >&2; exit 3: exit 3: no disk"
    assert found["sound"] == [Row("sound", 2.0)]
    assert "exit 3: no disk" in table(found)


@pytest.mark.parametrize(
    ("budget", "met", "text"),
    [
        (at_most(30), True, "≤ 30"),
        (at_most(29), False, "≤ 29"),
        (times(3), True, "≤ 3 x"),
        (times(2.9), False, "≤ 2.9 x"),
        (over_floor(20), True, "floor + 20"),
        (over_floor(19), False, "floor + 19"),
        (share(3), True, "≥ 3 x"),
        (share(3.1), False, "≥ 3.1 x"),
    ],
)
def test_a_budget_is_judged_and_told(budget: Budget, met: bool, text: str) -> None:
    row = Row("x", 30.0, floor="y", floor_value=10.0, budget=budget)
    assert (row.met, str(budget)) == (met, text)
    assert (f"{text} !" in table({"z": [row]})) is not met


def test_a_program_reads_what_it_is_given_and_fails_loudly(tmp_path: Path) -> None:
    command(["sh", "-c", 'read -r word && [ "$word" = hello ]'], tmp_path, b"hello\n")()
    command(["sh", "-c", "! read -r word && exit 4"], tmp_path, codes=(4,))()
    with pytest.raises(Failed, match="not installed"):
        command(["no-such-program"], tmp_path)
