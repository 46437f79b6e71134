"""Every name, from anybody: what becomes a ref is one that git takes, what is printed steers no terminal.

Git's own ``check-ref-format`` and plain regular expressions judge what was written without either for speed.
"""

from __future__ import annotations

import random
import re
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.cli.render.safe import json_text, porcelain, safe, safe_lines
from gitcoord.core import names
from gitcoord.store.checks import check_oid, check_prefix, check_ref
from tests.faults.fuzz import few

PARTS = (
    *("refs", "coord", "coord-remotes", "coord-local", "heads", "tasks", "origin", "15", "a", "é", "日本", "🙂", "@"),
    *(
        "/",
        "/",
        "/",
        ".",
        "..",
        ".lock",
        "@{",
        "{",
        "}",
        "~",
        "^",
        ":",
        "?",
        "*",
        "[",
        "\\",
        " ",
        "\t",
        "\x7f",
        "-",
        "+",
    ),
    *("\u00a0", "\u2028", "\u202e", "\x80", "\x01", "\n", "con", "HEAD", "0" * 40),
)
REFS = st.lists(st.sampled_from(PARTS), max_size=6).map("".join)
OURS = st.builds(
    lambda tree, rest: f"refs/{tree}/{rest}", st.sampled_from(["coord", "coord-remotes", "coord-local", "heads"]), REFS
)
ODD = st.text(max_size=90) | st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join)

# Git's rules (git-check-ref-format(1)) in the words of a regular expression, below our three trees.
REFERENCE = re.compile(
    r"refs/coord(-remotes|-local)?/"
    r"(?!.*(\.\.|@\{|//|/\.|\.lock/|\.lock\Z|\.\Z|/\Z))(?![./])"
    r"[^\x00-\x20\x7f~^:?*\[\\]+",
    re.DOTALL,
)


def accepted(ref: str) -> bool:
    try:
        return check_ref(ref) == ref
    except ValueError:
        return False


@few
@given(st.lists(OURS | REFS | st.text(max_size=40).map("refs/coord/".__add__), min_size=20, max_size=40))
def test_the_gate_before_every_ref_is_the_rule_that_git_states(refs: list[str]) -> None:
    for ref in refs:
        assert accepted(ref) == (REFERENCE.fullmatch(ref) is not None), ref
        try:
            check_prefix(ref)
        except ValueError:
            continue
        assert ref.endswith("/")
        assert accepted(f"{ref}x")


def test_git_itself_takes_what_the_gate_takes_and_refuses_what_it_refuses() -> None:
    rng = random.Random(6)
    trees = ("coord", "coord-remotes", "coord-local")
    refs = [f"refs/{rng.choice(trees)}/" + "".join(rng.choices(PARTS, k=rng.randint(0, 5))) for _ in range(150)]
    for ref in refs:
        git = subprocess.run(["git", "check-ref-format", ref], check=False).returncode == 0
        assert accepted(ref) == git, ref


@few
@given(st.lists(ODD, min_size=2, max_size=30, unique=True))
def test_names_that_differ_have_refs_that_differ_also_where_case_does_not_count(given_names: list[str]) -> None:
    """Slugs alone are not injective, and disks fold case and accents."""
    more = [*given_names, *map(str.upper, given_names), *map(str.lower, given_names)]
    more += [unicodedata.normalize(form, name) for name in given_names for form in ("NFC", "NFD", "NFKC")]
    different = list(dict.fromkeys(more))
    folded = {unicodedata.normalize("NFKC", names.key(name).casefold()) for name in different}
    assert len(folded) == len(different)
    for name in different:
        for ref in (names.task_ref(name), names.data_ref(name), names.rescue_ref(name)):
            assert accepted(ref), (name, ref)
            assert len(ref.encode()) <= 130
            assert re.fullmatch(r"refs/coord(-local)?/[a-z]+/[a-z0-9][a-z0-9._+-]*", ref), (name, ref)


@few
@given(st.text(max_size=60), st.integers(1, 60))
def test_a_slug_is_short_and_plain(text: str, limit: int) -> None:
    assert re.fullmatch(r"([a-z0-9](-?[a-z0-9])*)?", names.slug(text, limit))
    assert len(names.slug(text, limit)) <= limit


@few
@given(
    st.lists(st.text("0123456789abcdefABCDEFg ٣\n", max_size=66) | st.sampled_from(["a" * 40, "0" * 64]), max_size=20)
)
def test_an_oid_is_forty_or_sixty_four_small_hex_digits(texts: list[str]) -> None:
    for text in texts:
        plain = re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None
        assert names.is_oid(text) == plain
        if not plain:
            with pytest.raises(ValueError, match="not an object id"):
                check_oid(text)


@few
@given(st.lists(st.from_regex(r"s-[a-z2-7]{9,11}\n?") | st.text(max_size=14), max_size=20))
def test_a_session_id_is_ten_signs_and_nothing_else(texts: list[str]) -> None:
    for text in texts:
        assert names.is_session_id(text) == (re.fullmatch(r"s-[a-z2-7]{10}", text) is not None), text


# -- printing ---------------------------------------------------------------------------------------------------------

ALLOWED = {"\u200c", "\u200d"}
"""The two joiners, without which Persian and many emoji cannot be written."""
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
TEXTS = st.text(st.characters(codec=None, categories=None), max_size=60) | st.text(
    st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"]), max_size=20
)


def steers(text: str) -> list[str]:
    return [sign for sign in text if unicodedata.category(sign) in STEERING and sign not in ALLOWED]


@few
@given(st.lists(TEXTS, min_size=10, max_size=20))
def test_nothing_that_is_printed_steers(texts: list[str]) -> None:
    for text in texts:
        assert steers(safe(text)) == []
        assert safe(safe(text)) == safe(text)
        assert [line for line in safe_lines(text) if steers(line)] == []
        assert steers(porcelain(text)) == []
        assert steers(json_text(text)) == []
        for shown in (safe(text), porcelain(text)):
            shown.encode()  # no lone surrogate is left, which no terminal's encoding has
