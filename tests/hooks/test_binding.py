"""The binding of a worktree to a session: only an id counts, only that id is taken away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitcoord.errors import GitFailed
from gitcoord.git.binding import bind, bound_session, unbind

SID, OTHER = "s-abcdefgh27", "s-zzzzzzzzzz"


def test_a_bound_worktree_names_its_session(tmp_path: Path) -> None:
    assert bound_session(str(tmp_path)) is None
    bind(str(tmp_path), SID)
    assert bound_session(str(tmp_path)) == SID
    bind(str(tmp_path), OTHER)
    assert bound_session(str(tmp_path)) == OTHER
    assert (tmp_path / "coord-session").read_bytes() == f"{OTHER}\n".encode()
    assert (tmp_path / "coord-session").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["coord-session"]


def test_only_the_named_session_is_unbound(tmp_path: Path) -> None:
    bind(str(tmp_path), SID)
    assert not unbind(str(tmp_path), OTHER)
    assert bound_session(str(tmp_path)) == SID
    assert unbind(str(tmp_path), SID)
    assert not unbind(str(tmp_path), SID)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        *("", "\n", SID, f"{SID}\n\n", f"{SID}\n{OTHER}\n", f" {SID}\n", f"{SID} \n", f"{SID}\r\n", f"{SID}x\n"),
        *("s-ABCDEFGH27\n", "s-abcdefgh01\n", "s-../../abc\n", "s-abcdéfgh2\n", "x" * 100_000, "\0" * 12 + "\n"),
    ],
)
def test_garbage_binds_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "coord-session").write_bytes(content.encode())
    assert bound_session(str(tmp_path)) is None


def test_a_symbolic_link_or_a_fifo_or_a_directory_binds_nobody(tmp_path: Path) -> None:
    (tmp_path / "note").write_text(f"{SID}\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "coord-session").symlink_to(tmp_path / "note")
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "b" / "coord-session")
    (tmp_path / "c" / "coord-session").mkdir(parents=True)
    assert [bound_session(str(tmp_path / name)) for name in "abc"] == [None, None, None]


def test_what_is_no_session_id_is_never_bound(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a session id"):
        bind(str(tmp_path), "s-../../etc")
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_gone_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="cannot be written: No such file"):
        bind(str(tmp_path / "gone"), SID)
