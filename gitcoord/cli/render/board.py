"""How ``watch`` looks: a page of exactly the terminal's size, the parts sharing what room there is.

Knows columns, rows and colours; not the terminal. All text is made safe here, cell by cell.
"""

from __future__ import annotations

from gitcoord.cli.render import tasks as words_of
from gitcoord.cli.render.doc import Style
from gitcoord.cli.render.history import what, who
from gitcoord.cli.render.safe import safe
from gitcoord.cli.render.sessions import SHOWN
from gitcoord.cli.render.tasks import STATES
from gitcoord.cli.render.width import cut, pad
from gitcoord.cli.render.words import ago, count, listed
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitcoord.core.views import Attention, EventView, LockView, SessionView, Status, TaskView

_SGR: dict[Style, str] = {"": "", "head": "1", "good": "32", "warn": "33", "bad": "31", "dim": "2"}
_PLAIN: dict[Style, str] = {"": "", "head": "1", "good": "", "warn": "1", "bad": "1", "dim": ""}
_LEAST = (20, 4)


class Cell(msgspec.Struct, frozen=True):
    """Text in a column ``wide`` columns wide; 0 takes what is left, and is the last."""

    text: str
    wide: int = 0
    style: Style = ""


class Part(msgspec.Struct, frozen=True):
    """A heading and its rows; ``least``: rows it keeps when room is short, if it has them."""

    head: str
    rows: Sequence[Sequence[Cell]]
    least: int = 1


def page(status: Status, events: Sequence[EventView], *, size: tuple[int, int], now: str, colour: bool) -> list[str]:
    """The lines of one page for a terminal of ``size`` (columns, rows); never more, never wider."""
    columns, rows = max(size[0], _LEAST[0]), max(size[1], _LEAST[1])
    parts = [part for part in _parts(status, events) if part.rows]
    shown = _shares(parts, rows - 2)
    lines = [_line([Cell(_title(status), columns - 12, "head"), Cell(now, 0, "dim")], columns, colour)]
    for part, room in zip(parts, shown, strict=True):
        lines += _drawn(part, room, columns, colour)
    lines = lines[: rows - 1]
    lines += [""] * (rows - 1 - len(lines))
    foot = "q quits; line by line: git coord log --follow"
    return [*lines, _line([Cell(foot, 0, "dim")], columns, colour)]


def _title(status: Status) -> str:
    me = status.me
    return f"git coord: you are {me.name}, {me.shown}" if me is not None else "git coord"


def _parts(status: Status, events: Sequence[EventView]) -> list[Part]:
    alive = listed(f"{number} {shown}" for shown, number in _counted(session.shown for session in status.sessions))
    states = listed((f"{status.counts[state]} {state}" for state in STATES if status.counts.get(state)), 7)
    claims = [*status.claims, *status.offered]
    tasks = f"TASKS  {states or 'none'}; {status.ready} ready"
    return [
        Part("NEEDS A PERSON", [_attention(item) for item in status.attention], 2),
        Part(f"SESSIONS  {alive}", [_session(session) for session in status.sessions], 2),
        Part(tasks, [_task(task) for task in claims] or [[Cell("nobody works on a task", 0, "dim")]], 2),
        Part(f"LOCKS  {len(status.locks)}", [_lock(lock) for lock in status.locks]),
        Part("LAST EVENTS", [_event(event) for event in reversed(events)], 3),
    ]


def _counted(names: Iterable[str]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return list(found.items())


def _attention(item: Attention) -> list[Cell]:
    return [Cell(f"! {item.message}" + (f"  →  {item.hint}" if item.hint else ""), 0, "warn")]


def _session(session: SessionView) -> list[Cell]:
    holds = listed((*session.tasks, *session.locks), 3)
    why = session.why if session.shown != "active" else ""
    return [
        Cell("*" if session.mine else "", 1),
        Cell(session.name, 16),
        Cell(session.shown, 7, SHOWN[session.shown]),
        Cell(ago(session.heartbeat_age), 4),
        Cell("  ".join(filter(None, (holds, why)))),
    ]


def _task(task: TaskView) -> list[Cell]:
    at = task.progress
    said = "  ".join(filter(None, (at.message if at else None, task.title)))
    return [
        Cell(task.id, 14),
        Cell(words_of.state(task), 10, STATES[task.state]),
        Cell(words_of.holder(task), 14),
        Cell(words_of.progress(at), 12),
        Cell(said),
    ]


def _lock(lock: LockView) -> list[Cell]:
    holder = lock.session_name or lock.session
    waiting = f"waiting: {listed(lock.waiting, 3)}" if lock.waiting else ""
    return [
        Cell(lock.name if lock.name is not None else lock.path or "", 24),
        Cell(holder if lock.in_force else f"{holder}, gone", 16, "" if lock.in_force else "warn"),
        Cell("shared" if lock.mode == "shared" else "", 6),
        Cell("  ".join(filter(None, (lock.reason, waiting)))),
    ]


def _event(event: EventView) -> list[Cell]:
    return [
        Cell(event.at[11:19], 8, "dim"),
        Cell(event.type, 10),
        Cell(who(event), 14),
        Cell(event.task or "", 10),
        Cell(what(event)),
    ]


def _shares(parts: Sequence[Part], room: int) -> list[int]:
    """Lines for each part, its heading among them: first what it must have, then one each in turn while there is any.

    A part for which there is no room at all gets none, the last ones first.
    """
    wanted = [1 + len(part.rows) for part in parts]
    given = [0] * len(parts)
    for number, part in enumerate(parts):
        given[number] = min(wanted[number], 1 + part.least, max(0, room - sum(given)))
        if given[number] == 1:
            given[number] = 0  # a heading alone says nothing
    while sum(given) < room and given != wanted:
        for number in range(len(parts)):
            if 0 < given[number] < wanted[number] and sum(given) < room:
                given[number] += 1
        if all(share in (0, want) for share, want in zip(given, wanted, strict=True)):
            break
    return given


def _drawn(part: Part, room: int, columns: int, colour: bool) -> list[str]:
    if room < 2:
        return []
    rows = list(part.rows)
    if len(rows) > room - 1:
        rows = [*rows[: room - 2], [Cell(f"… and {count(len(part.rows) - room + 2, 'more', 'more')}", 0, "dim")]]
    return [_line([Cell(part.head, 0, "head")], columns, colour), *(_line(row, columns, colour) for row in rows)]


def _line(cells: Sequence[Cell], columns: int, colour: bool) -> str:
    """Cells side by side, a blank between them, at most ``columns`` wide."""
    said = []
    left = columns
    for cell in cells:
        room = left if cell.wide == 0 else min(cell.wide, left)
        if room <= 0:
            break
        text = cut(safe(cell.text), room)
        code = (_SGR if colour else _PLAIN)[cell.style]
        text = pad(text, room) if cell.wide else text
        said.append(f"\x1b[{code}m{text}\x1b[0m" if code and text.strip() else text)
        left -= room + 1
    return " ".join(said).rstrip(" ")
