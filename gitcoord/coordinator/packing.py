"""A session packed into one file: record, events and private directory as a tar archive that is the same every time.

Owns the layout of the archive: everything below one folder named by the session's id, no absolute names, no links (they
are listed in ``manifest.json``), no owners, no times. Logins are never in it: they are no part of what was done.
"""

from __future__ import annotations

import gzip
import io
import tarfile

from gitcoord.core.model import Struct
from gitcoord.core.secrets import masked
from gitcoord.git import localtree
from gitcoord.lean import TYPE_CHECKING, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

LIMIT = 1 << 28
"""Largest file that is packed, in bytes."""
_LOGINS = frozenset({".credentials.json", "auth.json", "oauth_creds.json"})


class Packed(Struct, frozen=True, kw_only=True):
    """What is in an archive: how many files of the private directory, in how many places something was masked."""

    files: int
    masked: int
    left_out: dict[str, str]


def pack(sid: str, directory: str | None, extra: Mapping[str, bytes], out: BinaryIO, *, mask: bool) -> Packed:
    """Write everything regular below ``directory`` (as ``private/``) with ``extra`` beside it to ``out``."""
    links: dict[str, str] = {}
    left_out: dict[str, str] = {}
    files = hidden = 0
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=6, mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, data in sorted(extra.items()):
            data, count = _masked(data) if mask else (data, 0)
            hidden += count
            _add(tar, f"{sid}/{name}", data)
        for item in localtree.items(directory) if directory is not None else ():
            if item.kind == "link":
                links[item.name] = item.target
            elif item.kind != "folder":
                why, data, count = _content(directory or "", item, mask=mask)
                if why:
                    left_out[item.name] = why
                else:
                    _add(tar, f"{sid}/private/{item.name}", data)
                    files, hidden = files + 1, hidden + count
        manifest = {"session": sid, "masked": mask, "links": links, "left_out": left_out}
        _add(tar, f"{sid}/manifest.json", msgspec.json.format(_json(manifest), indent=2) + b"\n")
    return Packed(files=files, masked=hidden, left_out=left_out)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    tar.addfile(entry, io.BytesIO(data))


def _content(directory: str, item: localtree.Item, *, mask: bool) -> tuple[str, bytes, int]:
    """Why a file is left out, or its content and how many secrets were masked in it."""
    if item.kind != "file":
        return "no regular file", b"", 0
    if item.name.rpartition("/")[2] in _LOGINS:
        return "a login", b"", 0
    data = localtree.read(directory, item.name, LIMIT)
    if data is None:
        return "too large, or it could not be read", b"", 0
    if not mask:
        return "", data, 0
    try:
        return ("", *_masked(data)) if b"\0" not in data else ("no text, so nothing in it could be masked", b"", 0)
    except UnicodeDecodeError:
        return "no text, so nothing in it could be masked", b"", 0


def _masked(data: bytes) -> tuple[bytes, int]:
    text, count = masked(data.decode())
    return text.encode(), count


def _json(data: object) -> bytes:
    """JSON of what may hold names that are not UTF-8."""
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:
        import json

        return json.dumps(data).encode()
