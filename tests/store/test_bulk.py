"""Many refs in one swap: all or none like any other, as one pack, and on disk when it returns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gitcoord.store.base import Lost
from tests.store.changes import create, open_real, update
from tests.store.kit import KINDS, REAL, Bench
from tests.support import Scratch

COUNT = 120
REFS = [f"refs/coord/tasks/bulk{number:03}" for number in range(COUNT)]


@pytest.mark.parametrize("bench", KINDS, indirect=True)
def test_a_bulk_goes_through_as_a_whole_or_not_at_all(bench: Bench) -> None:
    new = bench.swap(*(create(ref, f'{{"n":"{ref}"}}\n') for ref in REFS[:-1]))
    assert bench.another().list_refs("refs/coord/tasks/") == new
    assert bench.payload(REFS[7]) == f'{{"n":"{REFS[7]}"}}\n'.encode()
    moved = bench.another().swap([update(REFS[50], new[REFS[50]])])
    with pytest.raises(Lost) as lost:
        bench.swap(*(update(ref, new[ref]) for ref in REFS[:-1]), create(REFS[-1]))
    assert lost.value.ref == REFS[50]
    assert bench.another().list_refs("refs/coord/tasks/") == {**new, **moved}


@pytest.mark.parametrize("bench", REAL, indirect=True)
def test_a_bulk_is_one_pack_that_fsck_likes(bench: Bench) -> None:
    bench.swap(*(create(ref) for ref in REFS))
    objects = bench.scratch.common_dir() / "objects"
    assert len(list((objects / "pack").glob("*.pack"))) == 1
    assert len(list(objects.glob("??/*"))) < COUNT  # those of the repository's own first commit
    assert bench.scratch.git("fsck", "--strict", "--no-dangling", "--full") == ""


@pytest.mark.parametrize("kind", ["libgit", "plumbing"])
def test_the_data_of_every_ref_is_written_out_before_the_one_sync_at_the_end(
    kind: str, make_scratch: Callable[..., Scratch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = make_scratch()
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(tmp_path / "trace"))
    store = open_real(kind, scratch.path, durable=True)
    store.swap([create(ref) for ref in REFS])
    store.close()
    counted: dict[str, int] = {}
    for line in (tmp_path / "trace").read_text().splitlines():
        event = msgspec.json.decode(line)
        if event.get("category") == "fsync":
            # A counter since git 2.40, data with the category in its key before.
            key = event["name"] if event["event"] == "counter" else event["key"].removeprefix("fsync/")
            counted[key] = counted.get(key, 0) + int(event.get("count") or event["value"])
    assert counted["writeout-only"] == COUNT
    assert 1 <= counted["hardware-flush"] < 10  # the pack and its index
