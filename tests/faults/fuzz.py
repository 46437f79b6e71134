"""Hostile bytes for every decoder: JSON as nobody should write it, and sound text with a part of it spoilt.

``GITCOORD_FUZZ=5000`` in the environment makes every fuzz test try so many examples instead of a few dozen.
"""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

few = settings(
    max_examples=int(os.environ.get("GITCOORD_FUZZ", "30")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
"""How often a fuzz test tries. No deadline: time is not what is tested here, and machines are busy."""

DEEP = 100_000
JSON_CORPUS: tuple[bytes, ...] = (
    b"",
    b"null",
    b"\xef\xbb\xbf{}",
    b"{} {}",
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"[0" + b",0" * DEEP + b"]",
    b'{"a":' + b"9" * 20_000 + b"}",
    b'{"a":1e999,"b":-1e999,"c":NaN,"d":Infinity}',
    b'{"a":1,"a":2,"a":[]}',
    b'{"a":"\\ud800","b":"\\u0000"}',
    b'{"a":"\xff\xfe"}',
    b'"' + b"\\" * DEEP,
    b'{"' + b"\\u0041" * 20_000 + b'":1}',
    b"\xdd\xff\xff\xff\xff" * 40,  # MessagePack: an array of four thousand million
    b"\xc9\xff\xff\xff\xff\x05",
    b"\x93" * DEEP,
)
"""FAULTS HI01: nesting, claimed sizes, doubled keys, numbers that are none, what is not UTF-8, what follows the end."""

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["", "s-aaaaaaaaaa", "live", "claimed", "exclusive", "../../x", "\x1b[2J", "2026-11-20T13:03:11.402Z"]
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def with_fields(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with fields of these names, and others, that hold anything."""
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=6), VALUES, max_size=8)


@st.composite
def spoilt_object(draw: st.DrawFn, sound: dict[str, Any]) -> dict[str, Any]:
    """A sound object in which something, at any depth, is another thing now."""
    copy: Any = json.loads(json.dumps(sound))
    place = copy
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[key]
        if isinstance(inner, dict | list) and inner and draw(st.booleans()):
            place = inner
            continue
        place[key] = draw(VALUES)
        return dict(copy)


@st.composite
def spoilt(draw: st.DrawFn, sound: bytes) -> bytes:
    """Sound bytes with a few of them cut out, doubled, or replaced."""
    data = sound
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 20)))
        put = draw(
            st.binary(max_size=12)
            | st.just(data[at:end] * 2)
            | st.sampled_from([b"\0", b"\n", b" ", b"\xff", b"9" * 30])
        )
        data = data[:at] + put + data[end:]
    return data
