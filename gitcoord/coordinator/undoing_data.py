"""Taking back what was done to shared data: the value before, if nobody has written since. Loaded by ``undoing``."""

from __future__ import annotations

from gitcoord.coordinator.sharing import ScopeView, Sharing
from gitcoord.core.scope import Scope
from gitcoord.core.views import EventView
from gitcoord.errors import Conflict
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.coordinator.history import History


def take_back(coord: History, event: EventView, before: Scope | None, after: Scope, *, dry_run: bool) -> Sequence[str]:
    """Each key as it was, on condition that it is still as the operation left it. Raises Conflict."""
    name = after.name
    had = before.entries if before is not None else {}
    changed = [key for key in {**had, **after.entries} if had.get(key) != after.entries.get(key)]
    data = Sharing(coord)
    whole = data.get(name, None, ...)
    now = {key: item.version for key, item in whole.entries.items()} if isinstance(whole, ScopeView) else {}
    for key in changed:
        item = after.entries.get(key)
        if now.get(key, 0) != (item.version if item is not None else 0):
            raise Conflict(
                f"{key} in scope {name} was written again since",
                hint=f"git coord get {name} {key}",
                scope=name,
                key=key,
            )
    steps = []
    for key in changed:
        if key in had:
            if not dry_run:
                data.set(name, key, had[key].value, if_version=now.get(key, 0), if_absent=False)
            steps.append(f"{key} in {name} as before")
        else:
            if not dry_run:
                data.unset(name, key, if_version=now[key])
            steps.append(f"take {key} out of {name}")
    return steps
