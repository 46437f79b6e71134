"""One call: a coordinator opened for it alone, what it does, a heartbeat, and an answer, whatever happens.

Runs on a thread of its own, for a Coordinator may not be shared between threads. ``Pace`` is how a call that waits is
told that nobody waits for it any more.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from threading import Event

import msgspec

from gitcoord.agents.mcp_server.answer import Answer, Said, failure, success
from gitcoord.coordinator import Coordinator, sessionlog
from gitcoord.coordinator.clock import SystemClock
from gitcoord.coordinator.records import Loaded
from gitcoord.core.model import Session
from gitcoord.errors import Bug, CoordError, Ended, GitFailed, Interrupted, NoSession
from gitcoord.git.repo import discover
from gitcoord.git.run import BACKGROUND


class Desk(Coordinator):
    """A coordinator that is nobody until it is told who.

    The session to which the worktree is bound may be another agent's, or a person's: this server acts as the one that
    it signed on as, or as none.
    """

    @classmethod
    def at(cls, start: str, environ: Mapping[str, str], stop: Event, session: str | None = None) -> Desk:
        """A desk in the repository around ``start``. Raises NoRepository, GitFailed.

        Git asks nobody for a password or a passphrase: the terminal, if there is one, is the agent's.
        """
        repo = discover(start, environ)
        repo = msgspec.structs.replace(repo, env={**repo.env, BACKGROUND: "1"})
        return cls(repo, environ, session=session, clock=Pace(stop))

    def _find_me(self) -> Loaded[Session] | None:
        return super()._find_me() if self.wanted else None


class Pace:
    """The machine's clocks; sleeping ends with Interrupted as soon as ``stop`` is set, once."""

    now = staticmethod(SystemClock.now)
    up = staticmethod(SystemClock.up)
    boot = staticmethod(SystemClock.boot)
    monotonic = staticmethod(SystemClock.monotonic)

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._said = False

    def sleep(self, seconds: float) -> None:
        if self._said:  # what is put in order afterwards has its time
            time.sleep(seconds)
        elif self._stop.wait(seconds):
            self._said = True
            raise Interrupted("nobody waits for this any more")


def served(verb: str, opened: Callable[[], Desk], work: Callable[[Desk], Said]) -> Answer:
    """Do ``work`` at a desk of its own. Never raises."""
    begun = time.monotonic()
    desk: Desk | None = None
    trouble: CoordError | None = None
    try:
        desk = opened()
        said = work(desk)
        return success(said, tuple(desk.notices), desk.as_of())
    except CoordError as error:
        trouble = error
        return failure(_for_tools(error))
    except Exception as error:
        trouble = _unexpected(error)
        return failure(trouble)
    finally:
        if desk is not None:
            _put_away(desk, verb, time.monotonic() - begun, trouble)


def _put_away(desk: Desk, verb: str, seconds: float, trouble: CoordError | None) -> None:
    """Every call counts as a heartbeat, also one that was refused; nothing here may hide its own outcome."""
    try:
        if desk.acting is not None and (desk.changed or trouble is not None):
            sessionlog.note(desk, verb, trouble.code if trouble else "ok", seconds, trouble)
        desk.keep_alive()
    except Exception as error:
        print(f"git coord mcp: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - stdout is the client's
    finally:
        desk.close()


def _for_tools(error: CoordError) -> CoordError:
    """The same refusal, with a way on that a client of tools can go."""
    if isinstance(error, NoSession):
        return NoSession("you have no session here", hint="call the tool sign_on, then this one again")
    if isinstance(error, Ended):
        return Ended(error.message, hint="call the tool sign_on to go on", **error.fields)
    return error


def _unexpected(error: Exception) -> CoordError:
    """A full disk or a missing permission is the machine's trouble; everything else is a bug of ours."""
    if isinstance(error, OSError) and error.strerror:
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        return GitFailed(f"{error.strerror}{where}", hint="check disk space and permissions, then call it again")
    traceback.print_exc(file=sys.stderr)
    return Bug(f"unexpected {type(error).__name__}: {error}", hint="the server's standard error says where")
