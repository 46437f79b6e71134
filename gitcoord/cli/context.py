"""What a command is given: the global options, the environment, and the Coordinator, opened when first asked for.

With ``__main__`` the only place that reads the process environment, and hands it on as a mapping.
"""

from __future__ import annotations

import os
import sys
import time

from gitcoord.cli.declare import Options
from gitcoord.core.ids import AGENT_IDS
from gitcoord.core.names import is_session_id
from gitcoord.errors import NoRepository
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitcoord.coordinator import Coordinator
    from gitcoord.core.views import Notice
    from gitcoord.errors import CoordError


_GARBAGE = 50_000
"""Allocations between two looks for garbage in a process that does not end soon."""


class Context:
    """One command's surroundings."""

    __slots__ = ("_begun", "_coord", "environ", "options")

    def __init__(self, options: Options, environ: Mapping[str, str]) -> None:
        self.options = options
        self.environ = environ
        self._coord: Coordinator | None = None
        self._begun = time.monotonic()

    @property
    def start(self) -> str:
        """The directory to look for a repository from: the current one, or what ``-C`` says. Raises NoRepository."""
        try:
            return os.path.join(os.getcwd(), *self.options.directory)
        except FileNotFoundError:
            raise NoRepository("the current directory does not exist any more") from None

    @property
    def coord(self) -> Coordinator:
        """The coordinator of the repository around. Raises NoRepository, NotInitialised, GitFailed."""
        if self._coord is None:
            from gitcoord.coordinator.few import piecemeal

            self._coord = piecemeal().open(self.start, self.environ, session=self.options.session, long_lived=False)
        return self._coord

    @property
    def lasting(self) -> Coordinator:
        """The same for a command that goes on for long: with the store that starts slowly and then reads quickly."""
        if self._coord is None:
            import gc

            from gitcoord.coordinator import Coordinator

            gc.set_threshold(_GARBAGE, 20, 20)
            self._coord = Coordinator.open(self.start, self.environ, session=self.options.session)
        return self._coord

    @property
    def interactive(self) -> bool:
        """Whether a person is there to be asked: a terminal on both sides, and nobody asked for data only."""
        options = self.options
        if options.json or options.porcelain or options.z or options.quiet:
            return False
        return sys.stdin.isatty() and sys.stderr.isatty()

    def agent(self, named: str | None) -> tuple[str | None, str | None]:
        """The agent around and its own session id, unless another agent is ``named``."""
        for variable, agent in AGENT_IDS:
            external = self.environ.get(variable)
            if external and named in (None, agent) and not is_session_id(external):  # not one that we exported
                return agent, external
        return named, None

    @property
    def notices(self) -> Sequence[Notice]:
        """What the coordinator had to say besides its answers."""
        return () if self._coord is None else tuple(self._coord.notices)

    @property
    def as_of(self) -> float | None:
        """Seconds since the hub was last heard of; None without a hub."""
        return None if self._coord is None else self._coord.as_of()

    def keep_alive(self) -> None:
        """Every command that reached the repository counts as a heartbeat of its session, also one that was refused."""
        if self._coord is not None:
            try:
                self._coord.keep_alive()
            except Exception:
                pass  # whatever it is: the command's own outcome must not be hidden behind a beat

    def write_down(self, verb: str, error: CoordError | None) -> None:
        """Note a command that changed something or was refused in its session's own log."""
        coord = self._coord
        if coord is not None and coord.acting is not None and (coord.changed or error is not None):
            from gitcoord.coordinator import sessionlog

            sessionlog.note(coord, verb, error.code if error else "ok", time.monotonic() - self._begun, error)

    def close(self) -> None:
        """Let go of what the coordinator holds open."""
        if self._coord is not None:
            self._coord.close()
            self._coord = None
