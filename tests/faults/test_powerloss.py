"""The plug is pulled: whatever was not synced by then is lost, or there without its content. FAULTS CR09.

In the manner of ALICE (Pillai et al., OSDI 2014): the system calls of one write are recorded, and for every moment in
it the directory is built as a disk may have kept it, in two ways: a name whose directory was not synced is not there,
or it is; content that was not synced is empty. Then git and the store look at it.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from gitcoord.errors import Corrupt
from tests.faults.test_crash_store import REFS, begin, both, moving, strace
from tests.store.changes import open_real
from tests.store.crowd import Worker
from tests.support import Scratch

pytestmark = [pytest.mark.strace, strace]

Keeps = Literal["names", "no names"]
"""What a disk does with names whose directory was not synced."""


@dataclass(frozen=True)
class Call:
    """``publish``: ``path`` got its name, from ``source``; ``make``: a directory; ``sync``: file or directory."""

    kind: Literal["publish", "make", "sync"]
    path: str
    source: str = ""


def recorded(scratch: Scratch, kind: str, log: Path, *, durable: bool) -> list[Call]:
    """Move three refs in one swap; the calls that decide what of it survives."""
    expected = {ref: scratch.git("rev-parse", ref) for ref in REFS}
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat,mkdir,mkdirat"
    under = ["strace", "-f", "-qq", "-y", "-s", "500", "-o", str(log), "-e", calls]
    env = {"GITCOORD_DURABLE": "1"} if durable else {}
    worker = Worker("once", kind, scratch.path, moving(expected), under=under, env=env)
    worker.wait_ready()
    worker.go()
    assert "new" in worker.answer()
    worker.end()
    common = str(scratch.common_dir())
    found = [_call(line.split(maxsplit=1)[1], common) for line in log.read_text().splitlines() if line.endswith("= 0")]
    return [call for call in found if call is not None and call.path.startswith(common)]


def _call(text: str, common: str) -> Call | None:
    name = text.partition("(")[0]
    if "sync" in name:
        return Call("sync", re.findall(r"<([^>]*)>", text)[0])
    paths = [os.path.join(common, path) for path in re.findall(r'"([^"]*)"', text)]
    if name.startswith("mkdir"):
        return Call("make", paths[0])
    return Call("publish", paths[1], paths[0]) if len(paths) == 2 else None


def as_kept(before: Path, after: Path, calls: list[Call], keeps: Keeps, place: Path, common: str) -> Scratch:
    """The repository as the disk has it when the plug was pulled after ``calls``."""
    shutil.copytree(before, place, symlinks=True)
    for at, call in enumerate(calls):
        if call.kind == "sync" or not call.path.startswith((f"{common}/objects/", f"{common}/refs/")):
            continue
        if keeps == "no names" and not _is_named(calls, at, common, before):
            continue
        inside = os.path.relpath(call.path, common)
        written = after / ".git" / inside
        if call.kind == "publish" and written.is_file():
            target = place / ".git" / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_bytes(written.read_bytes() if _is_filled(calls, at) else b"")
    return Scratch(place)


def _is_named(calls: list[Call], at: int, common: str, before: Path) -> bool:
    """Whether the name is on disk, and that of every directory above that was not there before."""
    folder = os.path.dirname(calls[at].path)
    if not any(call.kind == "sync" and call.path == folder for call in calls[at:]):
        return False
    if (before / ".git" / os.path.relpath(folder, common)).is_dir():
        return True
    above = os.path.dirname(folder)
    return any(call.kind == "sync" and call.path == above for call in calls[at:])


def _is_filled(calls: list[Call], at: int) -> bool:
    """Whether the content is on disk: synced under its former name, or under this one."""
    call = calls[at]
    return any(
        other.kind == "sync" and other.path == (call.source if number < at else call.path)
        for number, other in enumerate(calls)
    )


def seen(kind: str, scratch: Scratch) -> list[str]:
    """What each ref holds: ``old``, ``new``, or ``corrupt``."""
    store = open_real(kind, scratch.path)
    said = []
    for ref in REFS:
        try:
            found = store.read([ref])[ref]
        except Corrupt:
            said.append("corrupt")
        else:
            said.append("gone" if found is None else found.payload.decode())
    store.close()
    return said


def histories(scratch: Scratch, kind: str, tmp_path: Path, *, durable: bool) -> list[tuple[bool, list[str], bool]]:
    """For each moment and kind of disk: whether the write was acknowledged, what is seen, whether git is content."""
    begin(scratch)
    before, after = tmp_path / "before", tmp_path / "after"
    shutil.copytree(scratch.path, before, symlinks=True)
    calls = recorded(scratch, kind, tmp_path / "log", durable=durable)
    shutil.copytree(scratch.path, after, symlinks=True)
    common = str(scratch.common_dir())
    found = []
    ways: tuple[Keeps, ...] = ("names", "no names")
    for moment in range(len(calls) + 1):
        for keeps in ways:
            place = tmp_path / f"kept-{moment}-{keeps}"
            kept = as_kept(before, after, calls[:moment], keeps, place, common)
            found.append((moment == len(calls), seen(kind, kept), works(kept)))
            shutil.rmtree(place)
    return found


def works(scratch: Scratch) -> bool:
    """Whether git can do with it what users do."""
    try:
        scratch.git("log", "--all", "-1")
        scratch.git("fsck", "--no-dangling", "--connectivity-only")
        scratch.git("pack-refs", "--all")
        scratch.git("-c", "gc.pruneExpire=now", "gc", "-q")
    except AssertionError:
        return False
    return True


@both
@pytest.mark.nightly
def test_cr09_powerloss_snapshot(scratch: Scratch, tmp_path: Path, kind: str) -> None:
    """Each ref is at its old value or at its new one, at the new one once that was said, and git is content."""
    found = histories(scratch, kind, tmp_path, durable=True)
    assert len(found) > 20, "hardly any call was recorded: nothing is proved"
    for acknowledged, held, content in found:
        assert set(held) <= ({"new"} if acknowledged else {"old", "new"}), found
        assert content, found
    assert any("old" in held for _, held, _ in found)


@both
@pytest.mark.nightly
def test_cr09_powerloss_snapshot_finds_what_is_not_synced(scratch: Scratch, tmp_path: Path, kind: str) -> None:
    """Without the syncs the same disks lose what was acknowledged, and leave refs that are empty."""
    found = histories(scratch, kind, tmp_path, durable=False)
    assert any(acknowledged and "old" in held for acknowledged, held, _ in found)
    assert any("corrupt" in held for _, held, _ in found)
