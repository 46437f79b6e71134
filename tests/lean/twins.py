"""The modules that declare records, twice in one process: upon msgspec, and upon its stand-ins."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

DECLARING = (
    "gitcoord.core.model",
    "gitcoord.core.views",
    "gitcoord.core.task_events",
    "gitcoord.core.lock_events",
    "gitcoord.core.locks",
    "gitcoord.core.session",
    "gitcoord.core.scope",
    "gitcoord.core.event",
    "gitcoord.core.codec",
    "gitcoord.coordinator.batch",
    "gitcoord.coordinator.sessions",
    "gitcoord.store.base",
)

NAMES = ("model", "session", "task_events", "lock_events", "locks", "scope", "event")
READ = tuple(f"gitcoord.core.{name}" for name in NAMES)


def load_lean() -> dict[str, ModuleType]:
    """The modules upon the stand-ins; what was imported before is back in its place afterwards."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "gitcoord"}
    for name in before:
        del sys.modules[name]
    try:
        importlib.import_module("gitcoord.startup").be_lean()
        modules = {name: importlib.import_module(name) for name in ("gitcoord.lean", *DECLARING)}
        for name, kind in structs(modules).items():
            if is_read(name):
                modules["gitcoord.lean"].msgspec.prepare(kind)  # looks up what annotations name, in sys.modules
        return modules
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "gitcoord"]:
            del sys.modules[name]
        sys.modules.update(before)


def structs(modules: dict[str, ModuleType]) -> dict[str, type]:
    """Every struct that is declared in one of the modules, by module and name."""
    base = modules["gitcoord.lean"].msgspec.Struct
    return {
        f"{name}.{found.__name__}": found
        for name, module in modules.items()
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, base) and found.__module__ == name
    }


def is_read(name: str) -> bool:
    """Whether a struct is ever made out of JSON: records and events are, views and the facts of rules are not."""
    module, _, kind = name.rpartition(".")
    return module in READ and (module, kind) != ("gitcoord.core.locks", "Facts")


REAL = {name: importlib.import_module(name) for name in ("gitcoord.lean", *DECLARING)}
LEAN = load_lean()
