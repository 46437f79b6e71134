"""Ref names: injective, safe everywhere, readable where possible."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core import names

AWKWARD = [
    *("a", "A", "15", "README", "Readme", "readme", "é", "e\u0301", "con", "CON", "nul.txt", "lpt1", "x.", "x.lock"),
    *(
        "-x",
        "--upload-pack=x",
        "a/b",
        "a",
        "a b",
        "@{-1}",
        "a;b",
        "`id`",
        "../../x",
        ".git/hooks",
        "C:\\x",
        "a..b",
        "~",
    ),
    *(
        "a" * 80,
        "a" * 81,
        "a" * 300,
        "0" * 40,
        "f" * 64,
        "a+b",
        "a\tb",
        "日本語",
        "🙂",
        "a?b",
        "a*b",
        "[x]",
        "a:b",
        "\\",
        "/",
    ),
]


def test_sy14_case_and_unicode_names() -> None:
    keys = {name: names.key(name) for name in AWKWARD}
    assert len({key.casefold() for key in keys.values()}) == len(keys)
    for key in keys.values():
        assert "/" not in key
        assert len(key.encode()) <= 100
        done = subprocess.run(["git", "check-ref-format", names.TASKS + key], check=False)
        assert done.returncode == 0, key


@pytest.mark.parametrize("name", ["15", "fix-login", "release_2.1", "a.b"])
def test_a_plain_name_is_its_own_key(name: str) -> None:
    assert names.key(name) == name


@pytest.mark.parametrize("name", ["README", "x.lock", "con", "0" * 40, "a/b", "-x", "é"])
def test_an_unsafe_name_gets_a_slug_and_a_hash(name: str) -> None:
    key = names.key(name)
    assert key != name
    assert "+" in key


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_two_names_never_share_a_ref(one: str, other: str) -> None:
    assert (names.key(one) == names.key(other)) == (one == other)


@given(st.text(min_size=1, max_size=200))
def test_every_key_is_one_safe_component(name: str) -> None:
    key = names.key(name)
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.+")
    assert not key.startswith((".", "-", "+"))
    assert not key.endswith((".", ".lock"))
    assert ".." not in key


def test_nothing_but_a_session_id_becomes_a_session_ref() -> None:
    for bad in ("", "s-", "../x", "s-ABCDEFGHIJ", "s-aaaaaaaaa1", "s-aaaaaaaaaaa", "s-aaaaaaaaaa\n"):
        with pytest.raises(ValueError, match="not a session id"):
            names.session_ref(bad)
    assert names.session_ref("s-7k2mq4xw3e") == "refs/coord/sessions/s-7k2mq4xw3e"


@pytest.mark.parametrize("name", ["private:x", "private", "Private:x", "PRIVATE:keys:a"])
def test_private_is_private_however_it_is_spelled(name: str) -> None:
    assert names.is_private(name)
    assert names.data_ref(name).startswith(names.PRIVATE)


@pytest.mark.parametrize("name", ["privates:x", "project:private", "x", "issue:private:1"])
def test_other_scopes_are_shared(name: str) -> None:
    assert not names.is_private(name)
    assert names.data_ref(name).startswith(names.DATA)
