"""Shared data: one scope is one record, key → JSON value, each key with the version at which it was last written.

* The scope's version grows by one with every change and never falls; a key's version is the scope's at its last write.
  So a version seen once never comes back, not even when the key was removed and set anew.
* ``if_version`` (0: the key must be absent) and ``if_absent`` are decided here, inside the swap; so is ``incr``, which
  therefore never hands out a number twice.

Must not know sessions, clocks or where scopes are kept.
"""

from __future__ import annotations

from gitcoord.core import codec
from gitcoord.core.glob import Class, collapsed, covers, tokens
from gitcoord.core.model import FORMAT, Struct
from gitcoord.errors import Conflict, Corrupt, NotFound, Usage, WrongState
from gitcoord.lean import TYPE_CHECKING, Any, msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_NAME = 200
MAX_VALUE = 64 << 10
"""Largest value, in bytes of JSON (64 KiB)."""

MAX_SCOPE = codec.MAX_RECORD - (16 << 10)
"""Largest scope, in bytes of its record: a little under what a record may have, which leaves room for the unknown."""

MAX_DEPTH = 32
INTEGERS = (-(2**63), 2**63 - 1)
"""What ``incr`` counts in: 64 bits, which every JSON reader can be asked to keep."""


class Item(Struct, frozen=True, kw_only=True):
    """One key's value, and who wrote it when."""

    value: Any
    version: int
    by: str | None
    at: str


class Scope(Struct, frozen=True, kw_only=True):
    v: int = FORMAT
    name: str
    version: int = 0
    entries: dict[str, Item] = {}


class ScopeEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of scope events; ``scope`` is the scope's true name."""

    at: str
    session: str | None = None
    scope: str
    nonce: str = ""


class Set(ScopeEvent, frozen=True, kw_only=True, tag="set"):
    key: str
    value: Any
    if_version: int | None = None
    if_absent: bool = False


class Unset(ScopeEvent, frozen=True, kw_only=True, tag="unset"):
    """Removes ``key``, or with None everything (``if_version`` is then the scope's version)."""

    key: str | None = None
    if_version: int | None = None


class Incr(ScopeEvent, frozen=True, kw_only=True, tag="incr"):
    """Adds ``by`` to a whole number; an absent key counts from 0."""

    key: str
    by: int = 1


AnyScopeEvent = Set | Unset | Incr
"""For decoding a trailer."""


def step(scope: Scope | None, event: ScopeEvent) -> Scope:
    """The scope after ``event``. Raises Conflict, NotFound, WrongState or Usage; then nothing has changed."""
    if scope is not None and scope.name != event.scope:
        raise Corrupt(f"the record of scope {event.scope} calls itself {scope.name}")
    return _RULES[type(event)](scope or Scope(name=checked_name(event.scope)), event)


def checked_name(name: str) -> str:
    """``name`` itself if a scope may be called so (``issue:15``, ``session:backend``). Raises Usage."""
    if _is_plain(name) and name == name.strip(":") and not any(sign in name for sign in " *?[]\\"):
        return name
    raise Usage(
        f"{name[:MAX_NAME]!r} is no name for a scope",
        hint=f"1 to {MAX_NAME} printable characters, as in issue:15, without blanks and * ? [ ] \\, no '-' in front",
    )


def checked_key(key: str) -> str:
    """``key`` itself if an entry may be called so. Raises Usage."""
    if _is_plain(key) and key == key.strip():
        return key
    raise Usage(
        f"{key[:MAX_NAME]!r} is no key",
        hint=f"1 to {MAX_NAME} printable characters, no '-' in front and no blank at the ends",
    )


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and text.isprintable() and not text.startswith("-")


def matching(glob: str, names: Iterable[str]) -> list[str]:
    """The names that ``glob`` matches whole (``*`` any characters, ``?`` one, ``[…]`` one of some). Raises Usage."""
    items = _parsed(glob)
    return [name for name in names if covers(items, name, _fits)]


def _parsed(glob: str) -> tuple[Class | None, ...]:
    found = tokens([ord(sign) for sign in glob])
    return collapsed([Class(ranges=((token, token),)) if isinstance(token, int) else token for token in found])


def _fits(one: Class, sign: str) -> bool:
    return one.has(ord(sign))


def _set(scope: Scope, event: Set) -> Scope:
    key = checked_key(event.key)
    _check_value(event.value)
    found = scope.entries.get(key)
    if event.if_absent and found is not None:
        raise _conflict(scope, key, f"{key} in scope {scope.name} is there already")
    _check_version(scope, key, event.if_version)
    return _written(scope, event, key, event.value)


def _unset(scope: Scope, event: Unset) -> Scope:
    if event.key is not None and event.key not in scope.entries:
        raise NotFound(f"scope {scope.name} has no key {event.key}", hint=f"git coord get {scope.name}")
    if not scope.entries:
        raise NotFound(f"scope {scope.name} is empty", hint="git coord scopes")
    _check_version(scope, event.key, event.if_version)
    entries = {key: item for key, item in scope.entries.items() if event.key not in (None, key)}
    return msgspec.structs.replace(scope, version=scope.version + 1, entries=entries)


def _incr(scope: Scope, event: Incr) -> Scope:
    key = checked_key(event.key)
    found = scope.entries.get(key)
    value = found.value if found else 0
    if not isinstance(value, int) or isinstance(value, bool):  # Python counts True as 1; JSON does not
        raise WrongState(
            f"{key} in scope {scope.name} is not a whole number",
            hint=f"look with 'git coord get {scope.name} {key}'",
            **_fields(scope, key),
        )
    total = value + event.by
    if not INTEGERS[0] <= total <= INTEGERS[1]:
        raise WrongState(f"{key} in scope {scope.name} would pass 64 bits", **_fields(scope, key))
    return _written(scope, event, key, total)


def _written(scope: Scope, event: ScopeEvent, key: str, value: Any) -> Scope:
    version = scope.version + 1
    entry = Item(value=value, version=version, by=event.session, at=event.at)
    after = msgspec.structs.replace(scope, version=version, entries={**scope.entries, key: entry})
    size = len(msgspec.json.encode(after))
    if size > MAX_SCOPE:
        raise WrongState(
            f"scope {scope.name} would take {size} bytes; at most {MAX_SCOPE}",
            hint="remove keys with 'git coord unset', or use another scope",
            scope=scope.name,
        )
    return after


def _check_version(scope: Scope, key: str | None, wanted: int | None) -> None:
    """Raises Conflict unless ``key`` (None: the scope) is at the version ``wanted``; 0 means absent."""
    fields = _fields(scope, key)
    if wanted is not None and wanted != fields["version"]:
        what = f"scope {scope.name}" if key is None else f"{key} in scope {scope.name}"
        now = f"at version {fields['version']}" if fields["version"] else "absent"
        raise _conflict(scope, key, f"{what} is {now}, not {f'at version {wanted}' if wanted else 'absent'}")


def _conflict(scope: Scope, key: str | None, message: str) -> Conflict:
    look = f"git coord get {scope.name}" + (f" {key}" if key else "")
    return Conflict(message, hint=f"look again with '{look}', then decide anew", **_fields(scope, key))


def _fields(scope: Scope, key: str | None) -> dict[str, Any]:
    """What a refusal says about ``key`` (None: the scope) as it is now."""
    if key is None:
        return {"scope": scope.name, "key": None, "version": scope.version, "value": None}
    found = scope.entries.get(key)
    return {
        "scope": scope.name,
        "key": key,
        "version": found.version if found else 0,
        "value": found.value if found else None,
    }


def _check_value(value: Any) -> None:
    """Raises Usage unless ``value`` is JSON that comes back as it went in, and not too large or deep."""
    if not _is_json(value, MAX_DEPTH):
        raise Usage(f"the value is not JSON of at most {MAX_DEPTH} levels", hint="numbers must be finite, keys text")
    try:
        size = len(msgspec.json.encode(value))
    except UnicodeEncodeError:
        raise Usage("the value is not valid UTF-8") from None
    if size > MAX_VALUE:
        raise Usage(
            f"the value takes {size} bytes; at most {MAX_VALUE}", hint="commit large data, and share its path or commit"
        )


def _is_json(value: Any, depth: int) -> bool:
    if value is None or isinstance(value, str | bool):
        return True
    if isinstance(value, int):
        return INTEGERS[0] <= value <= INTEGERS[1]
    if isinstance(value, float):
        return value - value == 0  # neither infinite nor nan, which JSON cannot say
    if depth == 0:
        return False
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item, depth - 1) for key, item in value.items())
    return isinstance(value, list | tuple) and all(_is_json(item, depth - 1) for item in value)


_RULES: dict[type[ScopeEvent], Callable[[Scope, Any], Scope]] = {Set: _set, Unset: _unset, Incr: _incr}
