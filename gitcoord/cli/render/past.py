"""How the state at a moment of the past looks."""

from __future__ import annotations

from gitcoord.cli.render import locks, sessions, tasks
from gitcoord.cli.render.doc import Doc, Facts, Line, Table
from gitcoord.cli.render.words import listed, or_dash
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from gitcoord.coordinator.looking_at import Past


def past(state: Past) -> Doc:
    """A heading that says when, and a table for each kind of thing."""
    found: list[Line | Facts | Table] = [Line(f"as of {state.as_of_time}, by the clocks of those who wrote", "head")]
    for head, part in (
        ("tasks", tasks.table(state.tasks) if state.tasks else None),
        ("locks", locks.table(state.locks) if state.locks else None),
        ("sessions", sessions.table(state.sessions) if state.sessions else None),
        ("shared data", _scopes(state) if state.data else None),
    ):
        if part is not None:
            found += [Line(""), Line(head, "head"), part]
    return found if len(found) > 1 else [*found, Line("nothing was there yet")]


def _scopes(state: Past) -> Table:
    return Table(
        ("SCOPE", "VERSION", "KEYS"),
        tuple((item.scope, str(item.version), or_dash(listed(item.entries, 10))) for item in state.data),
        long=2,
    )


def records(state: Past) -> list[dict[str, object]]:
    """The same as records for programs that read lines: ``kind`` says what each of them is."""
    parts = (("task", state.tasks), ("lock", state.locks), ("session", state.sessions), ("data", state.data))
    return [{"kind": kind, **msgspec.to_builtins(item)} for kind, items in parts for item in items]
