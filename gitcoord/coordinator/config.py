"""Settings: one ``git config`` call, checked. The only reader of ``coord.*`` keys; the README's table lists them all.

Only local configuration decides anything; settings never come out of synced state.
"""

from __future__ import annotations

import os

from gitcoord.core import names
from gitcoord.core.lease import Policy, checked
from gitcoord.core.times import duration
from gitcoord.errors import Usage
from gitcoord.git.repo import Repo
from gitcoord.lean import TYPE_CHECKING, Literal, cast, msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_DURATIONS = {
    "coord.heartbeat": "heartbeat",
    "coord.idle": "idle",
    "coord.ttl": "ttl",
    "coord.lockdelay": "lock_delay",
    "coord.cleanup": "cleanup",
}
_CHOICES = {
    "coord.guard": ("block", "warn", "off"),
    "coord.durability": ("fsync", "relaxed"),
    "coord.store": ("auto", "libgit", "plumbing"),
    "coord.sync": ("auto", "manual"),
}


_YES = ("true", "yes", "on", "1")

StoreChoice = Literal["auto", "libgit", "plumbing"]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that ``git config`` has to say to us."""

    policy: Policy = Policy()
    guard: str = "block"
    trailers: bool = False
    durability: str = "fsync"
    store: StoreChoice = "auto"
    worktree_dir: str | None = None
    branch: str | None = None
    identity: tuple[str, str] = ("", "")
    hub: str | None = None
    ref_prefix: str = names.ROOT
    sync: str = "auto"
    sync_interval: float = 300.0
    archive_after: float = 7 * 86400.0
    session_retention: float = 30 * 86400.0


def read(repo: Repo, environ: Mapping[str, str]) -> Config:
    """The settings in force in ``repo``. Raises Usage for a value that cannot be meant."""
    done = repo.settings()
    values: dict[str, str] = {}
    for item in done.out.split(b"\0"):
        name, _, value = os.fsdecode(item).partition("\n")
        values[name] = value
    lengths = {field: duration(values[name]) for name, field in _DURATIONS.items() if name in values}
    for name, choices in _CHOICES.items():
        if name in values and values[name] not in choices:
            raise Usage(
                f"{name} is '{values[name]}'; it must be {' or '.join(choices)}", hint=f"git config {name} {choices[0]}"
            )
    return Config(
        policy=checked(Policy(**lengths)),
        guard=values.get("coord.guard", "block"),
        trailers=values.get("coord.trailers", "").lower() in _YES,
        durability=values.get("coord.durability", "fsync"),
        store=cast(StoreChoice, values.get("coord.store", "auto")),
        worktree_dir=values.get("coord.worktreedir"),
        branch=values.get("coord.branch"),
        identity=_identity(values, environ),
        hub=values.get("coord.hub") or None,
        ref_prefix=values.get("coord.refprefix", names.ROOT),
        sync=values.get("coord.sync", "auto"),
        sync_interval=duration(values.get("coord.syncinterval", "5m")),
        archive_after=duration(values.get("coord.archiveafter", "7d")),
        session_retention=duration(values.get("coord.sessionretention", "30d")),
    )


def _identity(values: Mapping[str, str], environ: Mapping[str, str]) -> tuple[str, str]:
    """Author name and address, found as Git finds them; a machine without any still gets a record."""
    user = environ.get("USER") or environ.get("LOGNAME") or "unknown"
    name = environ.get("GIT_AUTHOR_NAME") or values.get("author.name") or values.get("user.name") or user
    email = environ.get("GIT_AUTHOR_EMAIL") or values.get("author.email") or values.get("user.email")
    return name, email or environ.get("EMAIL") or f"{user}@localhost"
