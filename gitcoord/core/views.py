"""What callers see: the JSON shapes of CONTRACT, joined from records. Every field is always there, null if unknown.

Owns the stable shapes: a field is added here, never renamed or dropped. Joining is pure and lives beside the shapes'
owners (``queue`` for tasks, ``lease`` for sessions).
"""

from __future__ import annotations

from gitcoord.core.model import Progress, Result, Struct
from gitcoord.lean import Any, Literal

Shown = Literal["active", "idle", "stale", "ended", "expired"]
Guarantee = Literal["local", "confirmed", "provisional"]


class Notice(Struct, frozen=True, kw_only=True):
    """Something the caller should know besides the answer; ``code`` is stable, ``message`` is for people."""

    code: str
    message: str


class SessionView(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    agent: str | None
    model: str | None
    external_id: str | None
    user: str | None
    host: str | None
    pid: int | None
    worktree: str | None
    started_at: str
    ended_at: str | None
    state: str
    shown: Shown
    heartbeat_age: float | None
    resumed_from: str | None
    exit_code: int | None
    tasks: tuple[str, ...]
    locks: tuple[str, ...]
    labels: dict[str, str]
    mine: bool
    why: str
    """Why it is shown so, in words: the evidence behind ``shown``."""
    activity: str | None
    """Its last heartbeat by its own machine's wall clock; None where there is none that can be read."""
    messages: int
    tool_calls: int
    mcp_servers: tuple[str, ...]
    ssh_client: str | None


class ClaimView(Struct, frozen=True, kw_only=True):
    session: str
    session_name: str | None
    token: int
    since: str


class HandoffView(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    from_: str
    to: str | None
    phase: str | None
    next: tuple[str, ...]
    context: dict[str, str]
    note: str
    at: str
    from_name: str | None
    to_name: str | None
    rescue: str | None


class TaskView(Struct, frozen=True):
    """A task as callers see it. Made by position, in this order: by name it takes six times as long, 1.1 µs each."""

    id: str
    title: str
    body: str | None
    state: str
    priority: int
    labels: tuple[str, ...]
    after: tuple[str, ...]
    blocked_by: tuple[str, ...]
    claim: ClaimView | None
    token: int
    attempts: int
    branch: str | None
    base: str | None
    worktree: str | None
    progress: Progress | None
    handoff: HandoffView | None
    result: Result | None
    created_at: str
    updated_at: str
    in_force: bool
    """Whether the claim's holder is live; a claim that is not in force is free to take."""


class LockView(Struct, frozen=True, kw_only=True):
    """A lock; ``name`` or ``path`` is null. ``waiting``: the sessions that queue for it, by name, first come first."""

    name: str | None
    path: str | None
    mode: Literal["exclusive", "shared"]
    session: str
    session_name: str | None
    token: int
    reason: str | None
    since: str
    expires_at: str | None
    in_force: bool
    """Whether its session is live and its ttl has not passed; a lock that is not in force is free to take."""
    waiting: tuple[str, ...]


class EventView(Struct, frozen=True, kw_only=True):
    at: str
    type: str
    session: str | None
    session_name: str | None
    task: str | None
    message: str
    meta: dict[str, Any]
    author: str
    source: str
    """What it is about: task, session, lock, data, repository; or event, for what a session wrote down itself."""


class Grant(Struct, frozen=True, kw_only=True):
    """A granted claim: the task as it is now, how strong the grant is, and what else the claimer should know."""

    task: TaskView
    guarantee: Guarantee
    changed: bool
    """False when the caller held it already and nothing was written."""
    created: bool
    """True when the task was unknown and became one by this claim."""
    taken_from: str | None
    """Session id of the dead or stale holder it was taken from."""
    taken_from_name: str | None
    locks: tuple[LockView, ...] = ()
    """What was locked together with the claim, or was held already."""
    notices: tuple[Notice, ...] = ()


class WorktreeView(Struct, frozen=True, kw_only=True):
    path: str
    branch: str | None
    head: str | None
    task: str | None
    session: str | None
    session_name: str | None
    dirty: bool | None
    """Uncommitted changes; None where the directory is missing."""
    unpushed: int | None
    """Commits on no remote-tracking branch and not in the base branch; None where unknown."""
    missing: bool
    main: bool


class Attention(Struct, frozen=True, kw_only=True):
    """Something that needs a person: ``code`` is stable, ``hint`` a command."""

    code: str
    message: str
    hint: str
    task: str | None = None
    session: str | None = None


class Status(Struct, frozen=True, kw_only=True):
    """The whole picture, what needs a person first. ``counts``: tasks by state; ``ready``: how many can be claimed.

    ``archived``: finished tasks that were folded into the archive and are not in ``counts`` any more.
    """

    attention: tuple[Attention, ...]
    me: SessionView | None
    claims: tuple[TaskView, ...]
    locks: tuple[LockView, ...]
    sessions: tuple[SessionView, ...]
    offered: tuple[TaskView, ...]
    counts: dict[str, int]
    ready: int
    archived: int = 0


class Wrote(Struct, frozen=True, kw_only=True):
    """One thing that was written or taken back: what it is, and where."""

    what: str
    path: str


class Check(Struct, frozen=True, kw_only=True):
    """One finding of the doctor."""

    name: str
    status: Literal["ok", "warning", "problem", "fixed"]
    message: str
    hint: str = ""
