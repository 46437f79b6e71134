"""Adding many tasks at once: all of them or none, in one swap. Loaded only by ``task add --batch``.

Everything is checked before anything is written, and what is wrong is refused with the line it is on. Tasks may depend
on later lines; together with those there already they must not wait for each other in a circle.
"""

from __future__ import annotations

from gitcoord.coordinator.tasks import Tasks, check_id, check_task
from gitcoord.coordinator.tidying import pack_refs
from gitcoord.core import names, queue
from gitcoord.core import task as rules
from gitcoord.core import task_events as events
from gitcoord.core.model import Struct
from gitcoord.core.times import rfc3339
from gitcoord.errors import Blocked, CoordError, Exists, Usage
from gitcoord.lean import TYPE_CHECKING, Any, msgspec
from gitcoord.store.base import Change
from gitcoord.store.files import is_reftable
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_ITEMS = 50_000
MANY = 1000
"""From so many on the refs are packed: 10,000 loose ones cost a plain fetch 0.4 s, and each of our commands 40 ms."""


class NewTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One task to be added; numbers are taken for ids as well."""

    title: str
    id: str | int | None = None
    body: str | None = None
    priority: int = 2
    after: tuple[str | int, ...] = ()
    labels: tuple[str, ...] = ()


class Batch(Struct, frozen=True, kw_only=True):
    """What was added: how many, and their ids in the order in which they were given."""

    added: int
    tasks: tuple[str, ...]


def add_many(coord: Tasks, items: Sequence[Mapping[str, Any]], lines: Sequence[int] | None) -> Batch:
    """Add all of ``items`` or none; ``lines``: where each was read, for whoever has to mend it."""
    if len(items) > MAX_ITEMS:
        raise Usage(f"{len(items)} tasks are too many at once: at most {MAX_ITEMS}")
    places = (
        [f"line {line}" for line in lines] if lines is not None else [f"item {n}" for n in range(1, len(items) + 1)]
    )
    coord.begin(*coord.my_refs())
    wanted = [_understood(item, place) for item, place in zip(items, places, strict=True)]
    chosen = _with_ids(coord, wanted, places)
    made = coord.transact(lambda: _decide(coord, chosen, places))
    if made.added >= MANY and not is_reftable(coord.repo.common):
        pack_refs(coord)  # a file each, they would make every command of Git slower, and ours
    return made


def _understood(item: Mapping[str, Any], place: str) -> NewTask:
    try:
        new = msgspec.convert(item, NewTask)
        after = tuple(dict.fromkeys(map(str, new.after)))
        new = msgspec.structs.replace(new, after=after, labels=tuple(dict.fromkeys(new.labels)))
        check_task(title=new.title, body=new.body, priority=new.priority, labels=new.labels, after=after)
        if new.id is not None:
            check_id(str(new.id))
    except msgspec.ValidationError as error:
        raise Usage(f"{place}: {error}", hint="git coord help task add", at=place) from None
    except Usage as error:
        raise Usage(f"{place}: {error.message}", hint=error.hint, at=place) from None
    return new


def _with_ids(coord: Tasks, wanted: Sequence[NewTask], places: Sequence[str]) -> dict[str, NewTask]:
    """The tasks by their ids, in order; those without one get one."""
    given = {str(new.id): place for new, place in zip(wanted, places, strict=True) if new.id is not None}
    chosen: dict[str, NewTask] = {}
    for new, place in zip(wanted, places, strict=True):
        name = str(new.id) if new.id is not None else _fresh(coord, new.title, given)
        if name in chosen:
            first = places[list(chosen).index(name)]
            raise Exists(f"{place}: there is a task {name} on {first} already", task=name, at=place)
        chosen[name] = new
        given.setdefault(name, place)
    return chosen


def _fresh(coord: Tasks, title: str, taken: Mapping[str, str]) -> str:
    """An id made from the title, unlike all that are ``taken`` or there already."""
    there = coord.records.oids(names.TASKS)
    while (name := coord.new_id(title)) in taken or names.task_ref(name) in there:
        pass
    return name


def _decide(coord: Tasks, chosen: Mapping[str, NewTask], places: Sequence[str]) -> Plan[Batch]:
    there = coord.records.oids(names.TASKS)
    for name, place in zip(chosen, places, strict=True):
        if names.task_ref(name) in there:
            hint = f"git coord task show {name}"
            raise Exists(f"{place}: there is a task {name} already", hint=hint, task=name, at=place)
    if any(new.after for new in chosen.values()):
        _refuse_circles(coord, chosen, dict(zip(chosen, places, strict=True)))
    return Plan(_changes(coord, chosen), Batch(added=len(chosen), tasks=tuple(chosen)))


def _refuse_circles(coord: Tasks, chosen: Mapping[str, NewTask], places: Mapping[str, str]) -> None:
    after: dict[str, Sequence[str]] = {name: task.after for name, task in coord.board().plain_tasks().items()}
    after.update((name, [str(other) for other in new.after]) for name, new in chosen.items())
    chain = queue.circle(after, chosen)
    if chain is not None:
        place = places[chain[0]]
        raise Blocked(f"{place}: task {chain[0]} would wait for itself: {' → '.join(chain)}", cycle=chain, at=place)


def _changes(coord: Tasks, chosen: Mapping[str, NewTask]) -> list[Change]:
    """A millisecond apart, so that the queue keeps their order."""
    me = coord.find_me()
    begun = coord.clock.now()
    changes = []
    for number, (name, new) in enumerate(chosen.items()):
        event = events.Add(
            at=rfc3339(begun + number / 1000),
            session=me.record.id if me else None,
            id=name,
            title=new.title,
            body=new.body,
            priority=new.priority,
            after=tuple(map(str, new.after)),
            labels=new.labels,
        )
        try:
            record = rules.step(None, event, rules.Facts())
            changes.append(coord.write(names.task_ref(name), None, record, event, f"add {name}: {new.title}"))
        except CoordError as error:
            raise Usage(f"task {name}: {error.message}") from None
    return changes
