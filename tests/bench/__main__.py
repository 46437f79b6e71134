"""``python -m tests.bench [PART …] [--json FILE] [--quick]``: every measurement in one table, the floors beside them.

Parts are the modules ``bench_*``; all of them run when none is named.
"""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import msgspec

from tests.bench import measure
from tests.bench.measure import Row, table

HERE = Path(__file__).parent


def main(args: list[str]) -> None:
    target = args.pop(args.index("--json") + 1) if "--json" in args else None
    measure.quick = "--quick" in args
    wanted = [arg for arg in args if arg not in ("--json", "--quick")] or sorted(
        path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py")
    )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="gitcoord-bench-") as place:
        _seal(Path(place))
        for name in wanted:
            own = Path(place).resolve() / name  # parts call their repositories alike
            own.mkdir()
            rows += importlib.import_module(f"tests.bench.bench_{name}").rows(own)
    print(table(rows))
    if target is not None:
        document = {
            "schema": "gitcoord-bench/1",
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "quick": measure.quick,
            "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "git": _git_version()},
            "rows": [{**asdict(row), "ratio": row.ratio} for row in rows],
        }
        Path(target).write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


def _git_version() -> str:
    return subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout.split()[2]


def _seal(place: Path) -> None:
    """The user's settings and agents must not colour what is measured."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "CLAUDE_", "CODEX_", "GEMINI_"))]:
        del os.environ[name]
    os.environ["GIT_CONFIG_NOSYSTEM"] = "1"
    os.environ["HOME"] = str(place)
    (place / ".gitconfig").write_text(
        "[user]\n\tname = Bench\n\temail = bench@example.org\n[init]\n\tdefaultBranch = main\n"
    )


main(sys.argv[1:])
