"""Signing off for a program that has ended: its exit code, its claims offered, released or kept, its locks given back.

The first thing is to stand in for the program that is gone: until all is written down the session is bound to our own
process, or somebody could take the task while its uncommitted work is being saved. Who claims it in the moment before
gets it as from any dead session, with a snapshot of that work, and the end is told as not recorded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from gitcoord.agents.launch_start import Launching
from gitcoord.coordinator import Coordinator
from gitcoord.core.views import Notice, SessionView
from gitcoord.errors import CoordError, Ended, GitFailed

if TYPE_CHECKING:
    from gitcoord.agents.launch import OnExit

_TRIES = 3
"""A second Ctrl-C meant for the program kills the git that writes down its end."""


class SignedOff(msgspec.Struct, frozen=True, kw_only=True):
    """How the session ended; ``trouble`` is why it could not be written down."""

    session: SessionView
    released: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()
    rescued: tuple[str, ...] = ()
    kept: bool = False
    trouble: str | None = None
    notices: tuple[Notice, ...] = ()


def sign_off(
    common: str, environ: Mapping[str, str], begun: Launching, *, code: int, on_exit: OnExit | None
) -> SignedOff:
    """Write down the end of the program that ran as ``begun``. Raises no CoordError: the program has ended anyway."""
    trouble = ""
    for _ in range(_TRIES):
        try:
            with Coordinator.open(common, environ, session=begun.session.id, long_lived=False) as coord:
                return _kept(coord, begun, code) if on_exit == "keep" else _ended(coord, begun, code, on_exit)
        except GitFailed as error:
            trouble = error.message
        except CoordError as error:
            trouble = error.message
            break
        except OSError as error:
            trouble = f"{error.strerror}: {error.filename}"
            break
    return SignedOff(session=begun.session, trouble=trouble)


def _ended(coord: Coordinator, begun: Launching, code: int, on_exit: OnExit | None) -> SignedOff:
    sid = begun.session.id
    try:
        held = coord.whoami()
        if held.tasks or held.locks:
            coord.carry_on(sid, pid=os.getpid())
    except Ended:
        return SignedOff(session=_view(coord, sid), trouble=_over_before(coord, sid))
    note = None if on_exit == "release" else f"{begun.session.name} ended with exit code {code}"
    done = coord.end(handoff=note, force=True, worked_on=on_exit is None, exit_code=code)
    if done.offered or done.released or done.unlocked:
        coord.share()  # others wait for what was held, and nobody may be here to sync later
    else:
        coord.sync_soon()
    return SignedOff(
        session=done.session,
        released=done.released,
        offered=done.offered,
        unlocked=done.unlocked,
        rescued=done.rescued,
        notices=tuple(coord.notices),
    )


def _kept(coord: Coordinator, begun: Launching, code: int) -> SignedOff:
    sid = begun.session.id
    try:
        session = coord.note(sid, exit_code=code)
        coord.heartbeat()
    except Ended:
        return SignedOff(session=_view(coord, sid), trouble=_over_before(coord, sid))
    return SignedOff(session=session, kept=True)


def _view(coord: Coordinator, sid: str) -> SessionView:
    return next(view for view in coord.sessions(all=True) if view.id == sid)


def _over_before(coord: Coordinator, sid: str) -> str | None:
    """None for a session that the program itself has ended: that is as it should be."""
    view = _view(coord, sid)
    return None if view.state == "ended" else f"the session had {view.state} before: {view.why}"
