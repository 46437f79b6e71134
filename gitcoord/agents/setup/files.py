"""Settings files on disk: found, read with care, written whole or not at all, deleted.

Owns what may be touched: regular files below the place that was asked for, never anything below a Git directory, also
where symbolic links lead (whoever can commit can plant one). Must not know what is in the files.
"""

from __future__ import annotations

import os
import stat

import msgspec

from gitcoord.errors import GitFailed, Unsafe
from gitcoord.git.localfile import write_atomic

_LARGEST = 8 << 20
_BOM = b"\xef\xbb\xbf"


class File(msgspec.Struct, frozen=True):
    """A file as it is. ``path`` as it is called, ``real`` where it is; ``data`` None where it is missing."""

    path: str
    real: str
    data: bytes | None
    mode: int | None


def look(path: str, root: str, private: tuple[str, ...] = ()) -> File:
    """The file at ``path``. Raises Unsafe where it is not ours to touch: outside of ``root``, or no regular file.

    ``private``: directories below ``root`` that are Git's, by whatever name.
    """
    real = os.path.realpath(path)
    base = os.path.realpath(root)
    if not _below(real, base):
        raise _unsafe(path, f"leads out of {root}, to {real}")
    git = [os.path.realpath(directory) for directory in private]
    inside = [place for place in git if _below(place, base) and _below(real, place)]
    if inside or ".git" in os.path.relpath(real, base).split(os.sep):
        raise _unsafe(path, f"leads into a Git directory, to {real}")
    try:
        # O_NONBLOCK: somebody's fifo in this place must not hold us up.
        fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.lexists(os.path.dirname(real)) and not os.path.isdir(os.path.dirname(real)):
            raise _unsafe(path, "cannot be made: there is a file where its directory should be") from None
        return File(path, real, None, None)
    except OSError as error:
        raise GitFailed(f"{path} cannot be read: {error.strerror}") from None
    with open(fd, "rb") as stream:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise _unsafe(path, "is no regular file")
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise _unsafe(path, "is too large for a settings file")
    return File(path, real, data, stat.S_IMODE(found.st_mode))


def text_of(file: File, *, exact: bool) -> tuple[str, bool]:
    """What is in the file, as text, and whether a byte-order mark stands before it. ``exact``: it must be UTF-8."""
    data = file.data or b""
    marked = data.startswith(_BOM)
    try:
        text = data.removeprefix(_BOM).decode("utf-8", "strict" if exact else "surrogateescape")
    except UnicodeDecodeError:
        raise _unsafe(file.path, "is not UTF-8 text") from None
    if "\0" in text:
        raise _unsafe(file.path, "is not UTF-8 text")
    return text, marked


def bytes_of(text: str, *, marked: bool) -> bytes:
    """``text`` as it goes into a file."""
    return (_BOM if marked else b"") + text.encode("utf-8", "surrogateescape")


def write(file: File, data: bytes) -> None:
    """Put ``data`` in the place of ``file`` in one step, with the permissions that it had. Raises GitFailed."""
    try:
        os.makedirs(os.path.dirname(file.real), exist_ok=True)
        write_atomic(file.real, data, 0o666 if file.mode is None else file.mode)
        if file.mode is not None:
            os.chmod(file.real, file.mode)  # the umask has had its say when it was made
    except OSError as error:
        raise GitFailed(f"{file.path} cannot be written: {error.strerror}") from None


def delete(file: File) -> None:
    """Remove the file. Raises GitFailed."""
    try:
        os.unlink(file.real)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise GitFailed(f"{file.path} cannot be removed: {error.strerror}") from None


def missing_dirs(file: File) -> list[str]:
    """The directories that have to be made for the file, outermost first."""
    found: list[str] = []
    directory = os.path.dirname(file.real)
    while not os.path.isdir(directory):
        found.insert(0, directory)
        directory = os.path.dirname(directory)
    return found


def parents(file: File, root: str) -> list[str]:
    """The directories between ``root`` and the file."""
    base = os.path.realpath(root)
    found = []
    directory = os.path.dirname(file.real)
    while directory != base and _below(directory, base):
        found.append(directory)
        directory = os.path.dirname(directory)
    return found


def prune(directories: list[str]) -> None:
    """Remove those of the directories that are empty, innermost first."""
    for directory in sorted(directories, key=len, reverse=True):
        try:
            os.rmdir(directory)
        except OSError:
            pass  # not empty, or gone already


def _below(path: str, directory: str) -> bool:
    return os.path.commonpath([path, directory]) == directory


def _unsafe(path: str, why: str) -> Unsafe:
    return Unsafe(f"{path} {why}; nothing was changed", hint="'--print' shows what belongs there, to add by hand")
