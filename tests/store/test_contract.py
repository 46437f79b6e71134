"""What every ``RefStore`` promises, asked of each: in memory, libgit2, the git program on every kind of repository."""

from __future__ import annotations

import pytest

from gitcoord.errors import Corrupt, GitFailed
from gitcoord.store.base import MAX_PAYLOAD, Change, Commit, Delete, Existing, Ident, Lost
from tests.store.changes import ADA, T1, T2, T3, beat, create, record, update
from tests.store.kit import KINDS, Bench

pytestmark = pytest.mark.parametrize("bench", KINDS, indirect=True)


def test_a_ref_nobody_made_reads_as_none(bench: Bench) -> None:
    assert bench.store.read([T1, T2]) == {T1: None, T2: None}
    assert bench.store.read([]) == {}


def test_what_was_created_can_be_read(bench: Bench) -> None:
    new = bench.swap(create(T1, '{"a":1}\n'))
    found = bench.another().read([T1])[T1]
    assert found is not None
    assert (found.ref, found.oid, found.payload) == (T1, new[T1], b'{"a":1}\n')


def test_create_loses_against_a_ref_that_exists(bench: Bench) -> None:
    first = bench.swap(create(T1, "mine"))
    with pytest.raises(Lost) as lost:
        bench.another().swap([create(T1, "yours")])
    assert lost.value.ref == T1
    assert bench.value(T1) == first[T1]


def test_update_moves_from_the_expected_value_only(bench: Bench) -> None:
    first = bench.swap(create(T1, "1"))[T1]
    second = bench.swap(update(T1, first, "2"))[T1]
    with pytest.raises(Lost) as lost:
        bench.another().swap([update(T1, first, "late")])
    assert lost.value.ref == T1
    assert bench.value(T1) == second


def test_update_loses_against_a_ref_that_is_gone(bench: Bench) -> None:
    first = bench.swap(create(T1))[T1]
    bench.swap(Change(T1, first, Delete()))
    with pytest.raises(Lost):
        bench.swap(update(T1, first))
    assert bench.value(T1) is None


def test_verify_lets_the_others_move_and_stays_put(bench: Bench) -> None:
    first = bench.swap(create(T1))[T1]
    new = bench.swap(Change(T1, first, None), Change(T3, None, None), create(T2))
    assert list(new) == [T2]
    assert bench.value(T1) == first
    assert bench.value(T3) is None


@pytest.mark.parametrize("absent", [True, False])
def test_verify_that_fails_stops_the_others(bench: Bench, absent: bool) -> None:
    first = bench.swap(create(T1))[T1]
    second = bench.swap(update(T1, first))[T1]
    with pytest.raises(Lost) as lost:
        bench.another().swap([create(T2), Change(T1, None if absent else first, None)])
    assert lost.value.ref == T1
    assert bench.value(T2) is None
    assert bench.value(T1) == second


def test_several_refs_move_together_or_not_at_all(bench: Bench) -> None:
    new = bench.swap(create(T1), create(T2))
    moved = bench.swap(update(T1, new[T1]), update(T2, new[T2]), create(T3))
    with pytest.raises(Lost) as lost:
        bench.another().swap([update(T1, moved[T1]), update(T2, new[T2]), update(T3, moved[T3])])
    assert lost.value.ref == T2
    assert {ref: bench.value(ref) for ref in (T1, T2, T3)} == moved


def test_delete_needs_the_expected_value(bench: Bench) -> None:
    first = bench.swap(create(T1))[T1]
    second = bench.swap(update(T1, first))[T1]
    with pytest.raises(Lost):
        bench.another().swap([Change(T1, first, Delete())])
    assert bench.value(T1) == second
    assert bench.swap(Change(T1, second, Delete())) == {}
    assert bench.store.read([T1]) == {T1: None}


def test_deleting_and_moving_go_together(bench: Bench) -> None:
    new = bench.swap(create(T1), create(T2))
    with pytest.raises(Lost):
        bench.another().swap([Change(T1, new[T1], Delete()), create(T2)])
    assert bench.value(T1) == new[T1]
    bench.swap(Change(T1, new[T1], Delete()), update(T2, new[T2], "after"))
    assert bench.payload(T1) is None
    assert bench.payload(T2) == b"after"


def test_a_swap_of_nothing_does_nothing(bench: Bench) -> None:
    assert bench.swap() == {}


def test_equal_payloads_give_different_oids_because_messages_differ(bench: Bench) -> None:
    new = bench.swap(create(T1, "same"), create(T2, "same"))
    assert new[T1] != new[T2]


def test_a_heartbeat_is_a_bare_blob_and_may_keep_its_value(bench: Bench) -> None:
    ref = "refs/coord/heartbeats/s-aaaaaaaaaa"
    first = bench.swap(beat(ref, None))[ref]
    assert bench.swap(beat(ref, first))[ref] == first
    assert bench.payload(ref) == b"beat\n"


def test_an_object_that_is_there_already_can_be_pointed_to(bench: Bench) -> None:
    oid = bench.swap(create(T1, "snapshot"))[T1]
    assert bench.swap(Change(T2, None, Existing(oid))) == {T2: oid}
    assert bench.value(T2) == oid


def test_an_object_that_is_not_there_is_refused(bench: Bench) -> None:
    oid = bench.swap(create(T1))[T1]
    with pytest.raises(GitFailed):
        bench.swap(Change(T2, None, Existing("1" * len(oid))))
    assert bench.value(T2) is None


def test_listing_gives_the_refs_below_a_prefix_and_no_neighbours(bench: Bench) -> None:
    near = "refs/coord/tasks-old/t1"
    new = bench.swap(create(T1), create(T2), create(near), create("refs/coord/data/d"))
    assert bench.another().list_refs("refs/coord/tasks/") == {T1: new[T1], T2: new[T2]}
    assert len(bench.store.list_refs("refs/coord/")) == 4
    assert bench.store.list_refs("refs/coord/locks/") == {}


def test_load_gives_payloads_by_oid_and_leaves_out_what_it_cannot_read(bench: Bench) -> None:
    ref = "refs/coord/heartbeats/s-aaaaaaaaaa"
    new = bench.swap(create(T1, "one"), create(T2, "two"), beat(ref, None))
    missing = "1" * len(new[T1])
    oids = [new[T1], missing, new[T2], new[ref]]
    assert bench.another().load(oids) == {new[T1]: b"one", new[T2]: b"two", new[ref]: b"beat\n"}
    assert bench.store.load([]) == {}


def test_history_is_the_chain_newest_first(bench: Bench) -> None:
    at: str | None = None
    oids = []
    for number in range(5):
        change = Change(T1, at, Commit(b"{}", f"event {number}\n\nCoord-Event: {{}}\n", ADA))
        at = bench.swap(change)[T1]
        oids.append(at)
    chain = bench.another().history([oids[-1]])[oids[-1]]
    assert [entry.oid for entry in chain] == oids[::-1]
    assert [entry.parent for entry in chain] == [*oids[-2::-1], None]
    assert chain[0].message == "event 4\n\nCoord-Event: {}"
    assert chain[0].author == ADA
    assert bench.store.history([oids[-1]], limit=2) == {oids[-1]: chain[:2]}
    assert bench.store.history([oids[-1]], limit=0) == {oids[-1]: []}


def test_many_histories_are_read_at_once_and_those_that_cannot_be_read_left_out(bench: Bench) -> None:
    ref = "refs/coord/heartbeats/s-aaaaaaaaaa"
    first = bench.swap(create(T1))[T1]
    second = bench.swap(update(T1, first))[T1]
    new = bench.swap(create(T2), beat(ref, None))
    missing = "1" * len(first)
    found = bench.another().history([second, new[T2], new[ref], missing, second])
    assert {tip: [entry.oid for entry in chain] for tip, chain in found.items()} == {
        second: [second, first],
        new[T2]: [new[T2]],
    }
    assert bench.store.history([]) == {}


def test_a_history_with_a_hole_is_left_out_rather_than_cut_short(bench: Bench) -> None:
    if bench.kind == "memory":
        pytest.skip("memory loses no objects")
    first = bench.swap(create(T1))[T1]
    second = bench.swap(update(T1, first))[T1]
    bench.drop_object(first)
    assert bench.another().history([second]) == {}
    assert [entry.oid for entry in bench.another().history([second], limit=1)[second]] == [second]


def test_every_character_survives(bench: Bench) -> None:
    payload = '{"title":"Ünïcödé 🦀 \u2028 \u0000 <>"}\r\n'.encode() + bytes(range(256))
    ident = Ident("Zoë Ünïcode", "zoë@example.org", 1_700_000_000, -210)
    oid = bench.swap(Change(T1, None, Commit(payload, "claim “15” 🦀", ident)))[T1]
    assert bench.payload(T1) == payload
    entry = bench.store.history([oid])[oid][0]
    assert (entry.author, entry.message) == (ident, "claim “15” 🦀")


def test_a_name_cannot_break_out_of_its_header(bench: Bench) -> None:
    ident = Ident("Eve\n\nnot a message <eve>", "eve@example.org>\ncommitter mallory <m@m> 1 +0000", 1_700_000_000)
    oid = bench.swap(Change(T1, None, Commit(b"{}", "x\0y", ident)))[T1]
    entry = bench.store.history([oid])[oid][0]
    assert entry.author.name == "Eve not a message eve"
    assert entry.author.email == "eve@example.org committer mallory m@m 1 +0000"
    assert entry.message == "xy"


def test_payloads_up_to_the_limit_are_kept_and_larger_ones_refused(bench: Bench) -> None:
    bench.swap(create(T1, b"x" * MAX_PAYLOAD), create(T2, b""))
    assert bench.payload(T1) == b"x" * MAX_PAYLOAD
    assert bench.payload(T2) == b""
    with pytest.raises(Corrupt, match="limit"):
        bench.swap(create(T3, b"x" * (MAX_PAYLOAD + 1)))
    assert bench.value(T3) is None


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/main",
        "refs/coord",
        "refs/coord/../heads/main",
        "refs/coord/tasks/a\ncreate refs/heads/x",
        "refs/coord/tasks/*",
        "refs/coord/tasks/x.lock",
        "refs/coord//x",
        "refs/coordinate/x",
        "HEAD",
    ],
)
def test_other_refs_are_never_touched(bench: Bench, ref: str) -> None:
    with pytest.raises(ValueError, match="not a coordination ref"):
        bench.swap(create(ref))
    with pytest.raises(ValueError, match="not a coordination ref"):
        bench.store.read([ref])


def test_a_swap_that_makes_no_sense_is_a_bug(bench: Bench) -> None:
    with pytest.raises(ValueError, match="once"):
        bench.swap(create(T1), create(T1))
    with pytest.raises(ValueError, match="absent"):
        bench.swap(Change(T1, None, Delete()))
    with pytest.raises(ValueError, match="object id"):
        bench.swap(Change(T1, "--all", record()))


def test_a_record_can_go_on_from_another_commit_than_the_one_it_replaces(bench: Bench) -> None:
    first = bench.swap(create(T1, "1"))[T1]
    bench.swap(Change(T1, first, Delete()))
    again = bench.swap(Change(T1, None, Commit(b"2", "anew", ADA, parents=(first,))))[T1]
    assert [entry.oid for entry in bench.store.history([again])[again]] == [again, first]


def test_a_commit_with_several_parents_keeps_all_of_them(bench: Bench) -> None:
    others = bench.swap(create(T1, "1"), create(T2, "2"))
    kept = bench.swap(Change(T3, None, Commit(b"both", "m", ADA, parents=(others[T1], others[T2]))))[T3]
    bench.swap(Change(T1, others[T1], Delete()), Change(T2, others[T2], Delete()))
    if bench.kind != "memory":
        bench.scratch.git("gc", "-q", "--prune=now")
    assert bench.another().load(others.values()) == {others[T1]: b"1", others[T2]: b"2"}
    assert [entry.oid for entry in bench.store.history([kept])[kept]] == [kept, others[T1]]


def test_files_beside_the_record_are_found_by_path(bench: Bench) -> None:
    files = {"tasks/0f": b"x\n", "tasks/a": b"y\n", "events/0f": b"z\n"}
    oid = bench.swap(Change(T1, None, Commit(b"{}\n", "m", ADA, files=files)))[T1]
    assert bench.store.files(oid, [*files, "tasks/gone", "gone/0f"]) == files
    assert bench.another().load([oid]) == {oid: b"{}\n"}
    assert bench.store.files(oid, []) == {}
    if bench.kind != "memory":
        bench.scratch.git("fsck", "--strict")


@pytest.mark.parametrize("mode", ["100755", "120000", "160000", "040000"])
def test_a_file_that_is_no_plain_file_is_corrupt(bench: Bench, mode: str) -> None:
    if bench.kind == "memory":
        pytest.skip("nobody can put it there")
    git = bench.scratch.git
    blob = git("hash-object", "-w", "--stdin", stdin="x")
    inner = git("mktree", stdin=f"100644 blob {blob}\tx\n") if mode == "040000" else blob
    inner = git("rev-parse", "HEAD") if mode == "160000" else inner
    kind = {"040000": "tree", "160000": "commit"}.get(mode, "blob")
    folder = git("mktree", "--missing", stdin=f"{mode} {kind} {inner}\t0f\n")
    tree = git("mktree", stdin=f"100644 blob {blob}\trecord.json\n040000 tree {folder}\ttasks\n")
    commit = git("commit-tree", tree, "-m", "planted")
    with pytest.raises(Corrupt):
        bench.store.files(commit, ["tasks/0f"])
    with pytest.raises(Corrupt):
        bench.store.files(blob, ["tasks/0f"])
    with pytest.raises(Corrupt):
        bench.store.files("1" * len(blob), ["tasks/0f"])
