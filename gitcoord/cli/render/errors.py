"""Failures in three short lines: what, why, and one safe next command."""

from __future__ import annotations

from gitcoord.cli.render.safe import safe
from gitcoord.cli.render.words import listed, moment
from gitcoord.errors import CoordError, Held
from gitcoord.lean import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def complaint(error: CoordError) -> Iterator[str]:
    """The lines for stderr."""
    yield f"git coord: {error.code}: {safe(error.message)}"
    for line in why(error):
        yield f"  {safe(line)}"
    if error.hint:
        yield f"  hint: {safe(error.hint)}"


def why(error: CoordError) -> Iterator[str]:
    """What the fields of the error add to its message."""
    if isinstance(error, Held):
        said = _holder(error.fields)
        if said:
            yield said
        return
    for name, value in error.fields.items():
        if isinstance(value, list | tuple) and value:
            yield f"{name.replace('_', ' ')}: {listed(_name(item) for item in value)}"


def _holder(fields: Any) -> str:
    said = []
    if fields.get("token") is not None:
        said.append(f"token {fields['token']}")
    if isinstance(fields.get("since"), str):
        said.append(f"since {moment(fields['since'])}")
    return ", ".join(said)


def _name(item: Any) -> str:
    """An element of an error's list: text as it is, a thing by its path, name or id."""
    for field in ("path", "name", "id"):
        value = item.get(field) if isinstance(item, dict) else getattr(item, field, None)
        if isinstance(value, str):
            return value
    return str(item)
