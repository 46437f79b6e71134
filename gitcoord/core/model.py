"""The records: what is stored, field by field. Frozen; changed only through ``msgspec.structs.replace`` in the rules.

Owns the shape of ``record.json``. Fields are added, never renamed: old clients keep what they do not know (see
``codec``). Times are RFC 3339 UTC text as written by the author's clock, for people: no rule compares them
with a clock.
"""

from __future__ import annotations

from gitcoord.lean import Literal, msgspec

FORMAT = 1
"""The record format this gitcoord writes. A record with a larger ``v`` is shown but never written."""

SessionState = Literal["live", "ended", "expired"]
TaskState = Literal["pending", "claimed", "offered", "review", "done", "failed", "cancelled"]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every record part."""


class Meta(Struct, frozen=True, kw_only=True):
    """``meta/repo``: says that this is a coordinated repository, and which one."""

    v: int = FORMAT
    id: str
    epoch: int = 1
    created_at: str


class Boot(Struct, frozen=True, kw_only=True):
    """A moment on one machine's running clock: comparable only with the same boot id."""

    id: str
    at: float


class Ending(Struct, frozen=True, kw_only=True):
    """How a session came to its end."""

    how: Literal["ended", "dead", "observed", "forced"]
    by: str | None = None
    silent: float | None = None
    boot: Boot | None = None
    host: str | None = None
    reason: str | None = None


class Counters(Struct, frozen=True, kw_only=True):
    messages: int = 0
    tool_calls: int = 0


class Process(Struct, frozen=True, kw_only=True):
    """A pid that proves death: only with the same boot, pid namespace and start time."""

    pid: int
    start: str | None = None
    ns: str | None = None


class Session(Struct, frozen=True, kw_only=True):
    """One worker's sign-on. Activity is its heartbeat ref, not a field."""

    v: int = FORMAT
    id: str
    name: str
    agent: str | None = None
    model: str | None = None
    external_id: str | None = None
    user: str | None = None
    host: str
    host_name: str | None = None
    boot_id: str | None = None
    process: Process | None = None
    worktree: str | None = None
    ssh_client: str | None = None
    started_at: str
    ended_at: str | None = None
    state: SessionState = "live"
    ending: Ending | None = None
    resumed_from: str | None = None
    exit_code: int | None = None
    counters: Counters = Counters()
    mcp_servers: tuple[str, ...] = ()
    labels: dict[str, str] = {}


class Claim(Struct, frozen=True, kw_only=True):
    session: str
    token: int
    since: str


class Progress(Struct, frozen=True, kw_only=True):
    phase: str | None = None
    percent: int | None = None
    message: str | None = None
    at: str
    by: str


class Handoff(Struct, frozen=True, kw_only=True):
    """An open offer; ``from_`` is the giver's session id, ``to`` the receiver's or None for anyone."""

    from_: str = msgspec.field(name="from")
    to: str | None = None
    phase: str | None = None
    next: tuple[str, ...] = ()
    context: dict[str, str] = {}
    note: str
    rescue: str | None = None
    commit: str | None = None
    at: str


class Result(Struct, frozen=True, kw_only=True):
    status: Literal["passed", "failed"]
    pr: str | None = None
    commit: str | None = None
    summary: str | None = None
    at: str
    by: str


class Hold(Struct, frozen=True, kw_only=True):
    """After a forced take-over: the next grant waits ``seconds`` from here (the lock delay)."""

    seconds: float
    boot: Boot | None = None
    host: str | None = None


class Task(Struct, frozen=True, kw_only=True):
    """One unit of work, with its claim.

    ``token`` is the high-water mark of its fencing tokens and never falls. ``former`` is the claim that somebody lost
    without giving it back (expired, or taken over by force), so that its owner can be told.
    """

    v: int = FORMAT
    id: str
    title: str
    body: str | None = None
    state: TaskState = "pending"
    priority: int = 2
    labels: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    claim: Claim | None = None
    former: Claim | None = None
    token: int = 0
    attempts: int = 0
    branch: str | None = None
    base: str | None = None
    worktrees: dict[str, str] = {}
    progress: Progress | None = None
    handoff: Handoff | None = None
    hold: Hold | None = None
    result: Result | None = None
    reason: str | None = None
    created_at: str
    created_by: str | None = None
    updated_at: str


class Beat(Struct, frozen=True, kw_only=True):
    """The heartbeat blob: coarse buckets, so that all sessions of a host share one object per bucket."""

    v: int = FORMAT
    utc: int
    boot: str | None = None
    up: int | None = None


class LastBeat(Beat, frozen=True, kw_only=True):
    """What an expiry that a hub decides leaves as the heartbeat: it moves the ref, for a push compares nothing else."""

    nonce: str
