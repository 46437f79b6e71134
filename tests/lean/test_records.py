"""The stand-ins for msgspec against msgspec itself: every record of ours, arbitrary JSON, and what goes wrong."""

from __future__ import annotations

import types
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lean.twins import LEAN, REAL, is_read, structs

OURS = structs(REAL)
TWINS = structs(LEAN)
lean_msgspec = LEAN["gitcoord.lean"].msgspec
text = lean_msgspec.json

odd_floats = st.sampled_from([1e16, 1.5e-7, 0.1, -0.0, 1e22, 123456.789, 5e-324, 1.7976931348623157e308])
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | odd_floats
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def fitting(form: Any) -> st.SearchStrategy[Any]:
    """Values that nearly always fit a field of ``form``, and sometimes do not."""
    origin, arguments = typing.get_origin(form), typing.get_args(form)
    if origin is typing.Annotated:
        return fitting(arguments[0])
    if origin in (typing.Union, types.UnionType):
        good = st.one_of([fitting(one) for one in arguments])
    elif origin is typing.Literal:
        good = st.sampled_from(arguments)
    elif origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        good = st.lists(fitting(arguments[0]), max_size=3)
    elif origin is tuple:
        good = st.tuples(*map(fitting, arguments)).map(list)
    elif origin is list:
        good = st.lists(fitting(arguments[0]), max_size=3)
    elif origin is dict:
        good = st.dictionaries(st.text(max_size=3), fitting(arguments[1]), max_size=3)
    elif isinstance(form, type) and issubclass(form, msgspec.Struct):
        good = objects(form)
    else:
        simple = {str: st.text(max_size=5), int: st.integers(), bool: st.booleans(), float: st.floats(allow_nan=False)}
        good = simple.get(form, plain if form is Any else st.none())
    return st.integers(0, 40).flatmap(lambda luck: plain if luck == 0 else good)


def objects(kind: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    """Plain values that nearly fit ``kind``: optional members may be absent, others may be there."""
    required: dict[str, Any] = {}
    optional: dict[str, Any] = {"unheard of": plain}
    for field in msgspec.structs.fields(kind):
        (required if field.required else optional)[field.encode_name] = fitting(field.type)
    config = kind.__struct_config__
    if config.tag is not None:
        required[str(config.tag_field)] = st.sampled_from([config.tag, config.tag, config.tag, "other"])
    return st.fixed_dictionaries(required, optional=optional)


def accepted(convert: Any, value: Any, kind: Any, refusal: type[Exception]) -> Any:
    try:
        return convert(value, kind)
    except refusal:
        return refusal.__name__


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_struct_has_the_same_fields_in_the_same_order(name: str) -> None:
    real: Any = OURS[name]
    lean: Any = TWINS[name]
    assert tuple(lean.__struct_fields__) == tuple(real.__struct_fields__)
    config, twin = real.__struct_config__, lean.__struct_config__
    assert (twin.tag, twin.frozen) == (config.tag, config.frozen)


@pytest.mark.parametrize("name", sorted(filter(is_read, OURS)))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_every_record_is_read_and_written_as_by_msgspec(name: str, data: st.DataObject) -> None:
    value = data.draw(objects(OURS[name]))
    real = accepted(msgspec.convert, value, OURS[name], msgspec.ValidationError)
    lean = accepted(lean_msgspec.convert, value, TWINS[name], lean_msgspec.ValidationError)
    if isinstance(real, str):
        assert lean == real
        return
    assert not isinstance(lean, str), lean
    assert lean_msgspec.to_builtins(lean) == msgspec.to_builtins(real)
    assert lean_msgspec.json.encode(lean) == msgspec.json.encode(real)
    assert lean == lean_msgspec.convert(value, TWINS[name])


@settings(max_examples=300, deadline=None)
@given(plain)
def test_plain_values_are_written_and_read_as_by_msgspec(value: Any) -> None:
    try:
        written = msgspec.json.encode(value, order="sorted")
    except (OverflowError, UnicodeEncodeError) as error:
        with pytest.raises(type(error)):
            text.encode(value, order="sorted")
        return
    assert text.encode(value, order="sorted") == written
    assert text.encode(value) == msgspec.json.encode(value)
    assert repr(text.decode(written)) == repr(msgspec.json.decode(written))


WORDS = (
    """{ } [ ] " : , \\u00e9 \\ud800 \\ / null true nan NaN Infinity - 0 1 01 1. .5 1e5 1e999 -0 é \ufeff \u2028 \x00"""
)
pieces = st.sampled_from([*WORDS.split(" "), " ", "\t", "\n", "\r", "\x0c"])


@settings(max_examples=600, deadline=None)
@given(st.lists(pieces, max_size=12).map("".join) | st.text(max_size=12))
def test_what_msgspec_reads_is_read_alike_and_the_rest_is_refused(said: str) -> None:
    assert_same_reading(said.encode("utf-8", "surrogatepass"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=20))
def test_bytes_that_are_no_text_are_refused_where_msgspec_refuses_them(data: bytes) -> None:
    assert_same_reading(data)


def assert_same_reading(data: bytes) -> None:
    try:
        expected: Any = repr(msgspec.json.decode(data))
    except (msgspec.DecodeError, ValueError):
        with pytest.raises((lean_msgspec.DecodeError, ValueError)):
            text.decode(data)
        return
    assert repr(text.decode(data)) == expected


def test_a_record_is_equal_to_its_like_and_cannot_be_changed() -> None:
    kind = TWINS["gitcoord.core.model.Boot"]
    assert kind(id="a", at=1.0) == kind(id="a", at=1.0)
    assert kind(id="a", at=1.0) != kind(id="b", at=1.0)
    assert hash(kind(id="a", at=1.0)) == hash(kind(id="a", at=1.0))
    assert repr(kind(id="a", at=1.0)) == repr(OURS["gitcoord.core.model.Boot"](id="a", at=1.0))
    with pytest.raises(AttributeError):
        kind(id="a", at=1.0).id = "b"


@pytest.mark.parametrize("given", [{}, {"id": "a"}, {"id": "a", "at": 1.0, "of": 1}])
def test_construction_asks_for_all_fields_and_no_others(given: dict[str, Any]) -> None:
    for kinds in (OURS, TWINS):
        with pytest.raises(TypeError):
            kinds["gitcoord.core.model.Boot"](**given)


def test_empty_defaults_are_not_shared() -> None:
    kind = TWINS["gitcoord.core.model.Session"]
    one, other = (kind(id=name, name=name, host="h", started_at="now") for name in "ab")
    one.labels["x"] = "y"
    assert other.labels == {}
