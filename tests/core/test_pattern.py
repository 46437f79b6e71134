"""Path patterns: what they match, as the manual says and as Git does it; what is refused."""

from __future__ import annotations

import random
import subprocess

import pytest

from gitcoord.core.pattern import MAX_PATTERN, is_pattern, matches, of_path, parse
from gitcoord.errors import Usage
from tests.core.patterns import PATHS, some_patterns
from tests.support import Scratch

# --- what matches -----------------------------------------------------------------------------------------------------

ANY_DEPTH = ("Makefile", "src/Makefile", "src/deep/Makefile")

TABLE: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("Makefile", (*ANY_DEPTH, "Makefile/below"), ("makefile", "Makefile.am", "xMakefile")),
    ("/Makefile", ("Makefile", "Makefile/below"), ("src/Makefile",)),
    ("docs/", ("docs/a", "docs/a/b", "x/docs/a"), ("docs", "x/docs", "docsy/a")),
    ("src/api", ("src/api", "src/api/v1.py"), ("x/src/api", "src/apis")),
    ("src/*", ("src/a", "src/a/b"), ("src", "x/src/a")),
    ("src/*.py", ("src/a.py", "src/.py"), ("src/a/b.py", "src/a.pyc")),
    ("src/**", ("src/a", "src/a/b/c"), ("src", "x/src/a")),
    ("src/**/", ("src/a/b", "src/a/b/c"), ("src", "src/a")),
    ("**/test", ("test", "a/test", "a/b/test/c"), ("tests",)),
    ("a/**/b", ("a/b", "a/x/b", "a/x/y/b", "a/b/below"), ("a/xb", "b", "x/a/b")),
    ("a/**/**/b", ("a/b", "a/x/b"), ("a/xb",)),
    ("**", ("a", "a/b"), ()),
    ("*", ("a", ".hidden", "a/b"), ()),
    ("*.py", ("a.py", "x/y/a.py", "dir.py/readme"), ("a.py2",)),
    ("?", ("a", "a/bc"), ("ab",)),
    ("[a-c]x", ("ax", "cx"), ("dx", "x")),
    ("[!a-c]x", ("dx", "-x"), ("ax", "x")),
    ("[^a]", ("b",), ("a",)),
    ("[]a]", ("]", "a"), ("[", "b")),
    ("[!]a]", ("b",), ("]", "a")),
    ("[a-]", ("a", "-"), ("b",)),
    ("[a\\]]", ("a", "]"), ("\\",)),
    ("[z-a]", ("z",), ("a", "m")),
    ("[[:digit:]_]", ("7", "_"), ("a", ":")),
    ("[[:upper:]-c]", ("A", "-", "c"), ("b",)),
    ("[[:x]", ("[", ":", "x"), ("]",)),
    ("[a/b]c", ("ac", "bc"), ("/c", "x/ac")),
    ("\\*", ("*", "x/*"), ("a",)),
    ("\\!important", ("!important",), ("important",)),
    ("a\\?b", ("a?b",), ("axb",)),
    ("#x", ("#x",), ("x",)),
    ("with space", ("with space", "x/with space"), ("withspace",)),
    ("-x", ("-x",), ("x",)),
    ("ü", ("ü",), ("u",)),
    ("??", ("ü", "ab"), ("üb",)),  # bytes, as in Git
    ("a**b", ("ab", "axb"), ("a/b", "a/x/b")),
]


@pytest.mark.parametrize(("text", "yes", "no"), TABLE)
def test_a_pattern_matches_what_the_manual_says(text: str, yes: tuple[str, ...], no: tuple[str, ...]) -> None:
    pattern = parse(text)
    assert [path for path in yes if not matches(pattern, path)] == []
    assert [path for path in no if matches(pattern, path)] == []


def git_says(scratch: Scratch, patterns: list[str], paths: list[str]) -> set[tuple[int, str]]:
    """Which (pattern, path) pairs Git matches, asked in one process: each pattern rules a directory of its own."""
    for place, text in enumerate(patterns):
        (scratch.path / f"p{place}").mkdir()
        (scratch.path / f"p{place}" / ".gitignore").write_text(text.replace("#", "\\#") + "\n")
    asked = "\0".join(f"p{place}/{path}" for place in range(len(patterns)) for path in paths)
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=scratch.path,
        input=asked.encode(),
        capture_output=True,
    )
    assert done.returncode in (0, 1), done.stderr
    answers = (line.split("/", 1) for line in done.stdout.decode().split("\0") if line)
    return {(int(place[1:]), path) for place, path in answers}


def test_git_agrees_with_the_table(scratch: Scratch) -> None:
    paths = sorted({path for _, yes, no in TABLE for path in (*yes, *no) if not path.startswith("/")})
    texts = [text for text, _, _ in TABLE]
    said = git_says(scratch, texts, paths)
    ours = {(at, path) for at, text in enumerate(texts) for path in paths if matches(parse(text), path)}
    assert ours == said


def test_git_agrees_on_many_patterns_and_paths(scratch: Scratch) -> None:
    texts = some_patterns(250, seed=3)
    paths = random.Random(4).sample(PATHS, 150)
    said = git_says(scratch, texts, paths)
    ours = {(at, path) for at, text in enumerate(texts) for path in paths if matches(parse(text), path)}
    assert len(said) > 5000
    assert {(texts[at], path) for at, path in ours ^ said} == set()


def test_two_stars_inside_a_name_are_one_star(scratch: Scratch, newest_git: tuple[int, ...]) -> None:
    # As the manual says ("other consecutive asterisks are considered regular asterisks") and as Git 2.55 does it; 2.39
    # compares the literal beginning "x/foo" by itself, takes ** for whole segments and so matches the other two.
    pattern = parse("x/foo**/bar")
    paths = ["x/foo1/bar", "x/foobar", "x/foo1/2/bar"]
    assert [path for path in paths if matches(pattern, path)] == ["x/foo1/bar"]
    if newest_git >= (2, 55):
        assert git_says(scratch, [pattern.text], paths) == {(0, "x/foo1/bar")}


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "./a", "a/../b", ".."])
def test_what_is_no_path_is_matched_by_nothing(path: str) -> None:
    assert not matches(parse("**"), path)


def test_a_path_that_is_not_utf8_is_matched_by_its_bytes() -> None:
    assert matches(parse("src/?.py"), "src/\udcff.py")


def test_the_pattern_of_a_path_is_just_that_path_and_what_is_below() -> None:
    pattern = of_path("src/[x]*?\\.py")
    assert matches(pattern, "src/[x]*?\\.py")
    assert matches(pattern, "src/[x]*?\\.py/below")
    assert not matches(pattern, "src/xa\\.py")
    assert not matches(pattern, "deep/src/[x]*?\\.py")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "//", "a//b", "//a", "a//", "a/\\/b"),
        *("..", "a/../b", "../../etc/passwd", ".", "./src", "a/./b", "[.]", "a/.[.]/b", "\\.\\./x"),
        *("!a", "a\0b", "C:\\x", "c:/x", "a\\", "a\\/", "[a", "a/[!b", "[]", "[!\x01-\xff/]x\ud800", "\udcff"),
        *("[/]", "a[/]b", "[[:nope:]]", "[[::]]", "x" * (MAX_PATTERN + 1)),
    ],
)
def test_what_is_no_pattern_is_refused_as_usage(text: str) -> None:
    with pytest.raises(Usage) as caught:
        parse(text)
    assert caught.value.exit == 129
    assert caught.value.message
    assert len(caught.value.message) < 2 * MAX_PATTERN


def test_a_name_is_told_from_a_pattern() -> None:
    assert [text for text in ("src/a", "*.py", "a?", "[ab]", "/x", "x/") if not is_pattern(text)] == []
    assert [text for text in ("deploy", "db:main", "a.b-c_d", "Makefile") if is_pattern(text)] == []
