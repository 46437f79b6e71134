"""The note of the last beat: round trip, and no garbage ever counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.git import beatfile
from gitcoord.git.beatfile import BeatFile

SID = "s-abcdefgh27"
BOOT = "dc1ef62e-fc2e-42e1-a4c4-03153cc528f7"
TEXT = f"1 300 1000 1795211700\n{'ab' * 20} 30 {BOOT}\n"


def _write_raw(common: Path, content: bytes) -> None:
    directory = common / "coord" / "sessions" / SID
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "beat").write_bytes(content)


@pytest.mark.parametrize("boot", [BOOT, None])
def test_what_was_written_is_read(tmp_path: Path, boot: str | None) -> None:
    beat = BeatFile("ab" * 32, 300, 30, boot, 0 if boot is None else 1234, 1795211700)
    beatfile.write(str(tmp_path), SID, beat)
    assert beatfile.read(str(tmp_path), SID) == beat
    directory = tmp_path / "coord" / "sessions" / SID
    assert os.listdir(directory) == ["beat"]
    assert (directory / "beat").stat().st_mode & 0o777 == 0o600
    for private in (directory, directory.parent, directory.parent.parent):
        assert private.stat().st_mode & 0o777 == 0o700


def test_the_text_is_the_one_the_hooks_write(tmp_path: Path) -> None:
    beatfile.write(str(tmp_path), SID, BeatFile("ab" * 20, 300, 30, BOOT, 1000, 1795211700))
    assert (tmp_path / "coord" / "sessions" / SID / "beat").read_text() == TEXT


def test_no_note_and_no_directory_read_as_none(tmp_path: Path) -> None:
    assert beatfile.read(str(tmp_path), SID) is None


@pytest.mark.parametrize(
    "content",
    [
        *(
            "",
            "\n",
            TEXT[:-1],
            TEXT + "\n",
            TEXT + TEXT,
            TEXT.replace("1 ", "2 ", 1),
            "x" * 10_000,
            TEXT.replace("\n", " "),
        ),
        *(TEXT.replace("300", "-1"), TEXT.replace("300", "0300"), TEXT.replace("ab", "xy"), TEXT.replace(" ", "  ")),
        *(TEXT.replace(" 30 ", " 0 "), TEXT.replace("1000", "1e3"), TEXT.replace("1000", "9" * 16)),
        *(TEXT.replace("1000", "1000 7"), TEXT.replace("\n", "\r\n"), TEXT.replace("300", "٣٠٠")),
    ],
)
def test_garbage_reads_as_none(tmp_path: Path, content: str) -> None:
    _write_raw(tmp_path, content.encode())
    assert beatfile.read(str(tmp_path), SID) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    common = tmp_path_factory.getbasetemp() / "any-bytes"
    _write_raw(common, content)
    beatfile.read(str(common), SID)


def test_what_is_no_session_id_never_reaches_a_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a session id"):
        beatfile.read(str(tmp_path), "../../etc/passwd")
