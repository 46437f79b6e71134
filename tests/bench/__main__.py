"""``python -m tests.bench [PART …] [--json FILE] [--quick]``: every measurement in one table, the floors beside them.

A row is the median of many runs, with the CPU time of the processes in it, what it is held against (the floor, taken in
the same turns), the ratios of the two, and the budget; a ``!`` marks what is over it. Machines are noisy: ratios count,
and where others are at work those of CPU time. What is measured is the gitcoord installed beside this interpreter, not
the checkout: an editable install starts somewhat slower. Parts are the modules ``bench_*``; all run, in the order of
``PARTS``, when none is named. A part that breaks leaves a row that says why, and exit code 1; what is over its budget
does not. ``--quick`` has less data and fewer runs: it shows that all works.

``--json FILE`` writes one object of schema ``gitcoord-bench/1``, in which no field is ever left out::

    schema, at (UTC), quick, machine {cpus, system, python, git, gitcoord (its version), editable}, rows [
      {part, name: together they name a row from run to run,
       value: the median, null of what could not be measured; unit: "ms", "/s" or "grants",
       cpu: ms of CPU time; floor: its name; floor_value, floor_cpu; ratio, cpu_ratio: of the row to its floor,
       budget: as text; met: whether it is kept; note; error: whether this row tells of a part that broke}]

Where there is nothing to say, a field is null.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.bench import measure
from tests.bench.table import Row, failed, table

PARTS = (
    *("floors", "commands", "peers", "agent_hooks", "hooks", "guard", "scale"),
    *("maintain", "contention", "process", "hub"),
)
Measure = Callable[[Path], Iterable[Row]]


def main(args: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Every measurement in one table.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too (gitcoord-bench/1)")
    parser.add_argument("--quick", action="store_true", help="less data, fewer runs: to see that all works")
    asked = parser.parse_intermixed_args(args)
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    measure.quick = asked.quick
    target = asked.json.resolve() if asked.json else None
    wanted = [part for part in PARTS if part in asked.parts or not asked.parts]
    with tempfile.TemporaryDirectory(prefix="gitcoord-bench-", ignore_cleanup_errors=True) as place:
        seal(Path(place))
        measures = {part: importlib.import_module(f"tests.bench.bench_{part}").rows for part in wanted}
        found = collect(measures, Path(place).resolve())
    print(table(found))
    if target is not None:
        target.write_bytes(msgspec.json.format(msgspec.json.encode(document(found))) + b"\n")
    return int(any(row.error for rows in found.values() for row in rows))


def collect(parts: Mapping[str, Measure], place: Path) -> dict[str, list[Row]]:
    """The rows of each part, each in a directory of its own; of one that breaks, those it had and one that says why."""
    found: dict[str, list[Row]] = {}
    home = Path.cwd()
    for number, (part, rows) in enumerate(parts.items(), 1):
        begun = time.monotonic()
        print(f"[{number}/{len(parts)}] {part} …", end=" ", file=sys.stderr, flush=True)
        mine = found.setdefault(part, [])
        (place / part).mkdir()
        try:
            for row in rows(place / part):
                mine.append(row)  # one by one: those before an error stay
        except KeyboardInterrupt:
            mine.append(failed(part, "interrupted"))
            break
        except Exception as error:  # whatever it is: the other parts have their rows
            mine.append(failed(part, f"{type(error).__name__}: {error}"))
        finally:
            os.chdir(home)
            print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    return found


def seal(home: Path) -> None:
    """The user's settings and agents must not colour what is measured; how to reach a peer's server is kept."""
    kept = ("PATH", "LANG", "TMPDIR", "ETCDCTL_ENDPOINTS", "REDISCLI_AUTH")
    for name in set(os.environ) - set(kept):
        del os.environ[name]
    os.environ.update(GIT_CONFIG_NOSYSTEM="1", HOME=str(home), XDG_CONFIG_HOME=str(home / ".config"), TERM="dumb")
    os.environ["BEADS_NO_DAEMON"] = "1"  # it would outlive us
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Bench\n\temail = bench@example.org\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
    )


def document(found: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """What ``--json`` writes."""
    import gitcoord  # not before it is settled which one is measured

    git = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout.split()[2]
    return {
        "schema": "gitcoord-bench/1",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": measure.quick,
        "machine": {
            "cpus": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "git": git,
            "gitcoord": gitcoord.__version__,
            "editable": not Path(gitcoord.__file__).is_relative_to(sysconfig.get_path("purelib")),
        },
        "rows": [row.document(part) for part, rows in found.items() for row in rows],
    }


if __name__ == "__main__":
    # The directory we are started in comes last: what is installed is measured, in this process as in others.
    sys.path.append(sys.path.pop(0))
    sys.exit(main(sys.argv[1:]))
