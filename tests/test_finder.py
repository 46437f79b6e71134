"""Our finder against Python's: the same modules from the same places, and nothing from bytecode that is out of date."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gitcoord
from gitcoord.finder import Finder
from tests.support import Scratch, coord_argv

ROOT = Path(gitcoord.__file__).parent


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with a module and a package in it, compiled."""
    root = tmp_path / "some"
    (root / "inner").mkdir(parents=True)
    for name in ("__init__", "plain", "inner/__init__", "inner/deep"):
        (root / f"{name}.py").write_text(f"'''{name}'''\nWHAT = {name!r}\n")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(root)], check=True)
    return root


def python_finds(name: str, root: Path) -> importlib.machinery.ModuleSpec:
    spec = importlib.machinery.PathFinder.find_spec(name, [str(root.joinpath(*name.split(".")[1:-1]))])
    assert spec is not None
    return spec


@pytest.mark.parametrize("name", ["some.plain", "some.inner", "some.inner.deep"])
def test_it_finds_what_python_finds(package: Path, name: str) -> None:
    ours, pythons = Finder("some", str(package)).find_spec(name), python_finds(name, package)
    assert ours is not None
    for field in ("name", "origin", "cached", "has_location", "submodule_search_locations", "parent"):
        assert getattr(ours, field) == getattr(pythons, field), field
    made, like = importlib.util.module_from_spec(ours), importlib.util.module_from_spec(pythons)
    for spec, module in ((ours, made), (pythons, like)):
        assert spec.loader is not None
        spec.loader.exec_module(module)
    alike = [key for key in vars(like) if key not in ("__spec__", "__loader__", "__builtins__")]
    assert {key: getattr(made, key) for key in alike} == {key: getattr(like, key) for key in alike}
    assert ours.loader.get_source(name) == pythons.loader.get_source(name)  # type: ignore[union-attr]
    assert ours.loader.get_code(name) == pythons.loader.get_code(name)  # type: ignore[union-attr]


@pytest.mark.parametrize("damage", ["newer", "other size", "half", "empty", "other version", "by hash", "gone"])
def test_bytecode_that_is_not_of_this_source_is_left_to_python(package: Path, damage: str) -> None:
    source = package / "plain.py"
    cached = Path(importlib.util.cache_from_source(str(source)))
    data = cached.read_bytes()
    if damage == "newer":
        os.utime(source, (1, 1))
    elif damage == "other size":
        stamp = source.stat().st_mtime
        source.write_text("WHAT = 'changed'\n")
        os.utime(source, (stamp, stamp))
    elif damage == "gone":
        cached.unlink()
    else:
        cached.write_bytes(
            {
                "half": data[: len(data) // 2],
                "empty": b"",
                "other version": b"\0\0" + data[2:],
                "by hash": data[:4] + b"\1\0\0\0" + data[8:],
            }[damage]
        )
    assert Finder("some", str(package)).find_spec("some.plain") is None


@pytest.mark.parametrize("name", ["something.plain", "os", "some", "some.absent", "some.inner.absent", "some.plain.x"])
def test_what_is_not_there_or_not_ours_is_left_to_python(package: Path, name: str) -> None:
    assert Finder("some", str(package)).find_spec(name) is None


def test_a_command_imports_by_it(scratch: Scratch) -> None:
    """And the modules are where they are: what names files (reports, completion) must not notice."""
    code = (
        "import sys; sys.argv = ['git-coord', 'whoami']; from gitcoord import __main__ as m\n"
        "m._leave = lambda code: sys.exit(' '.join(sorted({type(x.__loader__).__module__ for n, x in "
        "sys.modules.items() if n.startswith('gitcoord.')})))\nm.main()"
    )
    subprocess.run([*coord_argv("init", "--no-hooks")], cwd=scratch.path, check=True, capture_output=True)
    done = subprocess.run([sys.executable, "-c", code], cwd=scratch.path, capture_output=True, text=True)
    assert done.stderr.split("\n")[-2].split() == ["_frozen_importlib_external", "gitcoord.finder"]
