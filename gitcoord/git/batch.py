"""``git cat-file --batch``, kept open for many questions."""

from __future__ import annotations

import os

from gitcoord.errors import GitFailed
from gitcoord.git.run import spawn
from gitcoord.lean import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK = 1 << 16


class Batch:
    """A running ``git cat-file --batch``: objects by name, many for the price of one start."""

    _WINDOW = 200  # requests in flight: 200 names fit any pipe, so neither side can block the other

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        in_read, self._in = os.pipe()
        self._out, out_write = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            self._pid = spawn(argv, env, in_read, out_write, null)
        except BaseException:
            os.close(self._in)
            os.close(self._out)
            raise
        finally:
            for fd in (in_read, out_write, null):
                os.close(fd)
        self._buffer = b""

    def ask(self, names: Sequence[str], limit: int) -> list[tuple[str, str, bytes] | int | None]:
        """For each name ``(oid, type, content)``; None when missing; its size when that is over ``limit``.

        After an oversized object the process is stopped, and the caller asks again for the rest: see ``closed``.
        """
        answers: list[tuple[str, str, bytes] | int | None] = []
        for start in range(0, len(names), self._WINDOW):
            window = names[start : start + self._WINDOW]
            self._write("".join(f"{name}\n" for name in window).encode("utf-8", "surrogateescape"))
            for _ in window:
                answer = self._answer(limit)
                answers.append(answer)
                if isinstance(answer, int):
                    return answers
        return answers

    @property
    def closed(self) -> bool:
        return self._pid == 0

    def _answer(self, limit: int) -> tuple[str, str, bytes] | int | None:
        words = self._line().split(b" ")
        if len(words) != 3 or not words[2].isdigit():
            return None  # "<name> missing", "ambiguous", "dangling", "loop": no object to be had
        size = int(words[2])
        if size > limit:
            self.close()
            return size
        content = self._take(size + 1)[:-1]
        return words[0].decode(), words[1].decode(), content

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._in, data) :]

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _take(self, count: int) -> bytes:
        parts = [self._buffer]
        have = len(self._buffer)
        while have < count:
            chunk = os.read(self._out, max(_CHUNK, count - have))
            if not chunk:
                raise GitFailed("git cat-file stopped in the middle of an object")
            parts.append(chunk)
            have += len(chunk)
        data = b"".join(parts)
        self._buffer = data[count:]
        return data[:count]

    def _fill(self) -> None:
        chunk = os.read(self._out, _CHUNK)
        if not chunk:
            raise GitFailed("git cat-file stopped before it answered")
        self._buffer += chunk

    def close(self) -> None:
        """End the process. Safe to call twice."""
        if self._pid:
            os.close(self._in)
            os.close(self._out)
            os.waitpid(self._pid, 0)
            self._pid = 0
