"""Records to bytes and back: the gate through which everything from refs enters.

Owns the size limit, the format gate and the promise that unknown fields survive a rewrite. Whoever can push writes what
we read, so every failure of decoding is ``Corrupt`` and nothing else. Must not know where bytes come from.
"""

from __future__ import annotations

from itertools import accumulate

from gitcoord.core.model import FORMAT, Struct
from gitcoord.errors import Corrupt, NewerFormat
from gitcoord.lean import Any, TypeVar, msgspec

MAX_RECORD = 1 << 20
"""Largest record in bytes, read or written (1 MiB)."""

MAX_DEPTH = 64
"""Deepest nesting of objects and arrays; msgspec alone recurses until the interpreter's limit."""

_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)

R = TypeVar("R", bound=Struct)


def decode_raw(data: bytes, *, limit: int = MAX_RECORD, depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The JSON object in ``data`` as plain values. Raises Corrupt."""
    if len(data) > limit:
        raise Corrupt(f"a record of {len(data)} bytes is over the limit of {limit}")
    # Bytes over 0x7F, braces in strings and all: the count is an upper bound, and cheap (two C scans).
    if data.count(b"{") + data.count(b"[") > depth and _depth(data) > depth:
        raise Corrupt(f"a record nested deeper than {depth} levels")
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise Corrupt(f"a record is not valid JSON: {error}") from None
    if not isinstance(raw, dict):
        raise Corrupt("a record is not a JSON object")
    return raw


def _depth(data: bytes) -> int:
    """Deepest nesting outside strings, without walking over the bytes in Python."""
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")  # from here on every quote begins or ends a string
    brackets = b"".join(plain.split(b'"')[::2]).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def decode(data: bytes, kind: type[R]) -> R:
    """A record of ``kind`` from its bytes. Raises Corrupt, or NewerFormat where a newer version no longer fits."""
    return convert(decode_raw(data), kind)


def convert(raw: dict[str, Any], kind: type[R]) -> R:
    """A record of ``kind`` from plain values. Raises Corrupt, or NewerFormat where a newer version no longer fits."""
    try:
        return msgspec.convert(raw, kind)
    except (msgspec.ValidationError, RecursionError, ValueError) as error:
        if is_newer(raw):
            raise NewerFormat(f"a {kind.__name__.lower()} record has format {raw['v']}") from None
        raise Corrupt(f"a {kind.__name__.lower()} record does not fit: {error}") from None


def is_newer(raw: dict[str, Any]) -> bool:
    """Whether a newer gitcoord wrote this record: it may be shown, never rewritten."""
    version = raw.get("v", FORMAT)
    return isinstance(version, int) and version > FORMAT


def encode(record: Struct, base: dict[str, Any] | None = None) -> bytes:
    """``record`` as JSON with sorted keys and a newline, keeping what ``base`` (the record it replaces) had besides.

    Unknown fields of the record itself always survive; those of a nested part survive while that part is unchanged.
    Raises Corrupt when the result would be over the size limit, NewerFormat when ``base`` is of a newer format.
    """
    plain: dict[str, Any] = msgspec.to_builtins(record)
    if base is not None:
        if is_newer(base):
            raise NewerFormat(f"a {type(record).__name__.lower()} record has format {base['v']}")
        plain = _keep_unknown(plain, base, msgspec.to_builtins(convert(base, type(record))))
    data = msgspec.json.encode(plain, order="sorted") + b"\n"
    if len(data) > MAX_RECORD:
        raise Corrupt(f"the record would take {len(data)} bytes, over the limit of {MAX_RECORD}", hint="shorten it")
    return data


def _keep_unknown(new: dict[str, Any], raw: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in raw.items() if name not in known}
    for name, value in new.items():
        kept[name] = _same_or_new(value, raw.get(name), known.get(name))
    return kept


def _same_or_new(new: Any, raw: Any, known: Any) -> Any:
    """``raw`` where the part did not change (so its unknown fields stay), else ``new``; element by element."""
    if new == known and raw is not None:
        return raw
    if isinstance(new, dict) and isinstance(raw, dict) and isinstance(known, dict):
        return {name: _same_or_new(value, raw.get(name), known.get(name)) for name, value in new.items()}
    if isinstance(new, list | tuple) and isinstance(raw, list) and isinstance(known, list | tuple):
        if len(raw) != len(known):
            return new
        return [next((r for r, k in zip(raw, known, strict=True) if k == item), item) for item in new]
    return new
