"""Hashes without OpenSSL: ``hashlib`` costs 3 to 8 ms of a command's start, the interpreter's own modules one tenth.

The names of those modules are CPython's business; where they are missing ``hashlib`` serves.
"""

from __future__ import annotations

import sys

from gitcoord.lean import Any

_found: dict[str, Any] = {}


def new(name: str, data: bytes) -> Any:
    """A hash object over ``data``; ``name`` is ``sha1`` or ``sha256``."""
    if name not in _found:  # a module that is not there is searched for anew at every import: 0.4 ms each time
        _found[name] = _maker(name)
    return _found[name](data)


def _maker(name: str) -> Any:
    module = "_sha1" if name == "sha1" else "_sha2" if sys.version_info >= (3, 12) else "_sha256"
    try:
        return getattr(__import__(module), name)
    except (ImportError, AttributeError):
        pass  # not CPython, or built without
    import hashlib

    return getattr(hashlib, name)


def sha256_hex(text: str) -> str:
    """The SHA-256 of ``text`` in UTF-8 (undecodable bytes as they came), in hex digits."""
    digest: str = new("sha256", text.encode("utf-8", "surrogatepass")).hexdigest()
    return digest
