"""Which module declares which verb, so that one command imports one module; and the order in which help lists them.

A new command is a function in its noun's module and a row here.
"""

from __future__ import annotations

TABLE: dict[str, str] = {
    "init": "setup",
    "uninstall": "setup",
    "doctor": "setup",
    "hook guard": "guards",
    "hooks install": "setup",
    "hooks uninstall": "setup",
    "hooks status": "setup",
    "demo": "demo",
    "help": "about",
    "recipes": "recipes",
    "version": "about",
    "start": "sessions",
    "resume": "sessions",
    "sessions": "sessions",
    "status": "status",
    "whoami": "sessions",
    "heartbeat": "sessions",
    "end": "endings",
    "cleanup": "endings",
    "task add": "tasks",
    "task show": "tasks",
    "task list": "tasks",
    "task edit": "tasks",
    "task cancel": "tasks",
    "ready": "tasks",
    "claim": "claims",
    "progress": "claims",
    "release": "claims",
    "done": "claims",
    "takeover": "claims",
    "handoff": "handoffs",
    "handoffs": "handoffs",
    "accept": "handoffs",
    "withdraw": "handoffs",
    "lock": "locks",
    "unlock": "locks",
    "locks": "locks",
    "check": "locks",
    "set": "data",
    "get": "data",
    "unset": "data",
    "scopes": "data",
    "incr": "data",
    "worktree list": "worktrees",
    "worktree create": "worktrees",
    "worktree remove": "worktrees",
    "worktree adopt": "worktrees",
    "log": "history",
    "event": "history",
    "wait task": "waiting",
    "wait lock": "waiting",
    "wait ready": "waiting",
    "wait change": "waiting",
    "hub show": "hub",
    "watch": "watch",
    "hub set": "hub",
    "hub probe": "hub",
    "hub unset": "hub",
    "sync": "hub",
    "push": "hub",
}
"""Verb (one word, or noun and verb) to the module below ``gitcoord.cli`` that declares it."""

NOUNS = {
    "task": "Add, list and edit tasks.",
    "worktree": "List, make, remove and adopt worktrees.",
    "wait": "Wait until something holds.",
    "hook": "What the Git hooks call.",
    "hooks": "Install, remove and prove the Git hooks.",
    "hub": "Choose and examine the remote through which clones coordinate.",
}
"""First words of two-word verbs, and what they are about."""

GROUPS = (
    "Set-up",
    "Sessions",
    "Tasks",
    "Working",
    "Handing over",
    "Locks and data",
    "History",
    "Worktrees",
    "Across machines",
    "Launch and integrate",
)
"""Headings of the help, in order."""
