"""Where a hook was called and what is noted there: enough to know, without starting Git, that nothing is to be done.

Owns two local notes below ``<common>/coord/``, which may be lost at any time:

* ``agents/<id>``: which session the agent with that id of its own is. ``1 <session> <own|lent> <pid or ->``.
* ``sessions/<session>/counts``: a letter for each message (``m``) and tool call (``t``) not yet in the record.

Reads besides what others own: ``beat`` and ``tried`` (git/beatfile.py, hooks/post-commit) and files of refs. Imports no
msgspec and starts no process: every tool call of an agent comes through here.
"""

from __future__ import annotations

import os
import time

META = "refs/coord/meta/repo"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_BASE32 = frozenset("abcdefghijklmnopqrstuvwxyz234567")
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_PACKED = 64 << 20
_COUNTS = 1 << 20
_MANY = 40 << 10
_MONTH = 30 * 86400
_RETRY = 60
"""Seconds before a beat that came to nothing is tried again, as in the Git hooks."""


class Place:
    """A worktree: its root, its own Git directory, and the one shared by all. ``exported``: by GIT_DIR, not by path."""

    __slots__ = ("common", "exported", "git_dir", "top")

    def __init__(self, top: str, git_dir: str, *, exported: bool = False) -> None:
        self.top = top
        self.git_dir = git_dir
        self.exported = exported
        line = _line(os.path.join(git_dir, "commondir"))
        self.common = os.path.normpath(os.path.join(git_dir, line)) if line else git_dir

    def coordinated(self) -> bool:
        """Whether this may be a repository with coordination state; no is certain."""
        found = self.ref(META)
        return os.path.isdir(os.path.join(self.common, "coord")) if found is None else found != ""

    def ref(self, name: str) -> str | None:
        """What a ref points to; empty for one that is not there, None where only Git can tell."""
        value = _line(os.path.join(self.common, name))
        if value:
            return value
        if os.path.isdir(os.path.join(self.common, "reftable")):
            return None
        try:
            with open(os.path.join(self.common, "packed-refs"), "rb") as file:
                packed = file.read(_PACKED)
        except OSError:
            return ""
        end = packed.find(b" " + name.encode() + b"\n")
        return "" if end < 0 else packed[packed.rfind(b"\n", 0, end) + 1 : end].decode("ascii", "replace")

    def small(self) -> bool:
        """Whether few tasks were there when somebody last read them all (the cache of ``coordinator.records``)."""
        try:
            return os.stat(os.path.join(self.common, "coord", "cache", "tasks")).st_size <= _MANY
        except OSError:
            return True

    def session_file(self, sid: str, name: str) -> str:
        return os.path.join(self.common, "coord", "sessions", sid, name)

    # -- which session an agent is ------------------------------------------------------------------------------------

    def note_path(self, external: str) -> str:
        """The note about the agent with that id of its own."""
        if len(external) > 80 or not _PLAIN.issuperset(external):
            from gitcoord.core.digest import sha256_hex

            external = "x-" + sha256_hex(external)[:40]
        return os.path.join(self.common, "coord", "agents", external)

    def known(self, external: str) -> tuple[str, bool, int] | None:
        """The session noted for an agent: its id, whether it is the hooks' to end, and the agent's pid (0: unknown)."""
        words = (_line(self.note_path(external)) or "").split(" ") if external else []
        if len(words) != 4 or words[0] != "1" or not is_session(words[1]) or words[2] not in ("own", "lent"):
            return None
        return words[1], words[2] == "own", int(words[3]) if words[3].isdecimal() and len(words[3]) < 11 else 0

    def remember(self, external: str, sid: str, *, own: bool, pid: int | None) -> None:
        """Note which session an agent is. Best effort."""
        if external:
            note(self.note_path(external), f"1 {sid} {'own' if own else 'lent'} {pid or '-'}")

    def prune(self) -> None:
        """Take away the notes about agents that have not been heard of for a month: they are found by their records."""
        folder = os.path.dirname(self.note_path("-"))
        try:
            old = [item.path for item in os.scandir(folder) if time.time() - item.stat().st_mtime > _MONTH]
        except OSError:
            return
        for path in old:
            _unlink(path)

    def forget(self, external: str) -> None:
        """Take the note away."""
        _unlink(self.note_path(external))

    # -- counting -----------------------------------------------------------------------------------------------------

    def count(self, sid: str, what: str) -> None:
        """Add a message (``m``) or a tool call (``t``). Best effort."""
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(self.session_file(sid, "counts"), flags, 0o600)
        except OSError:
            return  # no directory of this session, or a full disk
        try:
            if os.fstat(fd).st_size < _COUNTS:
                os.write(fd, what.encode())
        except OSError:
            pass  # a count is lost
        finally:
            os.close(fd)

    def take_counts(self, sid: str) -> tuple[int, int]:
        """The messages and tool calls counted since the last time; whoever takes them writes them down."""
        path = self.session_file(sid, "counts")
        mine = f"{path}.{os.getpid()}"
        try:
            os.rename(path, mine)
        except OSError:
            return 0, 0
        data = read(mine, _COUNTS + 16) or b""
        _unlink(mine)
        return data.count(b"m"), data.count(b"t")

    # -- heartbeats ---------------------------------------------------------------------------------------------------

    def due(self, sid: str) -> bool:
        """Whether the session should say that it lives; not again so soon after a try that came to nothing."""
        words = (read(self.session_file(sid, "beat"), 300) or b"").split(b"\n")[0].split(b" ")
        if len(words) == 4 and words[0] == b"1" and _within(words[2], words[3], words[1]):
            return False
        words = (read(self.session_file(sid, "tried"), 100) or b"").strip().split(b" ")
        return not (len(words) == 2 and _within(words[0], words[1], b"%d" % _RETRY))

    def tried(self, sid: str) -> None:
        """Note a try that came to nothing."""
        note(self.session_file(sid, "tried"), f"{int(time.clock_gettime(_CLOCK))} {int(time.time())}")


def find(start: str, environ: os._Environ[str] | dict[str, str]) -> Place | None:
    """The worktree around ``start``: by what lies there, and only where nothing does by an exported GIT_DIR.

    The agent's own directory counts: what a Git command above us exported speaks of where that was started.
    """
    here = os.path.abspath(start)
    while True:
        git_dir = os.path.join(here, ".git")
        if os.path.isdir(git_dir) and os.path.isfile(os.path.join(git_dir, "HEAD")):
            return Place(here, git_dir)
        line = _line(git_dir)
        if line is not None and line.startswith("gitdir: "):
            return Place(here, os.path.normpath(os.path.join(here, line[8:])))
        above = os.path.dirname(here)
        if above == here:
            break
        here = above
    exported = environ.get("GIT_DIR")
    if not exported or not os.path.isdir(exported):
        return None
    return Place(environ.get("GIT_WORK_TREE") or os.path.abspath(start), os.path.abspath(exported), exported=True)


def is_session(text: str) -> bool:
    """Whether this is a session id (as in core.names, whose ``re`` would cost more than the rest)."""
    return len(text) == 12 and text.startswith("s-") and _BASE32.issuperset(text[2:])


def _within(up: bytes, utc: bytes, seconds: bytes) -> bool:
    """Whether a noted moment (uptime or ``-``, wall clock) is less than that long ago."""
    then, now = (utc, time.time()) if up == b"-" else (up, time.clock_gettime(_CLOCK))
    if not (then.isdigit() and seconds.isdigit()) or len(then) > 15 or len(seconds) > 15:
        return False
    return 0 <= int(now) - int(then) < int(seconds)


def note(path: str, line: str) -> None:
    """Write a note. Best effort: in a read-only .git the next call looks for itself."""
    from gitcoord.errors import CoordError
    from gitcoord.git import localfile

    try:
        folder, coord = os.path.split(os.path.dirname(path))
        localfile.private_dir(folder, coord)
        localfile.write_line(path, line)
    except CoordError:
        pass


def read(path: str, limit: int) -> bytes | None:
    """A regular file of at most that size, and no symbolic link (``localfile.read_all``, without what it imports)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.read(fd, limit + 1)
        return data if len(data) <= limit else None
    except OSError:
        return None  # a directory, a fifo
    finally:
        os.close(fd)


def _line(path: str) -> str | None:
    """The one line of a small file."""
    data = read(path, 4096)
    if data is None or data.count(b"\n") > 1:
        return None
    return os.fsdecode(data).rstrip("\n")


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # not there; or it stays, and is compared as ever
