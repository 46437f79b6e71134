"""The guard without gitcoord: what the hook can tell by itself, from how little, and what makes it look again."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcoord.git import guardnote, hooks
from tests.hooks.guarded import Guarded, allowed, asked, blocked, commit, stage
from tests.hooks.support import script
from tests.support import Scratch, git_version

GUARD = Path(hooks.hook_source()) / "pre-commit"


@pytest.fixture
def guarded(scratch: Scratch) -> Iterator[Guarded]:
    made = Guarded.found(scratch)
    yield made
    made.office.close()


def during_a_commit(guarded: Guarded, tree: Scratch) -> list[str]:
    return asked(guarded, tree, "commit", "-q", "-m", "x", "--allow-empty")


def test_without_locks_and_claims_one_question_to_git_is_all(guarded: Guarded) -> None:
    assert during_a_commit(guarded, guarded.main) == ["for-each-ref"]


def test_with_a_claim_in_order_and_a_table_without_paths_nothing_is_asked(guarded: Guarded) -> None:
    ann = guarded.office.hire("ann")
    ann.lock(["deploy"])
    ben, tree = guarded.worker("ben", "15")
    assert during_a_commit(guarded, tree) == ["cat-file"]  # one look into both records
    assert during_a_commit(guarded, tree) == []
    ben.progress("15", percent=50)
    assert during_a_commit(guarded, tree) == ["cat-file"]
    ann.unlock()
    assert during_a_commit(guarded, tree) == ["cat-file"]
    assert during_a_commit(guarded, tree) == []


def test_packed_refs_are_asked_for(guarded: Guarded) -> None:
    guarded.office.hire("ann").lock(["src/"])
    _ben, tree = guarded.worker("ben", "15")
    guarded.main.git("pack-refs", "--all", "--prune")
    blocked(tree, "src/a.py")
    tree.git("reset", "-q", "--hard")
    assert during_a_commit(guarded, tree)[0] == "for-each-ref"


def test_what_python_found_harmless_is_noted_too(guarded: Guarded) -> None:
    """A task whose handoff speaks of a path looks like a lock to the hook, and only gitcoord can tell."""
    ben, tree = guarded.worker("ben", "15")
    guarded.office.hire("ann").lock(["deploy"])
    ben.handoff("15", note="rest", context={"path": "src/"})
    assert "gitcoord" in during_a_commit(guarded, tree)
    assert "gitcoord" not in during_a_commit(guarded, tree)


def test_a_note_of_other_refs_or_another_token_counts_for_nothing(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    during_a_commit(guarded, tree)
    note = Path(tree.git("rev-parse", "--absolute-git-dir")) / guardnote.FILE
    good = note.read_text()
    assert good == f"1 - {tree.git('rev-parse', 'refs/coord/tasks/15')} 1 .\n"
    for wrong in ("", "1\n", good.replace(" 1 .", " 2 ."), good.replace(" .", ""), f"{good[:20]}\n", "x" * 5000):
        note.write_text(wrong)
        assert "cat-file" in during_a_commit(guarded, tree), wrong
        assert note.read_text() == good
    note.unlink()
    note.symlink_to("/dev/null")
    assert "gitcoord" in during_a_commit(guarded, tree)


CLAIM = "s-aaaaaaaaaa 1 refs/coord/tasks/15"


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"2 {CLAIM}\n",
        f'1 {CLAIM} more\n"15"\n',
        "1 s-aaaaaaaaaa 1 refs/heads/main\n",
        "1 s-aaaaaaaaaa 01 refs/coord/tasks/15\n",
        '1 s-aaaaaaaaaa 1 refs/coord/tasks/$(touch x)\n"15"\n',
    ],
)
def test_a_claim_file_that_does_not_check_out_counts_as_none(guarded: Guarded, text: str) -> None:
    _ben, tree = guarded.worker("ben", "15")
    (Path(tree.git("rev-parse", "--absolute-git-dir")) / "coord-claim").write_text(text)
    assert during_a_commit(guarded, tree)[0] == "for-each-ref"
    assert not (tree.path / "x").exists()


def test_a_read_only_git_directory_is_no_obstacle(guarded: Guarded) -> None:
    _ben, tree = guarded.worker("ben", "15")
    note = Path(tree.git("rev-parse", "--absolute-git-dir")) / guardnote.FILE
    note.mkdir()
    assert "gitcoord" not in during_a_commit(guarded, tree)


def test_a_guard_that_is_off_is_not_asked(guarded: Guarded) -> None:
    guarded.office.hire("ann").lock(["src/"])
    assert "gitcoord" in during_a_commit(guarded, guarded.main)
    guarded.main.git("config", "coord.guard", "off")
    assert "gitcoord" not in during_a_commit(guarded, guarded.main)


def test_a_push_of_nothing_remarkable_starts_no_gitcoord(guarded: Guarded, tmp_path: Path) -> None:
    Scratch.create(tmp_path / "origin", "--bare")
    _ben, tree = guarded.worker("ben", "15")
    allowed(tree, "a")
    assert "gitcoord" not in asked(guarded, tree, "push", "-q", str(tmp_path / "origin"), "HEAD")


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh", "ksh", "mksh", "zsh --emulate sh"])
def test_every_shell_reads_it_alike(guarded: Guarded, shell: str, tmp_path: Path) -> None:
    found = shutil.which(shell.split()[0])
    if found is None:
        pytest.skip(f"{shell} is not installed")
    guarded.office.hire("ann").lock(["src/"])
    _ben, tree = guarded.worker("ben", "15")
    stage(tree, "src/a.py")
    for name in ("pre-commit", "pre-push", "prepare-commit-msg"):
        copy = tmp_path / name
        copy.write_text(GUARD.read_text().replace("#!/bin/sh", f"#!{shutil.which('env')} -S {shell}", 1))
        copy.chmod(0o755)
    tree.git("config", "core.hooksPath", str(tmp_path))
    tree.git("config", "coord.trailers", "true")
    assert "src/a.py is locked by ann" in commit(tree).err
    tree.git("reset", "-q", "--hard")
    stage(tree, "b")
    assert commit(tree).code == 0
    assert tree.git("log", "-1", "--format=%(trailers:key=Coord-Task,valueonly)").strip() == "15"


def test_a_reftable_is_asked(make_scratch: object, tmp_path: Path) -> None:
    if git_version() < (2, 45):
        pytest.skip("reftable needs git 2.45 or newer")
    guarded = Guarded.found(Scratch.create(tmp_path / "table", "--ref-format=reftable"))
    guarded.office.hire("ann").lock(["src/"])
    _ben, tree = guarded.worker("ben", "15")
    blocked(tree, "src/a.py")
    tree.git("reset", "-q", "--hard")
    allowed(tree, "b")
    guarded.office.close()


def test_what_both_hook_scripts_have_in_common_is_the_same_to_the_byte() -> None:
    def functions(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^(coord_\w+)\(\) \{\n(.*?)^\}\n", path.read_text(), re.MULTILINE | re.DOTALL))

    beat, guard = functions(script()), functions(GUARD)
    shared = {"coord_prove", "coord_chain", "coord_find", "coord_number", "coord_hex"}
    assert shared <= set(beat) & set(guard)
    assert {name: guard[name] for name in shared} == {name: beat[name] for name in shared}
    unset = re.compile(r"\tunset .*?\n(?!\t\t)", re.DOTALL)
    assert unset.findall(script().read_text()) == unset.findall(GUARD.read_text())
    assert os.access(GUARD, os.X_OK)
