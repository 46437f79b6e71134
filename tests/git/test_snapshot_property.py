"""Whatever was edited: take, restore elsewhere, and git says the same of both."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.git.snapshots import files, restore, standing, take, twin
from tests.support import Scratch

NAMES = ("a", "b", "d/x", "d/y", "d/e/z", "n 1", "-n", "d")
TEXTS = ("", "one\n", "two\n", "a much longer text\n" * 40)

steps = st.lists(
    st.tuples(
        st.sampled_from(("write", "link", "delete", "chmod", "add", "intend", "uncache", "unstage")),
        st.sampled_from(NAMES),
        st.sampled_from(TEXTS),
    ),
    min_size=1,
    max_size=10,
)


def clear_the_way(place: Path, top: Path) -> None:
    """Make ``place`` free, and the directories above it."""
    for above in reversed(place.relative_to(top).parents):
        if (top / above).is_symlink() or (top / above).is_file():
            (top / above).unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    elif os.path.lexists(place):
        place.unlink()


def do(scratch: Scratch, what: str, name: str, text: str) -> None:
    place = scratch.path / name
    if what == "write":
        clear_the_way(place, scratch.path)
        place.write_text(text)
    elif what == "link":
        clear_the_way(place, scratch.path)
        place.symlink_to(text[:20].strip() or "nowhere")
    elif what == "delete" and os.path.lexists(place):
        clear_the_way(place, scratch.path)
    elif what == "chmod" and place.is_file() and not place.is_symlink():
        place.chmod(0o755)
    elif what == "add":
        scratch.git("add", "-A", "--", name, check=False)
    elif what == "intend":
        scratch.git("add", "-N", "--", name, check=False)
    elif what == "uncache":
        scratch.git("rm", "-rqf", "--cached", "--", name, check=False)
    elif what == "unstage":
        scratch.git("reset", "-q", "--", name, check=False)


def reset(scratch: Scratch) -> None:
    # On its own, 'reset --hard' leaves an empty file of HEAD announced (`add -N`) when it was (git 2.55).
    scratch.git("read-tree", "--empty")
    scratch.git("reset", "-q", "--hard")
    scratch.git("clean", "-qffdx")


def drop_announced_and_gone(scratch: Scratch) -> None:
    """Announced with `add -N` and then deleted: a state without content, which a snapshot does not keep."""

    def paths(*command: str) -> set[str]:
        return set(scratch.git(*command, "-z").split("\0")) - {""}

    gone = paths("diff-files", "--name-only", "--diff-filter=D")
    for path in gone - paths("diff", "--cached", "--name-only") - paths("ls-tree", "-r", "--name-only", "HEAD"):
        scratch.git("rm", "-q", "--cached", "--", f":(literal){path}")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Scratch, Scratch]:
    """Two worktrees at the same commit, one to take from and one to restore to."""
    giver = Scratch.create(tmp_path / "giver")
    giver.commit("files", {"a": "one\n", "b": "two\n", "d/x": "one\n", "d/e/z": TEXTS[3], "n 1": ""})
    return giver, twin(giver, "receiver")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(steps)
def test_any_edits_survive_the_way(pair: tuple[Scratch, Scratch], edits: list[tuple[str, str, str]]) -> None:
    giver, receiver = pair
    reset(giver)
    reset(receiver)
    for edit in edits:
        do(giver, *edit)
    drop_announced_and_gone(giver)
    before = (standing(giver), files(giver))
    found = take(giver)
    assert (standing(giver), files(giver)) == before
    if found is None:
        assert before[0] == [""]
        return
    restore(receiver, found.oid)
    assert (standing(receiver), files(receiver)) == before
    assert not restore(receiver, found.oid).changed
