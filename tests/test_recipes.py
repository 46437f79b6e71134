"""Every recipe is run as it stands on its page, by real processes in a real repository, and prints what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitcoord.cli.recipes import FOLDER, names
from tests.recipes import Step, differences, run, steps
from tests.support import Scratch

PATTERNS = {
    "assignment",
    "shared-state",
    "locks",
    "guards",
    "progress",
    "queue",
    "handoff",
    "health",
    "events",
    "waiting",
}
"""The patterns of coordination; each has a page."""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    return folder


def test_every_pattern_has_a_page() -> None:
    assert set(names()) >= PATTERNS


@pytest.mark.parametrize("name", names())
def test_the_recipe_does_what_it_says(name: str, scratch: Scratch, tools: Path) -> None:
    scratch.git("config", "coord.durability", "relaxed")
    assert scratch.coord("init", "--no-hooks").code == 0
    page = steps((Path(FOLDER) / f"{name}.md").read_text())
    assert len(page) >= 5
    found = differences(page, run(page, scratch.path, tools))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("expected", "said", "same"),
    [
        (["a  b"], ["a b "], True),
        (["a …"], ["a long way"], True),
        (["…", "end"], ["1", "2", "end"], True),
        (["…"], [], True),
        (["a"], ["a", "b"], False),
        (["a.c"], ["abc"], False),
        (["a", "…"], ["b"], False),
        ([], ["oops"], False),
    ],
)
def test_the_comparison_sees_what_is_different(expected: list[str], said: list[str], same: bool) -> None:
    assert (not differences([Step("x", 1, expected)], [said])) is same


def test_a_command_that_never_ran_is_a_difference(scratch: Scratch, tools: Path) -> None:
    page = steps("```console\n$ exit 0\n$ echo never\nnever\n```\n")
    assert "should print" in "".join(differences(page, run(page, scratch.path, tools)))


def test_recipes_are_listed_and_printed(scratch: Scratch) -> None:
    listed = scratch.coord("recipes").out
    for name in names():
        assert f"\n{name} " in f"\n{listed}"
    assert scratch.coord("recipes", "locks").out == (Path(FOLDER) / "locks.md").read_text()
    assert scratch.coord("recipes", "locks", "--json").result["text"].startswith("# Locks")
    assert [one["name"] for one in scratch.coord("recipes", "--json").result] == names()
    assert scratch.coord("recipes", "../../pyproject", "--json").error["code"] == "not-found"
