"""The lock table: what one can ask of it, and what its record costs to read."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from gitcoord.core import codec
from gitcoord.core.locks import Facts, LockTable, blockers, concerned, covering
from gitcoord.core.model import Boot
from tests.core.lock_support import ANN, BEN, CAT, LIVE, acquire, after, holders, on, queue


def test_covering_lists_others_locks_on_paths() -> None:
    table = after(acquire(ANN, "src/**"), acquire(BEN, "docs/*.md", "deploy", mode="shared"))
    paths = ["src/a.py", "README.md", "deploy", "docs/x.md", "docs/"]
    found = [(path, lock.target.text) for path, lock in covering(table, paths, ANN, LIVE)]
    assert found == [("docs/x.md", "docs/*.md"), ("docs/", "docs/*.md")]
    assert covering(table, ["src/a.py"], CAT, Facts(live=frozenset({BEN}))) == []
    assert [path for path, _ in covering(table, ["src/", "src/a.py", "lib/"], BEN, LIVE)] == ["src/", "src/a.py"]


def test_blockers_and_concerned_name_whom_to_ask() -> None:
    table = after(acquire(ANN, "a"), acquire(BEN, "b"), queue(CAT, "a"))
    assert [lock.session for lock in blockers(table, on("a", "b"), "shared", CAT, LIVE)] == [ANN, BEN]
    assert concerned(table) == {ANN, BEN, CAT}


def test_the_record_survives_the_codec() -> None:
    table = after(acquire(ANN, "a", "src/**", ttl=5.0, mark=Boot(id="b", at=1.0)), queue(BEN, "a"))
    assert codec.convert(codec.decode_raw(codec.encode(table)), LockTable) == table


def test_importing_the_lock_rules_adds_nothing_heavy() -> None:
    code = "import sys, msgspec; had = set(sys.modules); import gitcoord.core.locking; print(*(set(sys.modules) - had))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"dataclasses", "inspect", "subprocess", "pathlib", "json", "datetime", "logging", "shutil", "tempfile"}
    assert heavy.isdisjoint(done.stdout.split())


def test_a_lock_taken_with_a_claim_says_so_and_falls_with_it() -> None:
    table = after(acquire(ANN, "db", task="15", claim=3))
    assert (table.locks[0].task, table.locks[0].claim) == ("15", 3)
    never_claimed = msgspec.structs.replace(LIVE, lapsed=frozenset({table.locks[0].token}))
    assert holders(after(acquire(BEN, "db"), table=table, facts=never_claimed)) == [("db", "exclusive", BEN, 2)]
