"""How ``status`` looks: what needs attention first, then mine, then everybody."""

from __future__ import annotations

from gitcoord.cli.render import locks, sessions, tasks
from gitcoord.cli.render.doc import Doc, Line, Table
from gitcoord.cli.render.words import ago, count
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from gitcoord.core.views import Status


def board(status: Status) -> Doc:
    doc: list[Line | Table] = []
    doc += _attention(status)
    doc.append(Line(_me(status), "head"))
    doc += _tables(status)
    doc.append(Line(_numbers(status)))
    return doc


def _attention(status: Status) -> list[Line | Table]:
    found: list[Line | Table] = []
    for item in status.attention:
        found.append(Line(f"! {item.message}", "warn"))
        if item.hint:
            found.append(Line(item.hint, "dim", indent=2))
    return [*found, Line("")] if found else []


def _me(status: Status) -> str:
    me = status.me
    if me is None:
        return "you have no session here; 'git coord start' begins one"
    return f"you are {me.name} ({me.id}), {me.shown}, last heartbeat {ago(me.heartbeat_age)} ago"


def _tables(status: Status) -> list[Line | Table]:
    found: list[Line | Table] = []
    me = status.me.id if status.me else None
    mine = [task for task in status.claims if task.claim is not None and task.claim.session == me]
    others = [task for task in status.claims if task.claim is not None and task.claim.session != me]
    for head, part in (
        ("your claims", tasks.work(mine) if mine else None),
        ("others' claims", tasks.work(others) if others else None),
        ("locks", locks.table(status.locks) if status.locks else None),
        ("open offers", tasks.table(status.offered) if status.offered else None),
        ("sessions", sessions.table(status.sessions) if status.sessions else None),
    ):
        if part is not None:
            found += [Line(""), Line(head, "head"), part]
    return [*found, Line("")]


def _numbers(status: Status) -> str:
    archived = f"; {status.archived} archived" if status.archived else ""
    if not status.counts:
        return f"no tasks; 'git coord task add' adds one{archived}"
    states = ", ".join(f"{status.counts[state]} {state}" for state in tasks.STATES if status.counts.get(state))
    return f"{count(sum(status.counts.values()), 'task')}: {states}; {status.ready} ready{archived}"
