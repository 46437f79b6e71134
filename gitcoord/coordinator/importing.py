"""Importing from the tools that people come from: finds out what a path holds, reads it, and writes what it maps to.

Nothing of the originals is changed, moved or followed: paths and ids in them are only text. Everything is written in
one swap, or nothing; run again, an import finds what it made and makes nothing twice. What maps to what stands in the
page ``migration``. Loaded when first used.
"""

from __future__ import annotations

import os

from gitcoord.coordinator import importing_beads, importing_dw, importing_registry, importing_scopes
from gitcoord.coordinator.harvest import Harvest
from gitcoord.coordinator.sessions import Sessions
from gitcoord.coordinator.transfer_state import State
from gitcoord.core import codec, names, queue, scope, transfer
from gitcoord.core.model import Struct
from gitcoord.core.secrets import looks_secret
from gitcoord.core.transfer import Import, Imported, Row
from gitcoord.errors import CoordError, NewerFormat, NotFound, Usage
from gitcoord.git import localfile
from gitcoord.lean import TYPE_CHECKING, msgspec
from gitcoord.store.base import Change
from gitcoord.store.transact import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SOURCES = ("auto", "gitcoord", "beads", "dw", "registry", "session-state")
"""What an import can read; ``auto`` finds out which it is."""

_READERS: dict[str, Callable[[str, Harvest], None]] = {
    "beads": importing_beads.read,
    "dw": importing_dw.read,
    "registry": importing_registry.read,
    "session-state": importing_scopes.read,
}
_FINDERS: dict[str, Callable[[str], str | None]] = {
    "beads": importing_beads.find,
    "dw": importing_dw.find,
    "registry": importing_registry.find,
    "session-state": importing_scopes.find,
}
_CIRCLES = 1000


def read_export(path: str) -> bytes:
    """The bytes of a file that may be an export. Raises NotFound, Usage."""
    if not os.path.exists(path):
        raise NotFound(f"there is no {path}", hint="check the path")
    data = localfile.read_all(os.path.realpath(path), transfer.MAX_FILE)
    if data is None:
        raise Usage(f"{path} cannot be read, or is larger than {transfer.MAX_FILE >> 20} MiB", hint="check the path")
    return data


def detect(path: str, source: str) -> tuple[str, str]:
    """Which source ``path`` is, and where exactly that is. Raises NotFound, Usage."""
    if source not in SOURCES:
        raise Usage(f"'{source}' is nothing to import from", hint=f"choose one of {', '.join(SOURCES)}")
    if not os.path.exists(path):
        raise NotFound(f"there is no {path}", hint="check the path")
    place = os.path.realpath(path)
    if source == "gitcoord" or (source == "auto" and os.path.isfile(place) and _is_export(place)):
        return "gitcoord", place
    wanted = _FINDERS if source == "auto" else {source: _FINDERS[source]}
    found = {name: where for name, finder in wanted.items() if (where := finder(place)) is not None}
    if len(found) == 1:
        return next(iter(found.items()))
    if not found:
        what = "anything that can be imported" if source == "auto" else f"what {source} writes"
        raise Usage(f"{path} does not look like {what}", hint="git coord recipes migration")
    first = min(found)
    raise Usage(
        f"{path} holds {' and '.join(sorted(found))}", hint=f"say which: git coord import {path} --from {first}"
    )


def _is_export(place: str) -> bool:
    try:
        with open(place, "rb") as file:
            return transfer.is_export(file.read(200))
    except OSError:
        return False


class Importing:
    """Writing what was read elsewhere, over a Coordinator."""

    def __init__(self, coord: Sessions) -> None:
        self.coord = coord
        self._me: str | None = None

    def run(self, source: str, place: str, *, dry_run: bool) -> Imported:
        """Import what ``place`` holds. Raises Usage where it cannot be read."""
        harvest = Harvest(source, now=self.coord.now(), host=self.coord.host)
        _READERS[source](place, harvest)
        self._warn_of_secrets(harvest)
        if not dry_run:
            self.coord.share()  # what others have done since, before it is decided what is absent
        self.coord.begin(*self.coord.my_refs())
        if self.coord.newer:
            raise NewerFormat("this repository's coordination state was written by a newer gitcoord")

        def decide() -> Plan[Imported]:
            changes, rows = self._decide(harvest)
            unread = tuple(harvest.unread_notes())
            done = Imported(source=source, dry_run=dry_run, rows=(*rows, *harvest.rows), unread=unread)
            return Plan([] if dry_run else changes, done)

        done = self.coord.transact(decide, limit=30.0)
        if not dry_run:
            self.coord.share()
        return done

    def _warn_of_secrets(self, harvest: Harvest) -> None:
        for name, wanted in harvest.scopes.items():
            for key, value in wanted.entries.items():
                kind = looks_secret(key, value)
                if kind is not None and not names.is_private(name):
                    self.coord.notice(
                        "secret", f"{key} in scope {name} looks like {kind}: everybody who fetches sees it"
                    )

    def _decide(self, harvest: Harvest) -> tuple[list[Change], list[Row]]:
        self._me = self.coord.my_id()
        changes: list[Change] = []
        rows: list[Row] = []
        there = State(self.coord)
        known = {*there.live, *there.archived}
        new = {name: item for name, item in harvest.tasks.items() if names.task_ref(name) not in known}
        after, dropped = self._without_circles({name: item.record.after for name, item in new.items()})
        for name, item in harvest.tasks.items():
            if name not in new:
                rows.append(self._task_there(name, item.source, harvest.source))
                continue
            record = msgspec.structs.replace(item.record, after=after[name])
            changes.append(self._made(names.task_ref(name), record, harvest.source))
            rows.append(Row(kind="task", source=item.source, target=name, action="created", reason=item.reason))
        for sid, session in harvest.sessions.items():
            here = names.session_ref(sid) in known
            if not here:
                changes.append(self._made(names.session_ref(sid), session.record, harvest.source))
            action: transfer.Action = "exists" if here else "created"
            rows.append(Row(kind="session", source=session.source, target=sid, action=action, reason=session.reason))
        for name in harvest.scopes:
            changes += self._scope(name, harvest, rows)
        return changes, rows + dropped

    def _made(self, ref: str, record: Struct, source: str) -> Change:
        event = Import(at=self.coord.now(), session=self._me, source=source)
        what = ref.removeprefix("refs/coord/")
        return self.coord.commit(ref, None, codec.encode(record), event, f"import {what} from {source}")

    def _task_there(self, name: str, what: str, source: str) -> Row:
        known = self.coord.task(name)
        if known is not None and f"source:{source}" in known.record.labels:
            return Row(kind="task", source=what, target=name, action="exists")
        reason = f"there is another task {name} here, not from {source}"
        return Row(kind="task", source=what, target=name, action="skipped", reason=reason)

    def _without_circles(self, new: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, tuple[str, ...]], list[Row]]:
        """The dependencies of new tasks, less those that would close a circle."""
        after = {name: task.after for name, task in self.coord.board().plain_tasks().items()} | dict(new)
        rows: list[Row] = []
        while (chain := queue.circle(after, new)) is not None:
            place = next(at for at in range(len(chain) - 2, -1, -1) if chain[at] in new)
            waits, other = chain[place], chain[place + 1]
            after[waits] = tuple(name for name in after[waits] if name != other)
            reason = f"they would wait for each other: {' → '.join(chain[:8])}"
            rows.append(
                Row(kind="dependency", source=f"{waits} → {other}", target=None, action="skipped", reason=reason)
            )
            if len(rows) > _CIRCLES:
                raise Usage(f"more than {_CIRCLES} circles of dependencies", hint="mend them where they come from")
        return {name: after[name] for name in new}, rows

    def _scope(self, name: str, harvest: Harvest, rows: list[Row]) -> list[Change]:
        """Add the keys of a scope that are absent here; one that has another value here is told, and stays."""
        wanted = harvest.scopes[name]
        base = self.coord.records.get(names.data_ref(name), scope.Scope)
        record = before = base.record if base is not None else None
        for key, value in wanted.entries.items():
            known = before.entries.get(key) if before is not None else None
            if known is not None and known.value == value:
                continue
            try:
                event = scope.Set(at=wanted.at, session=self._me, scope=name, key=key, value=value, if_absent=True)
                record = scope.step(record, event)
            except CoordError as error:
                rows.append(_skipped_key(wanted.source, name, key, error.message))
        action: transfer.Action = "exists" if record is before else "created" if before is None else "changed"
        if record is None or record is before:
            if before is not None:
                rows.append(Row(kind="scope", source=wanted.source, target=name, action=action))
            return []
        added = len(record.entries) - (len(before.entries) if before is not None else 0)
        reason = f"{added} key{'s' if added != 1 else ''}"
        rows.append(Row(kind="scope", source=wanted.source, target=name, action=action, reason=reason))
        event_ = Import(at=self.coord.now(), session=self._me, source=harvest.source)
        return [self.coord.write(names.data_ref(name), base, record, event_, f"import scope {name}")]


def _skipped_key(source: str, name: str, key: str, why: str) -> Row:
    return Row(kind="key", source=f"{source}: {key[:100]}", target=name, action="skipped", reason=why)
