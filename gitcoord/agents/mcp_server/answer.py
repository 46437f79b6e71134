"""What a call answers: the envelope of CONTRACT, a line or two of text, and the schemas that describe it.

The same documents that ``git coord … --json`` prints; a test holds one against the other. Must not know any tool.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gitcoord.agents.quoting import quoted
from gitcoord.core.views import Grant, Guarantee, Notice, TaskView
from gitcoord.errors import CoordError

SCHEMA = "gitcoord/1"
_REF = "#/$defs/{name}"
_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0xE0000, 0xE007F))
_BESIDE = ("task", "guarantee", "notices")
"""Fields of a grant that do not stand beside those of its task: it itself, and what the envelope says."""

_FLATTENED = ("TaskView", "Grant")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool has to say: the result, and a line for a model. ``grant`` is flattened into the result."""

    result: Any
    text: str
    grant: Grant | None = None
    guarantee: Guarantee | None = None
    notices: tuple[Notice, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The document of one call, its text, and whether it is a failure."""

    document: dict[str, Any]
    text: str
    failed: bool = False

    @property
    def json(self) -> str:
        """The document as text, with everything that cannot be seen written out."""
        return "".join(map(_seen, msgspec.json.encode(self.document).decode()))


def success(said: Said, notices: tuple[Notice, ...], as_of: float | None) -> Answer:
    """The answer of a call that went well."""
    result, guarantee = _plain(said.result), said.guarantee
    if said.grant is not None:
        result, guarantee = {**_flat(said.grant), **(result or {})}, said.grant.guarantee
    document: dict[str, Any] = {"schema": SCHEMA, "ok": True, "result": result}
    if guarantee is not None:
        document["guarantee"] = guarantee
    told = {notice.message: notice for notice in (*said.notices, *notices)}
    document["as_of"] = as_of
    document["notices"] = _plain(list(told.values()))
    lines = [said.text, *(f"note: {quoted(message, 500)}" for message in told)]
    return Answer(document=document, text="\n".join(lines))


def failure(error: CoordError) -> Answer:
    """The answer of a call that was refused or went wrong."""
    head = {"code": error.code, "message": error.message, "hint": error.hint or None}
    fields = {name: value for name, value in error.fields.items() if name not in head}
    document = {"schema": SCHEMA, "ok": False, "error": _plain({**head, **fields})}
    hint = f"\nhint: {quoted(error.hint, 500)}" if error.hint else ""
    return Answer(document=document, text=f"{error.code}: {quoted(error.message, 1000)}{hint}", failed=True)


def _flat(grant: Grant) -> dict[str, Any]:
    """A grant as its task, with what the grant says beside it."""
    plain = _plain(grant)
    return {**plain["task"], **{name: value for name, value in plain.items() if name not in _BESIDE}}


def _plain(value: Any) -> Any:
    return _encodable(msgspec.to_builtins(value, enc_hook=str))


def _encodable(value: Any) -> Any:
    """``value`` with what JSON cannot say replaced: a path that is not UTF-8 has lone surrogates in Python."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list | tuple) else value


def _seen(char: str) -> str:
    """A character that can be seen as it is; in a JSON text the others only occur in strings, so ``\\u`` is exact."""
    code = ord(char)
    if char.isprintable() and not any(low <= code <= high for low, high in _SELECTORS):
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


# -- schemas ----------------------------------------------------------------------------------------------------------


def schema(*kinds: Any, grant: dict[str, Any] | None = None) -> dict[str, Any]:
    """The schema of a document whose result is one of ``kinds``; or a grant, with these ``grant`` fields beside it."""
    wanted = [*kinds, *((TaskView, Grant, *grant.values()) if grant is not None else ())]
    found, known = msgspec.json.schema_components([*wanted, list[Notice]], ref_template=_REF)
    results = list(found[: len(kinds)])
    if grant is not None:
        results.append(_granted(known, dict(zip(grant, found[len(kinds) + 2 :], strict=False))))
    return {
        "type": "object",
        "properties": {
            "schema": {"const": SCHEMA},
            "ok": {"type": "boolean"},
            "result": results[0] if len(results) == 1 else {"anyOf": results},
            "guarantee": {"enum": ["local", "confirmed", "provisional"]},
            "as_of": {"type": ["number", "null"]},
            "notices": found[-1],
            "error": _ERROR,
        },
        "required": ["schema", "ok"],
        "$defs": _untitled(known if grant is None else {name: known[name] for name in known if name not in _FLATTENED}),
    }


def _untitled(known: dict[str, Any]) -> dict[str, Any]:
    """Definitions without what says their names twice, or is written for readers of the code."""
    return {
        name: {key: value for key, value in definition.items() if key not in ("title", "description")}
        for name, definition in known.items()
    }


def _granted(known: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    task, grant = known["TaskView"], known["Grant"]
    beside = {name: value for name, value in grant["properties"].items() if name not in _BESIDE}
    properties = {**task["properties"], **beside, **more}
    return {"type": "object", "properties": properties, "required": [*task["required"], *more]}


_ERROR = {
    "type": "object",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": ["string", "null"]},
    },
    "required": ["code", "message", "hint"],
}
