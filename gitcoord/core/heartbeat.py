"""What a heartbeat is made of, to the byte.

Owns how one is told from everything else that a repository holds. Must not know refs, files or clocks.
"""

from __future__ import annotations

from gitcoord.core.codec import decode, encode
from gitcoord.core.model import Beat, LastBeat
from gitcoord.errors import CoordError

LARGEST = 200
"""No heartbeat has more bytes: boot id, two times, a nonce."""


def is_heartbeat(data: bytes) -> bool:
    """Whether ``data`` is exactly what a gitcoord, or one of its hooks, writes as a heartbeat."""
    if not data.startswith(b'{"boot":') or len(data) > LARGEST or not data.isascii() or b"\\" in data:
        return False
    try:
        return encode(decode(data, LastBeat if b'"nonce":' in data else Beat)) == data
    except CoordError:
        return False
