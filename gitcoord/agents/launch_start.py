"""Signing on for a program: a new session or one that goes on, its claim, locks and worktree; and taking that back.

Owns what is undone when the program does not come to run. A path out of a record is never gone to: the worktree of a
claim is looked up in this clone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gitcoord.agents import launch_program
from gitcoord.core.views import Notice, SessionView, TaskView
from gitcoord.errors import CoordError, Held
from gitcoord.git import host

if TYPE_CHECKING:
    from gitcoord.agents.launch import Wish
    from gitcoord.coordinator import Coordinator


class Launching(msgspec.Struct, frozen=True, kw_only=True):
    """What a program is started as. ``fresh``: the session was started for it, and ends if it does not run.

    ``lost``: tasks of the resumed session that others have by now. ``notices``: what was said on the way.
    """

    session: SessionView
    fresh: bool
    task: str | None
    token: int | None
    worktree: str | None
    lost: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def sign_on(coord: Coordinator, wish: Wish, pid: int) -> Launching:
    """A session bound to process ``pid`` that has all that is wished for; else none. Raises what refuses it."""
    process = None if wish.on_exit == "keep" else pid
    begun = _anew(coord, wish, process) if wish.resume is None else _go_on(coord, wish.resume, process)
    coord.wanted = begun.session.id
    try:
        return _equipped(coord, wish, begun, process)
    except BaseException:
        undo(coord, begun)
        raise


def _anew(coord: Coordinator, wish: Wish, process: int | None) -> Launching:
    name = wish.name or launch_program.plain_name(wish.argv[0])
    agent = wish.agent or launch_program.agent_of(wish.argv[0])
    session = coord.start(name, agent=agent, model=wish.model, pid=process, labels=wish.labels, bind=False)
    return Launching(session=session, fresh=True, task=None, token=None, worktree=None)


def _go_on(coord: Coordinator, named: str, process: int | None) -> Launching:
    _require_rest(coord, named)
    resumed = coord.resume(named, pid=process, bind=False)
    return Launching(session=resumed.session, fresh=False, task=None, token=None, worktree=None, lost=resumed.lost)


def _equipped(coord: Coordinator, wish: Wish, begun: Launching, process: int | None) -> Launching:
    """The session with its task, its locks and its worktree."""
    sid = begun.session.id
    if not begun.fresh and (wish.model is not None or wish.labels):
        coord.note(sid, model=wish.model, labels=wish.labels or None)
    task = _claim(coord, wish, begun)
    found = None if task is None else coord.worktree_for(task.id)
    if found is not None and found.path != begun.session.worktree:
        coord.carry_on(sid, pid=process, worktree=found.path)  # where people look for it
    return msgspec.structs.replace(
        begun,
        task=None if task is None else task.id,
        token=None if task is None else task.token,
        worktree=None if found is None else found.path,
        notices=tuple(coord.notices),
    )


def _require_rest(coord: Coordinator, named: str) -> None:
    """Raises Held for a session whose program still runs: two programs would be one worker."""
    coord.begin()
    record = coord.find_session(named).record
    process = record.process
    if record.state != "live" or process is None or record.host != coord.host:
        return
    if host.process_verdict(process.pid, process.start, process.ns, record.boot_id) == "alive":
        raise Held(
            f"session {record.name} ({record.id}) runs already, as process {process.pid}",
            hint="start another one: leave --resume out",
            holder=record.id,
            holder_name=record.name,
        )


def _claim(coord: Coordinator, wish: Wish, begun: Launching) -> TaskView | None:
    """The task to work on, claimed with the locks; without one the locks alone."""
    if wish.task is not None or wish.following:
        return coord.claim(wish.task, next=wish.following, lock=wish.locks).task
    if wish.locks:
        coord.lock(wish.locks, reason=f"run {launch_program.plain_name(wish.argv[0])}")
    held = begun.session.tasks
    if begun.fresh or len(held) != 1:
        return None
    # Claiming what one holds makes its worktree anew where somebody removed it.
    known = coord.task_show(held[0])
    return coord.claim(held[0], worktree=known.branch is not None).task


def undo(coord: Coordinator, begun: Launching) -> None:
    """The program does not run: a session started for it ends, with what it got; one that went on is as it was.

    Where even that fails its process is gone all the same, and everybody knows it for dead.
    """
    try:
        if begun.fresh:
            coord.end(begun.session.id, force=True)
        else:
            coord.carry_on(begun.session.id, pid=None)
    except CoordError:
        pass  # what refused the start is what the caller has to hear of
