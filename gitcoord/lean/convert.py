"""Plain values to structs and back, as msgspec's ``convert`` and ``to_builtins`` do it, strictly.

Owns what each form of annotation accepts. A converter is made once for each field, and takes a value and where it
stands (``$.claim.token``), for the words of a refusal.
"""

from __future__ import annotations

import sys

from gitcoord.lean.forms import Any as Anything
from gitcoord.lean.forms import Choice, Either
from gitcoord.lean.struct import Shape, Struct, StructMeta
from gitcoord.lean.trouble import ValidationError, real

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import GenericAlias, NoneType, UnionType
    from typing import Any, NoReturn

    Converter = Callable[[Any, str], Any]
else:
    GenericAlias, NoneType, UnionType = type(list[int]), type(None), type(int | str)  # types takes 0.25 ms to import


def to_builtins(value: Any, *, enc_hook: Callable[[Any], Any] | None = None) -> Any:
    """``value`` with dicts in place of structs."""
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool or kind is float:
        return value
    if kind is dict:
        return {to_builtins(name): to_builtins(item, enc_hook=enc_hook) for name, item in value.items()}
    if kind is tuple or kind is list:
        return kind(to_builtins(item, enc_hook=enc_hook) for item in value)
    if not isinstance(value, Struct):
        return real().to_builtins(value, enc_hook=enc_hook)
    shape = kind.__shape__
    plain: dict[str, Any] = {shape.config.tag_field: shape.config.tag} if shape.config.tag_field else {}
    for name in shape.fields:
        plain[shape.names.get(name, name)] = to_builtins(value.__dict__[name], enc_hook=enc_hook)
    return plain


def convert(value: Any, type: Any) -> Any:  # noqa: A002 - msgspec's word
    """``value`` as ``type``. Raises ValidationError with what was expected and where."""
    return _converter(type, {})(value, "$")


def _converter(form: Any, module: dict[str, Any]) -> Converter:
    """What accepts values of ``form``, an annotation of ``module``. Raises TypeError for one that is not known here."""
    if isinstance(form, str):
        form = eval(form, module)  # noqa: S307 - the annotations of our own classes
    if isinstance(form, StructMeta):
        return lambda value, at: _struct(form, value, at)
    if isinstance(form, Choice):
        return lambda value, at: _chosen(form, value, at)
    if isinstance(form, Either):
        return _union(form.members, module)
    if isinstance(form, UnionType):
        return _union(form.__args__, module)
    if isinstance(form, GenericAlias):
        return _generic(form, module)
    return _SIMPLE[form]


def _any(value: Any, at: str) -> Any:
    return value


def _none(value: Any, at: str) -> Any:
    return value if value is None else _wrong("null", value, at)


def _str(value: Any, at: str) -> Any:
    return value if type(value) is str else _wrong("str", value, at)


def _bool(value: Any, at: str) -> Any:
    return value if type(value) is bool else _wrong("bool", value, at)


def _int(value: Any, at: str) -> Any:
    return value if type(value) is int else _wrong("int", value, at)


def _float(value: Any, at: str) -> Any:
    if type(value) is float:
        return value
    try:
        return float(value) if type(value) is int else _wrong("float", value, at)
    except OverflowError:
        raise ValidationError(f"Number out of range - at `{at}`") from None


_SIMPLE: dict[Any, Converter] = {
    str: _str,
    int: _int,
    bool: _bool,
    float: _float,
    None: _none,
    NoneType: _none,
    Anything: _any,
    object: _any,
}


def _chosen(form: Choice, value: Any, at: str) -> Any:
    if type(value) is not str:
        _wrong("str", value, at)
    if value not in form.values:
        raise ValidationError(f"Invalid enum value {value!r} - at `{at}`")
    return value


def _union(members: tuple[Any, ...], module: dict[str, Any]) -> Converter:
    """The member that takes the value; of structs with tags, the one with its tag."""
    tagged: dict[str | None, StructMeta] = {
        member.__shape__.config.tag: member
        for member in members
        if isinstance(member, StructMeta) and member.__shape__.config.tag is not None
    }
    others = [_converter(member, module) for member in members if member not in tagged.values()]
    may_be_null = None in members or NoneType in members

    def either(value: Any, at: str) -> Any:
        if value is None and may_be_null:  # half of a task is; to be refused as something else first takes 2 µs
            return None
        if tagged and type(value) is dict:
            return _struct(_by_tag(tagged, value, at), value, at)
        refusal = None
        for other in others:
            try:
                return other(value, at)
            except ValidationError as error:
                # Of null and an object that does not fit, the object's words say more.
                refusal = error if refusal is None or type(value) is dict else refusal
        raise refusal or ValidationError(f"Expected `object`, got `{_named(value)}` - at `{at}`")

    return either


def _by_tag(tagged: Mapping[str | None, StructMeta], value: dict[str, Any], at: str) -> StructMeta:
    field = next(iter(tagged.values())).__shape__.config.tag_field
    tag = value.get(field or "type")
    if type(tag) is not str or tag not in tagged:
        raise ValidationError(f"Invalid value {tag!r} - at `{at}.{field}`")
    return tagged[tag]


def _generic(form: GenericAlias, module: dict[str, Any]) -> Converter:
    inside = [_converter(argument, module) for argument in form.__args__ if argument is not Ellipsis]
    if form.__origin__ is dict:
        return lambda value, at: _mapping(inside[0], inside[1], value, at)
    if form.__origin__ is list:
        return lambda value, at: _items(inside[0], value, at)
    if form.__origin__ is tuple and form.__args__[-1] is Ellipsis:
        return lambda value, at: tuple(_items(inside[0], value, at))
    if form.__origin__ is tuple:
        return lambda value, at: _fixed(inside, value, at)
    raise TypeError(f"no conversion to {form!r}")


def _items(item: Converter, value: Any, at: str) -> list[Any]:
    if type(value) is not list and type(value) is not tuple:
        _wrong("array", value, at)
    return [item(one, f"{at}[{number}]") for number, one in enumerate(value)]


def _fixed(each: list[Converter], value: Any, at: str) -> tuple[Any, ...]:
    items = _items(_any, value, at)
    if len(items) != len(each):
        raise ValidationError(f"Expected `array` of length {len(each)}, got {len(items)} - at `{at}`")
    return tuple(one(item, f"{at}[{number}]") for number, (one, item) in enumerate(zip(each, items, strict=True)))


def _mapping(key: Converter, item: Converter, value: Any, at: str) -> dict[Any, Any]:
    if type(value) is not dict:
        _wrong("object", value, at)
    return {key(name, at): item(one, f"{at}[...]") for name, one in value.items()}


def _struct(cls: Any, value: Any, at: str) -> Any:
    """The struct that ``value``, a dict, describes; members that its class does not know are left out."""
    if type(value) is not dict:
        return value if type(value) is cls else _wrong("object", value, at)
    shape: Shape = cls.__shape__
    config = shape.config
    converters = shape.converters if shape.converters is not None else prepare(cls)
    if config.tag_field is not None and value.get(config.tag_field, config.tag) != config.tag:
        raise ValidationError(f"Invalid value {value[config.tag_field]!r} - at `{at}.{config.tag_field}`")
    new = object.__new__(cls)
    fields = new.__dict__
    for name, item in value.items():
        found = converters.get(name)
        if found is not None:
            fields[found[0]] = found[1](item, f"{at}.{name}")
        elif config.forbid_unknown_fields and name != config.tag_field:
            raise ValidationError(f"Object contains unknown field `{name}` - at `{at}`")
    if len(fields) != len(shape.fields) and (missing := shape.fill(fields)) is not None:
        raise ValidationError(f"Object missing required field `{missing}` - at `{at}`")
    try:
        new.__post_init__()
    except (ValueError, TypeError) as error:
        raise ValidationError(f"{error} - at `{at}`") from None
    return new


def prepare(cls: StructMeta) -> dict[str, tuple[str, Converter]]:
    """The converters of a class, by the names in JSON: made when its first record is read."""
    shape = cls.__shape__
    found = {}
    for base in reversed(cls.__mro__):
        for name, form in vars(base).get("__annotations__", {}).items():
            if name in shape.fields:
                found[shape.names.get(name, name)] = name, _converter(form, vars(sys.modules[base.__module__]))
    shape.converters = found
    return found


_NAMES = {str: "str", int: "int", bool: "bool", float: "float", NoneType: "null", dict: "object"}


def _named(value: Any) -> str:
    return _NAMES.get(type(value), "array")


def _wrong(expected: str, value: Any, at: str) -> NoReturn:
    raise ValidationError(f"Expected `{expected}`, got `{_named(value)}` - at `{at}`")
