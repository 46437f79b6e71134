"""``watch``: a live board on the terminal, drawn anew when something changes, until somebody types ``q``.

Owns the terminal while it runs and gives it back as it was, however it ends (but for kill -9): its own screen, no
cursor, no echo. Plain escape sequences that every terminal of the last forty years knows, so that it works over ssh.
"""

import os
import select
import signal
import sys
import termios
import time

from gitcoord.cli.context import Context
from gitcoord.cli.declare import command
from gitcoord.cli.render import board as look
from gitcoord.cli.reply import Reply
from gitcoord.errors import Usage
from gitcoord.lean import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gitcoord.coordinator import Coordinator

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # a screen of its own, no cursor, no wrapping of long lines
_LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
_TURN = 0.2
"""Seconds between two looks at the refs and at the keyboard's neighbours (size, signals); keys are seen at once."""

_TICK = 5.0
"""Seconds after which the page is drawn anew though nothing changed: it shows ages."""

_SHARE = 20  # gathering a page may take a twentieth of the time
_EVENTS = 60


@command(
    "watch",
    group="History",
    summary="Show a live board: what needs a person, sessions, tasks, locks and the last events.",
    details="It needs a terminal, of 80 columns and 24 rows or of any other size, and is drawn anew when something "
    "changes; 'q' quits. It keeps no session alive. Elsewhere use 'git coord status' or 'git coord log --follow'.",
    example="git coord watch",
)
def watch(ctx: Context) -> Reply:
    options = ctx.options
    if options.json or options.porcelain or options.z:
        raise Usage("watch is for people", hint="git coord log --follow --json, or git coord status --json")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or ctx.environ.get("TERM", "dumb") == "dumb":
        raise Usage("watch needs a terminal", hint="git coord status, or git coord log --follow")
    coord = ctx.lasting
    coord.begin()  # says what is wrong before the screen is taken
    try:
        with Terminal() as terminal:
            Show(coord, terminal, colour=not ctx.environ.get("NO_COLOR")).run()
    except KeyboardInterrupt:
        pass  # Ctrl-C is a way to quit, too
    except Quit as asked:
        signal.signal(asked.number, signal.SIG_DFL)
        os.kill(os.getpid(), asked.number)
    return Reply(None)


_PATIENCE = 0.5
"""Seconds that a terminal may take to accept our farewell."""


class Quit(BaseException):
    """A signal asks us to end; not an Exception, so that nothing on the way takes it for an error."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


class Show:
    """The board: gathers, draws, listens."""

    def __init__(self, coord: "Coordinator", terminal: "Terminal", *, colour: bool) -> None:
        from gitcoord.coordinator.events import Filter, Log, Tail
        from gitcoord.coordinator.waits import EVERYTHING
        from gitcoord.store.pulse import Pulse

        self.coord = coord
        self.terminal = terminal
        self.colour = colour
        self.pulse = Pulse(coord.repo.common, EVERYTHING)
        self.tail = Tail(Log(coord), Filter())
        self.events = self.tail.start(_EVENTS)
        self.status = coord.status()
        self.drawn: list[str] = []

    def run(self) -> None:
        """Until ``q``, Ctrl-C or Ctrl-D."""
        not_before = due = 0.0
        changed = True
        while True:
            now = time.monotonic()
            changed = self.pulse.changed() or changed
            if now >= due or (changed and now >= not_before):
                self.gather()
                took = time.monotonic() - now
                not_before, due, changed = now + took * _SHARE, now + max(_TICK, took * _SHARE), False
            self.draw()
            if self.terminal.key(_TURN) in ("q", "Q", "\x03", "\x04"):
                return

    def gather(self) -> None:
        """Read everything anew."""
        self.status = self.coord.status()
        if self.tail.moved():
            self.events = [*self.events, *self.tail.fresh()][-_EVENTS:]

    def draw(self) -> None:
        """Write the page, if it is another one than the last."""
        at = time.strftime("%H:%M:%SZ", time.gmtime(self.coord.clock.now()))
        page = look.page(self.status, self.events, size=self.terminal.size(), now=at, colour=self.colour)
        if page[1:] != self.drawn[1:] or self.terminal.fresh:  # the time alone is no news
            self.terminal.show(page)
            self.drawn = page


class Terminal:
    """The terminal on stdin and stdout, ours between enter and exit."""

    def __init__(self) -> None:
        self.keys = sys.stdin.fileno()
        self.screen = sys.stdout.fileno()
        self.fresh = True
        self._saved = termios.tcgetattr(self.keys)
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> "Terminal":
        try:
            for number, handler in (
                (signal.SIGTERM, self._end),
                (signal.SIGHUP, self._end),
                (signal.SIGWINCH, self._resized),
                (signal.SIGTSTP, self._stopped),
            ):
                self._handlers[number] = signal.signal(number, handler)
            self._take()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _take(self) -> None:
        mode = termios.tcgetattr(self.keys)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self.keys, termios.TCSADRAIN, mode)
        self.write(_ENTER)
        self.fresh = True

    def _give_back(self) -> None:
        try:
            # A terminal that takes nothing (Ctrl-S, a reader that hangs) must not keep us from ending.
            takes = bool(select.select([], [self.screen], [], _PATIENCE)[1])
            if takes:
                self.write(_LEAVE)
            termios.tcsetattr(self.keys, termios.TCSADRAIN if takes else termios.TCSANOW, self._saved)
        except (OSError, termios.error):
            pass  # the terminal has gone

    def _end(self, number: int, _frame: object) -> None:
        raise Quit(number)

    def _resized(self, _number: int, _frame: object) -> None:
        self.fresh = True

    def _stopped(self, number: int, _frame: object) -> None:
        """Ctrl-Z: let the shell have its terminal, and take it again afterwards."""
        self._give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # stops here, until somebody says fg
        signal.signal(number, self._stopped)
        self._take()

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        try:
            found = os.get_terminal_size(self.screen)
        except OSError:
            return 80, 24
        return found.columns or 80, found.lines or 24

    def show(self, lines: list[str]) -> None:
        """Put a page on the screen, over the last one."""
        wipe = "\x1b[2J" if self.fresh else ""
        self.fresh = False
        # Erased before it is written: after the last column, erasing would take that column's character.
        self.write(wipe + "\x1b[H" + "\r\n".join(f"\x1b[K{line}" for line in lines))

    def key(self, seconds: float) -> str:
        """The key pressed within so many seconds, "" for none; the end of input counts as Ctrl-D."""
        ready, _, _ = select.select([self.keys], [], [], seconds)
        if not ready:
            return ""
        data = os.read(self.keys, 64)
        return data[:1].decode("latin-1") if data else "\x04"

    def write(self, text: str) -> None:
        data = text.encode(sys.stdout.encoding or "utf-8", "replace")
        while data:
            data = data[os.write(self.screen, data) :]
