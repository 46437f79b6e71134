"""JSON as people write it is read, and changed without touching what others wrote."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.agents.setup import jsonedit
from gitcoord.agents.setup.jsontree import NotJson, read
from gitcoord.agents.setup.pieces import CannotEdit, Entry, Hooks, Piece, Taken, Version, is_server

OUR_HOOK = "sh -c 'git-coord hook agent --agent claude'"
ITEM = {"matcher": "Edit", "hooks": [{"type": "command", "command": OUR_HOOK, "timeout": 10}]}
HOOKS = Hooks({"SessionStart": {"hooks": [{"type": "command", "command": OUR_HOOK}]}, "PreToolUse": ITEM})
SERVER = Entry("mcpServers", "gitcoord", {"command": "git-coord", "args": ["mcp"]}, is_server)
PIECES: list[Piece] = [HOOKS, SERVER]

FOREIGN = {
    "comments": '{\n  // mine\n  "a": 1, // one\n  /* two\n     lines */\n  "b": [1, 2] // last\n  // the end\n}\n',
    "trailing commas": '{\n    "a": {"x": [1,],},\n    "b": 2,\n}\n',
    "tabs": '{\n\t"hooks": {\n\t\t"Stop": [\n\t\t\t{"hooks": [{"type": "command", "command": "x"}]}\n\t\t]\n\t}\n}\n',
    "carriage returns": '{\r\n  "a": 1,\r\n  "b": {\r\n    "c": null\r\n  }\r\n}\r\n',
    "no newline at the end": '{\n  "a": 1\n}',
    "one line": '{"model": "m", "hooks": {"PreToolUse": [{"hooks": [{"command": "x"}]}]}, "n": 1}',
    "one line with room": '{ "a": 1 }\n',
    "others' hooks": '{"hooks": {\n  "PreToolUse": [\n    {"matcher": "Bash", "hooks": [{"command": "mine"}]}\n  ],\n'
    '  "Stop": [{"hooks": [{"command": "bell"}]}]}}\n',
    "others' servers": '{\n "mcpServers": {\n  "github": {"command": "gh-mcp"} // mine\n }\n}\n',
    "strings that look like syntax": '{\n  "a": "// no } comment, /* \\" nor { this",\n  "b\\u0041": "\\\\"\n}\n',
    "odd places": '{ "a"\n:\n1 /* x */ , /* y */ "b" : 2 /* z */ }',
    "closing on the last line": '{"a": 1,\n "b": 2}',
}


def plain(text: str) -> object:
    """What a JSON parser without comments makes of ``text``; comments must stand alone or at the ends of lines."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return json.loads(re.sub(r",(\s*[}\]])", r"\1", re.sub(r"//[^\"\n]*$", "", text, flags=re.MULTILINE)))


@pytest.mark.parametrize("name", [name for name in FOREIGN if "syntax" not in name])
def test_reading_agrees_with_a_plain_parser(name: str) -> None:
    assert read(FOREIGN[name]).value == plain(FOREIGN[name])


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("piece", PIECES, ids=["hooks", "server"])
def test_what_was_put_in_comes_out_to_the_byte(name: str, piece: Piece) -> None:
    text = FOREIGN[name]
    with_ours = piece.put(text)
    assert with_ours != text
    assert piece.put(with_ours) == with_ours
    assert piece.drop(with_ours) == text


@pytest.mark.parametrize("name", FOREIGN)
def test_every_byte_of_others_is_still_there_in_order(name: str) -> None:
    left = iter(SERVER.put(HOOKS.put(FOREIGN[name])))
    assert all(char in left for char in FOREIGN[name])


def test_new_text_is_laid_out_like_its_neighbours() -> None:
    assert SERVER.put('{\n\t"a": 1\n}') == (
        '{\n\t"a": 1,\n\t"mcpServers": {\n\t\t"gitcoord": {\n\t\t\t"command": "git-coord",\n'
        '\t\t\t"args": ["mcp"]\n\t\t}\n\t}\n}'
    )
    assert SERVER.put('{"a": 1}') == ('{"a": 1, "mcpServers": {"gitcoord": {"command": "git-coord", "args": ["mcp"]}}}')
    assert SERVER.put('{\r\n    "a": 1,\r\n}\r\n').count("\r\n") == 9
    assert "\n" not in SERVER.put('{\r\n    "a": 1,\r\n}\r\n').replace("\r\n", "")


def test_a_hook_goes_beside_those_of_others() -> None:
    groups = read(HOOKS.put(FOREIGN["others' hooks"])).value["hooks"]  # type: ignore[index]
    assert groups["PreToolUse"] == [{"matcher": "Bash", "hooks": [{"command": "mine"}]}, ITEM]
    assert groups["Stop"] == [{"hooks": [{"command": "bell"}]}]


def test_an_older_entry_of_ours_is_replaced_where_it_stands() -> None:
    old = (
        '{"hooks": {\n  "PreToolUse": [\n    {"hooks": [{"command": "git coord hook agent"}]}, // ours\n'
        '    {"hooks": [{"command": "mine"}]}\n  ],\n'
        '  "Notification": [{"hooks": [{"command": "git coord hook agent"}]}]\n}}\n'
    )
    new = HOOKS.put(old)
    hooks = read(new).value["hooks"]  # type: ignore[index]
    assert hooks["PreToolUse"] == [ITEM, {"hooks": [{"command": "mine"}]}]
    assert "Notification" not in hooks
    assert "// ours" in new
    assert HOOKS.put(new) == new


def test_a_handler_of_ours_in_somebody_elses_group_leaves_the_group() -> None:
    mixed = '{"hooks": {"PreToolUse": [{"hooks": [{"command": "mine"}, {"command": "git-coord hook agent"}]}]}}'
    mine = [{"hooks": [{"command": "mine"}]}]
    assert read(HOOKS.put(mixed)).value["hooks"]["PreToolUse"] == [*mine, ITEM]  # type: ignore[index]
    assert read(HOOKS.drop(mixed)).value == {"hooks": {"PreToolUse": mine}}


def test_twice_the_same_of_ours_becomes_once() -> None:
    one = json.dumps(ITEM)
    twice = f'{{"hooks": {{"PreToolUse": [{one}, {one}]}}}}'
    assert read(HOOKS.put(twice)).value["hooks"]["PreToolUse"] == [ITEM]  # type: ignore[index]


def test_comments_of_others_outlive_our_entries() -> None:
    text = '{\n  "mcpServers": {\n    // servers go here\n  },\n  "hooks": { /* none yet */ }\n}\n'
    ours = SERVER.put(HOOKS.put(text))
    assert ours.index("// servers go here") < ours.index('"gitcoord"')
    left = SERVER.drop(HOOKS.drop(ours))
    assert "// servers go here" in left
    assert "/* none yet */" in left
    assert read(left).value == {"mcpServers": {}, "hooks": {}}


def test_a_server_that_somebody_completed_is_left_as_it_is() -> None:
    text = '{"mcpServers": {"gitcoord": {"command": "git-coord", "args": ["mcp"], "env": {"X": "1"}}}}'
    assert SERVER.put(text) == text
    assert SERVER.drop(text) == "{}"


def test_a_server_of_our_name_that_is_something_else_is_no_business_of_ours() -> None:
    text = '{"mcpServers": {"gitcoord": {"command": "other"}}}'
    with pytest.raises(Taken):
        SERVER.put(text)
    assert SERVER.drop(text) == text


def test_a_version_is_added_once_and_goes_when_nothing_else_is_left() -> None:
    version = Version()
    text = HOOKS.put(version.put("{}\n"))
    assert version.put(text) == text
    assert version.drop(HOOKS.drop(text)) == "{}\n"
    assert version.drop('{"version": 1, "x": 2}') == '{"version": 1, "x": 2}'
    assert version.put('{"version": 2}') == '{"version": 2}'


@pytest.mark.parametrize(
    "text",
    ["", "{", "{]", '{"a": 1 "b": 2}', '{"a"}', "{'a': 1}", '{"a": 01}', '{"a": \t"\x01"}', "{} {}", "// nothing",
     "[1,,]", '{"a": "\\ud800"}', "[" * 200 + "]" * 200, "nul", '{"a": 1,, }', "{1: 2}", "/* open", "{,}"],
)  # fmt: skip
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        read(text)


def test_a_refusal_says_where() -> None:
    with pytest.raises(NotJson, match="line 2, column 8"):
        read('{\n  "a": b\n}')


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[]", CannotEdit),
        ('{"hooks": []}', CannotEdit),
        ('{"hooks": {"PreToolUse": {}}}', CannotEdit),
        ('{"hooks": {}, "hooks": {}}', NotJson),
        ('{"hooks": {"PreToolUse": [], "PreToolUse": []}}', NotJson),
    ],
)
def test_settings_of_another_shape_are_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        HOOKS.put(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\/{}[],:*\n é☃', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
GAPS = st.sampled_from(["", "", " ", "\n  ", "\n\t\t", "\r\n ", ' // it\'s, {a} "comment"\n', "/* ] */", " /*\n*/ "])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Objects as JSON with white space, comments and trailing commas in all places where they may be."""

    def write(value: object) -> str:
        if isinstance(value, dict) and value:
            parts = [f"{json.dumps(key)}{draw(GAPS)}:{draw(GAPS)}{write(item)}" for key, item in value.items()]
            return "{" + spread(parts) + "}"
        if isinstance(value, list) and value:
            return "[" + spread([write(item) for item in value]) + "]"
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    def spread(parts: list[str]) -> str:
        text = "".join(f"{',' if at else ''}{draw(GAPS)}{part}{draw(GAPS)}" for at, part in enumerate(parts))
        return text + draw(st.sampled_from(["", ",", ",\n", ", // x\n"]))

    root = draw(st.dictionaries(st.sampled_from(["a", "b", "hooks", "mcpServers"]), VALUES, max_size=4))
    for name in ("hooks", "mcpServers"):
        if name in root and not isinstance(root[name], dict):
            root[name] = {"other": [draw(VALUES)]}
    return draw(GAPS) + write(root) + draw(GAPS)


@settings(max_examples=150, deadline=None)
@given(documents())
def test_any_document_keeps_its_meaning_and_mostly_its_bytes(text: str) -> None:
    value = read(text).value
    assert isinstance(value, dict)
    for piece, name in ((HOOKS, "hooks"), (SERVER, "mcpServers")):
        ours = piece.put(text)
        assert piece.put(ours) == ours
        back = piece.drop(ours)
        if value.get(name):
            assert back == text
        else:
            assert {key: item for key, item in read(back).value.items() if item != {}} == {  # type: ignore[attr-defined]
                key: item for key, item in value.items() if item != {}
            }


@settings(max_examples=150, deadline=None)
@given(documents(), st.data())
def test_any_item_can_be_removed_and_the_rest_means_the_same(text: str, data: st.DataObject) -> None:
    root = read(text)
    if not root.items:
        return
    index = data.draw(st.integers(0, len(root.items) - 1))
    left = read(jsonedit.remove(text, root, index)).value
    assert left == {item.key: item.node.value for at, item in enumerate(root.items) if at != index}
