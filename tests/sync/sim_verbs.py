"""What the workers of the simulation do: one short function a verb, and what each was told goes to the witness."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from gitcoord.core.views import Grant
from gitcoord.errors import NotFound

if TYPE_CHECKING:
    from gitcoord.coordinator import Coordinator
    from tests.sync.simulation import Node

TASKS = ["a", "b", "c", "d"]
LOCKS = ["build", "src/*.py", "src/main.py", "docs/"]


def _me(node: Node, rng: Random) -> Coordinator:
    """One of this machine's workers; where all are gone, a new one, or one that goes on."""
    if not node.sids:
        (_resume if node.ended and rng.random() < 0.5 else _start)(node, rng)
    node.coord.wanted = rng.choice(node.sids)
    return node.coord


def _told(node: Node, grant: Grant) -> None:
    if grant.changed and grant.guarantee == "confirmed":
        assert grant.task.claim is not None
        node.world.truth.told_granted(f"task {grant.task.id}", grant.task.claim.token, grant.task.claim.session)


def _start(node: Node, rng: Random) -> None:
    if len(node.sids) >= 2:
        node.sids.pop(0)
    node.coord.wanted = None
    node.sids.append(node.coord.start("worker", bind=False).id)


def _resume(node: Node, rng: Random) -> None:
    old = rng.choice([*node.sids, *node.ended])
    node.coord.wanted = None
    new = node.coord.resume(old, bind=False).session.id
    node.sids = [*(sid for sid in node.sids if sid not in (old, new)), new]


def _end(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    coord.end(force=rng.random() < 0.5, handoff=None)
    node.sids.remove(coord.wanted or "")
    node.ended.append(coord.wanted or "")
    node.world.truth.over.add(coord.wanted or "")


def _claim(node: Node, rng: Random) -> None:
    _told(node, _me(node, rng).claim(rng.choice(TASKS), worktree=False))


def _claim_next(node: Node, rng: Random) -> None:
    _told(node, _me(node, rng).claim(next=True, worktree=False))


def _provisional(node: Node, rng: Random) -> None:
    _me(node, rng).claim(rng.choice(TASKS), worktree=False, provisional=True)


def _held(coord: Coordinator, rng: Random, *states: str) -> str:
    """A task in one of ``states``, preferably mine."""
    found = [task for task in coord.task_list(all=True) if task.state in states]
    if not found:
        raise NotFound("no such task")
    mine = [task for task in found if task.claim is not None and task.claim.session == coord.wanted]
    return rng.choice(mine if mine and rng.random() < 0.9 else found).id


def _release(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    coord.release(_held(coord, rng, "claimed"))


def _progress(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    coord.progress(_held(coord, rng, "claimed"), percent=rng.randrange(101))


def _done(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    coord.done(
        _held(coord, rng, "claimed", "review"), status=rng.choice(["passed", "failed"]), review=rng.random() < 0.2
    )


def _takeover(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    found = [task for task in coord.task_list() if task.state in ("claimed", "offered")]
    if not found:
        raise NotFound("no such task")
    task = rng.choice(found)
    force = rng.random() < 0.3
    grant = coord.takeover(task.id, reason="r", force=force, token=task.token if force else None, worktree=False)
    _told(node, grant)


def _handoff(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    others = [sid for other in node.world.nodes for sid in other.sids]
    coord.handoff(_held(coord, rng, "claimed"), note="n", to=rng.choice([None, None, *others]))


def _accept(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    _told(node, coord.accept(_held(coord, rng, "offered"), worktree=False).grant)


def _lock(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    wants = rng.sample(LOCKS, rng.randrange(1, 3))
    got = coord.lock(wants, shared=rng.random() < 0.2, ttl=rng.choice([None, None, 300.0]))
    if got.changed:
        for lock in got.locks:
            holder = f"{lock.session} on {lock.name or lock.path}"
            node.world.truth.told_granted("lock", lock.token, holder)


def _unlock(node: Node, rng: Random) -> None:
    _me(node, rng).unlock(all=True)


def _incr(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    coord.wanted = rng.choice([None, coord.wanted])
    node.world.truth.told_number("n", coord.incr("project:numbers", "n").value)


def _set(node: Node, rng: Random) -> None:
    _me(node, rng).set("project:notes", rng.choice("xyz"), rng.randrange(1000))


def _set_if(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    key = rng.choice("xyz")
    version = coord.get("project:once", key, None).version
    node.world.truth.told_number("once", coord.set("project:once", key, 1, if_version=version).version)


def _edit(node: Node, rng: Random) -> None:
    _me(node, rng).task_edit(rng.choice(TASKS), title=f"title {rng.randrange(9)}", add_labels=[rng.choice("pqr")])


def _reopen(node: Node, rng: Random) -> None:
    coord = _me(node, rng)
    coord.task_edit(_held(coord, rng, "done", "failed", "cancelled", "review"), reopen=True)


VERBS: dict[str, Callable[[Node, Random], object]] = {
    "start": _start,
    "resume": _resume,
    "end": _end,
    "claim": _claim,
    "claim next": _claim_next,
    "provisional": _provisional,
    "release": _release,
    "progress": _progress,
    "done": _done,
    "takeover": _takeover,
    "handoff": _handoff,
    "accept": _accept,
    "lock": _lock,
    "unlock": _unlock,
    "incr": _incr,
    "set": _set,
    "set if": _set_if,
    "edit": _edit,
    "reopen": _reopen,
    "cancel": lambda node, rng: _me(node, rng).task_cancel(rng.choice(TASKS), reason="r"),
    "heartbeat": lambda node, rng: _me(node, rng).heartbeat(),
    "cleanup": lambda node, rng: _me(node, rng).cleanup(),
    "event": lambda node, rng: _me(node, rng).event("note", "text"),
    "sync": lambda node, rng: node.coord.sync(),
}
