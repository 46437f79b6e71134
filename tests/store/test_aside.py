"""Superseded objects put aside: what nobody needs goes at Git's next gc, and whatever anybody needs stays."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from gitcoord.errors import CoordError
from gitcoord.store import loose
from gitcoord.store.aside import LONG_AGO, loose_about, put_aside
from gitcoord.store.base import Busy, Lost
from gitcoord.store.objects import Obj, make
from tests.store.changes import beat, open_real, repo_at
from tests.support import Scratch

NOW = 1_700_000_000.0
OLD = NOW - 7200


def spent(data: bytes) -> bool:
    return data.startswith(b"spent ")


def blobs(scratch: Scratch, count: int, *, at: float = OLD) -> list[Obj]:
    """As many spent objects, each a loose file written at ``at``."""
    items = [make("blob", b"spent %d\n" % number, "sha1") for number in range(count)]
    loose.write(str(scratch.common_dir()), items, durable=False)
    for item in items:
        os.utime(place(scratch, item.oid), (at, at))
    return items


def place(scratch: Scratch, oid: str) -> Path:
    return scratch.common_dir() / "objects" / oid[:2] / oid[2:]


def put(scratch: Scratch, *, least: int = 1, most: int = 1000, kept: frozenset[str] = frozenset()) -> int:
    return put_aside(repo_at(scratch.path), spent, before=NOW, kept=kept, least=least, most=most)


def packs(scratch: Scratch) -> list[Path]:
    return sorted((scratch.common_dir() / "objects" / "pack").glob("*.pack"))


def has(scratch: Scratch, oid: str) -> bool:
    return scratch.git("cat-file", "-e", oid, check=False, env={"LC_ALL": "C"}) == "" and bool(
        scratch.git("cat-file", "-t", oid, check=False)
    )


def test_what_is_put_aside_is_read_as_before_until_git_collects_it(scratch: Scratch) -> None:
    items = blobs(scratch, 20)
    assert put(scratch) == 20
    assert not any(place(scratch, item.oid).exists() for item in items)
    assert [pack.stat().st_mtime for pack in packs(scratch)] == [LONG_AGO]
    assert scratch.git("cat-file", "-p", items[3].oid) == "spent 3"
    scratch.git("gc", "-q")
    assert not any(has(scratch, item.oid) for item in items)
    assert scratch.git("count-objects") == "0 objects, 0 kilobytes"


@pytest.mark.parametrize("how", ["index", "index by name", "commit", "tree alone", "tag", "ref", "reflog", "rewritten"])
def test_what_anybody_needs_stays_for_ever(scratch: Scratch, how: str) -> None:
    """Also where nothing that a look at refs would find leads to it."""
    item = blobs(scratch, 20)[7]
    if how in ("index", "commit", "reflog"):
        (scratch.path / "mine.json").write_bytes(item.data)
        scratch.git("add", "mine.json")
        os.utime(place(scratch, item.oid), (OLD, OLD))  # were it added within the second in which it was written
    if how in ("commit", "reflog"):
        scratch.git("commit", "-qm", "mine")
    if how == "reflog":
        scratch.git("reset", "-q", "--hard", "HEAD~1")
    if how == "index by name":
        scratch.git("update-index", "--add", "--cacheinfo", f"100644,{item.oid},mine.json")
    if how == "tree alone":  # to which a commit may be made tomorrow: it is younger than two weeks
        scratch.git("mktree", stdin=f"100644 blob {item.oid}\tmine.json\n")
    if how == "tag":
        scratch.git("tag", "-a", "-m", "mine", "mine", item.oid)
    if how == "ref":
        scratch.git("update-ref", "refs/mine/1", item.oid)
    assert put(scratch) == 20
    if how == "rewritten":
        scratch.git("hash-object", "-w", "--stdin", stdin=item.data.decode())
    for _ in range(2):
        scratch.git("gc", "-q")
    assert has(scratch, item.oid)
    assert scratch.git("fsck", "--no-dangling") == ""


def test_what_is_young_or_kept_or_few_stays_where_it_is(scratch: Scratch) -> None:
    items = blobs(scratch, 5)
    assert put(scratch, least=6) == 0
    os.utime(place(scratch, items[0].oid), (NOW, NOW))
    assert put(scratch, kept=frozenset([items[1].oid])) == 3
    assert [place(scratch, item.oid).exists() for item in items] == [True, True, False, False, False]
    assert put(scratch, least=0, kept=frozenset([items[1].oid])) == 0
    assert len(packs(scratch)) == 1


def test_no_more_than_the_most_at_once(scratch: Scratch) -> None:
    blobs(scratch, 10)
    assert [put(scratch, most=6), put(scratch, most=6), put(scratch)] == [6, 4, 0]
    assert len(packs(scratch)) == 2


def test_what_is_written_again_meanwhile_keeps_its_file(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    items = blobs(scratch, 3)
    real = os.utime

    def again(path: str, *more: object) -> None:
        real(path, *more)  # type: ignore[arg-type]
        if path.endswith(".pack"):
            real(place(scratch, items[1].oid))

    monkeypatch.setattr(os, "utime", again)
    assert put(scratch) == 2
    assert place(scratch, items[1].oid).exists()


def test_what_only_looks_like_an_object_is_left_alone(scratch: Scratch) -> None:
    """Damaged, misnamed, too large inside, a link, a fifo, a folder; and other people's things beside them."""
    good, bad = blobs(scratch, 2)
    folder = place(scratch, good.oid).parent
    place(scratch, bad.oid).chmod(0o600)
    place(scratch, bad.oid).write_bytes(place(scratch, good.oid).read_bytes()[:-3])
    misnamed, link, fifo, inside = (folder / (digit * 38) for digit in "abcd")
    misnamed.write_bytes(place(scratch, good.oid).read_bytes())
    link.symlink_to(misnamed)
    os.mkfifo(fifo)
    inside.mkdir()
    large = make("blob", b"spent " + bytes(100_000), "sha1")
    loose.write(str(scratch.common_dir()), [large], durable=False)
    trailing = make("blob", b"spent and more\n", "sha1")
    loose.write(str(scratch.common_dir()), [trailing], durable=False)
    place(scratch, trailing.oid).chmod(0o600)
    with place(scratch, trailing.oid).open("ab") as file:
        file.write(b"x")
    tree = scratch.git("mktree", stdin="")
    everything = [place(scratch, oid) for oid in (bad.oid, large.oid, trailing.oid, tree)]
    for path in (*everything, misnamed, inside):
        os.utime(path, (OLD, OLD))
    assert put(scratch) == 1
    assert not place(scratch, good.oid).exists()
    for path in (*everything, misnamed, link, fifo, inside):
        assert os.path.lexists(path), path
    assert misnamed.read_bytes() != b""


def test_in_a_repository_with_long_names_it_is_the_same(tmp_path: Path) -> None:
    scratch = Scratch.create(tmp_path / "sha256", "--object-format=sha256")
    oid = scratch.git("hash-object", "-w", "--stdin", stdin="spent 1\n")
    os.utime(place(scratch, oid), (OLD, OLD))
    assert put(scratch) == 1
    assert scratch.git("cat-file", "-p", oid) == "spent 1"


def test_where_git_cannot_write_nothing_goes(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    items = blobs(scratch, 3)
    monkeypatch.setattr("gitcoord.store.aside.pack", lambda *_: b"PACK nonsense")
    assert put(scratch) == 0
    assert all(place(scratch, item.oid).exists() for item in items)


def test_the_number_of_loose_objects_is_told_as_git_tells_it(scratch: Scratch) -> None:
    assert loose_about(str(scratch.path / "nowhere")) == 0
    folder = scratch.common_dir() / "objects" / "17"
    folder.mkdir(exist_ok=True)
    for number in range(27):
        (folder / f"{number:038d}").touch()
    assert loose_about(str(scratch.common_dir())) == 27 * 256


def superseded_long_ago(scratch: Scratch, oid: str) -> None:
    try:
        os.utime(scratch.common_dir() / "objects" / oid[:2] / oid[2:], (time.time() - 7200,) * 2)
    except FileNotFoundError:
        pass  # a gc has packed it


@pytest.mark.parametrize("rounds", [80, pytest.param(1000, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("kind", ["libgit", "plumbing"])
@pytest.mark.parametrize("collecting", [False, True], ids=["alone", "beside gc"])
def test_a_writer_that_races_with_it_never_ends_with_a_ref_to_nothing(
    scratch: Scratch, kind: str, collecting: bool, rounds: int
) -> None:
    """New ones and the same few again and again, taken away when they have only just been written.

    Beside a gc they are as heartbeats are: none comes twice, and only what was superseded long ago is taken. What is
    young, or comes again, Git itself can lose there: a gc that has looked at the refs deletes the pack after the swap.
    """
    refs = [f"refs/coord/heartbeats/s-{name * 10}" for name in "ab"]
    stop = threading.Event()
    troubles: list[BaseException] = []

    def write(ref: str) -> None:
        store, expected = open_real(kind, scratch.path), None
        try:
            for number in range(rounds):
                data = b"spent %d\n" % (number if number % 2 else number % 8)
                if collecting:
                    data = f"spent {ref[-1]}{number}\n".encode()
                try:
                    new = store.swap([beat(ref, expected, data)])
                except (Busy, Lost):
                    continue
                if collecting and expected is not None:
                    superseded_long_ago(scratch, expected)
                expected = new[ref]
                found = store.read([ref])[ref]
                assert found is not None
                assert found.payload == data
        except BaseException as error:
            troubles.append(error)
        finally:
            store.close()

    def collect() -> None:
        while collecting and not stop.is_set():
            scratch.git("gc", "-q", check=False)

    writers = [threading.Thread(target=write, args=(ref,)) for ref in refs]
    collector = threading.Thread(target=collect)
    for thread in (*writers, collector):
        thread.start()
    moved = 0
    while any(writer.is_alive() for writer in writers):
        try:
            before = time.time() + (-3600 if collecting else 3600)
            moved += put_aside(repo_at(scratch.path), spent, before=before, least=8, most=1000)
        except (OSError, CoordError) as error:
            troubles.append(error)
    stop.set()
    for thread in (*writers, collector):
        thread.join()
    assert troubles == []
    assert moved > rounds // 8
    assert scratch.git("fsck", "--no-dangling", "--full") == ""
    for ref in refs:
        assert scratch.git("cat-file", "-p", ref).startswith("spent ")
