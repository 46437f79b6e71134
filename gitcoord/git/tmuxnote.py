"""Which tmux pane a session was started in: one line in its local directory, and how to bring that pane to the front.

Owns the file ``tmux`` there (``1 <server pid> <pane> <socket>``). Only this note counts, made on this machine by the
process that started the session: nothing that came with a record is ever passed to tmux.
"""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed
from gitcoord.git import localfile
from gitcoord.git.run import Done, run
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = "tmux"
_LIMIT = 4096
_PATIENCE = 5.0


class Pane(msgspec.Struct, frozen=True):
    """A tmux pane: its id, the socket of its server, and that server's pid: ids begin anew with every server."""

    pane: str
    socket: str
    server: int


def around(environ: Mapping[str, str]) -> Pane | None:
    """The pane that a process with this environment runs in."""
    socket, _, rest = environ.get("TMUX", "").rpartition(",")[0].rpartition(",")
    return _checked(environ.get("TMUX_PANE", ""), socket, rest)


def _checked(pane: str, socket: str, server: str) -> Pane | None:
    number = pane.removeprefix("%")
    plain = number.isascii() and number.isdigit() and server.isascii() and server.isdigit() and len(server) < 12
    if not (pane.startswith("%") and plain and os.path.isabs(socket) and socket.isprintable() and socket.isascii()):
        return None
    return Pane(pane, socket, int(server))


def note(directory: str, pane: Pane | None) -> None:
    """Write down the pane of a session, or that it has none now. Raises GitFailed."""
    path = os.path.join(directory, _FILE)
    if pane is not None:
        localfile.write_line(path, f"1 {pane.server} {pane.pane} {pane.socket}")
        return
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise GitFailed(f"{path} cannot be removed: {error.strerror}") from None


def read(directory: str) -> Pane | None:
    """The pane that was noted; None where there is none."""
    match (localfile.read_line(os.path.join(directory, _FILE), _LIMIT) or "").split(" ", 3):
        case ["1", server, pane, socket]:
            return _checked(pane, socket, server)
        case _:
            return None


def bring_to_front(pane: Pane, environ: Mapping[str, str]) -> bool:
    """Make the pane the current one of its window and tmux session; False where it is gone.

    In a terminal of the same tmux server the terminal also goes there. Raises GitFailed without tmux.
    """
    seen = _tmux(pane, environ, "display-message", "-p", "-t", pane.pane, "#{pid} #{pane_id}")
    if seen is None or seen.code != 0 or seen.text != f"{pane.server} {pane.pane}":
        return False
    steps = [["select-window", "-t", pane.pane], ["select-pane", "-t", pane.pane]]
    mine = around(environ)
    if mine is not None and mine.socket == pane.socket:
        steps.append(["switch-client", "-t", pane.pane])
    return all((done := _tmux(pane, environ, *step)) is not None and done.code == 0 for step in steps)


def _tmux(pane: Pane, environ: Mapping[str, str], *words: str) -> Done | None:
    try:
        return run(["tmux", "-S", pane.socket, *words], env=environ, timeout=_PATIENCE)
    except TimeoutError:
        return None
