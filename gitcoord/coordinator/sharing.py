"""Shared data: set, get, unset, scopes, incr. One scope is one record, so one swap decides every condition.

Works without a session too: a person's note, a script's counter; the entry then says that nobody wrote it. Two writers
of different keys both succeed, because a lost race is decided anew on what the other wrote. Loaded when first used.
"""

from __future__ import annotations

from gitcoord.coordinator.records import Loaded
from gitcoord.coordinator.turns import in_turn
from gitcoord.core import names
from gitcoord.core import scope as rules
from gitcoord.core.model import Session, Struct
from gitcoord.core.scope import Item, Scope, ScopeEvent
from gitcoord.core.secret_hints import is_suspicious
from gitcoord.errors import NotFound
from gitcoord.lean import TYPE_CHECKING, Any
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitcoord.coordinator.sessions import Sessions


class Entry(Struct, frozen=True, kw_only=True):
    """One key's value; ``by`` is the writer's session id, None where it had none. ``version`` 0: it is not there."""

    scope: str
    key: str
    value: Any
    version: int
    by: str | None
    at: str | None


class ScopeView(Struct, frozen=True, kw_only=True):
    """A whole scope."""

    scope: str
    version: int
    private: bool
    entries: dict[str, Item]


class Removed(Struct, frozen=True, kw_only=True):
    """What ``unset`` took out, and the scope's version after that."""

    scope: str
    key: str | None
    removed: tuple[str, ...]
    version: int


class ScopeRow(Struct, frozen=True, kw_only=True):
    """A scope in a list; ``keys``: how many it has."""

    scope: str
    version: int
    private: bool
    keys: int
    updated_at: str


class Sharing:
    """The verbs, over a Coordinator."""

    def __init__(self, coord: Sessions) -> None:
        self.coord = coord

    # -- writing ------------------------------------------------------------------------------------------------------

    def set(self, scope: str, key: str, value: Any, *, if_version: int | None, if_absent: bool) -> Entry:
        """Write one key, under a condition if one is given."""

        def event(at: str, who: str | None) -> ScopeEvent:
            return rules.Set(
                at=at, session=who, scope=scope, key=key, value=value, if_version=if_version, if_absent=if_absent
            )

        after = self._write(scope, event, f"set {scope} {key}", exclusive=if_absent or if_version is not None)
        kind = None if names.is_private(scope) else _looks_secret(key, value)
        if kind is not None:
            self.coord.notice(
                "secret",
                f"the value of {key} looks like {kind}; all who can fetch {scope} read it, and history keeps it: "
                "use a scope under private:, or change the secret",
            )
        return _entry(after, key)

    def incr(self, scope: str, key: str, by: int) -> Entry:
        """Add to a whole number, and say what it is now; no two callers are told the same."""
        after = self._write(
            scope,
            lambda at, who: rules.Incr(at=at, session=who, scope=scope, key=key, by=by),
            f"incr {scope} {key} by {by}",
            exclusive=True,
        )
        return _entry(after, key)

    def unset(self, scope: str, key: str | None, *, if_version: int | None) -> Removed:
        """Take one key out, or all."""
        gone: list[str] = []

        def event(at: str, who: str | None) -> ScopeEvent:
            base = self._scope(scope)
            gone[:] = [key] if key is not None else sorted(base.record.entries) if base else []
            return rules.Unset(at=at, session=who, scope=scope, key=key, if_version=if_version)

        after = self._write(
            scope, event, f"unset {scope}" + (f" {key}" if key is not None else ""), exclusive=if_version is not None
        )
        return Removed(scope=scope, key=key, removed=tuple(gone), version=after.version)

    def _write(
        self, scope: str, make: Callable[[str, str | None], ScopeEvent], subject: str, *, exclusive: bool = False
    ) -> Scope:
        coord = self.coord
        ref = names.data_ref(rules.checked_name(scope))
        coord.begin(*coord.my_refs(), ref)

        def decide() -> Plan[Scope]:
            me = self._writer()
            base = self._scope(scope)
            event = make(coord.now(), me.record.id if me else None)
            after = rules.step(base.record if base else None, event)
            change = coord.write(ref, base, after, event, f"{subject}, version {after.version}")
            mine = [*coord.verify(me), *coord.beat_change(me)] if me else []
            real = {item.ref for item in mine if item.new is not None}
            return Plan([change, *(item for item in mine if item.new is not None or item.ref not in real)], after)

        # A counter or a condition is worth something only if everybody counts on the same value.
        return in_turn(coord, decide, "data", exclusive=exclusive and not names.is_private(scope))

    def _writer(self) -> Loaded[Session] | None:
        """The session that writes, if there is a live one."""
        me = self.coord.find_me()
        if me is not None and me.record.state == "live":
            return me
        self.coord.notice("no-session", "written without a session: nobody is named as its writer")
        return None

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, scope: str, key: str | None, default: Any) -> Entry | ScopeView:
        """One key, or a whole scope. Raises NotFound where there is none and ``default`` is ``...``, not given."""
        ref = names.data_ref(rules.checked_name(scope))
        self.coord.begin(ref)
        found = self._scope(scope)
        if key is None:
            return self._whole(scope, found)
        if found is not None and rules.checked_key(key) in found.record.entries:
            return _entry(found.record, key)
        if default is ...:
            raise NotFound(
                f"scope {scope} has no key {key}",
                hint=f"git coord get {scope}, or give a --default",
                scope=scope,
                key=key,
            )
        return Entry(scope=scope, key=rules.checked_key(key), value=default, version=0, by=None, at=None)

    def _whole(self, scope: str, found: Loaded[Scope] | None) -> ScopeView:
        if found is None:
            raise NotFound(f"there is no scope {scope}", hint="git coord scopes", scope=scope)
        record = found.record
        return ScopeView(
            scope=scope,
            version=record.version,
            private=names.is_private(scope),
            entries=dict(sorted(record.entries.items())),
        )

    def scopes(self, glob: str | None) -> list[ScopeRow]:
        """The scopes that hold something, by name; those that ``glob`` matches."""
        self.coord.begin()
        found: dict[str, Scope] = {}
        for prefix in (names.DATA, names.PRIVATE):
            loaded, corrupt = self.coord.records.all(prefix, Scope)
            found.update((item.record.name, item.record) for item in loaded.values() if item.record.entries)
            for ref in corrupt:
                self.coord.notice("corrupt", f"{ref} cannot be read and is not listed: git coord doctor")
        chosen = sorted(found) if glob is None else rules.matching(glob, sorted(found))
        return [_row(found[name]) for name in chosen]

    def _scope(self, name: str) -> Loaded[Scope] | None:
        return self.coord.records.get(names.data_ref(name), Scope)


def _entry(scope: Scope, key: str) -> Entry:
    item = scope.entries[key]
    return Entry(scope=scope.name, key=key, value=item.value, version=item.version, by=item.by, at=item.at)


def _row(scope: Scope) -> ScopeRow:
    newest = max(scope.entries.values(), key=lambda item: item.version)
    return ScopeRow(
        scope=scope.name,
        version=scope.version,
        private=names.is_private(scope.name),
        keys=len(scope.entries),
        updated_at=newest.at,
    )


def _looks_secret(key: str, value: Any) -> str | None:
    if not is_suspicious(key, value):
        return None
    from gitcoord.core.secrets import looks_secret

    return looks_secret(key, value)
