"""``GIT_COORD_DEBUG``: every process and every swap, one line each, with when it was and how long it took.

Loaded only when that is asked for; everything else sees ``run.tracer``, which is None. Lines say what was run, never
what was fed to it or said by it; of programs other than Git only the name. Made harmless and without credentials by
``clean``, which the caller brings: whoever prints knows how. A line that cannot be written is no failure.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitcoord.git.run import Done

_LONGEST = 300
_MOST = 60
_REFS = 4


class Tracer:
    """Writes lines to a descriptor."""

    def __init__(self, fd: int, clean: Callable[[str], str]) -> None:
        self._fd = fd
        self._clean = clean
        self._start = time.monotonic()

    def process(self, argv: Sequence[str], run: Callable[[], Done]) -> Done:
        """Run a program to its end, and note it."""
        begun = time.monotonic()
        try:
            done = run()
        except BaseException as error:
            self.note("run", f"{_told(argv)} -> {type(error).__name__}", begun)
            raise
        self.note("run", f"{_told(argv)} -> {done.code}, {len(done.out)} bytes", begun)
        return done

    def swap(self, store: str, refs: Sequence[str], outcome: str, begun: float) -> None:
        """A swap of these refs over a store, and how it ended."""
        some = " ".join(refs[:_REFS]) + (f" and {len(refs) - _REFS} more" if len(refs) > _REFS else "")
        self.note("swap", f"{store}: {some} -> {outcome}", begun)

    def note(self, kind: str, text: str, begun: float | None = None) -> None:
        """Write one line; ``begun``: since when (monotonic) it took time."""
        now = time.monotonic()
        took = "" if begun is None else f"{(now - begun) * 1000:.1f}"
        line = f"coord {(now - self._start) * 1000:9.1f} {took:>8} ms {kind:<5} {self._clean(text)}\n"
        try:
            os.write(self._fd, line.encode("utf-8", "backslashreplace"))
        except OSError:
            pass  # nobody listens any more, or the disk is full: what was asked for goes on


def _told(argv: Sequence[str]) -> str:
    """A command line in a line; of what is not Git only the program, because what others are told is theirs."""
    if os.path.basename(argv[0]) != "git":
        return f"{os.path.basename(argv[0])} ({len(argv) - 1} arguments)"
    words = [word if len(word) <= _LONGEST else f"{word[:_LONGEST]}…" for word in argv[:_MOST]]
    more = f" and {len(argv) - _MOST} more" if len(argv) > _MOST else ""
    return " ".join(words) + more
