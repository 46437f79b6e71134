"""The names of msgspec that gitcoord uses, served without it; ``gitcoord.lean`` says why and when.

Behaves as msgspec does, or refuses: tests/lean holds both against each other, for every record and for arbitrary JSON.
A record takes several times longer, so this is for processes that read few of them.
"""

from __future__ import annotations

from gitcoord.lean import struct as structs
from gitcoord.lean import text as json
from gitcoord.lean.convert import convert, prepare, to_builtins
from gitcoord.lean.struct import Field as field  # noqa: N813 - msgspec's word
from gitcoord.lean.struct import Struct
from gitcoord.lean.trouble import DecodeError, ValidationError, real

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "DecodeError",
    "Struct",
    "ValidationError",
    "convert",
    "field",
    "json",
    "msgpack",
    "prepare",
    "structs",
    "to_builtins",
]


class msgpack:  # noqa: N801 - a namespace, as msgspec has it
    """For the cache of boards with many records, which a process of this kind hardly meets: the real one serves."""

    @staticmethod
    def encode(value: Any) -> bytes:
        """As msgspec does, with structs as maps."""
        packed: bytes = real().msgpack.encode(to_builtins(value))
        return packed

    @staticmethod
    def decode(data: bytes, *, type: Any) -> Any:  # noqa: A002 - msgspec's word
        """As msgspec does. Raises DecodeError, ValidationError."""
        try:
            plain = real().msgpack.decode(data)
        except real().DecodeError as error:
            raise DecodeError(str(error)) from None
        return convert(plain, type)
