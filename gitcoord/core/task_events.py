"""What can happen to a task: one struct an event, carrying every parameter.

Events go into the trailer of the commit they cause, and are replayed through the same rules when clones merge; so they
hold no reference to anything outside and are decoded as strictly as records.
"""

from __future__ import annotations

from gitcoord.core.model import Hold, Struct
from gitcoord.lean import Literal


class TaskEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of task events. ``session`` is the author; ``token`` what it believes its fencing token to be."""

    at: str
    session: str | None = None
    token: int | None = None
    nonce: str = ""


class Add(TaskEvent, frozen=True, kw_only=True, tag="add"):
    id: str
    title: str
    body: str | None = None
    priority: int = 2
    after: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


class Edit(TaskEvent, frozen=True, kw_only=True, tag="edit"):
    """None leaves a field as it is."""

    title: str | None = None
    body: str | None = None
    priority: int | None = None
    after: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None


class Cancel(TaskEvent, frozen=True, kw_only=True, tag="cancel"):
    reason: str


class Reopen(TaskEvent, frozen=True, kw_only=True, tag="reopen"):
    reason: str | None = None


class ClaimTask(TaskEvent, frozen=True, kw_only=True, tag="claim"):
    id: str
    title: str | None = None
    branch: str | None = None
    base: str | None = None
    host: str | None = None
    path: str | None = None
    taken_from: str | None = None


class Place(TaskEvent, frozen=True, kw_only=True, tag="place"):
    """Where the holder works: its branch, and its worktree on one host (display text everywhere else)."""

    host: str
    path: str
    branch: str | None = None
    base: str | None = None


class Unplace(TaskEvent, frozen=True, kw_only=True, tag="unplace"):
    """The task's worktree on a host is gone."""

    host: str


class Release(TaskEvent, frozen=True, kw_only=True, tag="release"):
    reason: str | None = None


class Free(TaskEvent, frozen=True, kw_only=True, tag="free"):
    """A dead holder's claim is put back; ``hold`` carries on what is left of the lock delay."""

    reason: str
    hold: Hold | None = None


class Report(TaskEvent, frozen=True, kw_only=True, tag="progress"):
    """``exact``: exactly so far and no further, whatever was said before; nothing said at all is no progress."""

    percent: int | None = None
    phase: str | None = None
    message: str | None = None
    exact: bool = False


class TakeBack(TaskEvent, frozen=True, kw_only=True, tag="take-back"):
    """Whoever finished the task was too early, and goes on with it under a new token."""


class Renew(TaskEvent, frozen=True, kw_only=True, tag="renew"):
    """The holder shows that it still holds the task, by a change that a take-over in between makes impossible."""

    branch: str | None = None
    commit: str | None = None


class Finish(TaskEvent, frozen=True, kw_only=True, tag="done"):
    status: Literal["passed", "failed"] = "passed"
    review: bool = False
    pr: str | None = None
    commit: str | None = None
    summary: str | None = None


class Offer(TaskEvent, frozen=True, kw_only=True, tag="offer"):
    note: str
    to: str | None = None
    phase: str | None = None
    next: tuple[str, ...] = ()
    context: dict[str, str] = {}
    rescue: str | None = None
    commit: str | None = None


class Accept(TaskEvent, frozen=True, kw_only=True, tag="accept"):
    pass


class TakeOver(TaskEvent, frozen=True, kw_only=True, tag="take-over"):
    reason: str
    force: bool = False
    hold: Hold | None = None
    taken_from: str | None = None
