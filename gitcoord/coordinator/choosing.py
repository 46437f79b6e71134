"""Which sessions are listed, and in which order."""

from __future__ import annotations

from fnmatch import fnmatchcase

from gitcoord.coordinator.sessions import Sessions
from gitcoord.core.model import Struct
from gitcoord.core.views import SessionView
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = ("active", "idle", "stale", "ended", "expired")
"""What a session may be shown as, the liveliest first."""

_ORDER: dict[str, tuple[Callable[[SessionView], Any], bool]] = {
    "started": (lambda view: view.started_at, True),
    "activity": (lambda view: view.activity or "", True),
    "name": (lambda view: (view.name.casefold(), view.name), False),
    "status": (lambda view: STATUS.index(view.shown), False),
}
SORTS = tuple(_ORDER)
"""Orders: newest first, last active first, by name, liveliest first."""


class Choice(Struct, frozen=True, kw_only=True):
    """What is wanted; the default is every session that goes on."""

    all: bool = False
    sort: str = "started"
    status: tuple[str, ...] = ()
    agent: str | None = None
    label: tuple[str, ...] = ()
    name: str | None = None
    here: bool = False


def choose(coord: Sessions, choice: Choice) -> list[SessionView]:
    """The sessions that match; equal ones stay in the order of their start, newest first. Raises Usage."""
    if choice.sort not in _ORDER or not set(choice.status) <= set(STATUS):
        raise Usage(f"sort by one of {', '.join(SORTS)}; a status is one of {', '.join(STATUS)}")
    every = choice.all or not {"ended", "expired"}.isdisjoint(choice.status)
    views = [view for view in coord.sessions(all=every) if _fits(choice, view)]
    if choice.here:
        here = {sid for sid, item in coord.sessions_loaded().items() if item.record.host == coord.host}
        views = [view for view in views if view.id in here]
    key, falling = _ORDER[choice.sort]
    return sorted(views, key=key, reverse=falling)


def _fits(choice: Choice, view: SessionView) -> bool:
    return (
        (not choice.status or view.shown in choice.status)
        and choice.agent in (None, view.agent)
        and (choice.name is None or fnmatchcase(view.name, choice.name))
        and all(_labelled(view, label) for label in choice.label)
    )


def _labelled(view: SessionView, label: str) -> bool:
    name, equals, value = label.partition("=")
    return name in view.labels and (not equals or view.labels[name] == value)
