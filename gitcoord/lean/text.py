"""JSON text to plain values and back, by the interpreter's own scanner; what is unusual is left to msgspec.

``json`` itself is not imported: it brings ``re`` along, 2 ms. Left to msgspec are escapes by number, infinities, floats
that it writes otherwise than ``repr`` does, and all that fails, for its words.
"""

from __future__ import annotations

import _json

from gitcoord.lean.convert import convert, to_builtins
from gitcoord.lean.trouble import DecodeError, real

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BLANKS = " \t\n\r"


def _float(digits: str) -> float:
    value = float(digits)
    if value - value != 0:
        raise ValueError(digits)  # infinite: msgspec refuses it
    return value


def _constant(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are no JSON


class _Settings:
    """What the scanner asks of its context."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = _float
    parse_int = int
    parse_constant = _constant
    memo: dict[str, str] = {}


_scan = _json.make_scanner(_Settings)  # type: ignore[arg-type]


def decode(data: bytes | str, *, type: object = None) -> object:  # noqa: A002 - msgspec's word
    """The value in ``data``. Raises DecodeError (with ``type`` also ValidationError)."""
    value = _plain(data)
    if type is None:
        return value
    return convert(value, type)


def _plain(data: bytes | str) -> object:
    try:
        text = (data if isinstance(data, str) else data.decode("utf-8")).strip(_BLANKS)
        if "\\u" not in text:
            value, end = _scan(text, 0)
            if end == len(text):
                return value
    except (ValueError, StopIteration, RecursionError, SystemError):
        pass  # the last is what Python 3.11's scanner raises in place of an error of json's, where json is not imported
    try:
        return real().json.decode(data)
    except real().DecodeError as error:
        raise DecodeError(str(error)) from None


def _unknown(value: object) -> object:
    raise TypeError(type(value).__name__)


_WRITERS = {
    ordered: _json.make_encoder({}, _unknown, _json.encode_basestring, None, ":", ",", ordered, False, False)
    for ordered in (False, True)
}


def encode(value: object, *, order: str | None = None, enc_hook: Callable[[Any], Any] | None = None) -> bytes:
    """``value`` as compact JSON; with ``order`` its keys are sorted."""
    plain = to_builtins(value, enc_hook=enc_hook)
    if _writes_otherwise(plain):
        data: bytes = real().json.encode(plain, order=order)
        return data
    return "".join(_WRITERS[order is not None](plain, 0)).encode("utf-8")


def _writes_otherwise(value: object) -> bool:
    """Whether there is a number that msgspec writes in its own way, or refuses."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return False
    if kind is dict:
        return any(type(name) is not str or _writes_otherwise(item) for name, item in value.items())  # type: ignore[attr-defined]
    if kind is list or kind is tuple:
        return any(_writes_otherwise(item) for item in value)  # type: ignore[attr-defined]
    if kind is int:
        return not -(1 << 63) <= value < 1 << 64  # type: ignore[operator]
    shown = repr(value)
    return "e" in shown or "n" in shown
