"""Ten thousand live tasks and a hundred sessions: as commands after the first, and in process after the first."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from gitcoord import Coordinator
from tests.bench import measure
from tests.bench.measure import Row, cpu_in_turn, median_ms
from tests.support import Scratch

TASKS, SESSIONS = 10_000, 100
ME = [sys.executable, "-c", "from gitcoord.__main__ import main; main()"]
COMMANDS = {
    "status": ["status"],
    "ready": ["ready"],
    "claim --next": ["claim", "--next", "--no-worktree"],
    "task list": ["task", "list"],
    "task list --json": ["task", "list", "--json"],
    "whoami": ["whoami"],
}


def rows(place: Path) -> list[Row]:
    """Each command, loose refs and packed, beside a Python that does nothing; then the same verbs in one process."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    tasks = TASKS // 10 if measure.quick else TASKS
    repo = Scratch.create(place / "scale")
    with Coordinator.open(str(repo.path), os.environ) as coord:
        coord.init(hooks=False)
        sids = [coord.start(f"bench{number}", bind=not number).id for number in range(SESSIONS)]
        coord.task_add_many([{"title": f"Task {number}", "id": f"t{number}"} for number in range(tasks)])
        for sid in sids:
            coord.wanted = sid
            coord.claim(next=True, worktree=False)
    found = _commands(repo, f"{tasks:,} tasks, loose refs", "")
    repo.git("pack-refs", "--all")
    found += _commands(repo, f"{tasks:,} tasks, packed refs", "≤ 100")
    return found + _warm(repo, tasks)


def _commands(repo: Scratch, where: str, budget: str) -> list[Row]:
    """Wall and CPU time: where others use the machine too, CPU says more."""
    argvs = {"python3 -c pass": [sys.executable, "-c", "pass"], **{n: [*ME, *argv] for n, argv in COMMANDS.items()}}
    wall, cpu = cpu_in_turn(argvs, repo.path)
    found = []
    for name in COMMANDS:
        found.append(Row(f"{name}, {where}", wall[name], "python3 -c pass", wall["python3 -c pass"], budget))
        found.append(Row(f"{name}, {where}, CPU", cpu[name], "python3 -c pass, CPU", cpu["python3 -c pass"], budget))
    return found


def _warm(repo: Scratch, tasks: int) -> list[Row]:
    with Coordinator.open(str(repo.path), os.environ) as coord:
        verbs: dict[str, Callable[[], object]] = {
            "status": coord.status,
            "ready": coord.ready,
            "claim(next=True)": lambda: coord.claim(next=True, worktree=False),
            "task_list": coord.task_list,
            "whoami": coord.whoami,
        }
        return [
            Row(f"{name}, {tasks:,} tasks, in process, warm", median_ms(verb, 15, 2), budget="≤ 10")
            for name, verb in verbs.items()
        ]
