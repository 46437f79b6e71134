"""Stand-ins for what modules take from ``typing`` at run time: enough to be subscripted, joined and looked into.

Owns no checking: annotations are read by ``records`` (which types a field may have) and by ``cli.declare`` (which
option a parameter is).
"""

from __future__ import annotations


class Any:
    """Every value."""


class Choice:
    """``Literal["a", "b"]``."""

    __slots__ = ("values",)

    def __init__(self, values: tuple[object, ...]) -> None:
        self.values = values

    def __or__(self, other: object) -> Either:
        return Either((self, other))

    def __ror__(self, other: object) -> Either:
        return Either((other, self))


class Either:
    """A union with a Choice in it; all others are the interpreter's own."""

    __slots__ = ("members",)

    def __init__(self, members: tuple[object, ...]) -> None:
        self.members = members

    def __or__(self, other: object) -> Either:
        return Either((*self.members, other))

    def __ror__(self, other: object) -> Either:
        return Either((other, *self.members))


class _Literal:
    def __getitem__(self, values: object) -> Choice:
        return Choice(values if isinstance(values, tuple) else (values,))


class Marked:
    """``Annotated[type, mark, …]``."""

    __slots__ = ("__metadata__", "__origin__")

    def __init__(self, origin: object, marks: tuple[object, ...]) -> None:
        self.__origin__ = origin
        self.__metadata__ = marks


class _Annotated:
    def __getitem__(self, parts: tuple[object, ...]) -> Marked:
        return Marked(parts[0], parts[1:])


class Generic:
    """Subscripting changes nothing."""

    def __class_getitem__(cls, _: object) -> type:
        return cls


class Protocol(Generic):
    """A base that says nothing at run time."""


class TypeVar:
    """A name for a type."""

    def __init__(self, *_: object, **__: object) -> None: ...


def cast(_: object, value: object) -> object:
    """``value``."""
    return value


def overload(function: object) -> object:
    """``function``; the last definition of the name counts."""
    return function


def get_args(form: object) -> tuple[object, ...]:
    """What is in the brackets or between the bars."""
    if isinstance(form, Choice):
        return form.values
    if isinstance(form, Either):
        return form.members
    if isinstance(form, Marked):
        return form.__origin__, *form.__metadata__
    return getattr(form, "__args__", ())


Literal = _Literal()
Annotated = _Annotated()
NoReturn = None
