"""The shape of the archive: what is on a page, and what is refused there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core import archive, names
from gitcoord.core.archive import Archive
from gitcoord.core.model import Session, Task
from gitcoord.errors import Corrupt

OID = "a" * 40


def path_of(ref: str) -> str:
    return archive.page_of(ref)


@given(st.sets(st.text(min_size=1, max_size=60), max_size=30))
def test_what_is_put_on_pages_is_found_on_them(tasks: set[str]) -> None:
    entries = {names.task_ref(task): OID for task in tasks}
    pages = archive.spread(entries)
    assert sorted(ref for refs in pages.values() for ref in refs) == sorted(entries)
    for path, refs in pages.items():
        some = dict.fromkeys(refs, OID)
        assert archive.parse(path, archive.page(some)) == some
        assert path in archive.pages_of(names.TASKS)


def test_an_empty_page_holds_nothing() -> None:
    assert archive.parse("tasks/00", b"") == {}


def test_a_hundred_thousand_spread_evenly() -> None:
    pages = archive.spread(names.task_ref(f"t{number}") for number in range(20_000))
    assert len(pages) == 256
    assert max(len(refs) for refs in pages.values()) < 150


REF = names.task_ref("15")
PATH = archive.page_of(REF)


@pytest.mark.parametrize(
    "data",
    [
        b"15",
        b"15 \n",
        b"15 zz\n",
        b"15 " + b"a" * 39 + b"\n",
        b"15 " + b"A" * 40 + b"\n",
        b"../../heads/main " + OID.encode() + b"\n",
        b"15/x " + OID.encode() + b"\n",
        b"-x " + OID.encode() + b"\n",
        b"15.lock " + OID.encode() + b"\n",
        b"15 " + OID.encode() + b" x\n",
        b"15 " + OID.encode() + b"\n15 " + OID.encode() + b"\n",
        b"16 " + OID.encode() + b"\n",  # belongs to another page
        b"\xff\xfe " + OID.encode() + b"\n",
        b"\x1b[2J " + OID.encode() + b"\n",
    ],
)
def test_hi08_a_line_that_is_none_of_ours_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        archive.parse(PATH, data)


@given(st.binary(max_size=300))
def test_whatever_is_on_a_page_is_entries_or_corrupt(data: bytes) -> None:
    try:
        found = archive.parse(PATH, data)
    except Corrupt:
        return
    assert all(archive.page_of(ref) == PATH for ref in found)


def test_the_archive_counts_what_went_in_and_remembers_the_largest_token() -> None:
    def task(state: str, token: int) -> Task:
        return Task(id="x", title="x", state=state, token=token, created_at="t", updated_at="t")  # type: ignore[arg-type]

    session = Session(id="s-aaaaaaaaaa", name="ann", host="h", started_at="t", state="ended")
    first = archive.grown(Archive(at="t"), [task("done", 7), task("failed", 3), session], "u")
    assert (first.tasks, first.sessions, first.token, first.at) == ({"done": 1, "failed": 1}, 1, 7, "u")
    assert archive.grown(first, [task("done", 2)], "v").tasks == {"done": 2, "failed": 1}


def test_only_what_is_over_may_be_in_it() -> None:
    for state in ("pending", "claimed", "offered", "review"):
        assert not archive.is_over(Task(id="x", title="x", state=state, created_at="t", updated_at="t"))
    assert not archive.is_over(Session(id="s-aaaaaaaaaa", name="ann", host="h", started_at="t"))
