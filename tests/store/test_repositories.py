"""The real stores in real repositories: what they leave behind, what they leave alone, and where they work at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitcoord.errors import GitFailed
from gitcoord.store.base import BROKEN
from gitcoord.store.libgit import LibgitStore
from gitcoord.store.open import open_store, why_not_libgit
from gitcoord.store.plumbing import PlumbingStore
from tests.store.changes import T1, T2, T3, create, open_real, repo_at, update
from tests.store.kit import KINDS, REAL, Bench, init_options
from tests.support import Scratch, git_version

every_kind = pytest.mark.parametrize("bench", REAL, indirect=True)
both_stores = pytest.mark.parametrize("bench", ["libgit", "plumbing"], indirect=True)


@every_kind
def test_a_record_is_plain_git(bench: Bench) -> None:
    first = bench.swap(create(T1, '{"n":1}\n'))[T1]
    bench.swap(update(T1, first, '{"n":2}\n'))
    git = bench.scratch.git
    assert git("show", f"{T1}:record.json") == '{"n":2}'
    assert git("rev-parse", f"{T1}^") == first
    assert git("log", "-1", "--format=%an <%ae> %ad", "--date=iso", T1) == (
        "Ada Example <ada@example.org> 2023-11-14 23:13:20 +0100"
    )


@every_kind
def test_the_committer_time_is_the_epoch_so_records_sort_last(bench: Bench) -> None:
    bench.swap(create(T1))
    git = bench.scratch.git
    assert git("log", "-1", "--format=%ct %cn <%ce>", T1) == "0 Ada Example <ada@example.org>"
    assert git("log", "--all", "--format=%s").splitlines()[0] == "first"
    assert git("log", "--all", "--since=1.year.ago", "--format=%s") == "first"


@every_kind
def test_what_is_written_passes_fsck(bench: Bench) -> None:
    new = bench.swap(create(T1, b"\0binary"), create(T2, b""))
    bench.swap(update(T1, new[T1]))
    assert bench.scratch.git("fsck", "--strict", "--no-dangling", "--full") == ""


@every_kind
def test_no_reflog_even_where_the_user_wants_one_for_everything(bench: Bench) -> None:
    bench.scratch.git("config", "core.logAllRefUpdates", "always")
    store = bench.another()
    first = store.swap([create(T1), create(T2)])
    store.swap([update(T1, first[T1])])
    assert not (bench.scratch.common_dir() / "logs" / "refs" / "coord").exists()
    assert bench.scratch.git("reflog", "show", T1) == ""


@every_kind
def test_everything_of_the_users_stays_as_it_was(bench: Bench) -> None:
    bench.scratch.commit("second", {"a.txt": "a\n"})
    before = bench.scratch.user_state()
    new = bench.swap(create(T1), create(T2))
    bench.swap(update(T1, new[T1]), update(T2, new[T2]))
    assert bench.scratch.user_state() == before


@every_kind
def test_the_users_hooks_are_not_run(bench: Bench) -> None:
    hook = bench.scratch.common_dir() / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    bench.swap(create(T1))


@every_kind
def test_all_worktrees_share_one_state(bench: Bench, tmp_path: Path) -> None:
    linked = tmp_path / "linked tree"
    bench.scratch.git("worktree", "add", "-q", "-b", "side", str(linked))
    store = open_real(bench.kind, linked)
    new = store.swap([create(T1, "from the worktree")])
    store.close()
    assert bench.value(T1) == new[T1]
    assert not list((bench.scratch.common_dir() / "worktrees").glob("*/refs/coord"))


@every_kind
def test_exported_git_variables_do_not_lead_astray(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Scratch.create(tmp_path / "other", *init_options(bench.kind))
    index = tmp_path / "foreign-index"
    index.write_bytes(b"precious")
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    store = bench.another()
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    store.swap([create(T1)])
    assert store.read([T1])[T1] is not None
    monkeypatch.delenv("GIT_DIR")
    assert bench.value(T1) is not None
    assert other.git("for-each-ref", "refs/coord") == ""
    assert index.read_bytes() == b"precious"


@every_kind
def test_packed_refs_are_read_listed_moved_and_deleted(bench: Bench) -> None:
    new = bench.swap(create(T1), create(T2))
    bench.scratch.git("pack-refs", "--all", "--prune")
    assert bench.store.list_refs("refs/coord/") == new
    moved = bench.swap(update(T1, new[T1], "moved"))
    assert bench.store.list_refs("refs/coord/") == {**new, **moved}
    assert bench.payload(T1) == b"moved"
    assert bench.payload(T2) == b"{}\n"


@every_kind
def test_a_store_that_stays_open_sees_what_others_pack_and_collect(bench: Bench) -> None:
    new = bench.swap(create(T1, "1"))
    bench.scratch.git("gc", "-q", "--prune=now")
    assert bench.store.load([new[T1]]) == {new[T1]: b"1"}
    second = bench.another().swap([update(T1, new[T1], "2")])
    bench.scratch.git("gc", "-q", "--prune=now")
    found = bench.store.read([T1])[T1]
    assert found is not None
    assert (found.oid, found.payload) == (second[T1], b"2")


@every_kind
def test_a_bare_repository_will_do(bench: Bench, tmp_path: Path) -> None:
    bare = Scratch.create(tmp_path / "bare.git", "--bare", *init_options(bench.kind))
    store = open_real(bench.kind, bare.path)
    new = store.swap([create(T1)])
    store.close()
    assert bare.git("rev-parse", T1) == new[T1]


@pytest.mark.parametrize("bench", ["libgit", "plumbing", "plumbing-sha256"], indirect=True)
def test_a_bulk_of_records(bench: Bench) -> None:
    refs = [f"refs/coord/tasks/bulk{n}" for n in range(150)]
    new = bench.swap(*[create(ref, ref) for ref in refs])
    found = bench.another().read(refs)
    assert {ref: snapshot.payload.decode() for ref, snapshot in found.items() if snapshot} == {r: r for r in refs}
    assert bench.store.list_refs("refs/coord/tasks/") == new
    packs = list((bench.scratch.common_dir() / "objects" / "pack").glob("*.pack"))
    assert len(packs) == 1


def test_both_stores_write_the_same_objects(tmp_path: Path) -> None:
    change = create(T1, '{"same":true}\n')
    oids = set()
    for kind in ("memory", "libgit", "plumbing"):
        bench = Bench.make(kind, tmp_path / kind)
        oids.add(bench.swap(change)[T1])
        bench.close()
    assert len(oids) == 1


def test_the_stores_understand_each_other(tmp_path: Path) -> None:
    scratch = Scratch.create(tmp_path / "repo")
    stores = [open_real(kind, scratch.path) for kind in ("libgit", "plumbing")]
    at: str | None = None
    for number in range(6):
        at = stores[number % 2].swap([update(T1, at, str(number))])[T1]
        found = stores[1 - number % 2].read([T1])[T1]
        assert found is not None
        assert (found.oid, found.payload) == (at, str(number).encode())
    assert at is not None
    assert stores[0].history([at]) == stores[1].history([at])
    for store in stores:
        store.close()


# -- which store ----------------------------------------------------------------------------------------------------


def test_long_lived_processes_get_libgit2_and_commands_the_git_program(scratch: Scratch) -> None:
    repo = repo_at(scratch.path)
    assert open_store(repo, long_lived=True, durable=False).kind == "libgit"
    assert open_store(repo, long_lived=False, durable=False).kind == "plumbing"
    assert open_store(repo, "plumbing", long_lived=True, durable=False).kind == "plumbing"
    assert open_store(repo, "libgit", long_lived=False, durable=False).kind == "libgit"
    assert why_not_libgit(repo) is None


@pytest.mark.parametrize("kind", ["plumbing-sha256", "plumbing-reftable"])
def test_what_libgit2_cannot_open_goes_through_git(tmp_path: Path, kind: str) -> None:
    repo = repo_at(Scratch.create(tmp_path / "repo", *init_options(kind)).path)
    assert kind.removeprefix("plumbing-") in (why_not_libgit(repo) or "")
    assert open_store(repo, long_lived=True, durable=False).kind == "plumbing"
    with pytest.raises(GitFailed, match="libgit2 does not read"):
        open_store(repo, "libgit", long_lived=True, durable=False)


def test_an_extension_libgit2_does_not_know_goes_through_git(scratch: Scratch) -> None:
    scratch.git("config", "core.repositoryFormatVersion", "1")
    scratch.git("config", "extensions.partialClone", "origin")
    scratch.git("config", "remote.origin.url", "file:///nowhere")
    scratch.git("config", "remote.origin.promisor", "true")
    repo = repo_at(scratch.path)
    assert "extension" in (why_not_libgit(repo) or "")
    store = open_store(repo, long_lived=True, durable=False)
    assert store.kind == "plumbing"
    new = store.swap([create(T1, "partial")])
    found = store.read([T1])[T1]
    store.close()
    assert found is not None
    assert (found.oid, found.payload) == (new[T1], b"partial")


def test_a_missing_object_in_a_partial_clone_is_never_fetched(scratch: Scratch, tmp_path: Path) -> None:
    canary = tmp_path / "fetched"
    upload = tmp_path / "upload-pack"
    upload.write_text(f"#!/bin/sh\ntouch {canary}\nexit 1\n")
    upload.chmod(0o755)
    origin = Scratch.create(tmp_path / "origin")
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"file://{origin.path}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": str(upload),
    }.items():
        scratch.git("config", name, value)
    store = PlumbingStore(repo_at(scratch.path), durable=False)
    assert store.load(["1" * 40]) == {}
    store.close()
    assert not canary.exists()
    scratch.git("cat-file", "-e", "1" * 40, check=False)
    assert canary.exists(), "without our precautions git would have asked the remote"


def test_no_reflog_where_the_users_own_configuration_asks_for_them(scratch: Scratch) -> None:
    scratch.git("config", "--global", "core.logAllRefUpdates", "always")
    store = open_store(repo_at(scratch.path), long_lived=True, durable=False)
    store.swap([create(T1)])
    store.close()
    assert store.kind == "libgit"
    assert not (scratch.common_dir() / "logs" / "refs" / "coord").exists()


@both_stores
def test_listing_agrees_with_git_in_every_mixture(bench: Bench) -> None:
    new = bench.swap(create(T1), create(T2), create(T3))
    bench.scratch.git("pack-refs", "--all")
    moved = bench.swap(update(T2, new[T2]))
    loose = bench.swap(create("refs/coord/data/x"))
    bench.ref_file("refs/coord/data/broken").write_bytes(b"")
    bench.ref_file("refs/coord/data/held.lock").write_bytes(b"")
    expected = {**new, **moved, **loose, "refs/coord/data/broken": BROKEN}
    assert bench.store.list_refs("refs/coord/") == expected


@pytest.mark.skipif(git_version() < (2, 45), reason="reftable needs git 2.45 or newer")
def test_a_reftable_never_reads_as_empty_through_libgit2(tmp_path: Path) -> None:
    scratch = Scratch.create(tmp_path / "repo", "--ref-format=reftable")
    with pytest.raises(GitFailed, match="libgit2"):
        LibgitStore(repo_at(scratch.path))


def test_kinds_cover_every_store() -> None:
    assert {kind.partition("-")[0] for kind in KINDS} == {"memory", "libgit", "plumbing"}
