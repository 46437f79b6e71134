"""Small private files below the Git directory: read without trusting them, written whole or not at all.

Owns three habits: never follow a symbolic link, never read more than is plausible, never show half a file. What stands
in the files is the callers' business. All of them can be lost at any time: they are notes, refs are the truth.
"""

from __future__ import annotations

import errno
import os
import stat

from gitcoord.errors import GitFailed


def read_line(path: str, limit: int) -> str | None:
    """The one line of a regular file, without its newline; None when it is absent, longer or anything else."""
    data = read_all(path, limit + 1)
    if data is None or not data.endswith(b"\n") or data.count(b"\n") != 1 or not data.isascii():
        return None
    return data[:-1].decode("ascii")


def read_all(path: str, limit: int = 1 << 20) -> bytes | None:
    """The content of a regular file of at most ``limit`` bytes that is no symbolic link; None for anything else."""
    try:
        # O_NONBLOCK: somebody's fifo in this place must not hold us up.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        data = os.read(fd, limit + 1)
        return data if len(data) <= limit else None
    except OSError:
        return None
    finally:
        os.close(fd)


def write_line(path: str, line: str) -> None:
    """Replace the file by ``line`` and a newline, mode 0600, in one step. Raises GitFailed."""
    try:
        write_atomic(path, f"{line}\n".encode("ascii"))
    except OSError as error:
        raise GitFailed(f"{path} cannot be written: {error.strerror}") from None


def write_atomic(path: str, data: bytes, mode: int = 0o600) -> None:
    """Replace the file by ``data`` in one step: a reader sees the old or the new content. Raises OSError."""
    temporary = new_name(path)
    try:
        _create(temporary, data, mode)
        os.replace(temporary, path)
    except OSError:
        _discard(temporary)
        raise


def create_line(path: str, line: str) -> bool:
    """Make the file unless it is there; False when somebody else was first. Raises GitFailed."""
    temporary = new_name(path)
    try:
        _create(temporary, f"{line}\n".encode("ascii"))
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise GitFailed(f"{path} cannot be written: {error.strerror}") from None
    finally:
        _discard(temporary)
    return True


def private_dir(base: str, *names: str) -> str:
    """``base/names…``, each level made with mode 0700 where it is missing. Raises GitFailed on a symbolic link."""
    path = base
    for name in names:
        path = os.path.join(path, name)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            if os.path.islink(path) or not os.path.isdir(path):
                raise GitFailed(f"{path} is in the way: it should be a directory of its own") from None
        except OSError as error:
            raise GitFailed(f"{path} cannot be made: {error.strerror}") from None
    return path


def new_name(path: str) -> str:
    """A name beside ``path`` that nobody else uses."""
    return f"{path}.{os.urandom(8).hex()}.tmp"


def _create(path: str, data: bytes, mode: int = 0o600) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        if os.write(fd, data) != len(data):  # a full disk may take a part of it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(fd)


def _discard(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # never made, or moved into place
