"""The architecture, checked: who may import whom, who may start processes, how large a file may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rings_point_inwards(path: Path) -> None:
    own = ring_of(path)
    for name in imports(path):
        if not name.startswith("gitcoord."):
            continue
        other = name.split(".")[1]
        if own == "core":
            assert other in ("core", "errors", "lean"), name
        elif own == "lean":
            assert other in ("lean", "startup"), name
        elif other in RINGS and own in RINGS:
            assert RINGS[other] <= RINGS[own], f"{own} imports {name}"
            if own == "agents":  # commands import what they start, and never the other way
                assert other != "cli", f"{own} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "core").rglob("*.py")), ids=lambda path: path.name)
def test_the_core_is_pure(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path)} <= CORE_MAY
    called = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    assert not called & {"time.time", "time.monotonic", "time.sleep", "open", "os.urandom", "print", "input"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_privilege_has_one_place(path: Path) -> None:
    where = str(path.relative_to(ROOT))
    used = {name.split(".")[0] for name in imports(path)}
    assert "subprocess" not in used
    if not where.startswith("git/") and where != "store/libgit.py":
        assert "pygit2" not in used
    if ring_of(path) not in ("cli", "agents", "__main__"):
        assert "typer" not in used
        assert "os.environ" not in path.read_text().replace("``os.environ``", "")
    if where != "git/run.py":
        assert "posix_spawn" not in path.read_text().replace("``posix_spawn``", "")
    if where != "git/child.py":
        assert "os.fork" not in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_outgrows_a_reader(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if ring_of(path) in (*RINGS, "core") and ring_of(path) != "agents"],
    ids=lambda path: path.name,
)
def test_records_have_one_source(path: Path) -> None:
    """A process has either msgspec's structs or their stand-ins; a module that chose for itself would mix them."""
    top = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in top if isinstance(node, ast.ImportFrom)}
    if path.name == "manhook.py":
        return  # run by the build, where there is no gitcoord yet
    assert not named & {"msgspec", "typing"}
