"""AT: one winner, one chain, nothing lost, whoever else is at work. Each test is shown to fail on a broken store."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import msgspec
import pytest

from gitcoord.store.base import Busy, Change, Lost
from tests.store.changes import T1, open_real, record, update
from tests.store.checker import Op, double_wins, judge
from tests.store.crowd import Worker, crowd, until
from tests.store.kit import init_options
from tests.store.mutants import MUTANTS
from tests.support import Scratch

both = pytest.mark.parametrize("kind", ["libgit", "plumbing"])
needs_strace = [
    pytest.mark.strace,
    pytest.mark.skipif(
        shutil.which("strace") is None
        or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False).returncode != 0,
        reason="needs strace and permission to trace",
    ),
]


def wins_of(answers: list[Any]) -> list[tuple[str, str]]:
    return [(name, oid) for answer in answers for name, oid in answer]


def where(scratch: Scratch, prefix: str) -> dict[str, str]:
    lines = scratch.git("for-each-ref", "--format=%(refname) %(objectname)", prefix).splitlines()
    return dict(line.split(" ") for line in lines)


def objects(scratch: Scratch) -> int:
    return sum(1 for path in (scratch.common_dir() / "objects").glob("??/*") if len(path.name) == 38)


# -- AT01 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "names"),
    [("libgit", 2000), ("plumbing", 60), pytest.param("plumbing", 2000, marks=pytest.mark.nightly)],
)
def test_at01_create_race_one_winner(scratch: Scratch, kind: str, names: int) -> None:
    wins = wins_of(crowd(8, "race", kind, scratch.path, names, "look"))
    assert double_wins(wins) == []
    assert dict(wins) == where(scratch, "refs/coord/tasks")
    assert len(wins) == names


@pytest.mark.parametrize("repository", ["plumbing-sha256", "plumbing-reftable"])
def test_at01_in_the_repositories_of_git_3(tmp_path: Path, repository: str) -> None:
    scratch = Scratch.create(tmp_path / "repo", *init_options(repository))
    wins = wins_of(crowd(6, "race", "plumbing", scratch.path, 25, "look"))
    assert double_wins(wins) == []
    assert dict(wins) == where(scratch, "refs/coord/tasks")
    assert len(wins) == 25


def test_at01_the_same_race_catches_references_create(tmp_path: Path) -> None:
    for attempt in range(10):
        scratch = Scratch.create(tmp_path / str(attempt))
        if double_wins(wins_of(crowd(8, "race", "create-unsafe", scratch.path, 400, "look"))):
            return
    pytest.fail("references.create(force=False) had one winner every time: this race proves nothing")


# -- AT02 -----------------------------------------------------------------------------------------------------------


def forced_interleaving(scratch: Scratch, kind: str) -> tuple[dict[str, str], str]:
    """A is stopped on its way to the lock, B creates, A goes on: what A says, and B's oid."""
    lock = scratch.common_dir() / f"{T1}.lock"
    inject = "inject=openat:delay_enter=700000"
    under = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(lock), "-e", "trace=openat", "-e", inject]
    rival = open_real("libgit", scratch.path)
    slow = Worker("once", kind, scratch.path, msgspec.json.encode([[T1, None, "A"]]).decode(), under=under)
    try:
        slow.wait_ready()
        before = objects(scratch)
        slow.go()
        until(lambda: objects(scratch) >= before + 3)
        sleep(0.2)  # from its last object to the lock: a spawn at most
        won = rival.swap([Change(T1, None, record("B"))])[T1]
        answer: dict[str, str] = slow.answer()
    finally:
        slow.end()
        rival.close()
    return answer, won


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=needs_strace) for kind in ("libgit", "plumbing")])
def test_at02_create_race_forced_interleaving(scratch: Scratch, kind: str) -> None:
    answer, won = forced_interleaving(scratch, kind)
    assert answer == {"error": "Lost", "message": T1}
    assert where(scratch, T1) == {T1: won}


@pytest.mark.parametrize("kind", [pytest.param("create-unsafe", marks=needs_strace)])
def test_at02_the_same_interleaving_catches_references_create(scratch: Scratch, kind: str) -> None:
    answer, won = forced_interleaving(scratch, kind)
    assert "new" in answer, "A believes that it won, and so does B"
    assert where(scratch, T1) != {T1: won}


# -- AT03, AT04 -----------------------------------------------------------------------------------------------------


def recorded(scratch: Scratch, kind: str, processes: int, count: int, **more: Any) -> list[str]:
    answers = crowd(processes, "history", kind, scratch.path, count, **more)
    ops = [msgspec.convert(op, Op) for answer in answers for op in answer]
    assert sum(op.kind == "swap" for op in ops) > count // 20, "hardly any swap succeeded: nothing is proved"
    return judge(ops, where(scratch, T1).get(T1))


@pytest.mark.parametrize(("kind", "count"), [("libgit", 1200), ("plumbing", 60)])
def test_at03_cas_history_linearizable(scratch: Scratch, kind: str, count: int) -> None:
    assert recorded(scratch, kind, 6, count) == []


@both
def test_at03_no_increment_is_lost_through_the_loop(scratch: Scratch, kind: str) -> None:
    each = 100 if kind == "libgit" else 8
    assert sum(crowd(4, "add", kind, scratch.path, each)) == 4 * each
    assert scratch.git("show", f"{T1}:record.json") == str(4 * each)


@pytest.mark.parametrize(("kind", "count"), [("libgit", 500), ("plumbing", 40)])
def test_at04_cas_history_under_packrefs_gc(scratch: Scratch, kind: str, count: int) -> None:
    def housekeeping() -> None:
        scratch.git("pack-refs", "--all", "--prune", check=False)
        scratch.git("gc", "-q", check=False)

    assert recorded(scratch, kind, 4, count, meanwhile=housekeeping) == []
    assert scratch.git("fsck", "--no-dangling", "--full") == ""


# -- AT05 -----------------------------------------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_at05_mutants_are_caught(tmp_path: Path, mutant: str) -> None:
    for attempt in range(30):
        scratch = Scratch.create(tmp_path / str(attempt))
        answers = crowd(6, "history", mutant, scratch.path, 400)
        ops = [msgspec.convert(op, Op) for answer in answers for op in answer]
        races = Scratch.create(tmp_path / f"race-{attempt}")
        if judge(ops, where(scratch, T1).get(T1)) or double_wins(
            wins_of(crowd(8, "race", mutant, races.path, 100, "look"))
        ):
            return
    pytest.fail(f"the mutant {mutant} was never caught")


# -- AT06 -----------------------------------------------------------------------------------------------------------


def delete_while_packing(scratch: Scratch, kind: str) -> None:
    """Delete a packed ref, stopped on its way to packed-refs.lock, while the user packs a branch of theirs."""
    common = scratch.common_dir()
    store = open_real("plumbing", scratch.path)
    oid = store.swap([Change(T1, None, record())])[T1]
    store.close()
    scratch.git("pack-refs", "--all", "--prune")
    inject = "inject=openat:delay_enter=700000"
    path = str(common / "packed-refs.lock")
    under = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", path, "-e", "trace=openat", "-e", inject]
    slow = Worker("once", kind, scratch.path, msgspec.json.encode([[T1, oid, None]]).decode(), under=under)
    try:
        slow.wait_ready()
        slow.go()
        until((common / f"{T1}.lock").exists)
        sleep(0.1)  # from the ref's lock to that of packed-refs: no work in between
        scratch.git("branch", "precious")
        scratch.git("pack-refs", "--all", "--prune")
        answer = slow.answer()
    finally:
        slow.end()
    assert "new" in answer, answer
    assert where(scratch, T1) == {}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=needs_strace) for kind in ("libgit", "plumbing")])
def test_at06_user_branch_survives_delete_vs_packrefs(scratch: Scratch, kind: str) -> None:
    delete_while_packing(scratch, kind)
    assert scratch.git("rev-parse", "precious") == scratch.git("rev-parse", "main")


@pytest.mark.parametrize("kind", [pytest.param("delete-unsafe", marks=needs_strace)])
def test_at06_the_same_interleaving_catches_libgit2s_delete(scratch: Scratch, kind: str) -> None:
    delete_while_packing(scratch, kind)
    assert scratch.git("branch", "--list", "precious") == "", "libgit2 #1534 is fixed: the rule may be relaxed"


# -- AT07, AT11 -----------------------------------------------------------------------------------------------------


@both
def test_at07_identical_payload_not_two_winners(scratch: Scratch, kind: str) -> None:
    same = Change(T1, None, record("same", "same event, no nonce"))
    outcomes: list[str] = []

    def attempt() -> None:
        store = open_real(kind, scratch.path)
        while True:
            try:
                outcomes.append(store.swap([same])[T1])
            except Lost:
                outcomes.append("lost")
            except Busy:
                continue  # another one holds the lock at this moment: that is neither
            break
        store.close()

    threads = [Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [outcome for outcome in outcomes if outcome != "lost"]
    assert where(scratch, T1) == {T1: won}


@both
def test_at07_a_nonce_makes_equal_payloads_different_commits(scratch: Scratch, kind: str) -> None:
    store = open_real(kind, scratch.path)
    first = store.swap([update(T1, None, "same")])[T1]
    second = store.swap([update(T1, first, "same")])[T1]
    store.close()
    assert first != second


@both
def test_at11_release_then_grant_no_aba(scratch: Scratch, kind: str) -> None:
    paused = open_real(kind, scratch.path)
    others = open_real("libgit", scratch.path)
    seen = others.swap([update(T1, None, "held by A, token 1")])[T1]
    at = seen
    for payload in ("free", "held by B, token 2", "free", "held by A, token 1"):
        at = others.swap([update(T1, at, payload)])[T1]
    with pytest.raises(Lost):
        paused.swap([update(T1, seen, "A goes on as if nothing had happened")])
    assert where(scratch, T1) == {T1: at}
    paused.close()
    others.close()
