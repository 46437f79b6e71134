"""Whoever may push may put anything there: it is left at the hub, told, and never becomes ours."""

from __future__ import annotations

import msgspec
import pytest

from gitcoord.errors import Corrupt
from tests.support import Scratch
from tests.sync.support import Town, coord_refs


def plant(town: Town, ref: str, content: bytes) -> None:
    """Put a commit with this record behind a ref of the hub, on top of what is there."""
    seed = Scratch(town.root / "seed")
    seed.git("fetch", "-q", str(town.hub.path), "+refs/coord/*:refs/hub/*")
    (town.root / "planted").write_bytes(content)
    blob = seed.git("hash-object", "-w", "--", str(town.root / "planted"))
    tree = seed.git("mktree", stdin=f"100644 blob {blob}\trecord.json\n")
    former = seed.git("rev-parse", "-q", "--verify", ref.replace("refs/coord/", "refs/hub/"), check=False)
    tip = seed.git("commit-tree", tree, *(["-p", former] if former else []), "-m", "planted")
    seed.git("push", "-q", str(town.hub.path), f"{tip}:{ref}")


@pytest.mark.parametrize(
    ("ref", "content"),
    [
        ("refs/coord/tasks/15", b"no record"),
        ("refs/coord/tasks/15", b"[" * 5000),
        ("refs/coord/tasks/15", msgspec.json.encode({"id": "16", "title": "x", "created_at": "t", "updated_at": "t"})),
        ("refs/coord/tasks/new", b"{}"),
        ("refs/coord/locks/table", b'{"locks": 1}'),
        ("refs/coord/data/x", b"null"),
    ],
)
def test_what_is_no_record_does_not_become_ours(town: Town, ref: str, content: bytes) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    ann.task_add("write it", id="15")
    ann.sync()
    before = coord_refs(clone)
    plant(town, ref, content)
    ann.task_add("another", id="17")
    ann.sync()
    assert {name: oid for name, oid in coord_refs(clone).items() if not name.endswith("/17")} == before
    assert any(notice.code == "corrupt" and ref in notice.message for notice in ann.notices)
    assert "refs/coord/tasks/17" in town.refs()  # the rest goes on
    assert town.refs()[ref] != before.get(ref)  # and what nobody understands is not overwritten


def test_nothing_is_granted_on_top_of_what_cannot_be_read(town: Town) -> None:
    ann = town.hire(town.clone("a", hub=True), "ann")
    plant(town, "refs/coord/tasks/15", b"no record")
    for _ in range(2):
        with pytest.raises(Corrupt, match="nothing was granted"):
            ann.claim("15", worktree=False)


def test_refs_at_another_depth_are_ignored(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    plant(town, "refs/coord/tasks/15/deeper", b"{}")
    plant(town, "refs/coord/novel/thing", b"{}")
    ann.sync()
    ann.task_add("write it", id="16")
    ann.sync()
    assert not {name for name in coord_refs(clone) if "deeper" in name or "novel" in name}


def test_a_record_of_a_later_format_is_taken_as_it_is(town: Town) -> None:
    clone = town.clone("a", hub=True)
    ann = town.hire(clone, "ann")
    later = {"v": 99, "id": "15", "title": "x", "created_at": "t", "updated_at": "t", "novel": [1]}
    plant(town, "refs/coord/tasks/15", msgspec.json.encode(later))
    ann.sync()
    assert coord_refs(clone)["refs/coord/tasks/15"] == town.refs()["refs/coord/tasks/15"]
