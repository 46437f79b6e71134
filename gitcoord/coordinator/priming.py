"""The facts an agent wants first: who it is, what it holds, who else is here, what is ready, what is locked near it.

Bounded in every direction, whatever the state: so many of each, texts cut. Decides nothing; how it is said is not known
here (``agents/prime.py``).
"""

from __future__ import annotations

import os

from gitcoord.core import queue
from gitcoord.core.model import Struct
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitcoord.coordinator import Coordinator
    from gitcoord.coordinator.joins import Board
    from gitcoord.coordinator.sight import Sight
    from gitcoord.core.locks import Lock
    from gitcoord.core.model import Session, Task

TEXT = 80
"""Longest text of somebody's that is passed on, in characters."""

_HELD, _READY, _OFFERS, _OTHERS, _LOCKS, _TASKS = 5, 6, 3, 6, 6, 3


class Someone(Struct, frozen=True, kw_only=True):
    """A session; ``tasks``: the first of what it holds."""

    id: str
    name: str
    agent: str | None
    shown: str
    tasks: tuple[str, ...] = ()


class Work(Struct, frozen=True, kw_only=True):
    """A task. ``by``: the session that wrote its title, or that last wrote ``note`` (of a handoff: the giver)."""

    id: str
    title: str
    by: str | None
    priority: int
    state: str
    token: int
    branch: str | None = None
    worktree: str | None = None
    percent: int | None = None
    phase: str | None = None
    note: str | None = None
    note_by: str | None = None


class Locked(Struct, frozen=True, kw_only=True):
    """Somebody else's lock in force. ``near``: it covers something below the directory asked about."""

    what: str
    is_path: bool
    session: str
    session_name: str
    reason: str | None
    near: bool


class Primed(Struct, frozen=True, kw_only=True):
    """All of it; the counts say how many there are, the lists hold the first of them."""

    me: Someone | None
    directory: str
    holding: tuple[Work, ...]
    holding_count: int
    ready: tuple[Work, ...]
    ready_count: int
    offers: tuple[Work, ...]
    offers_count: int
    others: tuple[Someone, ...]
    others_count: int
    locks: tuple[Locked, ...]
    locks_count: int
    attention: tuple[str, ...]
    """Codes of what needs somebody (as in ``status``): lost, unconfirmed, hub-lost, corrupt."""


def facts(coord: Coordinator, directory: str) -> Primed:
    """What there is to know now, for whoever works in ``directory``. Raises NotInitialised, Corrupt."""
    coord.begin(*coord.my_refs())
    board = coord.board()
    found = coord.find_me()
    me = found.record if found is not None and found.record.state == "live" else None
    tasks = board.plain_tasks()
    mine = [task for task in tasks.values() if task.claim and me and task.claim.session == me.id]
    ready = [task for task in queue.ready(tasks, coord.takeable(board)) if task not in mine]
    offers = [task for task in tasks.values() if _offered_to(task, me)]
    held = _holdings(tasks.values())
    others = [item.record for sid, item in board.sessions.items() if board.live(sid) and (not me or sid != me.id)]
    others.sort(key=lambda record: record.started_at, reverse=True)
    locked = [] if board.locks is None else _locked(coord, board.locks, me, directory)
    return Primed(
        me=None if me is None else _someone(me, board, held),
        directory=directory[:300],
        holding=tuple(_work(task, coord) for task in sorted(mine, key=queue.order)[:_HELD]),
        holding_count=len(mine),
        ready=tuple(_work(task, coord) for task in ready[:_READY]),
        ready_count=len(ready),
        offers=tuple(_work(task, coord) for task in sorted(offers, key=queue.order)[:_OFFERS]),
        offers_count=len(offers),
        others=tuple(_someone(record, board, held) for record in others[:_OTHERS]),
        others_count=len(others),
        locks=tuple(locked[:_LOCKS]),
        locks_count=len(locked),
        attention=_attention(coord, board, tasks, me),
    )


def _holdings(tasks: Iterable[Task]) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {}
    for task in tasks:
        if task.claim is not None:
            held.setdefault(task.claim.session, []).append(task.id)
    return held


def _offered_to(task: Task, me: Session | None) -> bool:
    offer = task.handoff
    return (
        task.state == "offered" and offer is not None and (offer.to is None or (me is not None and offer.to == me.id))
    )


def _someone(record: Session, board: Board, held: dict[str, list[str]]) -> Someone:
    verdict = board.verdicts.get(record.id)
    return Someone(
        id=record.id,
        name=_cut(record.name),
        agent=None if record.agent is None else _cut(record.agent),
        shown=verdict.shown if verdict is not None else record.state,
        tasks=tuple(_cut(name) for name in sorted(held.get(record.id, ()))[:_TASKS]),
    )


def _work(task: Task, coord: Coordinator) -> Work:
    offer, progress = task.handoff, task.progress
    note = offer.note if offer is not None else progress.message if progress is not None else None
    return Work(
        id=_cut(task.id),
        title=_cut(task.title),
        by=task.created_by,
        priority=task.priority,
        state=task.state,
        token=task.token,
        branch=None if task.branch is None else _cut(task.branch),
        worktree=None if (path := task.worktrees.get(coord.host)) is None else path[:200],
        percent=progress.percent if progress is not None else None,
        phase=None if progress is None or progress.phase is None else _cut(progress.phase),
        note=None if note is None else _cut(note),
        note_by=offer.from_ if offer is not None else progress.by if progress is not None else None,
    )


def _locked(coord: Coordinator, sight: Sight, me: Session | None, directory: str) -> list[Locked]:
    """Others' locks in force, those near ``directory`` first."""
    from gitcoord.core import locks

    mine = me.id if me is not None else None
    found = [lock for lock in sight.table.locks if lock.session != mine and locks.in_force(lock, sight.facts)]
    below = _below(coord, directory)
    around = locks.covering(sight.table, [below], mine, sight.facts) if below else []
    near = {lock.token for _path, lock in around}

    def shown(lock: Lock) -> Locked:
        path = lock.target.path
        return Locked(
            what=_cut(lock.target.text),
            is_path=path is not None,
            session=lock.session,
            session_name=_cut(sight.name(lock.session) or ""),
            reason=None if lock.reason is None else _cut(lock.reason),
            near=path is not None and (not below or lock.token in near),
        )

    return sorted((shown(lock) for lock in found), key=lambda lock: (not lock.near, not lock.is_path, lock.what))


def _below(coord: Coordinator, directory: str) -> str:
    """``directory`` relative to the worktree, with a slash; empty for its root, and for one that is not in it."""
    top = coord.repo.top
    if top is None:
        return ""
    relative = os.path.relpath(os.path.realpath(directory), os.path.realpath(top))
    return "" if relative == "." or relative.startswith("..") else relative + "/"


def _attention(coord: Coordinator, board: Board, tasks: dict[str, Task], me: Session | None) -> tuple[str, ...]:
    found = {item.code for item in coord._attention(board, tasks, me.id if me is not None else None)}
    return tuple(sorted(found & {"lost", "unconfirmed", "provisional", "conflict", "hub-lost", "corrupt"}))


def _cut(text: str) -> str:
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"
