"""What set-up remembers of how files were before, so that they can be given back to the byte.

Owns one note for each agent and place: below the Git directory for a project, below the user's state directory for the
user's own settings; 0600. It can be lost: then only our part is taken out. What is remembered of a file is the text
that we replaced, not the file, which may hold secrets.
"""

from __future__ import annotations

import base64
import os
from hashlib import sha256

import msgspec

from gitcoord.errors import GitFailed
from gitcoord.git.localfile import private_dir, read_all, write_atomic


class Before(msgspec.Struct, frozen=True):
    """How to get from what we wrote back to what was there.

    ``wrote``: digest of what we wrote. ``created``: there was no file. Else the file was what we wrote, but for what
    stands after the first ``head`` and before the last ``tail`` bytes of it, which was ``middle`` (base 64).
    """

    wrote: str
    created: bool
    head: int = 0
    tail: int = 0
    middle: str = ""

    def fits(self, data: bytes) -> bool:
        """Whether nobody wrote the file after us."""
        return self.wrote == digest(data)

    def undo(self, data: bytes) -> bytes | None:
        """What was there before ``data``; None for no file."""
        if self.created:
            return None
        return data[: self.head] + base64.b64decode(self.middle) + data[len(data) - self.tail :]


class Memory(msgspec.Struct):
    """One note: files by their real path, and the directories that were made for them."""

    files: dict[str, Before] = {}
    made: list[str] = []


def before(old: bytes | None, new: bytes) -> Before:
    """How to get from ``new`` back to ``old``."""
    if old is None:
        return Before(digest(new), created=True)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    return Before(digest(new), False, head, tail, base64.b64encode(old[head : len(old) - tail]).decode())


def _common(one: bytes, other: bytes) -> int:
    """How many bytes the two begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


class Place(msgspec.Struct, frozen=True):
    """Where a note is kept: ``parts`` below ``base``, each a private directory."""

    base: str
    parts: tuple[str, ...]
    name: str

    def recall(self) -> Memory:
        """The note; an empty one where there is none that can be read."""
        data = read_all(os.path.join(self.base, *self.parts, self.name), 8 << 20)
        try:
            return msgspec.json.decode(data or b"{}", type=Memory)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Memory()

    def keep(self, memory: Memory) -> None:
        """Write the note, or remove it when there is nothing to remember."""
        path = os.path.join(self.base, *self.parts, self.name)
        try:
            if memory.files or memory.made:
                write_atomic(os.path.join(private_dir(self.base, *self.parts), self.name), msgspec.json.encode(memory))
            elif os.path.lexists(path):
                os.unlink(path)
                for depth in (0, 1):
                    os.rmdir(os.path.join(self.base, *self.parts[: len(self.parts) - depth]))
        except (OSError, GitFailed):
            pass  # without it, taking out our part still works; only blank lines may differ


def place(base: str, parts: tuple[str, ...], agent: str, root: str) -> Place:
    """The place of the note about ``agent`` in ``root``."""
    return Place(base, parts, f"{agent}-{digest(os.fsencode(os.path.realpath(root)))[:16]}.json")
