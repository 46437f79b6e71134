"""The verbs that wait: until a task is in a state, a lock is free, something is ready, or anything changes.

Each looks at once, and then whenever what it depends on may have changed (``waiting``). Loaded when first used.
"""

from __future__ import annotations

from gitcoord.coordinator import sight as seeing
from gitcoord.coordinator.granting import targets
from gitcoord.coordinator.tasks import check_id
from gitcoord.coordinator.waiting import until
from gitcoord.core import locks, names, queue
from gitcoord.core.lease import span
from gitcoord.core.model import Struct, TaskState
from gitcoord.core.views import LockView, TaskView
from gitcoord.errors import TimedOut, Usage
from gitcoord.lean import TYPE_CHECKING, TypeVar, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitcoord.coordinator.history import History

T = TypeVar("T")

OVER = ("done", "failed", "cancelled")
"""The states in which nobody works on a task any more."""

EVERYTHING = (names.META, names.TASKS, names.SESSIONS, names.LOCKS_FOLDER, names.DATA, names.PRIVATE, names.EVENTS)
"""What ``change`` watches: not the heartbeats, which say every few minutes that nothing happened."""


class Awaited(Struct, frozen=True, kw_only=True):
    """What came, and after how many seconds. ``tasks``: the one, or those that are ready; ``changed``: refs."""

    what: str
    waited: float
    tasks: tuple[TaskView, ...]
    free: tuple[str, ...]
    changed: tuple[str, ...]


class Waits:
    """Waiting, over a Coordinator."""

    def __init__(self, coord: History) -> None:
        self.coord = coord
        self.begun = coord.clock.monotonic()

    def task(self, task_id: str, states: Sequence[str], timeout: float | None) -> Awaited:
        """Until the task is in one of ``states``; a task that does not exist yet may come."""
        wanted = tuple(states) or OVER
        unknown = set(wanted).difference(get_args(TaskState))
        if unknown:
            raise Usage(f"'{min(unknown)}' is no task state", hint=f"choose among {', '.join(get_args(TaskState))}")
        ref = names.task_ref(check_id(task_id))
        last: TaskView | None = None

        def look() -> Awaited | None:
            nonlocal last
            self.coord.begin(ref)
            found = self.coord.task(task_id)
            last = None if found is None else self.coord.task_view(found.record)
            return self._came("task", tasks=(last,)) if last is not None and last.state in wanted else None

        def late() -> TimedOut:
            state = last.state if last is not None else None
            said = f"task {task_id} is {state}" if state else f"there is no task {task_id}"
            hint = f"git coord task show {task_id}" if state else "git coord task list --all"
            return self._late(f"{said}, not {' or '.join(wanted)}", hint, timeout, task=task_id, state=state)

        return self._until(look, [names.TASKS], timeout, late)

    def lock(self, wants: Sequence[str], *, path: bool, shared: bool, timeout: float | None) -> Awaited:
        """Until nobody else holds any of ``wants``. It takes nothing: ``lock --wait`` does, in turn."""
        wished = targets(wants, path=path)
        held: list[LockView] = []
        ends: list[float] = []

        def look() -> Awaited | None:
            self.coord.begin(*self.coord.my_refs(), names.LOCKS)
            me = self.coord.find_me()
            live = me if me is not None and me.record.state == "live" else None
            seen = seeing.look(self.coord, live)
            mine = live.record.id if live is not None else ""
            found = locks.blockers(seen.table, wished, "shared" if shared else "exclusive", mine, seen.facts)
            held[:] = seeing.views(self.coord, seen, found)
            left = (seeing.time_left(self.coord, lock, self.coord.boot()) for lock in found)
            ends[:] = [seconds for seconds in left if seconds is not None]
            return None if found else self._came("lock", free=tuple(target.text for target in wished))

        def late() -> TimedOut:
            first = held[0]
            who = first.session_name or first.session
            return self._late(
                f"{first.name or first.path} is held by {who}", "git coord locks", timeout, locks=list(held)
            )

        def soon() -> float | None:
            return min(ends, default=None)

        return self._until(look, [names.LOCKS_FOLDER, names.SESSIONS], timeout, late, soon)

    def ready(self, labels: Sequence[str], timeout: float | None) -> Awaited:
        """Until a task can be claimed: a new one, one whose dependencies are done, one whose holder is gone."""

        def look() -> Awaited | None:
            self.coord.begin()
            board = self.coord.board()
            found = queue.ready(board.known_tasks(), self.coord.takeable(board), labels)
            return self._came("ready", tasks=tuple(self.coord.task_views(found, board))) if found else None

        def late() -> TimedOut:
            return self._late("no task is ready", "git coord task list", timeout)

        return self._until(look, [names.TASKS, names.SESSIONS], timeout, late)

    def change(self, timeout: float | None) -> Awaited:
        """Until any record changes: task, session, lock, shared data or entry."""
        self.coord.begin()
        before = self._oids()

        def look() -> Awaited | None:
            self.coord.begin()
            now = self._oids()
            changed = sorted(ref for ref in before.keys() | now.keys() if before.get(ref) != now.get(ref))
            return self._came("change", changed=tuple(changed)) if changed else None

        def late() -> TimedOut:
            return self._late("nothing changed", "git coord status", timeout)

        return self._until(look, EVERYTHING, timeout, late)

    def _oids(self) -> dict[str, str]:
        store = self.coord.store
        found = {**store.list_refs(names.ROOT), **store.list_refs(names.LOCAL)}
        return {ref: oid for ref, oid in found.items() if ref.startswith(EVERYTHING)}

    def _until(
        self,
        look: Callable[[], T | None],
        prefixes: Sequence[str],
        timeout: float | None,
        late: Callable[[], TimedOut],
        soon: Callable[[], float | None] = lambda: None,
    ) -> T:
        return until(self.coord, look, prefixes, timeout=timeout, late=late, soon=soon)

    def _came(
        self,
        what: str,
        *,
        tasks: tuple[TaskView, ...] = (),
        free: tuple[str, ...] = (),
        changed: tuple[str, ...] = (),
    ) -> Awaited:
        waited = round(self.coord.clock.monotonic() - self.begun, 3)
        return Awaited(what=what, waited=waited, tasks=tasks, free=free, changed=changed)

    def _late(self, message: str, hint: str, timeout: float | None, **fields: object) -> TimedOut:
        return TimedOut(f"{message}; waited {span(timeout or 0.0)}", hint=hint, timeout=timeout, **fields)
