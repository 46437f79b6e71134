"""A quick command's decoder in a process of its own, where nothing else is imported, against msgspec here.

The twins in ``test_records`` share pytest's process, where ``json`` is imported; what only that made work was seen by
nobody (Python 3.11's scanner fails without an exception where it is not). Bytes are records of ours, spoilt by a seed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import gitcoord
from gitcoord.core import codec
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Session, Struct, Task
from gitcoord.errors import CoordError
from tests.faults.fuzz import JSON_CORPUS

COUNT = int(os.environ.get("GITCOORD_FUZZ", "400"))
KINDS: dict[str, type[Struct]] = {"Task": Task, "Session": Session, "LockTable": LockTable}
SOUND = {
    "Task": b'{"after":["a"],"claim":{"session":"s-aaaaaaaaaa","since":"2026-01-01T00:00:00.000Z","token":3},'
    b'"created_at":"2026-01-01T00:00:00.000Z","id":"15","labels":["x","\\u00fc"],"priority":2,"progress":null,'
    b'"state":"claimed","title":"a \\"title\\" \xc3\xbc","token":3,"updated_at":"2026-01-01T00:00:00.000Z","v":1}',
    "Session": b'{"host":"ab","host_name":"h","id":"s-aaaaaaaaaa","labels":{"a":"b"},"name":"ann","started_at":"x",'
    b'"state":"live","user":"u","v":1}',
    "LockTable": b'{"locks":[{"target":{"type":"name","name":"db"},"mode":"exclusive","session":"s-aaaaaaaaaa",'
    b'"since":"x","token":1,"ttl":1.5}],"next_token":2,"v":1,"waiters":[]}',
}
BITS = (
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"-",
    b"1e",
    b"null",
    b"NaN",
    b"\\u12",
    b"\x00",
    b"\xff",
    b"tru",
)

APART = """
import sys
from gitcoord import startup
startup.be_lean()
from gitcoord.core import codec
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Session, Task
from gitcoord.errors import CoordError
for line in sys.stdin:
    kind, data = line.split()
    try:
        record = codec.decode(bytes.fromhex(data), globals()[kind])
        print("read", codec.encode(record).hex(), flush=True)
    except CoordError as error:
        print(error.code, flush=True)
print("json" in sys.modules, file=sys.stderr)
"""


def spoilt(rng: random.Random, data: bytes) -> bytes:
    """``data`` with up to three places cut out, doubled, overwritten or cut short."""
    for _ in range(rng.randint(0, 3)):
        at, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        end = min(end, at + 20)
        change = rng.randrange(5)
        if change == 0:
            data = data[:at] + data[end:]
        elif change == 1:
            data = data[:at] + data[at:end] * 2 + data[end:]
        elif change == 2:
            data = data[:at] + rng.choice(BITS) + data[at:]
        elif change == 3:
            data = data[:at] + rng.choice(BITS) + data[end:]
        else:
            data = data[:at]
    return data


def here(kind: str, data: bytes) -> str:
    try:
        return f"read {codec.encode(codec.decode(data, KINDS[kind])).hex()}"
    except CoordError as error:
        return error.code


def test_what_a_quick_command_makes_of_hostile_bytes_is_what_msgspec_makes_of_them() -> None:
    rng = random.Random(20261130)
    asked = [(kind, data) for kind in KINDS for data in (*JSON_CORPUS, SOUND[kind]) if len(data) < 500_000]
    asked += [(kind, spoilt(rng, SOUND[kind])) for kind in KINDS for _ in range(COUNT)]
    done = subprocess.run(
        [sys.executable, "-c", APART],
        cwd=Path(gitcoord.__file__).parent.parent,
        input="".join(f"{kind} {data.hex() or '20'}\n" for kind, data in asked),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    assert len(answers) == len(asked)
    wrong = [(*case, answer) for case, answer in zip(asked, answers, strict=True) if answer != here(*case)]
    assert wrong == []
    if sys.version_info < (3, 12):  # later ones import it themselves to say what is wrong
        assert done.stderr == "False\n"
    assert {answer.split()[0] for answer in answers} >= {"read", "corrupt"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_sound_ones_are_sound(kind: str) -> None:
    assert msgspec.json.decode(SOUND[kind])
    assert here(kind, SOUND[kind]).startswith("read")
