"""Where this clone stands with its hub, as far as somebody should know: what is provisional, unconfirmed, undone, lost.

Reads local notes and refs alone. Loaded only where there is a hub.
"""

from __future__ import annotations

from gitcoord.coordinator.hub import Hubs
from gitcoord.coordinator.liveness import age_of
from gitcoord.core import codec, lease, names
from gitcoord.core.locks import LockTable
from gitcoord.core.model import Beat, Boot, Task
from gitcoord.core.views import Attention
from gitcoord.errors import CoordError, HubRefused
from gitcoord.git.claimfile import ClaimFile
from gitcoord.git.hubnote import fence
from gitcoord.lean import TYPE_CHECKING, cast
from gitcoord.sync.hub import Link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitcoord.coordinator.base import Base
    from gitcoord.coordinator.joins import Joins


def attention(coord: Base, tasks: Mapping[str, Task], sid: str | None) -> list[Attention]:
    """What of this needs somebody; ``sid``: my session."""
    hubs = Hubs(cast("Joins", coord))
    link = hubs.link()
    found = _hub(link)
    if sid is not None and is_unconfirmed(coord, link, sid):
        message = "the hub has not heard of you for long: others may soon take you for gone"
        found.append(Attention(code="unconfirmed", message=message, hint="git coord sync", session=sid))
    for task in provisional(coord, link, tasks):
        message = f"{task.id} is claimed only provisionally: the hub has not agreed yet"
        found.append(Attention(code="provisional", message=message, hint="git coord sync", task=task.id))
    undone = hubs.conflicts()
    if undone:
        message = f"{undone[-1].subject!r} was undone at the hub: {undone[-1].why}"
        if len(undone) > 1:
            message += f" (and {len(undone) - 1} more in 30 days)"
        found.append(Attention(code="conflict", message=message, hint="git coord hub show"))
    return found


def _hub(link: Link) -> list[Attention]:
    found = []
    try:
        link.canary.refuse_loss()
    except HubRefused as error:
        found.append(Attention(code="hub-lost", message=error.message, hint="git coord hub show"))
    for ref in sorted(link.doubted()):
        message = f"whether the hub took the change of {ref} is not known"
        found.append(Attention(code="unknown", message=message, hint="git coord sync"))
    return found


def is_unconfirmed(coord: Base, link: Link, sid: str) -> bool:
    """Whether the last heartbeat of mine that the hub is known to have is older than two thirds of the TTL.

    Then I must not rely on my claims: for others, whose clocks may be faster, I may be gone.
    """
    now = coord.boot()
    if now is None:
        return False  # no clock here could tell
    until = confirmed_until(coord, link, sid, now)
    return until is None or until < now.at


def confirmed_until(coord: Base, link: Link, sid: str, now: Boot) -> float | None:
    """The moment on our running clock until which the heartbeat of mine that the hub has counts; None: it has none."""
    ref = link.remote.tracked(names.heartbeat_ref(sid))
    try:
        found = coord.store.read([ref])[ref]
        beat = None if found is None else codec.convert(codec.decode_raw(found.payload), Beat)
    except CoordError:
        beat = None
    age = None if beat is None else age_of(beat, now)
    return None if age is None else now.at - age + lease.FENCE * coord.policy.ttl


def provisional(coord: Base, link: Link, tasks: Mapping[str, Task]) -> list[Task]:
    """The tasks whose claim was granted here and is not known to the hub."""
    _ours, theirs = link.both()
    held = {names.task_ref(task.id): task for task in tasks.values() if task.claim is not None}
    oids = {ref: theirs[ref] for ref in held if ref in theirs}
    payloads = coord.store.load(oids.values())
    found = []
    for ref, task in held.items():
        payload = payloads.get(oids.get(ref, ""))
        known = codec.convert(codec.decode_raw(payload), Task) if payload is not None else None
        if known is None or known.claim != task.claim:
            found.append(task)
    return found


class Fence:
    """Whether what is held here may still be relied on: asked by the guards before each commit and push."""

    def __init__(self, coord: Base) -> None:
        self._coord = coord
        self._link = Hubs(cast("Joins", coord)).link()

    def unconfirmed(self, claim: ClaimFile | None) -> list[str]:
        """What is held here by sessions that are unconfirmed, in words. ``claim``: what this worktree was made for.

        Leaves a note until when the hooks need not ask again.
        """
        coord, now = self._coord, self._coord.boot()
        if now is None:
            return []  # no clock here could tell
        held = self._held(claim)
        until = {sid: confirmed_until(coord, self._link, sid, now) for sid in held}
        found = [what for sid, what in held.items() if (moment := until[sid]) is None or moment < now.at]
        if not found:
            # What is granted later brings a heartbeat along, at most one interval old, and counts from there.
            later = now.at + lease.FENCE * coord.policy.ttl - coord.policy.interval
            fence(coord.repo.git_dir, Boot(id=now.id, at=min([later, *filter(None, until.values())])))
        return found

    def _held(self, claim: ClaimFile | None) -> dict[str, str]:
        """What is held here by the hub's word: the claim that this worktree was made for, and my locks."""
        records = self._coord.records
        table = records.get(names.LOCKS, LockTable)
        me = cast("Joins", self._coord).find_me()
        held = {}
        if me is not None and table is not None and any(lock.session == me.record.id for lock in table.record.locks):
            held[me.record.id] = "what you have locked"
        task = records.get(names.task_ref(claim.task), Task) if claim is not None else None
        if claim is None or task is None or task.record.claim is None or task.record.token != claim.token:
            return held
        if not provisional(self._coord, self._link, {claim.task: task.record}):
            held[claim.session] = f"the claim of {claim.task}"
        return held
