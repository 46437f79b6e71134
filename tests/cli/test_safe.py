"""Text from refs is an attacker's: nothing in it may steer a terminal, break a line of porcelain or hide in JSON."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.cli.render.doc import Cell, Doc, Facts, Line, Table
from gitcoord.cli.render.fancy import fancy
from gitcoord.cli.render.plain import plain
from gitcoord.cli.render.safe import json_text, porcelain, safe, safe_lines

HOSTILE = {
    "a terminal title": "\x1b]0;owned\x07",
    "a colour": "\x1b[31mred\x1b[0m",
    "an 8-bit control sequence": "\x9b31m",
    "a carriage return": "good\rbad",
    "a line break": "one\ntwo",
    "a tab": "a\tb",
    "a NUL": "a\0b",
    "a backspace": "a\x08b",
    "a delete": "a\x7fb",
    "right-to-left override": "abc\u202efed",
    "an isolate": "a\u2066b\u2069",
    "line separators": "a\u2028b\u2029c",
    "a byte order mark": "\ufeffa",
    "a zero-width space": "a\u200bb",
    "tag characters": "a\U000e0041\U000e007f",
    "a lone surrogate": "a\udcffb",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hi06_terminal_and_bidi_injection(text: str) -> None:
    doc: Doc = [Line(text), Facts((("name", text),)), Table(("HEAD",), ((text,), (Cell(text, "bad"),)))]
    for page in (plain(doc), fancy(doc, width=200, colour=False)):
        shown = page.replace("\n", "").replace("\x1b[1m", "").replace("\x1b[0m", "")  # rich's own bold headings
        assert shown.isprintable(), page
    assert safe(text).isprintable()
    assert porcelain(text).isprintable()
    if not text.isprintable() and "\udcff" not in text:
        document = json_text(msgspec.json.encode({"title": text}).decode())
        assert document.isprintable()
        assert msgspec.json.decode(document) == {"title": text}


def test_rich_markup_and_emoji_codes_are_shown_as_they_are_written() -> None:
    text = "[bold red]x[/] [link=https://evil.example]y[/link] :boom:"
    doc: Doc = [Line(text), Table(("HEAD",), ((text,),))]
    page = fancy(doc, width=200, colour=True)
    assert page.count(text) == 2
    assert "\x1b]8" not in page


def test_ordinary_writing_stays_as_it_is() -> None:
    for text in ("größe", "日本語", "naïve café", "नमस्ते", "👩\u200d🚀", "a\u00a0b", "می\u200cخواهم"):
        assert safe(text) == text


def test_a_longer_text_keeps_its_lines_and_nothing_else() -> None:
    assert safe_lines("a\r\n\tb\n\x1b[2Jc\r") == ["a", "    b", "\\x1b[2Jc\\x0d"]


@given(st.text())
def test_porcelain_is_one_field_of_one_line_and_can_be_read_back(text: str) -> None:
    field = porcelain(text)
    assert not set("\t\n\r\0\x1b").intersection(field)
    assert read_back(field) == text


def read_back(field: str) -> str:
    """What a script does with a porcelain value."""
    letters = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    return re.sub(
        r"\\(?:([tnr\\])|x(..)|u(....)|U(........))",
        lambda m: letters[m[1]] if m[1] else chr(int(m[2] or m[3] or m[4], 16)),
        field,
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_says_the_same_with_or_without_its_dangerous_characters(text: str) -> None:
    document = msgspec.json.encode([text, {text: 1}]).decode()
    assert msgspec.json.decode(json_text(document)) == [text, {text: 1}]


def test_tables_are_aligned_also_where_characters_are_wide() -> None:
    doc: Doc = [Table(("A", "B"), (("日本", "x"), ("ab", "y"), ("e\u0301", "z")))]
    assert plain(doc) == "A     B\n日本  x\nab    y\ne\u0301     z\n"
