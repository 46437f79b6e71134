"""Values on the command line: what is accepted, and that a refusal says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.cli.values import choice, duration, filled, pair, percent, read_text, whole
from gitcoord.errors import Usage


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604800), ("0s", 0), ("3650d", 315360000)]
)
def test_durations_are_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "90", "1.5h", "-5m", "5w", "5 m", "1h30m", "٣m", "9999999999999d", "3651d"])
def test_any_other_duration_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 30m, 24h or 7d"):
        duration(text)


def test_percents_go_from_0_to_100_with_or_without_the_sign() -> None:
    assert [percent("0"), percent("42%"), percent("100")] == [0, 42, 100]


@pytest.mark.parametrize("text", ["", "%", "101", "-1", "1.5", "fifty", "²"])
def test_any_other_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        percent(text)


def test_pairs_split_at_the_first_equals_sign() -> None:
    assert [pair("a=1"), pair("a="), pair("a=b=c"), pair(" a =b")] == [("a", "1"), ("a", ""), ("a", "b=c"), ("a", "b")]


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (pair, "a", "KEY=VALUE"),
        (pair, "=v", "KEY=VALUE"),
        (filled, "  ", "empty"),
        (whole(1, 5), "6", "from 1 to 5"),
        (whole(1, 5), "-1", "from 1 to 5"),
        (whole(0, 5), "", "from 0 to 5"),
        (choice("a", "b"), "c", "one of a, b"),
    ],
)
def test_a_refusal_says_what_is_accepted(parse: Callable[[str], object], text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(text)


def test_text_is_read_from_a_file_and_what_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "good").write_text("größe\n")
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    assert read_text(str(tmp_path / "good")) == "größe\n"
    for name, said in (("bad", "not UTF-8"), ("none", "No such file"), (".", "Is a directory")):
        with pytest.raises(Usage, match=said):
            read_text(str(tmp_path / name))
