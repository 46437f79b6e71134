"""The gate: sizes, formats, hostile bytes, and fields of the future."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core import codec
from gitcoord.core.model import Claim, Meta, Progress, Task
from gitcoord.errors import Corrupt, NewerFormat

TASK = Task(id="15", title="Fix", created_at="t", updated_at="t")


def raw_of(record: Task, **more: Any) -> dict[str, Any]:
    raw: dict[str, Any] = codec.decode_raw(codec.encode(record))
    return {**raw, **more}


def test_a_record_comes_back_as_it_went() -> None:
    data = codec.encode(TASK)
    assert data.endswith(b"}\n")
    assert codec.convert(codec.decode_raw(data), Task) == TASK


def test_hi03_unknown_fields_survive_a_rewrite() -> None:
    raw = raw_of(TASK, estimate={"hours": 3})
    raw["claim"] = {"session": "s-aaaaaaaaaa", "token": 1, "since": "t", "device": "laptop"}
    old = codec.convert(raw, Task)
    new = msgspec.structs.replace(old, title="Fix it")
    again = codec.decode_raw(codec.encode(new, raw))
    assert again["estimate"] == {"hours": 3}
    assert again["claim"]["device"] == "laptop"
    assert again["title"] == "Fix it"


def test_unknown_fields_of_a_part_go_with_the_part() -> None:
    raw = raw_of(TASK)
    raw["claim"] = {"session": "s-aaaaaaaaaa", "token": 1, "since": "t", "device": "laptop"}
    new = msgspec.structs.replace(
        codec.convert(raw, Task),
        claim=Claim(session="s-bbbbbbbbbb", token=2, since="u"),
        progress=Progress(at="t", by="x"),
    )
    assert "device" not in codec.decode_raw(codec.encode(new, raw))["claim"]


def test_hi03_a_newer_format_is_read_but_never_written() -> None:
    raw = raw_of(TASK, v=2)
    record = codec.convert(raw, Task)
    assert record.title == "Fix"
    with pytest.raises(NewerFormat):
        codec.encode(msgspec.structs.replace(record, title="x"), raw)


def test_a_newer_format_that_does_not_fit_says_so() -> None:
    with pytest.raises(NewerFormat):
        codec.convert({"v": 9, "id": ["no", "text"]}, Task)


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"null",
            b"[]",
            b"1",
            b"{",
            b"{}}",
            b"\xff\xfe",
            b'{"a":NaN}',
            b'{"a":1}x',
            b'{"a":"\xff"}',
            b'{"a":"\\ud800"}',
        ),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b" " * (codec.MAX_RECORD + 1),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_hostile_bytes_are_corrupt_and_nothing_else(data: bytes) -> None:
    with pytest.raises(Corrupt):
        codec.convert(codec.decode_raw(data), Meta)


def test_braces_in_text_are_not_nesting() -> None:
    body = '{["\\' * 500
    data = codec.encode(msgspec.structs.replace(TASK, body=body))
    assert codec.convert(codec.decode_raw(data), Task).body == body


@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_corrupt(data: bytes) -> None:
    try:
        codec.convert(codec.decode_raw(data), Task)
    except (Corrupt, NewerFormat):
        pass


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*Task.__struct_fields__, "zzz"]), _JSON))
def test_wrong_shapes_raise_nothing_but_corrupt(raw: dict[str, Any]) -> None:
    try:
        codec.convert(codec.decode_raw(msgspec.json.encode(raw)), Task)
    except (Corrupt, NewerFormat):
        pass


def test_a_record_over_the_limit_is_not_written() -> None:
    with pytest.raises(Corrupt, match="limit"):
        codec.encode(msgspec.structs.replace(TASK, body="x" * codec.MAX_RECORD))
