"""What the verbs about a session's local files answer."""

from __future__ import annotations

from gitcoord.core.model import Struct
from gitcoord.core.views import SessionView


class Private(Struct, frozen=True, kw_only=True):
    """A session's private directory here: how much is in it, and whose state it is if it was isolated."""

    path: str
    files: int
    bytes: int
    agent: str | None
    touched: float
    """When anything in it was last written, by this machine's clock."""


class Shown(Struct, frozen=True, kw_only=True):
    """One session in full: ``private`` is what is here of it, ``archives`` where it was packed away to."""

    session: SessionView
    private: Private | None
    archives: tuple[str, ...]
    tmux: str | None
    """The tmux pane it was started in on this machine."""


class Removed(Struct, frozen=True, kw_only=True):
    """A private directory that is gone; ``shredded``: how many of its files were overwritten first."""

    session: str
    session_name: str
    path: str
    files: int
    bytes: int
    shredded: int


class Exported(Struct, frozen=True, kw_only=True):
    """A session packed into ``path``; ``left_out`` are names that are not in it, each with the reason."""

    session: str
    session_name: str
    path: str
    events: int
    files: int
    masked: int
    left_out: dict[str, str]


class Archived(Struct, frozen=True, kw_only=True):
    """A session whose private directory goes, or went, into ``path``."""

    session: str
    session_name: str
    ended_at: str | None
    path: str
    files: int
    bytes: int


class Archive(Struct, frozen=True, kw_only=True):
    """What was archived, or with ``dry_run`` would be; ``older_than`` in seconds.

    ``bare``: sessions whose directory goes without an archive, because only notes of gitcoord's own are in it.
    """

    sessions: tuple[Archived, ...]
    bare: tuple[str, ...]
    older_than: float
    dry_run: bool


class Whereabouts(Struct, frozen=True, kw_only=True):
    """Where a session is at work, as far as can be told from here.

    ``in_front``: its tmux pane was brought to the front. ``inside``: in the very tmux that the asker sits in.
    """

    session: SessionView
    here: bool
    in_front: bool
    inside: bool
    tmux: str | None
    socket: str | None
