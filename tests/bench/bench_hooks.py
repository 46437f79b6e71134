"""What a commit pays for the hooks that keep a session alive, against hooks that do nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import Action, command, coord, in_turn
from tests.bench.table import Row, over_floor
from tests.hooks.support import EMPTY, Worker, script, write_hook
from tests.support import Scratch

FLOOR = "empty hook"
SIDES = ("post-commit", "post-checkout", "post-merge", "post-rewrite", "pre-commit", "prepare-commit-msg", "pre-push")


def rows(place: Path) -> Iterator[Row]:
    """The heartbeat of a commit in each of its states; all hooks together; each hook by itself."""
    worker = Worker(Scratch.create(place / "beat")).sign_on()
    commit = command(["git", "commit", "-q", "--allow-empty", "-m", "x"], worker.scratch.path)
    states = _states(worker)
    taken = in_turn(dict.fromkeys(states, commit), 60, states)
    yield taken.row("no hook", title="git commit, no hook")
    yield taken.row(FLOOR, title=f"git commit, {FLOOR}")
    yield taken.row("nothing due", FLOOR, over_floor(5), "git commit, nothing due")
    for name in ("a beat written", "a beat written, the session's record read first"):
        yield taken.row(name, FLOOR, over_floor(10), f"git commit, {name}")
    yield from _installed(place)


def _states(worker: Worker) -> dict[str, Action]:
    """How each state of the post-commit hook is made."""
    hook = Path(worker.repo.common) / "hooks" / "post-commit"

    def ours() -> None:
        write_hook(hook, script().read_bytes())

    def due() -> None:
        ours()
        worker.make_due()

    def due_on_a_newer_record() -> None:
        due()
        worker.write_record()

    def nothing_due() -> None:
        ours()
        worker.beat_was(1)

    return {
        "no hook": lambda: hook.unlink(missing_ok=True),
        FLOOR: lambda: write_hook(hook, EMPTY),
        "nothing due": nothing_due,
        "a beat written": due,
        "a beat written, the session's record read first": due_on_a_newer_record,
    }


def _installed(place: Path) -> Iterator[Row]:
    """As ``git coord init`` installs them, with a session at work and nothing due, nothing claimed, nothing locked."""
    repo = Scratch.create(place / "installed")
    for args in (["init"], ["start", "bench"], ["heartbeat"]):
        coord(repo.path, *args)()
    theirs, hooks = place / "empty", repo.common_dir() / "hooks"
    for hook in hooks.iterdir():
        write_hook(theirs / hook.name, EMPTY)
    commit = ["commit", "-q", "--allow-empty", "-m", "x"]
    together = in_turn(
        {
            "all of them empty": command(["git", "-c", f"core.hooksPath={theirs}", *commit], repo.path),
            "all": command(["git", *commit], repo.path),
        },
        60,
    )
    yield together.row(
        "all", "all of them empty", over_floor(15), "git commit, all hooks of git coord init, nothing due"
    )
    message = shutil.copy(repo.path / "README.md", place / "message")
    present = [name for name in SIDES if (hooks / name).exists()]
    alone = in_turn(
        {
            FLOOR: command([str(theirs / "post-commit")], repo.path),
            **{name: command([str(hooks / name), str(message)], repo.path) for name in present},
        },
        60,
    )
    for name in present:
        yield alone.row(name, FLOOR, over_floor(5), f"{name} by itself, nothing to do")
