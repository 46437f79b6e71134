"""How quick commands start: what they import, when they do not, and that nothing else is different for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gitcoord
from gitcoord import startup
from tests.support import Scratch

SLOW = {
    "typing", "msgspec", "re", "enum", "contextlib", "functools", "collections", "signal", "dataclasses", "inspect",
    "subprocess", "json", "pathlib", "datetime", "logging", "typer", "rich", "click", "pygit2", "cffi",
}  # fmt: skip

QUICK = (
    "start ann --no-bind",
    "heartbeat --session ann",
    "whoami --session ann",
    "claim 15 --no-worktree --session ann",
    "claim 15 --no-worktree --session ann --json",
    "progress 15 40 --session ann",
    "lock deploy --session ann",
    "check src/a.py",
    "hook guard pre-commit",
    "set issue:15 phase review",
    "get issue:15 phase",
    "incr project:x next",
    "unlock deploy --session ann",
    "release 15 --reason later --session ann",
    "claim --next --no-worktree --session ann",
    "done 15 --session ann",
    "end --session ann",
)


def imports(at: Path, words: list[str]) -> tuple[set[str], subprocess.CompletedProcess[str]]:
    """Modules that a command imports, without those that ``site`` brings."""
    home = Path(gitcoord.__file__).parent.parent
    packages = [path for path in sys.path if "-packages" in path]
    code = f"import sys; sys.path += {[str(home), *packages]!r}; from gitcoord.__main__ import main; main()"
    argv = [sys.executable, "-S", "-X", "importtime", "-c", code, *words]
    done = subprocess.run(argv, cwd=at, capture_output=True, text=True)
    names = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    return names, done


def test_no_quick_command_imports_anything_slow(scratch: Scratch) -> None:
    scratch.coord("init")
    for line in QUICK:
        imported, done = imports(scratch.path, line.split(" "))
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        assert sorted(SLOW & imported) == [], line
        assert "gitcoord.lean.records" in imported


@pytest.mark.parametrize("line", ["lock --nope", "heartbeat --help", "claim --priority"])
def test_a_line_that_needs_more_words_gets_them(scratch: Scratch, line: str) -> None:
    scratch.coord("init")
    imported, done = imports(scratch.path, line.split(" "))
    assert "typer" in imported
    assert done.returncode in (0, 129)
    assert "Usage" in done.stdout + done.stderr or "usage" in done.stdout + done.stderr


def test_a_board_of_many_tasks_is_read_with_msgspec(scratch: Scratch) -> None:
    scratch.coord("init")
    lines = "".join(f'{{"id": "t{number}", "title": "{"x" * 200}"}}\n' for number in range(220))
    scratch.coord("task", "add", "--batch", "-", stdin=lines)
    scratch.coord("ready")  # writes the cache
    scratch.coord("start", "ann", "--no-bind")
    imported, done = imports(scratch.path, ["claim", "--next", "--no-worktree", "--session", "ann"])
    assert done.returncode == 0
    assert "msgspec" in imported
    scratch.coord("whoami", "--session", "ann")  # notes what each session holds
    for line in ("heartbeat", "claim t219 --no-worktree", "whoami", "done t219"):
        assert "msgspec" not in imports(scratch.path, [*line.split(" "), "--session", "ann"])[0], line


@pytest.mark.parametrize("where", ["main", "linked", "below"])
def test_the_cache_is_found_from_every_place(scratch: Scratch, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = scratch.path
    if where == "linked":
        folder = scratch.path.parent / "linked"
        scratch.git("worktree", "add", str(folder))
    elif where == "below":
        folder = scratch.path / "a" / "b"
        folder.mkdir(parents=True)
    cache = scratch.path / ".git" / "coord" / "cache"
    cache.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert not startup._has_many_tasks({})
    (cache / "tasks").write_bytes(b"x" * (1 << 20))
    assert startup._has_many_tasks({})


def test_outside_of_every_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not startup._has_many_tasks({})


def test_the_launcher_starts_the_command_line_and_imports_nothing_slow(scratch: Scratch) -> None:
    launcher = Path(gitcoord.__file__).parent / "bin" / "git-coord"
    assert os.access(launcher, os.X_OK)
    argv = [sys.executable, "-S", "-X", "importtime", str(launcher), "heartbeat"]
    done = subprocess.run(argv, cwd=scratch.path, capture_output=True, text=True)
    names = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert done.returncode == 128
    assert "not-initialised" in done.stderr
    assert sorted(SLOW & names) == []


MALFORMED = (
    *("", "{", "[", '"', '{"', '{"path":"', '{"path":', '{"a":1', '{"a" 1}', "{1:2}", '{"a":1,}'),
    *('{"a":"\\u12', '{"a":"\\x"}', '{"a":"\x01"}', "[1,", "[1 2]", "nul", "-", "1e", "NaN", "1 2", "\ufeff{}"),
    "[" * 100_000,
)


def test_what_is_no_json_is_refused_where_json_is_not_imported() -> None:
    """In a process of its own: the scanner behaves otherwise there, and pytest has imported json."""
    code = (
        "import sys; from gitcoord import startup; startup.be_lean()\n"
        "from gitcoord.lean import msgspec\n"
        "assert 'json' not in sys.modules\n"  # Python 3.12 imports it to say what is wrong
        f"for text in {MALFORMED!r}:\n"
        "    for data in (text, text.encode()):\n"
        "        try: print('taken', repr(text), msgspec.json.decode(data))\n"
        "        except (msgspec.DecodeError, RecursionError): pass  # which the codec takes for the same\n"
    )
    home = Path(gitcoord.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "line", ["whoami", "progress 15 40", "heartbeat", "lock deploy", "get issue:15", "unlock deploy"]
)
def test_a_record_cut_short_is_corrupt_to_a_quick_command(scratch: Scratch, line: str) -> None:
    for words in ("init", "start ann", "claim 15 --no-worktree", "lock deploy", "set issue:15 a b"):
        assert scratch.coord(*words.split()).code == 0
    for ref in scratch.git("for-each-ref", "--format=%(refname)", "refs/coord/").splitlines():
        if "/heartbeats/" not in ref:
            blob = scratch.git("hash-object", "-w", "--stdin", stdin=scratch.git("show", f"{ref}:record.json")[:-9])
            tree = scratch.git("mktree", stdin=f"100644 blob {blob}\trecord.json\n")
            scratch.git("update-ref", ref, scratch.git("commit-tree", tree, "-m", "cut"))
    done = scratch.coord(*line.split(), "--json")
    assert (done.code, done.error["code"]) == (7, "corrupt"), done
