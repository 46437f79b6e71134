"""Reading a ``dw`` workspace (dev-workspace): ``state/`` with active.json, locks.json, queue.json, sessions.json, and a
project's ``tasks.json``.

Sessions become sessions that have ended, queued tasks become tasks. A lock there is a claim of a session that is none
here, so it is only told about: whoever goes on claims the task. Priorities turn around: there 5 comes first, here 0.
"""

from __future__ import annotations

import os

from gitcoord.coordinator.harvest import Fields, Harvest, read_object
from gitcoord.core.model import Result
from gitcoord.lean import Any

_FILES = ("active.json", "locks.json", "queue.json", "sessions.json")
_HIGHEST = 5
_DONE = ("completed", "passed", "done")


def find(place: str) -> str | None:
    """The state directory at ``place``: itself, ``state`` in it, or around one of its files."""
    if os.path.isfile(place):
        known = os.path.basename(place) in _FILES and _is_ours(place)
        return os.path.dirname(place) if known else None
    for folder in (place, os.path.join(place, "state")):
        if any(os.path.isfile(os.path.join(folder, name)) for name in _FILES[:2]):
            return folder
    return None


def _is_ours(path: str) -> bool:
    plain = read_object(path) or {}
    return any(name in plain for name in ("sessionId", "locks", "queue", "sessions"))


def read(place: str, harvest: Harvest) -> None:
    """Everything in the state directory. Raises Usage for a file that is no JSON object."""
    _sessions(place, harvest)
    _queue(place, harvest)
    for folder in dict.fromkeys((os.path.dirname(place), place)):
        _tasks(os.path.join(folder, "tasks.json"), harvest)
    _locks(place, harvest)


def _object(place: str, name: str) -> Fields:
    return Fields(read_object(os.path.join(place, name)) or {})


def _sessions(place: str, harvest: Harvest) -> None:
    several = _object(place, "sessions.json")
    for item in several.objects("sessions"):
        _session(item, "sessions.json", harvest)
    several.get("version", "lastUpdated")
    harvest.unread("dw sessions.json", several)
    active = _object(place, "active.json")
    if active.word("sessionId") is not None:
        _session(active, "active.json", harvest)


def _session(item: Fields, where: str, harvest: Harvest) -> None:
    name = item.word("id", "sessionId")
    if name is None:
        harvest.skip("session", where, "it has no id")
        return
    started = item.time("createdAt", "startTime") or harvest.now
    project = item.word("projectName", "activeProject", "projectId")
    item.get("status", "projectId", "taskId")
    harvest.add_session(
        name,
        f"{where}: {name}",
        name=f"{project} {name}" if project else name,
        worktree=item.text("worktreePath"),
        started_at=started,
        ended_at=item.time("lastActivity") or started,
    )
    harvest.unread(f"dw {where}", item)


def _queue(place: str, harvest: Harvest) -> None:
    queue = _object(place, "queue.json")
    for item in queue.objects("queue", "tasks"):
        _task(item, "queue.json", harvest)
    queue.get("version", "lastUpdated")
    harvest.unread("dw queue.json", queue)


def _tasks(path: str, harvest: Harvest) -> None:
    plain = read_object(path) or {}
    tasks = Fields(plain)
    for item in tasks.objects("tasks"):
        _task(item, "tasks.json", harvest)
    tasks.get("version", "updatedAt", "lastUpdated")
    harvest.unread("dw tasks.json", tasks)


def _task(item: Fields, where: str, harvest: Harvest) -> None:
    name = item.word("taskId", "id")
    if name is None:
        harvest.skip("task", where, "it has no id")
        return
    if name in harvest.tasks:
        return  # the queue said it already
    status = item.word("status") or "pending"
    created = item.time("addedAt", "createdAt") or harvest.now
    changed = item.time("updatedAt", "completedAt") or created
    state = "done" if status in _DONE else "failed" if status == "failed" else "pending"
    labels = [f"project:{project}"] if (project := item.word("projectId")) else []
    labels += [f"phase:{phase}"] if (phase := item.word("phase")) else []
    labels += [f"was:{status}"] if state == "pending" and status != "pending" else []
    finished = item.time("completedAt") or changed
    item.get("blocks", "passes")  # the other side of blockedBy, and what the status says already
    harvest.add_task(
        f"{where}: {name}",
        f"it was {status[:40]} there; claim it to go on" if state == "pending" and status != "pending" else None,
        id=name,
        title=item.text("title"),
        body=item.text("description"),
        state=state,
        priority=_priority(item.number("priority")),
        labels=labels,
        after=[other for other in _words(item.get("dependsOn", "blockedBy")) if other != name],
        result=Result(status="failed" if state == "failed" else "passed", at=finished, by="")
        if state != "pending"
        else None,
        created_at=created,
        updated_at=changed,
    )
    harvest.unread(f"dw {where}", item)


def _words(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str) and item.strip()] if isinstance(value, list) else []


def _priority(number: int | None) -> int:
    return 2 if number is None else _HIGHEST - number


def _locks(place: str, harvest: Harvest) -> None:
    """A lock is worth something only while its holder lives, and that is no session here."""
    locks = _object(place, "locks.json")
    for item in locks.objects("locks"):
        name = item.word("lockId") or "a lock"
        task, project = item.word("taskId"), item.word("projectId")
        status, owner = item.word("status") or "active", item.word("ownerId") or "somebody"
        item.get("acquiredAt", "expiresAt")
        what = f"on task {task}" if task else f"on project {project}" if project else "on nothing"
        go_on = "claim the task to go on" if task else "see 'git coord help lock'"
        why = f"held by {owner} until {item.word('expiresAt') or 'some time'}; {go_on}"
        harvest.skip("lock", f"locks.json: {name} {what}", why if status == "active" else f"it was {status[:40]}")
        harvest.unread("dw locks.json", item)
    locks.get("version", "lastUpdated")
    harvest.unread("dw locks.json", locks)
