"""Objects of other types, shapes and sizes than ours behind a coordination ref: refused by looking at them, not by
following where they lead. FAULTS HI08, HI02. (What a disk does to refs and objects is in test_corrupt.)
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.errors import Corrupt
from gitcoord.store.base import Lost
from tests.faults.support import Office
from tests.store.changes import T1, T2, create, open_real
from tests.store.kit import REAL, Bench
from tests.support import Scratch

Harm = Callable[[Scratch], str]
RECORD = "{}\n"


def blob(scratch: Scratch, text: str = RECORD) -> str:
    return scratch.git("hash-object", "-w", "--stdin", stdin=text)


def commit(scratch: Scratch, tree: str, *more: str) -> str:
    """A commit of anything as its tree."""
    who = "A <a@b> 5 +0000"
    lines = [f"tree {tree}", *more, f"author {who}", f"committer {who}", "", "hostile", ""]
    return scratch.git("hash-object", "-w", "-t", "commit", "--literally", "--stdin", stdin="\n".join(lines))


def with_entries(scratch: Scratch, *entries: str) -> str:
    return commit(scratch, scratch.git("mktree", "--missing", stdin="".join(f"{entry}\n" for entry in entries)))


def a_chain_of_tags(scratch: Scratch) -> str:
    """As near to a loop as hashes allow; tags that sign nothing."""
    at, kind = with_entries(scratch, f"100644 blob {blob(scratch)}\trecord.json"), "commit"
    for number in range(30):
        text = f"object {at}\ntype {kind}\ntag t{number}\ntagger A <a@b> 5 +0000\n\n-----BEGIN PGP SIGNATURE-----\n"
        at, kind = scratch.git("hash-object", "-w", "-t", "tag", "--stdin", stdin=text), "tag"
    return at


def a_submodule_entry(scratch: Scratch) -> str:
    return with_entries(scratch, f"160000 commit {scratch.git('rev-parse', 'main')}\trecord.json")


def a_missing_submodule_entry(scratch: Scratch) -> str:
    return with_entries(scratch, f"160000 commit {'12' * (len(scratch.git('rev-parse', 'main')) // 2)}\trecord.json")


def a_tree_that_is_a_blob(scratch: Scratch) -> str:
    return commit(scratch, blob(scratch))


def a_tree_that_is_the_projects(scratch: Scratch) -> str:
    return commit(scratch, scratch.git("rev-parse", "main^{tree}"))


def an_empty_tree(scratch: Scratch) -> str:
    return with_entries(scratch)


def a_record_in_a_folder(scratch: Scratch) -> str:
    inner = scratch.git("mktree", stdin=f"100644 blob {blob(scratch)}\trecord.json\n")
    return with_entries(scratch, f"040000 tree {inner}\tfolder")


CORRUPT: list[Harm] = [
    a_chain_of_tags,
    a_submodule_entry,
    a_missing_submodule_entry,
    a_tree_that_is_a_blob,
    a_tree_that_is_the_projects,
    an_empty_tree,
    a_record_in_a_folder,
]


@pytest.mark.parametrize("harm", CORRUPT)
@pytest.mark.parametrize("bench", REAL, indirect=True)
def test_hi08_wrong_object_types(bench: Bench, harm: Harm) -> None:
    main = bench.scratch.git("rev-parse", "main")
    bench.swap(create(T2, "good"))
    bench.scratch.git("update-ref", T1, harm(bench.scratch))
    store = bench.another()
    with pytest.raises(Corrupt):
        store.read([T1])
    with pytest.raises((Corrupt, Lost)):
        store.swap([create(T1, "mine now")])
    assert T1 in store.list_refs("refs/coord/tasks/"), "corrupt is never absent"
    found = store.read([T2])[T2]
    assert found is not None
    assert found.payload == b"good"
    assert bench.scratch.git("rev-parse", "main") == main


def a_symbolic_link(scratch: Scratch) -> str:
    return with_entries(scratch, f"120000 blob {blob(scratch, '/etc/passwd')}\trecord.json")


def a_program(scratch: Scratch) -> str:
    return with_entries(scratch, f"100755 blob {blob(scratch, '/etc/passwd')}\trecord.json")


@pytest.mark.parametrize("harm", [a_symbolic_link, a_program])
@pytest.mark.parametrize("bench", REAL, indirect=True)
def test_hi08_wrong_object_types_are_never_followed(bench: Bench, harm: Harm) -> None:
    """The text of a link is bytes like any other, and no JSON."""
    bench.scratch.git("update-ref", T1, harm(bench.scratch))
    found = bench.another().read([T1])[T1]
    assert found is not None
    assert found.payload == b"/etc/passwd"


@pytest.mark.parametrize("bench", REAL, indirect=True)
def test_hi08_wrong_object_types_by_replacement_are_not_seen(bench: Bench) -> None:
    """Whoever can push can push a replace ref: state is read as it was written."""
    oid = bench.swap(create(T1, "true"))[T1]
    other = bench.swap(create(T2, "false"))[T2]
    bench.scratch.git("replace", oid, other)
    bench.scratch.git(
        "replace", bench.scratch.git("--no-replace-objects", "rev-parse", f"{oid}:record.json"), blob(bench.scratch)
    )
    assert bench.scratch.git("show", f"{T1}:record.json") != "true", "git itself looks through it"
    store = bench.another()
    found = store.read([T1])[T1]
    assert found is not None
    assert (found.oid, found.payload) == (oid, b"true")
    assert store.load([oid]) == {oid: b"true"}
    assert len(store.history([oid])[oid]) == 1


# -- HI02 -------------------------------------------------------------------------------------------------------------

ZEROS = 700 << 20
MEMORY = 100 << 20
"""What reading may take, beyond what the interpreter and its modules have by then."""


def zeros(scratch: Scratch) -> str:
    with subprocess.Popen(["head", "-c", str(ZEROS), "/dev/zero"], stdout=subprocess.PIPE) as head:
        done = subprocess.run(
            ["git", "-c", "core.bigFileThreshold=1m", "hash-object", "-w", "--stdin"],
            stdin=head.stdout,
            capture_output=True,
            text=True,
            cwd=scratch.path,
            check=True,
        )
    return done.stdout.strip()


def hugest(scratch: Scratch, place: Path) -> dict[str, str]:
    """Refs at objects far over every limit; on disk all of them are a few MB."""
    big = zeros(scratch)
    small = blob(scratch)
    entries = "".join(f"100644 blob {small}\tf{number:06}\n" for number in range(100_000))
    many = scratch.git("mktree", stdin=f"{entries}100644 blob {small}\trecord.json\n")
    message = place / "message"
    message.write_bytes(b"x" * (40 << 20))
    tree = scratch.git("rev-parse", "main^{tree}")
    return {
        "refs/coord/tasks/blob": big,
        "refs/coord/heartbeats/s-aaaaaaaaaa": big,
        "refs/coord/tasks/record": with_entries(scratch, f"100644 blob {big}\trecord.json"),
        "refs/coord/data/tree": commit(scratch, many),
        "refs/coord/tasks/message": scratch.git("commit-tree", tree, "-F", str(message)),
        "refs/coord/locks/table": with_entries(scratch, f"100644 blob {big}\trecord.json"),
    }


def reading(kind: str, path: str) -> None:
    """In a process of its own: read every ref, alone and with the others, and say how much memory that took."""
    store = open_real(kind, Path(path))
    refs = store.list_refs("refs/coord/")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for ref in refs:
        try:
            store.read([ref])
        except Corrupt:
            print(ref)
    store.load(refs.values())
    store.close()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["libgit", "plumbing"])
def test_hi02_oversized_blob(scratch: Scratch, tmp_path: Path, kind: str) -> None:
    """Refused by their headers: reading them takes no memory, and everything else works on beside them."""
    office = Office.found(scratch, store=kind)
    ann = office.hire("ann")
    ann.task_add("good", id="15")
    huge = hugest(scratch, tmp_path)
    for ref, oid in huge.items():
        scratch.git("update-ref", ref, oid)
    on_disk = sum(path.stat().st_size for path in scratch.common_dir().rglob("*") if path.is_file())
    assert on_disk < 10 << 20
    code = f"from tests.store.test_hostile_objects import reading; reading({kind!r}, {str(scratch.path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, timeout=120)
    assert done.returncode == 0, done.stderr
    *corrupt, took = done.stdout.splitlines()
    assert int(took) < MEMORY
    assert set(corrupt) >= set(huge) - {"refs/coord/data/tree"}  # where git itself looks into the tree it finds ours
    sid = {"GIT_COORD_SESSION": str(ann.wanted)}
    assert "claimed 15" in scratch.coord("claim", "--next", "--no-worktree", env=sid).out
    for words in ("status", "task list", "sessions", "log", "locks", "doctor", "cleanup"):
        assert scratch.coord(*words.split(), env=sid).code in (0, 1, 7), words
    assert scratch.coord("lock", "deploy", env=sid).code == 7
    office.close()
