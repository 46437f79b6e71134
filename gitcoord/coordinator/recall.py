"""The cache of many records (``store.cache``) as they were understood: columns of refs, oids and records.

Loaded only where there are many. What comes out of it was checked, under that very ref, when it went in; it is still
not sure (``Records.prove``).
"""

from __future__ import annotations

from gitcoord.coordinator.records import Loaded
from gitcoord.core.model import Struct
from gitcoord.lean import TYPE_CHECKING, Any, msgspec
from gitcoord.startup import is_lean
from gitcoord.store import cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_KEPT = 16 << 10  # larger records are left to the objects; few tasks have a body of that size


def recall(common: str, prefix: str, kind: type[Struct], oids: Mapping[str, str]) -> dict[str, Loaded[Any]]:
    """What the cache has of ``oids``, by ref."""
    data = cache.read(cache.path_of(common, _name(prefix)))
    if data is None:
        return {}
    try:
        kept = msgspec.msgpack.decode(data, type=tuple[list[str], list[str], list[kind]])  # type: ignore[valid-type]
    except msgspec.DecodeError:
        return {}  # put there by another gitcoord
    return {
        ref: Loaded(ref, oid, b"", record, False)
        for ref, oid, record in zip(*kept, strict=False)
        if oids.get(ref) == oid
    }


def keep(common: str, prefix: str, found: Iterable[Loaded[Any]]) -> None:
    """Write the cache: records as they were understood, not bytes, so that one call decodes all of them."""
    items = [item for item in found if len(item.payload) <= _MAX_KEPT]
    records: list[Any] = [item.record for item in items]
    if records and not is_lean():
        records = _slim(type(records[0]), records)
    columns = [item.ref for item in items], [item.oid for item in items], records
    cache.write(common, _name(prefix), msgspec.msgpack.encode(columns))


def _slim(kind: type[Struct], records: list[Any]) -> list[dict[str, Any]]:
    """The records without what is as its default anyway: read in two thirds of the time."""
    usual: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.default is not msgspec.NODEFAULT:
            usual[field.encode_name] = msgspec.to_builtins(field.default)
        elif field.default_factory is not msgspec.NODEFAULT:
            usual[field.encode_name] = field.default_factory()
    return [
        {name: value for name, value in plain.items() if name not in usual or value != usual[name]}
        for plain in map(msgspec.to_builtins, records)
    ]


def _name(prefix: str) -> str:
    return prefix.rstrip("/").rpartition("/")[2]
