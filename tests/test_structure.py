"""The architecture, checked: who may import whom, who may start processes, how large a file may grow."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

Rule = Callable[[Path], Iterator[str]]
"""What a file does that it may not."""

ROOT = Path(__file__).parent.parent / "gitcoord"
FILES = sorted(ROOT.rglob("*.py"))
RINGS = {"cli": 5, "agents": 5, "coordinator": 4, "sync": 3, "store": 2, "git": 1}
"""Higher rings may import lower ones; everyone may import core, errors and lean, which imports nobody."""

CORE_MAY = {
    "gitcoord",
    "msgspec",
    "enum",
    "typing",
    "collections",
    "hashlib",
    "heapq",
    "re",
    "sys",
    "time",
    "math",
    "functools",
    "itertools",
    "__future__",
}


def ring_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


@cache
def imports(path: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(found)


def offenders(rule: Rule, files: Iterable[Path] = FILES) -> list[str]:
    """What each file does that ``rule`` forbids, with the file's name."""
    return [f"{where(path)}: {fault}" for path in files for fault in rule(path)]


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def outward_imports(path: Path) -> Iterator[str]:
    own = ring_of(path)
    for name in imports(path):
        if not name.startswith("gitcoord."):
            continue
        other = name.split(".")[1]
        if own == "core":
            allowed = other in ("core", "errors", "lean")
        elif own == "lean":
            allowed = other in ("lean", "startup")
        else:
            allowed = not (other in RINGS and own in RINGS) or (
                RINGS[other] <= RINGS[own]
                and not (own == "agents" and other == "cli")  # commands import what they start, never the other way
            )
        if not allowed:
            yield f"imports {name}"


def test_rings_point_inwards() -> None:
    assert offenders(outward_imports) == []


def impurities(path: Path) -> Iterator[str]:
    yield from {f"imports {name}" for name in imports(path) if name.split(".")[0] not in CORE_MAY}
    called = {ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)}
    yield from called & {"time.time", "time.monotonic", "time.sleep", "open", "os.urandom", "print", "input"}


def test_the_core_is_pure() -> None:
    core = [path for path in FILES if ring_of(path) == "core"]
    assert len(core) > 20
    assert offenders(impurities, core) == []


def privileges(path: Path) -> Iterator[str]:
    """What a file takes to itself that has its place elsewhere."""
    used = {name.split(".")[0] for name in imports(path)}
    text = text_of(path)
    taken = {
        "subprocess": "subprocess" in used,
        "pygit2": "pygit2" in used and not where(path).startswith("git/") and where(path) != "store/libgit.py",
        "posix_spawn": "posix_spawn" in text.replace("``posix_spawn``", "") and where(path) != "git/run.py",
        "os.fork": "os.fork" in text and where(path) != "git/child.py",
    }
    if ring_of(path) not in ("cli", "agents", "__main__"):
        taken["typer"] = "typer" in used
        taken["os.environ"] = "os.environ" in text.replace("``os.environ``", "")
    yield from (what for what, is_taken in taken.items() if is_taken)


def test_each_privilege_has_one_place() -> None:
    assert offenders(privileges) == []


def excess(path: Path) -> Iterator[str]:
    length = len(text_of(path).splitlines())
    if length > 300:
        yield f"{length} lines"


def test_no_file_outgrows_a_reader() -> None:
    assert offenders(excess) == []


def other_records(path: Path) -> Iterator[str]:
    top = [node for node in tree_of(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in top if isinstance(node, ast.ImportFrom)}
    yield from named & {"msgspec", "typing"}


def test_records_have_one_source() -> None:
    """A process has either msgspec's structs or their stand-ins; a module that chose for itself would mix them."""
    bound = [path for path in FILES if ring_of(path) in (*RINGS, "core") and ring_of(path) != "agents"]
    bound.remove(ROOT / "cli" / "manhook.py")  # run by the build, where there is no gitcoord yet
    assert offenders(other_records, bound) == []


@pytest.mark.parametrize(
    ("name", "text", "rule", "fault"),
    [
        ("core/new.py", "from gitcoord.store import base", outward_imports, "imports gitcoord.store.base"),
        ("lean/new.py", "import gitcoord.core.names", outward_imports, "imports gitcoord.core.names"),
        ("store/new.py", "from gitcoord.sync import hub", outward_imports, "imports gitcoord.sync.hub"),
        ("agents/new.py", "def f():\n    from gitcoord.cli import app", outward_imports, "imports gitcoord.cli.app"),
        ("core/new.py", "import os.path", impurities, "imports os.path"),
        ("core/new.py", "x = time.time()", impurities, "time.time"),
        ("cli/new.py", "import subprocess", privileges, "subprocess"),
        ("store/new.py", "import pygit2", privileges, "pygit2"),
        ("sync/new.py", "x = os.environ", privileges, "os.environ"),
        ("sync/new.py", "import typer", privileges, "typer"),
        ("git/new.py", "os.posix_spawn()", privileges, "posix_spawn"),
        ("git/new.py", "os.fork()", privileges, "os.fork"),
        ("cli/new.py", "#\n" * 301, excess, "301 lines"),
        ("store/new.py", "from typing import Any", other_records, "typing"),
    ],
)
def test_each_rule_finds_what_it_is_there_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, rule: Rule, fault: str
) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / name
    path.parent.mkdir()
    path.write_text(text)
    assert offenders(rule, [path]) == [f"{name}: {fault}"]
