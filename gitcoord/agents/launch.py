"""A session around a program: sign on, run it in its worktree, beat while it runs, write down how it ended, sign off.

Owns the order of these steps and what is undone when one of them fails. The session is bound to the program's own
process, which exists before the session does (``git.child``): whatever becomes of us, everybody sees it alive as long
as the program runs, and dead at once when it does not. While the program runs nothing is held open here.

What a person is told goes to ``tell``; nothing is printed while the program has the terminal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from gitcoord.agents import environment, launch_program
from gitcoord.agents.launch_ending import SignedOff, sign_off
from gitcoord.agents.launch_start import Launching, sign_on, undo
from gitcoord.coordinator import Coordinator
from gitcoord.core.views import Notice, SessionView
from gitcoord.errors import CoordError, NotFound
from gitcoord.git.child import Held, Watch
from gitcoord.git.repo import LOCAL_VARIABLES

OnExit = Literal["release", "handoff", "keep"]
GRACE = 10.0
"""Seconds that a program gets from a SIGTERM to its end."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, and as whom.

    ``task`` or ``following`` (the next ready one) is claimed first, together with ``locks``. ``resume`` names a session
    to go on with, in place of a new one called ``name``. ``on_exit``: what becomes of claims that are not done; None
    offers those with work and releases the others, and ``keep`` leaves the session going, without a process.
    """

    argv: tuple[str, ...]
    name: str | None = None
    task: str | None = None
    following: bool = False
    locks: tuple[str, ...] = ()
    isolate: bool = False
    resume: str | None = None
    on_exit: OnExit | None = None
    agent: str | None = None
    model: str | None = None
    labels: dict[str, str] = {}
    grace: float = GRACE


class Launched(msgspec.Struct, frozen=True, kw_only=True):
    """A program that has ended. ``exit_code``: as a shell counts, 128 and the signal for one that was killed.

    ``task`` and ``token``: what it was started for. ``kept``: the session goes on with all that it holds.
    ``recorded`` is False where the end could not be written down; then ``trouble`` says why.
    """

    session: SessionView
    task: str | None
    token: int | None
    worktree: str | None
    exit_code: int
    signal: str | None
    released: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()
    rescued: tuple[str, ...] = ()
    kept: bool = False
    recorded: bool = True
    trouble: str | None = None
    notices: tuple[Notice, ...] = ()


def launch(
    wish: Wish,
    *,
    start: str,
    environ: Mapping[str, str],
    tell: Callable[[str], None] = lambda _: None,
    quiet: bool = False,
) -> Launched:
    """Run the program in a session from ``start``, to its end. In a program's main thread only, which hears signals.

    ``quiet``: its standard output goes to where errors go. Raises Usage, NotFound, Held and whatever else refuses a
    start, a claim or a lock: then nothing was run, and no session is left behind.
    """
    around = environment.whole_environment(environ, {}, elsewhere=False)
    with Watch() as watch:
        coord = Coordinator.open(start, around, long_lived=False)
        try:
            program = launch_program.find(wish.argv[0], None, around)
            held = Held()
            begun = _begin(coord, wish, held, watch, _Place(start, around, program, quiet), tell)
            interval = coord.policy.interval
            common = coord.repo.common
        finally:
            coord.close()
        later = {name: text for name, text in around.items() if name not in LOCAL_VARIABLES}
        status = watch.wait(
            held.pid, every=interval / 2, beat=lambda: _beat(common, later, begun.session.id), grace=wish.grace
        )
        code = status if status >= 0 else 128 - status
        ended = sign_off(common, later, begun, code=code, on_exit=wish.on_exit)
    done = _done(begun, ended, status, code)
    for notice in ended.notices:
        tell(f"note: {notice.message}")
    tell(launch_program.over(done))
    return done


def _done(begun: Launching, ended: SignedOff, status: int, code: int) -> Launched:
    return Launched(
        session=ended.session,
        task=begun.task,
        token=begun.token,
        worktree=begun.worktree,
        exit_code=code,
        signal=launch_program.signal_name(-status) if status < 0 else None,
        released=ended.released,
        offered=ended.offered,
        unlocked=ended.unlocked,
        rescued=ended.rescued,
        kept=ended.kept,
        recorded=ended.trouble is None,
        trouble=ended.trouble,
        notices=(*begun.notices, *ended.notices),
    )


class _Place(msgspec.Struct, frozen=True):
    """Where we were started, with which environment, for which program (None: found in its worktree)."""

    start: str
    environ: dict[str, str]
    program: str | None
    quiet: bool


def _begin(
    coord: Coordinator, wish: Wish, held: Held, watch: Watch, place: _Place, tell: Callable[[str], None]
) -> Launching:
    """Everything up to the running program; all of it undone when any of it fails."""
    begun: Launching | None = None
    try:
        if wish.isolate and wish.resume is None:
            from gitcoord.agents import isolate

            agent = wish.agent or launch_program.agent_of(wish.argv[0]) or wish.argv[0]
            isolate.examine(coord, agent=agent, environ=place.environ)
        begun = sign_on(coord, wish, held.pid)
        cwd = begun.worktree or os.path.abspath(place.start)
        program = place.program or launch_program.find(wish.argv[0], cwd, place.environ)
        assert program is not None  # a name with a slash is found in a directory, or NotFound
        env = _environment(coord, wish, begun, place, cwd)
        for notice in begun.notices:
            tell(f"note: {notice.message}")
        tell(launch_program.started(begun, wish.argv[0]))  # before the program has a chance to say something
        watch.passing()
        try:
            held.become(program, wish.argv, env=env, cwd=cwd, quiet=place.quiet)
        except OSError as error:
            why = f"{wish.argv[0]} cannot be started: {error.strerror}"
            raise NotFound(why, hint="check that it is a program") from None
    except BaseException:
        held.drop()
        if begun is not None:
            undo(coord, begun)
        raise
    return begun


def _environment(coord: Coordinator, wish: Wish, begun: Launching, place: _Place, cwd: str) -> dict[str, str]:
    isolated: dict[str, str] = {}
    sid = begun.session.id
    private = environment.private_places(coord.repo.common, sid)
    if begun.session.resumed_from is not None or wish.isolate:
        from gitcoord.agents import isolate

        isolate.inherit(coord, sid, private)
    if wish.isolate:
        agent = begun.session.agent or wish.argv[0]
        isolated = isolate.for_session(coord, sid, agent=agent, environ=place.environ, project=cwd)
    added = environment.session_environment(
        begun.session,
        private,
        task=begun.task,
        token=begun.token,
        worktree=begun.worktree or coord.repo.top,
        isolated=isolated,
    )
    if "PWD" in place.environ:
        added["PWD"] = cwd
    return environment.whole_environment(place.environ, added, elsewhere=begun.worktree is not None)


def _beat(common: str, environ: Mapping[str, str], sid: str) -> None:
    """Say that the session lives, if nobody else has; for a hub too. Never fails: the next one may succeed."""
    try:
        with Coordinator.open(common, environ, session=sid, long_lived=False) as coord:
            coord.begin(*coord.my_refs())
            coord.keep_alive()
    except (CoordError, OSError):
        pass  # the terminal belongs to the program now; the end says what became of the session
