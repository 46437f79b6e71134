"""Structs without msgspec: what a class of records is, made once from its annotations, and its instances.

Owns declaration, construction and equality; conversion from and to plain values is in ``convert``.
"""

from __future__ import annotations

from gitcoord.lean.forms import Generic

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from gitcoord.lean.convert import Converter

ABSENT = object()
_BY_VALUE = (dict, list, set)
"""Empty defaults of these types are made anew for each record, as msgspec does."""


class Field:
    """A default that also says the field's name in JSON."""

    __slots__ = ("default", "name")

    def __init__(self, *, default: object = ABSENT, name: str | None = None) -> None:
        self.default = default
        self.name = name


class Config:
    """What a class line says; known to msgspec as StructConfig."""

    __slots__ = ("forbid_unknown_fields", "frozen", "kw_only", "rename", "tag", "tag_field")

    def __init__(self, name: str, of: Config | None, given: dict[str, Any]) -> None:
        self.frozen: bool = given.get("frozen", of is not None and of.frozen)
        self.kw_only: bool = given.get("kw_only", False)  # of the fields declared here alone, as in msgspec
        self.forbid_unknown_fields: bool = given.get(
            "forbid_unknown_fields", of is not None and of.forbid_unknown_fields
        )
        self.rename: dict[str, str] = given.get("rename") or (of.rename if of else {})
        self.tag_field: str | None = given.get("tag_field", of.tag_field if of else None)
        self.tag: str | None = given.get("tag", name if self.tag_field else None)
        if not given.keys() <= set(self.__slots__):
            raise TypeError(f"not understood here: {given.keys() - set(self.__slots__)}")


class Shape:
    """A class of records: its fields in order, their defaults, and their names in JSON where those differ."""

    __slots__ = ("config", "converters", "defaults", "fields", "fresh", "keyword", "names", "positional")

    config: Config
    positional: list[str]
    keyword: list[str]
    defaults: dict[str, Any]
    names: dict[str, str]

    def __init__(
        self, name: str, of: Shape | None, own: tuple[str, ...], defaults: dict[str, Any], given: dict[str, Any]
    ) -> None:
        self.config = Config(name, of.config if of else None, given)
        self.positional = [name for name in (of.positional if of else ()) if name not in own]
        self.keyword = [name for name in (of.keyword if of else ()) if name not in own]
        (self.keyword if self.config.kw_only else self.positional).extend(own)
        self.fields = (*self.positional, *self.keyword)
        self.defaults = {name: value for name, value in (of.defaults if of else {}).items() if name not in own}
        self.names = {name: alias for name, alias in (of.names if of else {}).items() if name not in own}
        self.names.update({name: self.config.rename[name] for name in own if name in self.config.rename})
        for name, value in defaults.items():
            if isinstance(value, Field):
                self.names.update({name: value.name} if value.name is not None else {})
                value = value.default
            if value is not ABSENT:
                self.defaults[name] = value
        self.fresh = tuple(name for name, value in self.defaults.items() if type(value) in _BY_VALUE)
        self.converters: dict[str, tuple[str, Converter]] | None = None

    def fill(self, fields: dict[str, Any]) -> str | None:
        """Put defaults where there is no value; the first field that has neither, by its name in JSON."""
        for name in self.fields:
            if name not in fields:
                if name not in self.defaults:
                    return str(self.names.get(name, name))
                fields[name] = self.defaults[name].copy() if name in self.fresh else self.defaults[name]
        return None

    def complain(self, fields: dict[str, Any]) -> None:
        """Raises TypeError for a field that is missing or one too many."""
        for name in fields:
            if name not in self.fields:
                raise TypeError(f"Unexpected keyword argument '{name}'")
        for name in self.fields:
            if name not in fields:
                raise TypeError(f"Missing required argument '{name}'")


class StructMeta(type):
    """Keeps what stands in the body of a class of records; its Shape is made when the first record is."""

    _declared: tuple[str, dict[str, Any], dict[str, Any]]
    _shape: Shape

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **given: Any) -> StructMeta:
        defaults = {field: body.pop(field) for field in body.get("__annotations__", ()) if field in body}
        cls = super().__new__(mcs, name, tuple(base for base in bases if base is not Generic), body)
        cls._declared = name, defaults, given
        return cls

    def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any], **_: Any) -> None:
        super().__init__(name, bases, body)

    @property
    def __shape__(cls) -> Shape:
        found = cls.__dict__.get("_shape")
        if found is None:
            name, defaults, given = cls._declared
            parent = next((base for base in cls.__mro__[1:] if isinstance(base, StructMeta)), None)
            own = tuple(vars(cls).get("__annotations__", ()))
            found = cls._shape = Shape(name, parent.__shape__ if parent else None, own, defaults, given)
        return found

    @property
    def __struct_config__(cls) -> Config:
        return cls.__shape__.config

    @property
    def __struct_fields__(cls) -> tuple[str, ...]:
        return cls.__shape__.fields


class Struct(metaclass=StructMeta):
    """A record: fields by name, defaults, equality; frozen where its class says so."""

    def __init__(self, *values: Any, **given: Any) -> None:
        fields = self.__dict__
        shape = type(self).__shape__
        fields.update(shape.defaults)
        for name in shape.fresh:
            fields[name] = fields[name].copy()
        if len(values) > len(shape.positional):
            raise TypeError("Extra positional arguments provided")
        fields.update(zip(shape.positional, values, strict=False))
        fields.update(given)
        if len(fields) != len(shape.fields):
            shape.complain(fields)
        self.__post_init__()

    def __post_init__(self) -> None:
        """For classes that look at what they were given. Raises what they raise."""

    def __setattr__(self, name: str, value: object) -> None:
        if type(self).__shape__.config.frozen:
            raise AttributeError(f"immutable type: '{type(self).__name__}'")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        if not type(self).__shape__.config.frozen:
            raise TypeError(f"unhashable type: '{type(self).__name__}'")
        return hash((type(self), *(self.__dict__[name] for name in type(self).__shape__.fields)))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={self.__dict__[name]!r}" for name in type(self).__shape__.fields)
        return f"{type(self).__name__}({inside})"


def replace(struct: Struct, /, **changes: Any) -> Struct:
    """A copy with other values. Raises TypeError for a field that there is not."""
    new = object.__new__(type(struct))
    fields = new.__dict__
    fields.update(struct.__dict__)
    fields.update(changes)
    shape = type(struct).__shape__
    if len(fields) != len(shape.fields):
        shape.complain(fields)
    return new


def asdict(struct: Struct) -> dict[str, Any]:
    """The fields by their names in Python."""
    return {name: struct.__dict__[name] for name in type(struct).__shape__.fields}
