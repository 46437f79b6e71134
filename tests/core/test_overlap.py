"""Overlap of path patterns: against brute force, with witnesses, and its cost."""

from __future__ import annotations

import itertools
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.core.pattern import Pattern, matches, overlap, parse, witness
from tests.core.patterns import PATHS, PIECES, parsed

# --- overlap ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("src/**", "src/a.py", "src/a.py"),
        ("src/**", "*.py", "src/a.py"),
        ("src/", "src", "src/a"),
        ("*.py", "*.md", "a.md/a.py"),  # a directory may be called a.md
        ("/*.py", "/*.md", None),
        ("src/*.py", "src/test_*", "src/test_.py"),
        ("src/api/", "src/web/", None),
        ("api/", "web/", "api/web/a"),
        ("/src/api", "/src/web", None),
        ("src/api", "src/api/v1.py", "src/api/v1.py"),
        ("/src", "/srcs", None),
        ("a*b", "b*a", "a*b/b*a"),
        ("/a*b", "/b*a", None),
        ("/a*b", "/*c*", "acb"),
        ("/[a-m]x", "/[n-z]x", None),
        ("/[a-m]x", "/[m-z]?", "mx"),
        ("/?", "/??", None),
        ("/a/**/z", "/a/b/*/c/z", "a/b/a/c/z"),
        ("docs/**", "/docs", "docs/a"),
        ("/*", "/?*", "a"),
        ("/.*", "/*.", "..."),
        ("/.?", "/?.", None),  # only ".." would match both
        ("/[.]*[.]", "/..*", "..."),
        ("Makefile", "makefile", "makefile/Makefile"),
        ("/Makefile", "/makefile", None),
    ],
)
def test_patterns_overlap_when_a_path_matches_both(one: str, other: str, common: str | None) -> None:
    a, b = parse(one), parse(other)
    found = witness(a, b)
    assert overlap(a, b) is overlap(b, a) is (common is not None)
    assert (found is None) is (common is None)
    for path in (found, common):
        assert path is None or (matches(a, path) and matches(b, path))


def test_overlap_is_brute_force_on_every_pair_of_short_patterns() -> None:
    # Anchored, so that a common path is short enough to be among PATHS.
    signs = ("a", "b", "*", "?", "/", "[!a]", ".", "**")
    texts = ["/" + "".join(pieces) for n in (1, 2, 3) for pieces in itertools.product(signs, repeat=n)]
    patterns = [pattern for text in texts if (pattern := parsed(text)) is not None]
    reached = [sum(1 << at for at, path in enumerate(PATHS) if matches(pattern, path)) for pattern in patterns]
    wrong = [
        (a.text, b.text)
        for (a, paths_a), (b, paths_b) in itertools.combinations_with_replacement(
            zip(patterns, reached, strict=True), 2
        )
        if overlap(a, b) is not bool(paths_a & paths_b)
    ]
    assert len(patterns) > 300
    assert wrong == []


texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join)
patterns = texts.map(parsed).filter(lambda pattern: pattern is not None)


@settings(max_examples=300, deadline=None)
@given(patterns, patterns)
def test_overlap_has_a_witness_and_its_absence_has_none(a: Pattern, b: Pattern) -> None:
    found = witness(a, b)
    assert overlap(a, b) is overlap(b, a) is (found is not None)
    if found is not None:
        assert matches(a, found), found
        assert matches(b, found), found
    else:
        assert [path for path in PATHS if matches(a, path) and matches(b, path)] == []


@settings(max_examples=100, deadline=None)
@given(patterns)
def test_a_pattern_overlaps_itself_and_everything(a: Pattern) -> None:
    assert overlap(a, a)
    assert overlap(a, parse("**"))
    assert overlap(parse("*"), a)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab*?[]!-\\/.^:\0 é\udc80", max_size=12))
def test_any_text_parses_or_is_refused_as_usage(text: str) -> None:
    pattern = parsed(text)
    if pattern is not None:
        found = witness(pattern, pattern)
        assert found is not None


def test_a_witness_that_is_not_utf8_can_still_be_shown() -> None:
    pattern = parse("/[!\x01-\x7f]x")
    found = witness(pattern, pattern)
    assert found == "\\x80x"


# --- cost -------------------------------------------------------------------------------------------------------------

ORDINARY = (
    *("src/**", "src/a.py", "docs/", "*.md", "/Makefile", "tests/**/test_*.py", "src/api/**/*.ts"),
    *("package.json", "a/b/c/d.txt", "**/migrations/*", "src/[a-m]*.py", "lib/**/x?.c"),
)


ABSURD = 60.0
"""Seconds of processor time; each of these takes about one, and what is not polynomial takes for ever."""


def calls(work: Callable[[], object]) -> int:
    """How many functions ``work`` calls: the same on every machine, however busy it is."""
    count = 0

    def heard(_frame: FrameType, what: str, _arg: object) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(heard)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_an_ordinary_check_takes_few_steps() -> None:
    """41 calls each: a thousand take 4 ms, and the budget is 50."""
    work = [(parse(a), parse(b)) for a in ORDINARY for b in ORDINARY]
    assert calls(lambda: [overlap(a, b) for a, b in work]) < 100 * len(work)


@contextmanager
def seconds(limit: float) -> Iterator[None]:
    """Fail when what happens inside takes more processor time than that, even if it would never end."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"not done after {limit:.0f} s")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a*" * 499 + "b", "*b" * 499 + "*c"),
        ("**/*a/" * 142 + "x", "**/a*/" * 142 + "y"),
        ("**/" + "/".join("*" + "abcdefgh"[i % 8] for i in range(332)), "**/" + "?*/*/" * 190 + "z"),
        ("[!a]*" * 199 + "b", "[a-z]*[b]" * 110),
    ],
)
def test_absurd_patterns_stay_polynomial(one: str, other: str) -> None:
    a, b = parse(one), parse(other)
    with seconds(ABSURD):
        overlap(a, b)
        witness(a, b)
        matches(a, "a" * 4000)
        matches(b, "a/" * 2000 + "a")
